"""Timing in turn, on a CPU or a GPU: what is measured is the work, and nothing that is done once.

Each call is made twice in a row and the second is timed, so that compiling, tuning and first looks at memory
are outside. A GPU is timed by its own events, with its caches filled with other numbers before, and the clock
is read when it has come to the end.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

Rows = dict[str, list[float]]  # seconds of each round
Calls = Mapping[str, Callable[[], object]]
FLUSH = 10**8  # bytes at least that caches of a GPU are filled with
ROUNDS = 20  # on a GPU, and at most on a CPU


class Clock(Protocol):
    """What times a call."""

    def seconds(self, call: Callable[[], object]) -> float:
        """The seconds of one call, from its beginning until all of its work is done."""


class ProcessorClock:
    """Of a CPU, whose work is done when a call returns."""

    def seconds(self, call: Callable[[], object]) -> float:
        start = time.perf_counter()
        result = call()  # kept, so that giving back its memory is not counted
        spent = time.perf_counter() - start
        del result
        return spent


class CudaClock:
    """Of a GPU: events in its own stream, which a host that is slow or fast does not move."""

    def __init__(self, device: torch.device, cuda: Any = torch.cuda):
        self.device, self.cuda = device, cuda
        size = max(FLUSH, 2 * cuda.get_device_properties(device).L2_cache_size)
        self.others = torch.empty(size // 4, device=device)

    def seconds(self, call: Callable[[], object]) -> float:
        with self.cuda.device(self.device):
            begin, end = (self.cuda.Event(enable_timing=True) for _ in range(2))
            self.others.zero_()
            begin.record()
            result = call()
            end.record()
            end.synchronize()
        del result
        return float(begin.elapsed_time(end)) / 1e3


def clock_of(device: torch.device) -> Clock:
    """The clock of a device."""
    return CudaClock(device) if device.type == "cuda" else ProcessorClock()


def measure(calls: Calls, repeats: int, clock: Clock | None = None) -> Rows:
    """Each in turn, round after round, twice in a row: the second is timed.

    What a call finds in caches and threads is left by the one before; the threads of a PyTorch loop, for
    example, go on waiting for work for some milliseconds and take a core from whoever comes next.
    """
    clock = clock or ProcessorClock()
    rows: Rows = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            call()
            rows[name].append(clock.seconds(call))
    return rows


def rounds(calls: Calls, seconds: float, clock: Clock, least: int = 3) -> int:
    """How many rounds fit into some seconds, as one call of each tells: from `least` to 20."""
    once = 0.0
    for call in calls.values():
        call()
        once += clock.seconds(call)
    return max(least, min(ROUNDS, int(seconds / (2 * once)) if once else ROUNDS))


def ratio(rows: Mapping[str, Sequence[float]], name: str, other: str) -> float:
    """The median over rounds of the ratios within a round."""
    return statistics.median(x / y for x, y in zip(rows[name], rows[other], strict=True))


def error(values: Sequence[Tensor], exact: Sequence[Tensor]) -> list[float]:
    """The largest error of each result, over the largest size in it."""
    pairs = zip(values, exact, strict=True)
    return [((x - y).abs().max() / y.abs().max()).item() for x, y in pairs]
