"""Temporal memory of HTM: cells of a column tell contexts apart, and dendrites predict which comes next.

Hawkins and Ahmad 2016, Front. Neural Circuits, arXiv 1511.00083 (the neuron); Cui, Ahmad and Hawkins
2016, Neural Computation 28:2474, arXiv 1512.05463 (sequences). N columns of M cells, a set W_t of columns at
each record; segments d of cells with permanences D, connected where D >= theta; A is what is active:

    a_ij(t) = 1   if j in W_t and pi_ij(t-1);  or if j in W_t and no cell of j was predicted (a burst)
    pi_ij(t) = 1  if |1[D >= theta] o A(t)| >= theta_act for a segment; at theta_min of D > 0 it matches
    learning      segments that predicted a column of W_t, and the best matching one of a bursting column:
                  D += up on cells of A(t-1), D -= down on others, gone at 0; then new synapses to cells that
                  won at t-1, up to `grow` active ones. If none matches a new segment, on a cell with fewest
    making room   a full segment gives up its weakest synapses, but none from cells that won at t-1
    punishing     D -= punish on cells of A(t-1), for segments that matched where the column stayed silent
    winners       cells that fire predicted; in a burst the one that learns
    anomaly       the share of W_t that bursts

Learning is local and online, and nothing of it has a gradient: thresholds, sets, counts. So this is a
`Stream` and no `Memory` of pairs, whose values have one; its state is arrays. Beside it are the encoders, the
spatial pooler and the read-outs of the study: the code whose columns are predicted most, and a softmax. Ours:
segments with too few synapses to match are taken away; of equal matches the lower number learns; of synapses
as weak that from the lower cell goes; a full cell gives up what learned longest ago, of equals the newest.
Left out: apical and basal dendrites from elsewhere, boosting in the pooler.
"""
# Above 300 lines: one file, since cells, segments and what they predict are one state.

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from wavetrain.core import Card, Stream, check_width
from wavetrain.errors import BadInput
from wavetrain.memories._kernels import segments
from wavetrain.memories._kernels.learning import Rules, room_for
from wavetrain.memories._kernels.segments import State
from wavetrain.memories._kernels.sparse_bits import classify, pool
from wavetrain.memories._kernels.temporal_memory import foresee, walk

ROOM = 1 << 20  # cells of the sets that one call of the kernel may hand out


@dataclass(frozen=True)
class Dendrites:
    """How segments predict and learn; as in the study, with the punishment of its discrete task."""

    activation: int = 15  # theta_act, connected synapses from active cells that make a segment active
    matching: int = 15  # theta_min, synapses of any permanence that let it learn
    grow: int = 32  # synapses from active cells that a segment grows to
    initial: float = 0.21
    connected: float = 0.5
    up: float = 0.1
    down: float = 0.1
    punish: float = 0.02
    segments: int = 128  # at most, of a cell
    synapses: int = 128  # at most, of a segment


class Sets(NamedTuple):
    """A set of whole numbers for each record, one behind the other."""

    members: Tensor  # (all,)
    ends: Tensor  # (T,) where each ends

    def at(self, t: int) -> Tensor:
        """The set of record t."""
        t = t % len(self.ends)
        return self.members[self.ends[t - 1] if t else 0 : self.ends[t]]


class Trace(NamedTuple):
    """What happened at each of T records."""

    anomaly: Float[Tensor, "time"]  # share of the active columns that were not predicted
    bursts: Int[Tensor, "time"]  # how many that is
    active: Sets  # cells that fire, cell i of column j as j M + i
    predicted: Sets  # cells in the predictive state after it


