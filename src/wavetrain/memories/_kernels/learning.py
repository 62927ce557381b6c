"""How segments of dendrites learn, on CPU: permanences change, synapses grow, and the weakest make room."""

from typing import NamedTuple

import numpy as np

from wavetrain.memories._kernels.segments import (
    BLOCK,
    BLOCKS,
    LAST,
    MANY,
    SHIFT,
    TIME,
    UNIT,
    USED,
    WINNERS,
    WINS,
    add,
    destroy,
    draw,
    drop,
)
from wavetrain.scan.cpu.compiled import borrowed


class Rules(NamedTuple):
    """What decides how segments predict and learn; permanences in millionths."""

    cells: int
    activation: int
    matching: int
    grow: int
    initial: int
    connected: int
    up: int
    down: int
    punish: int
    segments: int
    synapses: int


class Bench(NamedTuple):
    """Room to work in; nothing of it outlives a call."""

    overlap: np.ndarray  # (S,) potential overlaps
    found: np.ndarray  # (S,) matching segments, sorted: owner << 32 | segment << 1 | whether it is active
    was: np.ndarray  # (C,) whether a cell was active
    work: np.ndarray  # (4, C): marks, candidates of a draw, cells that begin to fire, those that win


MARK, POOL, NOW, CHOSEN = range(4)


def room_for(state):
    """A bench for the segments that there are places for."""
    many, size = len(state.segment), state.cell.shape[1]
    return Bench(
        np.empty(many, np.int32),
        np.empty(many, np.int64),
        np.zeros(size, np.bool_),
        np.zeros((4, size), np.int32),
    )


@borrowed
def teach(rules, state, bench, segment):
    """A segment that told what came, or nearly did, holds to what was active, and grows to the rest."""
    adapt(state, bench, segment, rules.up, -rules.down)
    grow(rules, state, bench, segment, rules.grow - bench.overlap[segment])
    state.segment[segment, USED] = state.tally[TIME]
    prune(rules, state, segment)


@borrowed
def adapt(state, bench, segment, active, silent):
    """Change the permanences of synapses from cells that were active and silent; those at 0 are gone."""
    left, some_gone = state.segment[segment, MANY], False
    for place in range((left + BLOCK - 1) >> SHIFT):
        block = state.segment[segment, BLOCKS + place]
        some_gone |= _adapt(state.synapse[block], bench.was, min(left, BLOCK), active, silent)
        left -= BLOCK
    slot = 0
    while some_gone and slot < state.segment[segment, MANY]:
        block = state.segment[segment, BLOCKS + (slot >> SHIFT)]
        if state.synapse[block, 1, slot & LAST] <= 0:
            drop(state, segment, slot)  # the last synapse now lies here
        else:
            slot += 1


@borrowed
def _adapt(block, was, many, active, silent):
    """The synapses of one block; whether some have lost all permanence."""
    least = UNIT
    for i in range(many):
        permanence = block[1, i] + (active if was[block[0, i]] else silent)
        block[1, i] = min(UNIT, permanence)
        least = min(least, permanence)
    return least <= 0


@borrowed
def grow(rules, state, bench, segment, wanted):
    """New synapses from the last winners, drawn from those without one here; a full segment makes room."""
    if wanted <= 0:
        return
    _mark(state, bench, segment, 1)
    size = 0
    for i in range(state.tally[WINS]):
        if bench.work[MARK, state.cell[WINNERS, i]] == 0:
            bench.work[POOL, size] = state.cell[WINNERS, i]
            size += 1
    _mark(state, bench, segment, 0)
    wanted = min(wanted, size)
    _evict(state, bench, segment, state.segment[segment, MANY] + wanted - rules.synapses)
    wanted = min(wanted, rules.synapses - state.segment[segment, MANY])
    for i in range(wanted):
        j = i + draw(state, size - i)
        cell = bench.work[POOL, j]
        bench.work[POOL, j] = bench.work[POOL, i]
        add(state, segment, cell, rules.initial)


@borrowed
def _evict(state, bench, segment, many):
    """The weakest synapses go, of equals that from the lowest cell; those from the last winners stay."""
    if many <= 0:
        return
    _mark_winners(state, bench, 1)
    for _ in range(many):
        weakest, least, lowest = -1, UNIT + 1, 0
        for slot in range(state.segment[segment, MANY]):
            block, i = state.segment[segment, BLOCKS + (slot >> SHIFT)], slot & LAST
            cell, permanence = state.synapse[block, 0, i], state.synapse[block, 1, i]
            weaker = permanence < least or (permanence == least and cell < lowest)
            if weaker and bench.work[MARK, cell] == 0:
                weakest, least, lowest = slot, permanence, cell
        if weakest < 0:
            break
        drop(state, segment, weakest)
    _mark_winners(state, bench, 0)


@borrowed
def _mark_winners(state, bench, value):
    for i in range(state.tally[WINS]):
        bench.work[MARK, state.cell[WINNERS, i]] = value


@borrowed
def _mark(state, bench, segment, value):
    left = state.segment[segment, MANY]
    for place in range((left + BLOCK - 1) >> SHIFT):
        source = state.synapse[state.segment[segment, BLOCKS + place], 0]
        for i in range(min(left, BLOCK)):
            bench.work[MARK, source[i]] = value
        left -= BLOCK


@borrowed
def prune(rules, state, segment):
    """A segment with too few synapses to match again is taken away."""
    if state.segment[segment, MANY] < min(rules.matching, rules.activation):
        destroy(state, segment)
