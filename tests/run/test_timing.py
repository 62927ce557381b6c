"""Timing is honest, in a model: twice the work is twice the time, and what is done once is outside."""

import contextlib
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from wavetrain.run import timing
from wavetrain.run.timing import CudaClock, ProcessorClock, measure, ratio, rounds


class Machine:
    """A clock that goes on with the work that is done, unevenly, and more the first time."""

    def __init__(self, compiling: float = 100.0):
        self.now, self.compiling, self.draws = 0.0, compiling, random.Random(0)
        self.known = set[str]()

    def work(self, name: str, seconds: float) -> Callable[[], object]:
        def call() -> None:
            if name not in self.known:
                self.known.add(name)
                self.now += self.compiling
            self.now += seconds * self.draws.uniform(0.95, 1.1)

        return call


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    one = Machine()
    monkeypatch.setattr(timing.time, "perf_counter", lambda: one.now)
    return one


def test_twice_the_work_takes_twice_the_time(machine: Machine) -> None:
    rows = measure({"once": machine.work("once", 1.0), "twice": machine.work("twice", 2.0)}, 9)
    assert 1.7 < ratio(rows, "twice", "once") < 2.3
    assert all(0.9 < seconds < 2.3 for of in rows.values() for seconds in of)  # nothing that is done once


def test_as_many_rounds_as_fit(machine: Machine) -> None:
    clock = ProcessorClock()
    assert rounds({"a": machine.work("a", 1.0), "b": machine.work("b", 1.0)}, 40, clock) in (9, 10)
    assert rounds({"slow": machine.work("slow", 50.0)}, 40, clock) == 3
    assert rounds({"fast": machine.work("fast", 1e-3)}, 40, clock) == 20


class Event:
    """An event of a GPU that works by itself: what is recorded is known when it has come to it."""

    def __init__(self, gpu: "Gpu"):
        self.gpu, self.at = gpu, None

    def record(self) -> None:
        self.gpu.log.append("record")
        self.at = self.gpu.given

    def synchronize(self) -> None:
        self.gpu.log.append("synchronize")
        self.gpu.done = max(self.gpu.done, self.at or 0.0)

    def elapsed_time(self, end: "Event") -> float:
        assert self.at is not None and end.at is not None and self.gpu.done >= end.at, "read too early"
        self.gpu.log.append("read")
        return 1e3 * (end.at - self.at)


class Gpu:
    """A device that is given work at once and does it later; in place of torch.cuda."""

    def __init__(self) -> None:
        self.given = self.done = 0.0  # seconds of its own time
        self.log = list[str]()

    def get_device_properties(self, device: Any) -> Any:
        return SimpleNamespace(L2_cache_size=6 * 10**7)

    def device(self, device: Any) -> Any:
        return contextlib.nullcontext()

    def Event(self, enable_timing: bool) -> Event:
        assert enable_timing
        return Event(self)

    def work(self, seconds: float) -> Callable[[], object]:
        def call() -> None:
            self.log.append("launch")
            self.given += seconds

        return call


def test_a_gpu_is_read_when_it_has_come_to_the_end() -> None:
    gpu = Gpu()
    clock = CudaClock(torch.device("cpu"), cuda=gpu)
    assert clock.others.numel() * 4 >= 2 * 6 * 10**7  # more than its cache holds
    clock.others.fill_(1)
    assert clock.seconds(gpu.work(0.25)) == pytest.approx(0.25)
    assert gpu.log == ["record", "launch", "record", "synchronize", "read"]
    assert not clock.others.any()  # the cache held these before
    rows = measure({"once": gpu.work(0.5), "twice": gpu.work(1.0)}, 3, clock)
    assert ratio(rows, "twice", "once") == pytest.approx(2.0)


def test_errors_are_over_the_largest_size() -> None:
    exact = (torch.tensor([1.0, -4.0]), torch.tensor([2.0]))
    assert timing.error((torch.tensor([1.0, -3.0]), torch.tensor([2.0])), exact) == [0.25, 0.0]
