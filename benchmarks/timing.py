"""Timing in turn: what the scripts of this folder share."""

import platform
import statistics
import time
from collections.abc import Callable

import numba
import torch
from llvmlite.binding import get_host_cpu_name
from torch import Tensor

Rows = dict[str, list[float]]  # seconds of each round


def measure(calls: dict[str, Callable[[], object]], repeats: int) -> Rows:
    """Each in turn, round after round, twice in a row: the second is timed.

    What a call finds in caches and threads is left by the one before; the threads of a PyTorch loop, for
    example, go on waiting for work for some milliseconds and take a core from whoever comes next.
    """
    rows: Rows = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            call()
            start = time.perf_counter()
            result = call()  # kept, so that giving back its memory is not counted
            rows[name].append(time.perf_counter() - start)
            del result
    return rows


def ratio(rows: Rows, name: str, other: str) -> float:
    """The median over rounds of the ratios within a round."""
    return statistics.median(x / y for x, y in zip(rows[name], rows[other], strict=True))


def error(values: tuple[Tensor, ...], exact: tuple[Tensor, ...]) -> list[float]:
    """The largest error of each result, over the largest size in it."""
    pairs = zip(values, exact, strict=True)
    return [((x - y).abs().max() / y.abs().max()).item() for x, y in pairs]


def machine(repeats: int = 9) -> dict[str, object]:
    """What this machine is, and what it can do: copy bandwidth and a large matrix product."""
    old, new = torch.ones(2**23), torch.ones(2**23)
    left, right = torch.randn(2, 2048, 2048)
    limits = measure({"copy": lambda: new.copy_(old), "product": lambda: left @ right}, repeats)
    return {
        "copy GB/s": round(2 * old.numel() * 4 / statistics.median(limits["copy"]) / 1e9, 1),
        "large product GFLOP/s": round(2 * 2048**3 / statistics.median(limits["product"]) / 1e9, 1),
        "threads": torch.get_num_threads(),
        "cpu": get_host_cpu_name(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numba": numba.__version__,
    }
