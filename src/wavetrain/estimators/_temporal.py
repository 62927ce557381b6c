"""A temporal memory that watches a stream: values and clock as bits, a spatial pooler, and what bursts.

The chain of Cui, Ahmad and Hawkins 2016 (`memories/temporal_memory.py`): each value is 29 neighbouring bits
of 109, the time of day 29 of 600 and the day of the week 29 of 100. The pooler makes of all bits a set of 2 %
of the columns, and the memory says which share of these it had not foreseen: its raw anomaly score. The range
of a value is that of the rows learned from and a fifth of it on both sides, as in the Numenta Anomaly
Benchmark. The memory learns on, row by row, also while it detects. What value was expected is the mean of a
softmax classifier over 22 buckets of the range, which reads the cells that fire.
"""

from typing import Self

import numpy as np
import torch
from torch import Tensor

from wavetrain.estimators._foresight import Course, Foreseen, Foresight
from wavetrain.memories.temporal_memory import (
    Dendrites,
    Sets,
    SoftmaxClassifier,
    SpatialPooler,
    TemporalMemory,
    Trace,
    scalar,
)
from wavetrain.tables import phases
from wavetrain.tables.lags import filled_forward
from wavetrain.tables.panel import Panel

BITS, ONES = 109, 29  # of a value
CLOCK = {"day": 600, "week": 100}  # bits of a cycle
BUCKETS = 22
BESIDE = 0.2  # of the range of what was learned from, on both sides
SPARSE = 50  # columns for one winner
WARM = 10  # rows before the first score: those that a likelihood averages


def usual(seed: int = 0) -> TemporalMemory:
    """A memory for a series of one's own: half the study's columns and a quarter of its cells in each."""
    return TemporalMemory(1024, 8, Dendrites(activation=8, matching=6, grow=16), seed)


class Temporal(Foresight):
    """A memory with its encoders, pooler and read-out, and what they have learned."""

    name = "temporal memory"

    def __init__(self, memory: TemporalMemory, targets: list[int], cycles: tuple[str, ...]):
        self.memory, self.targets = memory, targets
        self.cycles = tuple(one for one in cycles if one in CLOCK)
        inputs = BITS * len(targets) + sum(CLOCK[one] for one in self.cycles)
        winners = max(2, memory.columns // SPARSE)
        self.pooler = SpatialPooler(inputs, memory.columns, winners, seed=memory.seed)
        self.reader = SoftmaxClassifier(memory.columns * memory.cells, BUCKETS, ahead=1)
        self.low = self.high = np.zeros(len(targets))
        self.state = memory.empty()
        self.pooled = self.pooler.empty()
        self.weights = [torch.zeros(self.reader.cells, BUCKETS) for _ in targets]

    def learn(self, panel: Panel) -> Self:
        """Ranges alone: the memory learns in the courses."""
        rows = np.concatenate([one.values[:, self.targets] for one in panel.series])
        low, high = np.nanmin(rows, 0), np.nanmax(rows, 0)
        beside = np.where(high > low, BESIDE * (high - low), np.maximum(np.abs(low), 1.0))
        self.low, self.high = low - beside, high + beside
        return self

    def begin(self) -> "TemporalCourse":
        return TemporalCourse(self)

    def study(self, whole: Panel, place: int) -> Foreseen:
        one, course = whole.series[place], self.begin()
        told = course.extend(one.values, one.times)
        self.state, self.pooled, self.weights = course.state, course.pooled, course.weights
        return told

    def bits(self, values: np.ndarray, times: np.ndarray | None) -> Tensor:
        """Values (n, targets) and times (n,) as bits (n, inputs)."""
        parts = [
            scalar(torch.from_numpy(column.copy()), BITS, ONES, float(low), float(high))
            for column, low, high in zip(values.T, self.low, self.high, strict=True)
        ]
        for cycle in self.cycles:
            assert times is not None
            length = phases.CYCLES[cycle]
            since = torch.from_numpy((times - phases.MONDAY) % length)
            parts.append(scalar(since, CLOCK[cycle], ONES, 0, length, periodic=True))
        return torch.cat(parts, 1)

    def buckets(self, values: np.ndarray) -> np.ndarray:
        """The bucket (n, targets) of each value; of one that is missing, the lowest."""
        share = (values - self.low) / (self.high - self.low)
        return np.clip(np.nan_to_num(share) * BUCKETS, 0, BUCKETS - 1).astype(np.int64)


class TemporalCourse(Course):
    def __init__(self, watch: Temporal):
        self.watch, self.count = watch, 0
        self.state, self.pooled = watch.memory.reset(watch.state), watch.pooled
        self.weights = list(watch.weights)
        self.last = np.zeros((0, len(watch.targets)))  # the row before, filled
        self.firing: list[int] = []  # its cells
        self.next = np.full((1, len(watch.targets)), np.nan)

    def extend(self, rows: np.ndarray, times: np.ndarray | None) -> Foreseen:
        watch = self.watch
        if not len(rows):
            return Foreseen(np.zeros((0, len(watch.targets))), np.zeros(0))
        values = rows[:, watch.targets]
        columns, self.pooled = watch.pooler.forward(watch.bits(values, times), self.pooled)
        trace, self.state = watch.memory.forward(columns, self.state, reuse=True)
        told = np.concatenate([self.next, self._read(values, trace)])
        surprise = trace.anomaly.double().numpy()
        early = max(0, WARM - self.count)
        told[:early], surprise[:early] = np.nan, np.nan
        self.next, self.count = told[-1:], self.count + len(rows)
        return Foreseen(told[:-1], surprise)

    def _read(self, values: np.ndarray, trace: Trace) -> np.ndarray:
        """What is expected (n, targets) of the row after each."""
        watch, old = self.watch, len(self.last)
        filled = filled_forward(np.concatenate([self.last, values]))
        before = torch.tensor(self.firing, dtype=trace.active.members.dtype)
        ends = trace.active.ends + len(before)
        cells = Sets(
            torch.cat([before, trace.active.members]), torch.cat([ends.new_tensor([len(before)] * old), ends])
        )
        places, told = torch.from_numpy(watch.buckets(filled)), []
        for target, weight in enumerate(self.weights):
            chance, self.weights[target] = watch.reader.forward(cells, places[:, target].contiguous(), weight)
            width = (watch.high[target] - watch.low[target]) / BUCKETS
            middles = watch.low[target] + width * (np.arange(BUCKETS) + 0.5)
            told.append(chance.double().numpy()[old:] @ middles)
        self.last, self.firing = filled[-1:], trace.active.at(-1).tolist()
        return np.stack(told, 1)
