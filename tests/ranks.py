"""The same work in several processes that talk to each other: a gloo group on this machine.

Starting a process takes seconds, so many cases share one start: `work` is done once by each rank, and returns
all that is to be looked at.
"""

import datetime
import importlib
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from tests.fresh import warm

SECONDS = 240.0  # for all of them: kernels may have to be compiled first


def together(work: str, many: int) -> list[Any]:
    """What module:function returns in each of the ranks, by rank; tensors, and containers of them."""
    with tempfile.TemporaryDirectory() as folder:
        done = warm("-m", "tests.ranks", work, str(many), folder, OMP_NUM_THREADS="1")
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return [torch.load(Path(folder) / f"{rank}.pt", weights_only=False) for rank in range(many)]


def _rank(work: str, rank: int, many: int, folder: Path) -> None:
    torch.set_num_threads(1)
    module, _, name = work.partition(":")
    wait = datetime.timedelta(seconds=SECONDS / 2)
    store = distributed.FileStore(str(folder / "store"), many)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=many, timeout=wait)
    torch.save(getattr(importlib.import_module(module), name)(), folder / f"{rank}.pt")
    distributed.destroy_process_group()


def main(work: str, many: str, folder: str) -> None:
    """Fork a process for each rank; all must end well, and in time."""
    context = multiprocessing.get_context("fork")
    places = range(int(many))
    ranks = [context.Process(target=_rank, args=(work, rank, int(many), Path(folder))) for rank in places]
    for one in ranks:
        one.start()
    end = time.monotonic() + SECONDS
    for one in ranks:
        one.join(max(0.0, end - time.monotonic()))
    codes = [one.exitcode for one in ranks]
    for one in ranks:
        if one.exitcode is None:
            one.kill()
    sys.exit(f"ranks ended with {codes}" if any(codes) or None in codes else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
