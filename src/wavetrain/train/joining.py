"""How processes that were started together find each other, as torchrun tells it in the environment.

RANK and WORLD_SIZE say which of how many this one is, MASTER_ADDR and MASTER_PORT where the first of them is
met. Where these are not set, or there is one, nothing is joined; nor in what a joined process starts itself,
such as workers, which inherit its environment. PyTorch is loaded only to join.
"""

import atexit
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from wavetrain.errors import BadInput

if TYPE_CHECKING:
    from wavetrain.train.ranks import Ranks

TIMEOUT = timedelta(hours=2)  # that the first may work by itself, as on baselines, while others wait for it
JOINED = "WAVETRAIN_JOINED"  # by the process of this number
SAID = "said"  # why they end, by whom


def started() -> tuple[int, int]:
    """Which process this is, of how many that were started together: (0, 1) for one by itself."""
    lone = "RANK" not in os.environ or "WORLD_SIZE" not in os.environ
    if lone or os.environ.get(JOINED, str(os.getpid())) != str(os.getpid()):
        return 0, 1
    told = os.environ["RANK"], os.environ["WORLD_SIZE"]
    try:
        rank, world = map(int, told)
    except ValueError:
        rank, world = 0, 0
    if not 0 <= rank < world:
        raise BadInput(f"expected RANK from 0 to below WORLD_SIZE, as torchrun sets them, got {told}")
    lacking = [name for name in ("MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if world > 1 and lacking:
        raise BadInput(
            f"WORLD_SIZE is {world}: expected {' and '.join(lacking)} beside it, as torchrun sets them"
        )
    return rank, world


_joined: "Ranks | None" = None
_acting: "Ranks | None" = None  # in place of these
_store: Any = None  # what all of them can read and write


def joined() -> "Ranks":
    """Meet the others, where there are any; later calls return the same."""
    global _joined
    from wavetrain.train.ranks import ALONE, Ranks

    if _joined is None:
        rank, world = started()
        _joined = ALONE if world == 1 else Ranks(rank, world)
        if world > 1:
            _meet(rank, world)
            os.environ[JOINED] = str(os.getpid())
    return _joined


def current() -> "Ranks":
    """Those that trainings are shared with at present."""
    return joined() if _acting is None else _acting


@contextmanager
def acting(ranks: "Ranks") -> Iterator[None]:
    """Inside, trainings are shared with these: with nobody, as `ALONE`, where a process works by itself."""
    global _acting
    before, _acting = _acting, ranks
    try:
        yield
    finally:
        _acting = before


def _meet(rank: int, world: int) -> None:
    """On a GPU each takes its own; a group that a script has made by itself is taken as it is."""
    import torch

    global _store
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    if torch.distributed.is_initialized():
        return
    host, port = os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"]
    try:
        whole = torch.distributed.TCPStore(host, int(port), world, rank == 0 and not _watched())
        tries = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        _store = torch.distributed.PrefixStore(f"wavetrain-{tries}", whole)
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        torch.distributed.init_process_group(
            backend, store=_store, rank=rank, world_size=world, timeout=TIMEOUT
        )
        atexit.register(_leave)  # else threads of the group may still be at work when PyTorch is taken apart
    except (RuntimeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise BadInput(f"{world} processes could not meet at {host}, port {port}: {first}") from error


def _watched() -> bool:
    """Whether torchrun keeps what all can read, and not the first process."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def part() -> None:
    """The end of what was done together."""
    import torch

    if _store is not None and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _leave() -> None:
    with suppress(RuntimeError):  # of others that are gone already
        part()


def speaks(rank: int, lost: bool) -> bool:
    """Whether it is for this process to say why all end: one of them does.

    Who has only `lost` another leaves it to whoever failed. Where all fail alike, the first says it.
    """
    if _store is None:
        return rank == 0
    try:
        for _ in range(20 if lost or rank else 0):
            if _store.check([SAID]):
                return False
            time.sleep(0.1)
        if lost and rank:
            return False
        mine = str(rank)
        speaking = bool(_store.compare_set(SAID, "", mine).decode() == mine)
    except RuntimeError:  # the first has kept it, and is gone
        return True
    if rank == 0 and not _watched():
        _leave()  # so the others end too, while what is kept here can still be read
        time.sleep(1.0)
    return speaking