class TemporalMemory(Stream):
    """Takes in sets of columns (T, columns), bool, one record after the other, and predicts the next.

    `seed` is that of ties and of the choice of new synapses; the state carries the generator on. A
    stream gives the same however it is cut into calls. With several cells a column, a cycle that is never
    reset is unrolled: each round has cells of its own until one is met again.

    >>> from wavetrain.memories import TemporalMemory
    >>> from wavetrain.memories.temporal_memory import Dendrites
    >>> memory = TemporalMemory(64, 4, Dendrites(activation=6, matching=4, grow=8))
    >>> melody = torch.eye(8).bool().repeat_interleave(8, 1)  # eight symbols of eight columns each
    >>> trace, state = memory.forward(melody.repeat(20, 1))
    >>> trace.anomaly[:8].mean().item(), trace.anomaly[-8:].mean().item()  # new at first, then foreseen
    (1.0, 0.125)
    """

    card = Card(
        title="Continuous online sequence learning with an unsupervised neural network model",
        authors="Cui, Yuwei and Ahmad, Subutai and Hawkins, Jeff",
        year=2016,
        source="Neural Computation 28:2474, arXiv 1512.05463",
        family="dendritic memory",
        topic="Online sequence learning",
    )

    def __init__(
        self, columns: int = 2048, cells: int = 32, dendrites: Dendrites | None = None, seed: int = 0
    ):
        check_width("TemporalMemory", columns=columns, cells=cells)
        dendrites = Dendrites() if dendrites is None else dendrites
        needed = min(dendrites.activation, dendrites.matching), max(dendrites.activation, dendrites.matching)
        if not 0 < needed[0] <= needed[1] <= dendrites.grow <= dendrites.synapses:
            raise BadInput(
                "TemporalMemory: expected 1 <= thresholds <= grow <= synapses, or no segment is ever active; "
                f"got {dendrites.activation} and {dendrites.matching}, {dendrites.grow}, {dendrites.synapses}"
            )
        self.columns, self.cells, self.dendrites, self.seed = columns, cells, dendrites, seed
        self.inputs = columns
        self.rules = Rules(
            cells=cells,
            activation=dendrites.activation,
            matching=dendrites.matching,
            grow=dendrites.grow,
            initial=round(dendrites.initial * segments.UNIT),
            connected=round(dendrites.connected * segments.UNIT),
            up=round(dendrites.up * segments.UNIT),
            down=round(dendrites.down * segments.UNIT),
            punish=round(dendrites.punish * segments.UNIT),
            segments=dendrites.segments,
            synapses=dendrites.synapses,
        )

    def empty(self) -> State:
        """The memory before the first record, without any segment."""
        return segments.nothing(self.columns * self.cells, self.dendrites.synapses, self.seed)

    def forward(
        self, x: Tensor, state: State | None = None, learn: bool = True, reuse: bool = False
    ) -> tuple[Trace, State]:
        """A stream x (T, columns), bool, gives what happened at each record and the last state.

        The state that is given stays as it is; with `reuse` its arrays may be written to, and it is used up.

        Raises BadInput where x is not bool, has another number of columns, or no record.
        """
        if x.ndim != 2 or x.shape[1] != self.columns or x.dtype != torch.bool or not len(x):
            raise BadInput(
                f"TemporalMemory: expected x (time, {self.columns}) of bool, got {x.dtype} {tuple(x.shape)}"
            )
        state = self.empty() if state is None else self._own(state) if reuse else self._copied(state)
        rows, told = x.contiguous().numpy(), np.zeros((4, len(x)), np.int64)
        room = max(ROOM, 2 * self.columns * self.cells)
        sets, done = np.empty((2, room), np.int32), 0
        kept: tuple[list[np.ndarray], ...] = [], []
        while done < len(x):
            begun, bench = done, room_for(state)
            done, short = walk(rows, begun, self.rules, state, bench, told, *sets, learn)
            if done > begun:
                for parts, members, ends in zip(kept, sets, told[2:], strict=True):
                    parts.append(members[: ends[done - 1]].copy())
                    ends[begun:done] += ends[begun - 1] if begun else 0
            if short >= 0:
                state = segments.larger(state, short)
        hit, burst = (torch.from_numpy(row) for row in told[:2])
        active, predicted = (
            Sets(torch.from_numpy(np.concatenate(parts)), torch.from_numpy(ends))
            for parts, ends in zip(kept, told[2:], strict=True)
        )
        return Trace(burst / (hit + burst).clamp(min=1), burst, active, predicted), state

    def predict(self, state: State) -> Tensor:
        """The cells (columns, M) in the predictive state, bool."""
        cells = np.empty(self.columns * self.cells, np.int32)
        many = foresee(self.rules, self._own(state), room_for(state), cells)
        grid = torch.zeros(self.columns * self.cells, dtype=torch.bool)
        grid[torch.from_numpy(cells[:many]).long()] = True
        return grid.unflatten(0, (self.columns, self.cells))

    def reset(self, state: State) -> State:
        """The state in which nothing is active: what comes next has no context."""
        state = self._copied(state)
        state.tally[[segments.ACTIVES, segments.WINS]] = 0
        return state

    def without(self, state: State, share: float, generator: torch.Generator) -> State:
        """The state after that share of all cells, drawn at random, has died, with all their synapses.

        Raises BadInput for a share that is not from 0 to 1.
        """
        if not 0 <= share <= 1:
            raise BadInput(f"TemporalMemory: expected a share of cells from 0 to 1, got {share}")
        size = self.columns * self.cells
        dead = torch.randperm(size, generator=generator)[: round(share * size)]
        state = self._copied(state)
        segments.remove(state, dead.numpy())
        return state

    def segments(self, state: State) -> list[tuple[int, Tensor, Tensor]]:
        """All segments: the cell of each, the cells that it listens to (S,), and their permanences (S,)."""
        told = []
        for row in state.segment[: state.tally[segments.HIGHEST]]:
            if row[segments.OWNER] >= 0:
                source, permanence = segments.synapses(state, row)
                told.append(
                    (int(row[segments.OWNER]), torch.from_numpy(source), torch.from_numpy(permanence))
                )
        return told

    def overlaps(self, cells: Sets, codes: Tensor) -> Tensor:
        """How many columns of each code (S, columns), bool, hold a cell of the sets: (T, S)."""
        rows = torch.zeros(len(cells.ends), self.columns)
        sizes = cells.ends.diff(prepend=cells.ends.new_zeros(1))
        times = torch.repeat_interleave(torch.arange(len(rows)), sizes)
        rows[times, cells.members.long() // self.cells] = 1
        return (rows @ codes.to(rows).mT).long()

    def _own(self, state: State) -> State:
        """The state; raises where it is that of a memory of another size."""
        mine, its = ([part.shape[1:] for part in one] for one in (self.empty(), state))
        if mine != its:
            raise BadInput(f"TemporalMemory: expected a state of arrays (..., {mine}), got (..., {its})")
        return state

    def _copied(self, state: State) -> State:
        return State(*(part.copy() for part in self._own(state)))


class SpatialPooler:
    """Bits (T, inputs) become sets of `winners` columns: those whose connected synapses see most ones.

    A column may have synapses to a random `potential` share of the bits. Winners learn: +up on ones, -down on
    zeros. Half of the synapses are connected at first (our choice). The state is permanences
    (columns, inputs), negative where there can be no synapse.
    """

    def __init__(
        self, inputs: int, columns: int = 2048, winners: int = 40, potential: float = 0.8, seed: int = 0
    ):
        check_width("SpatialPooler", inputs=inputs, columns=columns, winners=winners)
        if winners > columns or not 0 < potential <= 1:
            raise BadInput(
                f"SpatialPooler: expected at most {columns} winners and a potential share in (0, 1], "
                f"got {winners} and {potential}"
            )
        self.inputs, self.columns, self.winners, self.potential = inputs, columns, winners, potential
        self.connected, self.up, self.down, self.seed = 0.5, 0.0001, 0.0005, seed

    def empty(self) -> Tensor:
        """The permanences before the first record: uniform in [0, 1]."""
        dice = torch.Generator().manual_seed(self.seed)
        permanence = torch.rand(self.columns, self.inputs, generator=dice)
        there = torch.rand(self.columns, self.inputs, generator=dice).argsort(1).argsort(1)
        return permanence.where(there < math.ceil(self.potential * self.inputs), -1.0)

    def forward(self, x: Tensor, state: Tensor | None = None, learn: bool = True) -> tuple[Tensor, Tensor]:
        """x (T, inputs), bool, gives columns (T, columns), bool, and the last state.

        Raises BadInput where x is not bool, or x or the state has another shape.
        """
        state = self.empty() if state is None else state.clone()
        size = self.columns, self.inputs
        if x.ndim != 2 or x.shape[1] != self.inputs or x.dtype != torch.bool or state.shape != size:
            raise BadInput(
                f"SpatialPooler: expected x (time, {self.inputs}) of bool and a state {size}, "
                f"got {x.dtype} {tuple(x.shape)} and {tuple(state.shape)}"
            )
        joined = (state.mT >= self.connected).to(torch.uint8).contiguous()
        order = torch.randperm(self.columns, generator=torch.Generator().manual_seed(self.seed))
        tie = (order / self.columns).float().numpy()
        y = torch.zeros(len(x), self.columns, dtype=torch.bool)
        up, down = (np.float32(rate if learn else 0) for rate in (self.up, self.down))
        pool(
            *(x.contiguous().numpy(), state.numpy(), joined.numpy(), tie),
            *(self.winners, np.float32(self.connected), up, down, y.numpy()),
        )
        return y, state


class SoftmaxClassifier:
    """Says, from the cells that fire, in which of K buckets a value will lie some records ahead."""

    def __init__(self, cells: int, buckets: int, ahead: int = 5, rate: float = 0.01):
        check_width("SoftmaxClassifier", cells=cells, buckets=buckets, ahead=ahead)
        self.cells, self.buckets, self.ahead, self.rate = cells, buckets, ahead, rate

    def forward(
        self, active: Sets, bucket: Tensor, weight: Tensor | None = None, learn: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Cells and the buckets (T,) that came give chances (T, K), `ahead` later, and weights (C, K).

        The answer of record t is said before anything later is seen. Pairs lie inside one call.

        Raises BadInput where cells or buckets are out of range, or shapes do not fit.
        """
        size = self.cells, self.buckets
        weight = torch.zeros(size) if weight is None else weight.clone()
        limits = (active.members, self.cells), (bucket, self.buckets)
        inside = all(((one >= 0) & (one < limit)).all() for one, limit in limits)
        if bucket.shape != active.ends.shape or weight.shape != size or not inside:
            raise BadInput(
                f"SoftmaxClassifier: expected {len(active.ends)} buckets below {self.buckets}, cells below "
                f"{self.cells} and weights {size}, got {tuple(bucket.shape)}, {tuple(weight.shape)} or others"
            )
        begins = torch.cat([active.ends.new_zeros(1), active.ends])
        p = torch.zeros(len(bucket), self.buckets)
        classify(
            *(active.members.numpy(), begins.numpy(), bucket.long().contiguous().numpy(), self.ahead),
            *(np.float32(self.rate if learn else 0), weight.numpy(), p.numpy()),
        )
        return p, weight


def scalar(
    x: Num[Tensor, "time"], size: int, ones: int, low: float, high: float, periodic: bool = False
) -> Bool[Tensor, "time size"]:
    """Values (T,) as `ones` neighbouring bits of `size`, (T, size), bool: near values share bits.

    Values outside [low, high] are taken for the nearer end; periodic ones come round at `high`. A value that
    is missing, NaN, has no bits.
    """
    if not 0 < ones < size or not (math.isfinite(high - low) and low < high):
        raise BadInput(
            f"scalar: expected fewer ones than bits and low < high, got {ones} of {size}, {low}..{high}"
        )
    if x.ndim != 1 or x.is_complex() or x.isinf().any():
        endless = int(x.isinf().sum())
        raise BadInput(
            f"scalar: expected values (time,), finite or NaN, "
            f"got {x.dtype} {tuple(x.shape)}, {endless} infinite"
        )
    there = ~x.isnan()
    share = (x.double().where(there, low) - low) / (high - low)
    place = (share.remainder(1) * size).floor() if periodic else (share.clamp(0, 1) * (size - ones)).round()
    bit = (place.long()[:, None] + torch.arange(ones)).remainder(size)
    return torch.zeros(len(x), size, dtype=torch.bool).scatter_(1, bit, there[:, None].expand_as(bit))


def clocked(counts: Num[Tensor, "time 3"]) -> Bool[Tensor, "time bits"]:
    """The taxi study's bits (T, 809) of passengers, minute of the day and weekday, (T, 3)."""
    if counts.ndim != 2 or counts.shape[1] != 3:
        raise BadInput(f"clocked: expected counts (time, 3), got {tuple(counts.shape)}")
    passengers, minute, day = counts.unbind(1)
    parts = (
        scalar(passengers, 109, 29, 0, 40_000),
        scalar(minute, 600, 29, 0, 1411, periodic=True),
        scalar(day, 100, 29, 0, 7, periodic=True),
    )
    return torch.cat(parts, 1)


def categories(
    symbols: int, columns: int, ones: int, generator: torch.Generator
) -> Bool[Tensor, "symbols columns"]:
    """A fixed random code for each symbol: (symbols, columns), bool, with `ones` ones a row."""
    if not 0 < ones <= columns:
        raise BadInput(f"categories: expected 1 to {columns} ones, got {ones}")
    codes = torch.zeros(symbols, columns, dtype=torch.bool)
    for code in codes:
        code[torch.randperm(columns, generator=generator)[:ones]] = True
    return codes
