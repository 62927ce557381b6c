"""Temporal memory against a plain program of its equations, and the facts of its papers."""

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from wavetrain.core import Memory
from wavetrain.errors import BadInput
from wavetrain.memories._kernels import segments as kernels
from wavetrain.memories.temporal_memory import (
    Dendrites,
    Sets,
    SoftmaxClassifier,
    SpatialPooler,
    TemporalMemory,
    Trace,
    categories,
    clocked,
    scalar,
)

SMALL = Dendrites(activation=10, matching=8, grow=16)  # for codes of 16 of 256 columns
ONES = 16


def dice(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def built(cells: int = 8, dendrites: Dendrites = SMALL) -> TemporalMemory:
    return TemporalMemory(256, cells, dendrites, seed=1)


def codes(symbols: int) -> Tensor:
    return categories(symbols, 256, ONES, dice(0))


@dataclass
class Segment:
    owner: int
    used: int
    synapses: dict[int, int] = field(default_factory=dict)  # permanence in millionths, by cell


class Plain:
    """The equations with dictionaries, every segment looked at in every record."""

    def __init__(self, memory: TemporalMemory):
        self.how, self.columns, self.cells = memory.dendrites, memory.columns, memory.cells
        self.segments: dict[int, Segment] = {}
        self.free: list[int] = []
        self.active: list[int] = []
        self.winners: list[int] = []
        self.time, self.dice = 0, memory.seed
        self.evicted = self.punished = self.removed = 0  # how often

    def draw(self, many: int) -> int:
        self.dice = (self.dice + 0x9E3779B97F4A7C15) % 2**64
        z = self.dice
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return (z ^ z >> 31) % many

    def overlaps(self) -> dict[int, tuple[int, int]]:
        """Potential and connected overlap of each segment."""
        now, least = set(self.active), round(self.how.connected * 1e6)
        both = {}
        for name, one in self.segments.items():
            seen = [permanence for cell, permanence in one.synapses.items() if cell in now]
            both[name] = len(seen), sum(permanence >= least for permanence in seen)
        return both

    def predicted(self) -> list[int]:
        over = self.overlaps()
        return sorted({self.segments[name].owner for name in over if over[name][1] >= self.how.activation})

    def adapt(self, name: int, up: float, down: float) -> None:
        change = {True: round(up * 1e6), False: -round(down * 1e6)}
        old, now = self.segments[name].synapses, set(self.active)
        new = {cell: min(10**6, p + change[cell in now]) for cell, p in old.items()}
        self.segments[name].synapses = {cell: p for cell, p in new.items() if p > 0}

    def grow(self, name: int, wanted: int) -> None:
        synapses = self.segments[name].synapses
        pool = [cell for cell in self.winners if cell not in synapses]
        wanted = max(0, min(wanted, len(pool)))
        others = sorted((p, cell) for cell, p in synapses.items() if cell not in self.winners)
        for _, cell in others[: max(0, len(synapses) + wanted - self.how.synapses)] if wanted else []:
            del synapses[cell]
            self.evicted += 1
        for i in range(min(wanted, self.how.synapses - len(synapses))):
            j = i + self.draw(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
            synapses[pool[i]] = round(self.how.initial * 1e6)

    def prune(self, name: int) -> None:
        if len(self.segments[name].synapses) < min(self.how.matching, self.how.activation):
            self.remove(name)

    def remove(self, name: int) -> None:
        del self.segments[name]
        self.free.append(name)
        self.removed += 1

    def learn(self, name: int, overlap: int) -> None:
        self.adapt(name, self.how.up, self.how.down)
        self.grow(name, self.how.grow - overlap)
        self.segments[name].used = self.time
        self.prune(name)

    def make(self, cell: int) -> None:
        its = [name for name, one in self.segments.items() if one.owner == cell]
        if len(its) >= self.how.segments:
            self.remove(min(reversed(its), key=lambda name: self.segments[name].used))
        highest = max([*self.segments, *self.free], default=-1)
        name = self.free.pop() if self.free else highest + 1
        self.segments[name] = Segment(cell, self.time)
        self.grow(name, self.how.grow)
        self.prune(name)

    def surprise(self, column: int, over: dict[int, tuple[int, int]], its: list[int]) -> int:
        matching = [name for name in its if over[name][0] >= self.how.matching]
        if matching:
            best = min(matching, key=lambda name: (-over[name][0], name))
            winner = self.segments[best].owner
            self.learn(best, over[best][0])
            return winner
        owners = [one.owner for one in self.segments.values()]
        least, winner, ties = math.inf, -1, 0
        for cell in range(column * self.cells, (column + 1) * self.cells):
            size = owners.count(cell)
            if size < least:
                least, winner, ties = size, cell, 1
            elif size == least:
                ties += 1
                winner = cell if self.draw(ties) == 0 else winner
        if self.winners:
            self.make(winner)
        return winner

    def step(self, x: Tensor) -> float:
        over, of = self.overlaps(), defaultdict[int, list[int]](list)
        for name, one in sorted(self.segments.items(), key=lambda both: (both[1].owner, both[0])):
            of[one.owner // self.cells].append(name)
        self.time += 1
        firing: list[int] = []
        winning: list[int] = []
        bursts = 0
        for column in range(self.columns):
            its = of[column]
            right = [name for name in its if over[name][1] >= self.how.activation]
            if not x[column]:
                for name in its:
                    if over[name][0] >= self.how.matching and self.how.punish:
                        self.punished += 1
                        self.adapt(name, -self.how.punish, 0)
                        self.prune(name)
            elif right:
                cells = sorted({self.segments[name].owner for name in right})
                firing, winning = firing + cells, winning + cells
                for name in right:
                    self.learn(name, over[name][0])
            else:
                bursts += 1
                firing = firing + list(range(column * self.cells, (column + 1) * self.cells))
                winning = [*winning, self.surprise(column, over, its)]
        self.active, self.winners = firing, winning
        return bursts / int(x.sum())


def noisy(length: int) -> Tensor:
    """A cycle of codes with bits that come and go, and a symbol now and then that is another."""
    generator = dice(3)
    x = codes(9)[torch.arange(length) % 5].clone()
    odd = torch.rand(length, generator=generator) < 0.1
    x[odd] = codes(9)[5 + torch.randint(4, (int(odd.sum()),), generator=generator)]
    x &= torch.rand(x.shape, generator=generator) < 0.9
    return x | (torch.rand(x.shape, generator=generator) < 0.01)


@pytest.mark.parametrize(
    "dendrites",
    [
        SMALL,
        replace(SMALL, segments=2, punish=0.05),
        Dendrites(4, 6, 12, synapses=14, down=0.15),
        Dendrites(4, 6, 12, synapses=12, down=0.01),
        replace(SMALL, synapses=40, initial=0.6, down=0.03),
    ],
    ids=["as it is", "two segments a cell", "little room", "no room", "two blocks, full"],
)
def test_each_record_is_that_of_the_plain_program(dendrites: Dendrites):
    memory = TemporalMemory(256, 3, dendrites, seed=5)
    plain, x = Plain(memory), noisy(110)
    trace, state = memory.forward(x)
    for t, row in enumerate(x):
        assert plain.step(row) == pytest.approx(trace.anomaly[t].item()), t
        assert trace.active.at(t).tolist() == plain.active, t
        assert trace.predicted.at(t).tolist() == plain.predicted(), t
    ours = [
        (owner, *dict(zip(*(s.tolist() for s in rest), strict=True)).items())
        for owner, *rest in memory.segments(state)
    ]
    theirs = [
        (one.owner, *((c, p / 1e6) for c, p in one.synapses.items())) for one in plain.segments.values()
    ]
    assert sorted((o, *sorted(rest)) for o, *rest in ours) == sorted(
        (o, *sorted(rest)) for o, *rest in theirs
    )
    assert len(ours) > 100
    full = max(len(one.synapses) for one in plain.segments.values()) == dendrites.synapses
    assert full == (plain.evicted > 0) == (dendrites.synapses < SMALL.synapses)


def same(one: Trace, other: Trace) -> bool:
    parts = ([*trace[:2], *trace.active, *trace.predicted] for trace in (one, other))
    return all(torch.equal(a, b) for a, b in zip(*parts, strict=True))


def test_a_stream_may_be_cut_anywhere_and_states_stay_as_they_are():
    memory, x = built(), noisy(60)
    whole, end = memory.forward(x)
    _, state = memory.forward(x[:23])
    kept = [part.copy() for part in state]
    rest, last = memory.forward(x[23:], state)
    again, _ = memory.forward(x[23:], state)
    assert all((a == b).all() for a, b in zip(kept, state, strict=True)) and same(rest, again)
    assert torch.equal(rest.anomaly, whole.anomaly[23:])
    assert torch.equal(rest.active.at(-1), whole.active.at(59)) and (last.tally == end.tally).all()
    for row in x[23:]:
        step, state = memory.step(row, state)
    assert torch.equal(step.predicted.at(0), whole.predicted.at(-1))
    cells = memory.predict(state).flatten().nonzero()[:, 0]
    assert torch.equal(cells, whole.predicted.at(-1).long())


def test_before_learning_every_column_bursts():
    memory = built()
    trace, state = memory.forward(codes(4), learn=False)
    assert trace.anomaly.tolist() == [1] * 4 and trace.bursts.tolist() == [ONES] * 4
    assert len(trace.active.at(2)) == ONES * memory.cells
    assert memory.segments(state) == []


def test_a_record_without_an_active_column_is_no_surprise():
    trace, _ = built().forward(torch.zeros_like(codes(2)))
    assert trace.anomaly.tolist() == [0, 0] and trace.bursts.tolist() == [0, 0]


def test_a_cycle_is_known_after_four_presentations_of_each_transition():
    """.21, .31, .41, .51: a new synapse is connected after ceil(.29 / .1) presentations more."""
    memory = TemporalMemory(256, 1, SMALL)
    trace, _ = memory.forward(codes(5).repeat(8, 1))
    cycles = trace.anomaly.view(8, 5)
    assert (cycles[:4] == 1).all() and (cycles[5:] == 0).all()
    assert cycles[4, 1:].max() == 0, "each transition was seen four times"


def sequences(memory: TemporalMemory, lists: list[list[int]], times: int) -> tuple[list[Trace], tuple]:
    """Learn sequences in turn, each from a reset; returns what each gives afterwards."""
    x, state = codes(12), memory.empty()
    for _ in range(times):
        for one in lists:
            _, state = memory.forward(x[one], memory.reset(state))
    return [memory.forward(x[one], memory.reset(state), learn=False)[0] for one in lists], state


A, B, C, D, X, Y = range(6)


def test_high_order_sequences_are_told_apart():
    memory = built()
    (abcd, xbcy), _ = sequences(memory, [[A, B, C, D], [X, B, C, Y]], 30)
    for trace, after in ((abcd, D), (xbcy, Y)):
        assert trace.anomaly.tolist() == [1, 0, 0, 0], "only the first bursts"
        assert memory.overlaps(trace.predicted, codes(6))[2].argmax() == after
        assert len(trace.active.at(2)) == ONES, "one cell a column"
    one, other = (set(trace.active.at(2).tolist()) for trace in (abcd, xbcy))
    assert {cell // 8 for cell in one} == {cell // 8 for cell in other}
    assert len(one & other) < 0.1 * ONES


def test_one_cell_a_column_is_a_memory_of_first_order():
    memory = built(cells=1)
    (abcd, _), _ = sequences(memory, [[A, B, C, D], [X, B, C, Y]], 30)
    union = codes(6)[D] | codes(6)[Y]
    assert torch.equal(abcd.predicted.at(2).long(), union.nonzero()[:, 0])


def test_two_continuations_are_both_predicted():
    memory = built()
    (trace, _), _ = sequences(memory, [[A, B, C], [A, B, D]], 30)
    columns = {cell // 8 for cell in trace.predicted.at(1).tolist()}
    assert columns == set((codes(6)[C] | codes(6)[D]).nonzero()[:, 0].tolist())
    assert len(columns) > 1.7 * ONES


def test_what_has_changed_is_learned_anew_and_the_old_forgotten():
    memory, x = built(), codes(6)
    _, state = sequences(memory, [[A, B, C, D], [X, B, C, Y]], 30)
    ends = []
    for _ in range(60):
        for one in ([A, B, C, Y], [X, B, C, D]):
            trace, state = memory.forward(x[one], memory.reset(state))
            ends.append((trace.anomaly[3].item(), memory.overlaps(trace.predicted, x)[2].argmax().item()))
    surprise = 1 - (x[D] & x[Y]).sum().item() / ONES  # what the two codes share was predicted
    assert ends[:2] == [(surprise, D), (surprise, Y)] and surprise > 0.9
    assert ends[-2:] == [(0, Y), (0, D)]
    trace, _ = memory.forward(x[[A, B, C, Y]], memory.reset(state), learn=False)
    assert memory.overlaps(trace.predicted, x)[2, D] < ONES / 4, "punished"


def test_a_reset_lets_the_next_record_burst():
    memory, x = built(), codes(5)
    _, state = memory.forward(x.repeat(8, 1))
    assert memory.forward(x[:1], state)[0].anomaly.item() == 0
    assert memory.forward(x[:1], memory.reset(state))[0].anomaly.item() == 1


def test_a_segment_stands_the_loss_of_what_it_does_not_need():
    """With `grow` connected synapses, grow - activation inputs may be missing, and not one more."""
    memory, x = TemporalMemory(256, 1, SMALL), codes(5)
    _, state = memory.forward(x.repeat(9, 1))
    on = x[0].nonzero()[:, 0]
    for missing in (SMALL.grow - SMALL.activation, SMALL.grow - SMALL.activation + 1):
        part = x[:1].clone()
        part[0, on[:missing]] = False
        trace, _ = memory.forward(part, memory.reset(state), learn=False)
        columns = set(trace.predicted.at(0).tolist())
        its = set(x[1].nonzero()[:, 0].tolist())
        assert its <= columns if missing == SMALL.grow - SMALL.activation else not its <= columns


def test_a_third_of_the_cells_may_die():
    memory, x = built(), codes(6)
    lists = [[A, B, C, D], [X, B, C, Y]]
    _, state = sequences(memory, lists, 30)
    hurt = memory.without(state, 0.3, dice(2))
    dead = set(torch.randperm(2048, generator=dice(2))[: round(0.3 * 2048)].tolist())
    assert all(
        owner not in dead and not dead & set(source.tolist()) for owner, source, _ in memory.segments(hurt)
    )
    for _ in range(15):
        for one in lists:
            trace, hurt = memory.forward(x[one], memory.reset(hurt))
            assert not dead & set(trace.active.members.tolist())
    for one in lists:
        trace, _ = memory.forward(x[one], memory.reset(hurt), learn=False)
        assert memory.overlaps(trace.predicted, x)[2].argmax() == one[3]
    gone = memory.without(state, 1.0, dice(2))
    trace, gone = memory.forward(x, gone)
    assert memory.segments(gone) == [] and len(trace.active.members) == 0


def test_permanences_and_sizes_keep_their_bounds():
    how = replace(SMALL, segments=3, synapses=20)
    memory = built(cells=2, dendrites=how)
    _, state = memory.forward(
        categories(300, 256, ONES, dice(4))[torch.randint(300, (1500,), generator=dice(5))]
    )
    segments = memory.segments(state)
    owners = torch.tensor([owner for owner, _, _ in segments]).bincount()
    assert owners.max() == how.segments, "the cap was reached"
    assert max(len(source) for _, source, _ in segments) <= how.synapses
    for _, source, permanence in segments:
        assert len(source.unique()) == len(source) >= min(how.matching, how.activation)
        assert permanence.min() > 0 and permanence.max() <= 1


def test_codes_of_the_study_are_hardly_ever_mistaken():
    """A random set of 40 of 65,536 cells meets 15 of 32 synapses with a chance of 1.68e-41."""
    n, k, s, theta = 65536, 40, 32, Dendrites().activation
    tail = sum(math.comb(s, b) * math.comb(n - s, k - b) for b in range(theta, s + 1))
    assert tail / math.comb(n, k) == pytest.approx(1.68e-41, rel=5e-3)


def as_plain(memory: TemporalMemory, x: Tensor) -> tuple[Trace, Plain]:
    """A stream, record by record and in the end segment by segment that of the plain program."""
    plain = Plain(memory)
    trace, state = memory.forward(x)
    for t, row in enumerate(x):
        plain.step(row)
        assert trace.active.at(t).tolist() == plain.active, t
        assert trace.predicted.at(t).tolist() == plain.predicted(), t
    ours = [
        (owner, *sorted(zip(source.tolist(), permanence.tolist(), strict=True)))
        for owner, source, permanence in memory.segments(state)
    ]
    theirs = [
        (one.owner, *sorted((c, p / 1e6) for c, p in one.synapses.items())) for one in plain.segments.values()
    ]
    assert sorted(ours) == sorted(theirs)
    return trace, plain


def test_hundreds_of_records_of_segments_are_those_of_the_plain_program():
    """Growth, punishment, death and eviction over 500 records, the order changing half-way."""
    how = Dendrites(3, 2, 5, initial=0.45, punish=0.15, down=0.06, segments=3, synapses=7)
    symbols = categories(6, 24, 5, dice(8))
    order = torch.cat([torch.arange(250) % 6, torch.arange(250) * 5 % 6])
    odd = torch.rand(500, generator=dice(9)) < 0.1
    order[odd] = torch.randint(6, (int(odd.sum()),), generator=dice(10))
    x = symbols[order] & (torch.rand(500, 24, generator=dice(11)) < 0.95)
    trace, plain = as_plain(TemporalMemory(24, 2, how, seed=9), x)
    assert min(plain.evicted, plain.punished, plain.removed) > 50
    assert trace.anomaly[200:250].mean() < 0.5 < trace.anomaly[:20].mean()


def test_cells_with_hundreds_of_segments_and_segments_with_many_cells_are_those_of_the_plain_program():
    """More than lie side by side: a cell reaches 100 segments, and a segment listens to 70 cells."""
    how = Dendrites(1, 1, 70, initial=0.45, up=0.2, down=0.2, punish=0.5, segments=2, synapses=72)
    x = torch.zeros(40, 100, dtype=torch.bool)
    for t, row in enumerate(x):
        size = (1, 100, 2, 40, 90)[t % 5]
        row[torch.randperm(100, generator=dice(t))[:size]] = True
    _, plain = as_plain(TemporalMemory(100, 1, how, seed=2), x)
    assert min(plain.evicted, plain.punished, plain.removed) > 50


def chain(first: int, after: np.ndarray) -> list[int]:
    """The places from the first on, each followed by the one that it names."""
    found = []
    while first >= 0:
        found.append(first)
        first = int(after[first])
    return found


def test_places_are_in_use_or_free_and_none_is_both():
    """Segments, blocks of 32 synapses and of 32 targets, while some grow, some are punished and die."""
    how = Dendrites(1, 1, 70, initial=0.45, up=0.2, down=0.2, punish=0.5, segments=2, synapses=72)
    memory = TemporalMemory(100, 1, how, seed=2)
    state = memory.empty()
    for t in range(12):
        x = torch.zeros(1, 100, dtype=torch.bool)
        x[0, torch.randperm(100, generator=dice(t))[: (1, 100, 2, 40, 90)[t % 5]]] = True
        _, state = memory.forward(x, state)
        if t == 8:
            state = memory.without(state, 0.3, dice(0))
        tally, rows = state.tally, state.segment
        there = [place for place in range(len(rows[: tally[kernels.HIGHEST]])) if rows[place, 0] >= 0]
        blocks = [rows[place, 4 : 4 + -(-rows[place, 1] // 32)].tolist() for place in there]
        reached = [chain(int(head), state.target[:, 32]) for head in state.cell[kernels.HEAD]]
        for kind, used, after in (
            (kernels.SEGMENT, there, rows[:, kernels.AFTER]),
            (kernels.SYNAPSE, [one for part in blocks for one in part], state.synapse[:, 0, 0]),
            (kernels.TARGET, [one for part in reached for one in part], state.target[:, 32]),
        ):
            free = chain(int(tally[kernels.FREE + kind]), after)
            assert tally[kernels.IN_USE + kind] == len(used)
            assert sorted([*used, *free]) == list(range(tally[kernels.HIGHEST + kind]))
        many = sum(32 * (len(one) - 1) for one in reached if one)
        many += sum(int(top) for top, one in zip(state.cell[kernels.TOP], reached, strict=True) if one)
        assert many == rows[there, 1].sum(), "a target for each synapse"
        assert not state.cell[kernels.TOP][state.cell[kernels.HEAD] < 0].any()


@pytest.mark.parametrize("cell", range(8))
def test_a_cell_that_dies_leaves_no_segment_and_no_synapse(cell: int):
    """Each by itself, also the one whose targets lie in the first place of all."""
    memory = TemporalMemory(8, 1, Dendrites(1, 1, 3, initial=0.6, synapses=6), seed=1)
    x = torch.stack([torch.rand(8, generator=dice(t)) < 0.5 for t in range(12)])
    _, state = memory.forward(x)
    before = memory.segments(state)
    kernels.remove(state, np.array([cell]))
    expected = [
        (owner, {c: p for c, p in zip(source.tolist(), permanence.tolist(), strict=True) if c != cell})
        for owner, source, permanence in before
        if owner != cell
    ]
    left = [
        (owner, dict(zip(source.tolist(), permanence.tolist(), strict=True)))
        for owner, source, permanence in memory.segments(state)
    ]
    assert left == [one for one in expected if one[1]] and len(left) < len(before)
    assert state.cell[kernels.HEAD, cell] < 0 and state.cell[kernels.SEGMENTS, cell] == 0


def test_what_only_looks_learns_nothing():
    """Foreseen, bursting and silent columns, and cells without room for more: segments are as before."""
    how = Dendrites(2, 2, 6, initial=0.6, punish=0.3, segments=1, synapses=6)
    memory = TemporalMemory(24, 2, how, seed=3)
    x = categories(5, 24, 6, dice(0))[torch.arange(40) % 5]
    _, state = memory.forward(x)
    strange = torch.rand(40, 24, generator=dice(1)) < 0.4
    trace, after = memory.forward(torch.cat([x, strange]), state, learn=False)
    assert trace.bursts.sum() > 0 and trace.anomaly.min() == 0
    for one, other in zip(state[:3], after[:3], strict=True):
        assert np.array_equal(one, other)
    parts = slice(kernels.IN_USE, None)
    assert state.tally[parts].tolist() == after.tally[parts].tolist()


def test_a_full_segment_gives_up_its_weakest_synapses_for_what_comes():
    """One segment of 4 synapses: 2 cells that it knew give way to 2 that won, and the one that won stays."""
    how = Dendrites(activation=2, matching=2, grow=4, synapses=4, down=0.05, initial=0.21)
    memory = TemporalMemory(8, 1, how, seed=1)

    def record(*columns: int) -> Tensor:
        return torch.zeros(8, dtype=torch.bool).index_fill(0, torch.tensor(columns), True)

    _, state = memory.forward(torch.stack([record(0, 1, 2, 3), record(7)]))
    assert [sorted(source.tolist()) for _, source, _ in memory.segments(state)] == [[0, 1, 2, 3]]
    state = memory.reset(state)
    _, state = memory.forward(torch.stack([record(2, 3, 4, 5), record(7)]), state)
    (_, source, permanence) = memory.segments(state)[0]
    assert dict(zip(source.tolist(), permanence.tolist(), strict=True)) == {
        2: 0.31,
        3: 0.31,
        4: 0.21,
        5: 0.21,
    }
    _, state = memory.forward(torch.stack([record(2, 3, 6), record(7)]), memory.reset(state))
    (_, source, permanence) = memory.segments(state)[0]
    assert dict(zip(source.tolist(), permanence.tolist(), strict=True)) == {
        2: 0.41,
        3: 0.41,
        5: 0.16,
        6: 0.21,
    }


def test_of_segments_that_learned_last_at_once_the_newest_gives_way():
    """Two segments of one cell learn in the same records; the third takes the place of the second."""
    how = Dendrites(activation=2, matching=2, grow=2, synapses=4, initial=0.6, segments=2)
    memory = TemporalMemory(8, 1, how, seed=1)

    def told(state, *before: int):
        """What was active before column 7; each time from a reset."""
        x = torch.zeros(2, 8, dtype=torch.bool)
        x[0, list(before)] = x[1, 7] = True
        _, state = memory.forward(x, memory.reset(state))
        return state, sorted(sorted(source.tolist()) for _, source, _ in memory.segments(state))

    state, _ = told(memory.empty(), 0, 1)
    state, both = told(state, 2, 3)
    assert both == [[0, 1], [2, 3]]
    state, both = told(state, 0, 1, 2, 3)  # both are active, and learn
    assert both == [[0, 1], [2, 3]]
    state, both = told(state, 4, 5)
    assert both == [[0, 1], [4, 5]]
    state, both = told(state, 2, 3)  # [0, 1] learned longest ago
    assert both == [[2, 3], [4, 5]]


@pytest.mark.parametrize("column", [0, 7])
def test_cells_of_a_column_share_its_contexts_evenly(column: int):
    """Each context that is new goes to a cell with fewest segments, also to the very first cell."""
    how = Dendrites(activation=2, matching=2, grow=2, synapses=4)
    for seed in range(5):
        memory = TemporalMemory(8, 3, how, seed)
        state = memory.empty()
        contexts = [(a, b) for a in range(1, 6) for b in range(a + 1, 7)][:9]
        for number, pair in enumerate(contexts, 1):
            x = torch.zeros(2, 8, dtype=torch.bool)
            x[0, list(pair)] = x[1, column] = True
            _, state = memory.forward(x, memory.reset(state))
            owners = torch.tensor([owner - 3 * column for owner, _, _ in memory.segments(state)])
            counts = owners.bincount(minlength=3)
            assert counts.sum() == number and counts.max() - counts.min() <= 1


@pytest.mark.parametrize(("first", "second", "winner"), [(2, 2, 7), (2, 3, 6), (3, 2, 7), (1, 2, 6)])
def test_of_equal_matches_the_lower_number_wins(first: int, second: int, winner: int):
    """Segment 0 is on the second cell of the last column and 1 on the first: each hears as many as told."""
    memory = TemporalMemory(4, 2, Dendrites(activation=2, matching=2, grow=4, synapses=4))
    state = memory.empty()
    for kind in range(3):
        state = kernels.larger(state, kind)
    for owner, many in ((7, first), (6, second)):
        segment = kernels.make(state, owner, 4)
        for cell in range(many):
            kernels.add(state, segment, cell, 300_000)  # too weak to predict
    state.cell[kernels.ACTIVE, :3] = state.cell[kernels.WINNERS, :3] = range(3)
    state.tally[[kernels.ACTIVES, kernels.WINS]] = 3
    trace, after = memory.forward(torch.tensor([[False, False, False, True]]), state, learn=False)
    assert trace.active.members.tolist() == [6, 7] and trace.bursts.tolist() == [1]
    assert after.tally[kernels.WINS] == 1
    assert after.cell[kernels.WINNERS, 0] == winner


def test_bits_of_the_clock_by_hand():
    """The first bit of 29: passengers in 81 places of 500 each, minutes that come round, days of 100 / 7."""
    passengers = torch.tensor([0.0, 249, 251, 20_000, 39_749, 39_751, 40_000])
    minutes = torch.tensor([0.0, 2, 3, 705, 1409, 1410, 1411])
    bits = clocked(torch.stack([passengers, minutes, torch.arange(7.0) + 1], 1))
    assert bits.shape == (7, 809)
    starts = []
    for part in bits.split((109, 600, 100), 1):
        first = part & ~part.roll(1, 1)  # set, and the bit before it is not
        assert (part.sum(1) == 29).all() and (first.sum(1) == 1).all()
        starts.append(first.long().argmax(1).tolist())
    assert starts[0] == [0, 0, 1, 40, 79, 80, 80]
    assert starts[1] == [600 * minute // 1411 for minute in (0, 2, 3, 705, 1409, 1410)] + [0]
    assert starts[2] == [14, 28, 42, 57, 71, 85, 0]


def test_dead_cells_are_counted_from_none_to_all():
    memory = built()
    _, state = memory.forward(codes(5).repeat(4, 1))
    for share, alive in ((0.0, 2048), (0.25, 1536), (1.0, 0)):
        hurt = memory.without(state, share, dice(3))
        trace, _ = memory.forward(torch.ones(1, 256, dtype=torch.bool), memory.reset(hurt), learn=False)
        assert len(trace.active.members) == alive
    for share in (-0.001, 1.001):
        with pytest.raises(BadInput, match="share of cells from 0 to 1"):
            memory.without(state, share, dice(0))


@pytest.mark.parametrize("least", ["activation", "matching"])
def test_no_threshold_is_below_one(least: str):
    with pytest.raises(BadInput, match="expected 1 <= thresholds <= grow <= synapses"):
        TemporalMemory(8, 1, replace(SMALL, **{least: 0}))
    TemporalMemory(8, 1, replace(SMALL, **{least: 1}))


@pytest.mark.parametrize("periodic", [False, True])
def test_a_missing_value_has_no_bits_and_an_endless_one_is_refused(periodic: bool):
    x = torch.tensor([0.3, torch.nan, 0.9], dtype=torch.float64)
    bits = scalar(x, 50, 5, 0, 1, periodic)
    assert bits.sum(1).tolist() == [5, 0, 5]
    assert torch.equal(bits[[0, 2]], scalar(x[[0, 2]], 50, 5, 0, 1, periodic))
    for endless in (torch.inf, -torch.inf):
        with pytest.raises(BadInput, match=r"finite or NaN, got .* 1 infinite"):
            scalar(torch.tensor([0.3, endless]), 50, 5, 0, 1, periodic)
    day = clocked(torch.tensor([[9000.0, torch.nan, 2.0], [torch.nan] * 3]))
    assert day.sum(1).tolist() == [58, 0] and day[0, :109].sum() == day[0, -100:].sum() == 29


def test_nearby_values_share_bits():
    bits = scalar(torch.tensor([0.0, 40_000 / 80, 40_000, 99_999]), 109, 29, 0, 40_000)
    assert bits.sum(1).tolist() == [29] * 4
    assert (bits[0] & bits[1]).sum() == 28 and torch.equal(bits[2], bits[3])
    assert bits[0, :29].all() and bits[2, -29:].all()
    week = scalar(torch.arange(8.0), 100, 29, 0, 7, periodic=True)
    assert (
        torch.equal(week[0], week[7]) and (week[0] & week[1]).sum() == 15 and (week[6] & week[0]).sum() == 14
    )
    assert clocked(torch.tensor([[0.0, 0, 0]])).shape == (1, 109 + 600 + 100)


def test_the_pooler_takes_the_columns_that_see_most():
    pooler = SpatialPooler(50, columns=64, winners=5, potential=0.8)
    state = pooler.empty()
    assert ((state >= 0).sum(1) == 40).all()
    x = torch.rand(20, 50, generator=dice(1)) < 0.2
    y, after = pooler.forward(x, state, learn=False)
    assert torch.equal(after, state) and (y.sum(1) == 5).all()
    overlap = x.long() @ (state >= 0.5).long().mT
    for row, seen in zip(y, overlap, strict=True):
        assert seen[row].min() >= seen[~row].max()
    y, after = pooler.forward(x[:1], state)
    change = after - state
    there = state[y[0]] >= 0
    assert (change[~y[0]] == 0).all() and (after[y[0]][~there] == -1).all()
    up, down = x[0] & there, ~x[0] & there
    wanted = torch.where(up, 0.0001, 0.0) - torch.where(down, 0.0005, 0.0)
    torch.testing.assert_close(after[y[0]], torch.where(there, (state[y[0]] + wanted).clamp(0, 1), -1.0))
    long, end = pooler.forward(x.repeat(40, 1))
    half, middle = pooler.forward(x.repeat(25, 1))
    rest, last = pooler.forward(x.repeat(15, 1), middle)
    assert torch.equal(torch.cat([half, rest]), long) and torch.equal(last, end)


@pytest.mark.parametrize(("up", "down"), [(0.0, 0.25), (0.25, 0.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_the_pooler_learns_by_each_of_its_steps_alone(up: float, down: float):
    pooler = SpatialPooler(30, columns=48, winners=6, seed=3)
    pooler.up, pooler.down = up, down
    x, state = torch.rand(1, 30, generator=dice(2)) < 0.3, pooler.empty()
    y, after = pooler.forward(x, state)
    moved = torch.where(x, (state + up).clamp(max=1), (state - down).clamp(min=0))
    torch.testing.assert_close(after, torch.where(y.mT & (state >= 0), moved, state))


def test_hundreds_of_records_of_the_pooler_are_those_of_a_plain_loop():
    """Its rule, permanence by permanence: up on ones, down on zeros, none below 0 or above 1."""
    pooler = SpatialPooler(30, columns=48, winners=6, seed=3)
    pooler.up, pooler.down = 0.02, 0.013
    x = torch.rand(400, 30, generator=dice(2)) < 0.3
    state = pooler.empty()
    y, after = pooler.forward(x, state)
    tie = torch.randperm(48, generator=torch.Generator().manual_seed(3)).numpy()  # who wins among equals
    permanence, crossed = state.numpy().copy(), 0
    for ones, seen in zip(x.numpy(), y.numpy(), strict=True):
        overlap = ((permanence >= 0.5) & ones).sum(1)
        wins = sorted(range(48), key=lambda column: (overlap[column], tie[column]))[-6:]
        assert sorted(wins) == seen.nonzero()[0].tolist()
        for column in wins:
            for i in range(30):
                old = permanence[column, i]
                if old < 0:
                    continue
                if ones[i]:
                    permanence[column, i] = min(np.float32(1), old + np.float32(0.02))
                else:
                    permanence[column, i] = max(np.float32(0), old - np.float32(0.013))
                crossed += (old >= 0.5) != (permanence[column, i] >= 0.5)
    assert np.array_equal(after.numpy(), permanence)
    for end in (-1, 0, 1):
        assert (permanence == end).sum() > 20, "the ends were reached"
    assert crossed > 100, "synapses came and went"


def test_hundreds_of_records_of_the_classifier_are_those_of_a_plain_loop():
    """Every member of a set has its say, the first and the last too; an empty set says and learns nothing."""
    rng = np.random.default_rng(0)
    sets = [rng.permutation(12)[: rng.integers(0, 6)] for _ in range(400)]
    bucket = rng.integers(0, 4, 400)
    ends = torch.from_numpy(np.cumsum([len(one) for one in sets]))
    active = Sets(torch.from_numpy(np.concatenate(sets)).int(), ends)
    first = np.random.default_rng(1).standard_normal((12, 4)).astype(np.float32)
    classifier = SoftmaxClassifier(12, 4, ahead=3, rate=0.2)
    p, weight = classifier.forward(active, torch.from_numpy(bucket), torch.from_numpy(first))

    def said(members: np.ndarray) -> np.ndarray:
        total = np.zeros(4)
        for member in members:
            total = total + ours[member]
        share = np.exp(total - total.max())
        return share / share.sum()

    ours, chances = first.astype(float), []
    for t, members in enumerate(sets):
        if t >= 3:
            missing = 0.2 * (np.eye(4)[bucket[t]] - said(sets[t - 3]))
            for member in sets[t - 3]:
                ours[member] += missing
        chances.append(said(members))
    assert min(len(one) for one in sets) == 0 and np.abs(ours - first).max() > 0.5
    torch.testing.assert_close(p.double(), torch.from_numpy(np.array(chances)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(weight.double(), torch.from_numpy(ours), rtol=1e-4, atol=1e-5)
    still, same = classifier.forward(active, torch.from_numpy(bucket), weight, learn=False)
    assert torch.equal(same, weight)
    ours = weight.double().numpy()
    wanted = torch.from_numpy(np.array([said(one) for one in sets]))
    torch.testing.assert_close(still.double(), wanted, rtol=1e-4, atol=1e-5)


def test_the_classifier_makes_gradient_steps_of_its_log_loss():
    sets, bucket = [[0, 3], [1], [2, 3], [0, 1, 2]], torch.tensor([2, 0, 1, 2])
    active = Sets(torch.tensor([0, 3, 1, 2, 3, 0, 1, 2], dtype=torch.int32), torch.tensor([2, 3, 5, 8]))
    p, weight = SoftmaxClassifier(4, 3, ahead=2, rate=0.1).forward(active, bucket)
    ours, answers = torch.zeros(4, 3), []
    for t, now in enumerate(sets):
        if t >= 2:
            ours = ours.requires_grad_()
            loss = -ours[sets[t - 2]].sum(0).log_softmax(0)[bucket[t]]
            ours = (ours - 0.1 * torch.autograd.grad(loss, ours)[0]).detach()
        answers.append(ours[now].sum(0).softmax(0))
    torch.testing.assert_close(p, torch.stack(answers))
    torch.testing.assert_close(weight, ours)
    assert torch.equal(p[0], torch.full((3,), 1 / 3))


def test_the_classifier_learns_what_comes():
    memory = built()
    x, bucket = codes(5).repeat(60, 1), torch.arange(300) % 5
    trace, _ = memory.forward(x)
    p, _ = SoftmaxClassifier(2048, 5, ahead=3, rate=0.05).forward(trace.active, bucket)
    assert torch.equal(p[200:-3].argmax(1), bucket[203:])


def test_is_no_memory_of_pairs_and_says_where_it_comes_from():
    assert not issubclass(TemporalMemory, Memory)
    assert "1512.05463" in TemporalMemory.card.source


def test_bad_input_is_refused():
    memory = built()
    with pytest.raises(BadInput, match=r"expected x \(time, 256\) of bool, got torch.float32 \(3, 256\)"):
        memory.forward(torch.zeros(3, 256))
    with pytest.raises(BadInput, match=r"of bool, got torch.bool \(3, 255\)"):
        memory.forward(torch.zeros(3, 255, dtype=torch.bool))
    with pytest.raises(BadInput, match="no segment is ever active; got 20"):
        TemporalMemory(256, 8, Dendrites(activation=20, grow=16))
    with pytest.raises(BadInput, match="expected a state of arrays"):
        memory.step(codes(1)[0], built(cells=4).empty())
    with pytest.raises(BadInput, match=r"share of cells from 0 to 1, got 1\.5"):
        memory.without(memory.empty(), 1.5, dice(0))
    with pytest.raises(BadInput, match="3 buckets below 2"):
        active = Sets(torch.zeros(0, dtype=torch.int32), torch.zeros(3, dtype=torch.long))
        SoftmaxClassifier(4, 2).forward(active, torch.tensor([0, 1, 2]))
    with pytest.raises(BadInput, match="fewer ones than bits"):
        scalar(torch.zeros(1), 5, 5, 0, 1)
    with pytest.raises(BadInput, match="fewer ones than bits"):
        scalar(torch.zeros(1), 5, 2, 0, torch.inf)
    with pytest.raises(BadInput, match=r"values \(time,\), finite or NaN, got torch.float32 \(2, 1\)"):
        scalar(torch.zeros(2, 1), 5, 2, 0, 1)
    with pytest.raises(BadInput, match=r"counts \(time, 3\), got \(4, 2\)"):
        clocked(torch.zeros(4, 2))
    with pytest.raises(BadInput, match="1 to 8 ones, got 9"):
        categories(2, 8, 9, dice(0))
    with pytest.raises(BadInput, match=r"a state \(8, 4\), got torch.bool \(1, 4\) and \(4, 8\)"):
        SpatialPooler(4, columns=8, winners=2).forward(torch.zeros(1, 4, dtype=torch.bool), torch.zeros(4, 8))
    with pytest.raises(BadInput, match="at most 8 winners"):
        SpatialPooler(4, columns=8, winners=9)
    for share in (0.0, 1.001):
        with pytest.raises(BadInput, match=rf"a potential share in \(0, 1\], got 2 and {share}"):
            SpatialPooler(4, columns=8, winners=2, potential=share)


def test_the_ends_of_what_is_taken():
    """All columns may win, of all bits or of at least one; and all bits but one may be ones."""
    every = SpatialPooler(4, columns=8, winners=8, potential=1.0)
    assert (every.empty() >= 0).all() and every.forward(torch.ones(2, 4, dtype=torch.bool))[0].all()
    assert (SpatialPooler(4, columns=8, winners=1, potential=0.01).empty() >= 0).sum(1).tolist() == [1] * 8
    assert (SpatialPooler(4, columns=8, winners=1, potential=0.51).empty() >= 0).sum(1).tolist() == [3] * 8
    assert scalar(torch.tensor([0.0, 1.0, 0.4]), 5, 4, 0, 1).long().tolist() == [
        [1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1],
        [1, 1, 1, 1, 0],
    ]
    assert categories(3, 4, 4, dice(0)).all()
    with pytest.raises(BadInput, match="1 to 8 ones, got 0"):
        categories(2, 8, 0, dice(0))
    for low in (1, 2):
        with pytest.raises(BadInput, match="low < high"):
            scalar(torch.zeros(1), 5, 2, low, 1)
    with pytest.raises(BadInput, match="fewer ones than bits"):
        scalar(torch.zeros(1), 5, 0, 0, 1)
