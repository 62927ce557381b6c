"""How processes that were started together find each other, as torchrun tells it in the environment.

RANK and WORLD_SIZE say which of how many this one is, MASTER_ADDR and MASTER_PORT where the first of them is
met. Where these are not set, or there is one, nothing is joined. PyTorch is loaded only to join.
"""

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from wavetrain.errors import BadInput

if TYPE_CHECKING:
    from wavetrain.train.ranks import Ranks

TIMEOUT = timedelta(hours=2)  # that the first may work by itself, as on baselines, while others wait for it


def started() -> tuple[int, int]:
    """Which process this is, of how many that were started together: (0, 1) for one by itself."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
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


def joined() -> "Ranks":
    """Meet the others, where there are any; later calls return the same."""
    global _joined
    from wavetrain.train.ranks import ALONE, Ranks

    if _joined is None:
        rank, world = started()
        _joined = ALONE if world == 1 else Ranks(rank, world)
        if world > 1:
            _meet()
    return _joined


def _meet() -> None:
    """On a GPU each takes its own; a group that a script has made by itself is taken as it is."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    if not torch.distributed.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        torch.distributed.init_process_group(backend, timeout=TIMEOUT)
