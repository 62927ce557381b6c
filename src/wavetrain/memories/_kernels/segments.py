"""Segments of dendrites on CPU: where they and their synapses lie, and how they come and go.

Synapses lie in blocks of 32, a few blocks a segment; the other way round each cell has a chain of blocks with
the segments that it reaches, newest block first. Places that are given back form chains, and are used again.
"""

from typing import NamedTuple

import numpy as np

from wavetrain.scan.cpu.compiled import borrowed

SHIFT = 5  # slot >> SHIFT is the block of a slot, slot & LAST its place there: quicker than signed division
BLOCK = 1 << SHIFT  # synapses, or targets, that lie side by side
LAST = BLOCK - 1
UNIT = 1_000_000  # permanences are whole millionths

# the columns of State.segment; its blocks of synapses follow
OWNER, MANY, USED, AFTER, BLOCKS = range(5)
# the rows of State.cell
FIRST, SEGMENTS, HEAD, TOP, ALIVE, ACTIVE, WINNERS = range(7)
# the numbers in State.tally; the last nine for segments, blocks of synapses and blocks of targets
TIME, ACTIVES, WINS, DICE, IN_USE, HIGHEST, FREE = 0, 1, 2, 3, 4, 7, 10
SEGMENT, SYNAPSE, TARGET = range(3)


class State(NamedTuple):
    """All that the memory knows. C cells, S segments, P blocks of synapses, Q blocks of targets."""

    segment: np.ndarray  # (S, 4 + ...): its cell or -1, synapses, last learned when, next of the cell, blocks
    synapse: np.ndarray  # (P, 2, 32): the cells that synapses listen to, and permanences in millionths
    target: np.ndarray  # (Q, 33): segments that a cell reaches, and the next older block
    cell: np.ndarray  # (7, C): newest segment, how many, newest targets, how many, alive; active, winners
    tally: np.ndarray  # (13,): records, active, winners, generator; numbers in use, highest, last given back


def nothing(cells, synapses, seed):
    """The state before any segment has grown, for cells whose segments may have that many synapses."""
    cell = np.zeros((7, cells), np.int32)
    cell[[FIRST, HEAD]] = -1
    cell[ALIVE] = 1
    tally = np.zeros(13, np.int64)
    tally[DICE], tally[FREE:] = seed, -1
    shapes = (0, BLOCKS - (-synapses // BLOCK)), (0, 2, BLOCK), (0, BLOCK + 1)
    segment, synapse, target = (np.zeros(shape, np.int32) for shape in shapes)
    return State(segment, synapse, target, cell, tally)


def larger(state, kind):
    """Twice the places for segments, blocks of synapses or blocks of targets."""
    old = state[kind]
    new = np.empty((max(2 * len(old), 1024), *old.shape[1:]), np.int32)
    new[: len(old)] = old
    return state._replace(**{State._fields[kind]: new})


def synapses(state, row):
    """The cells that a segment, a row of state.segment, listens to, and the permanences, from 0 to 1."""
    many = row[MANY]
    blocks = state.synapse[row[BLOCKS:][: -(-many // BLOCK)]]  # (..., 2, 32)
    source, permanence = blocks.swapaxes(0, 1).reshape(2, -1)[:, :many]
    return source.copy(), permanence / UNIT


@borrowed
def make(state, cell, most):
    """An empty segment; where the cell has as many as it may have, the one that learned longest ago goes."""
    if state.cell[SEGMENTS, cell] >= most:
        oldest = segment = state.cell[FIRST, cell]
        while segment >= 0:
            if state.segment[segment, USED] < state.segment[oldest, USED]:
                oldest = segment
            segment = state.segment[segment, AFTER]
        destroy(state, oldest)
    segment = _number(state, SEGMENT)
    if segment == state.tally[FREE + SEGMENT]:
        state.tally[FREE + SEGMENT] = state.segment[segment, AFTER]
    state.segment[segment, OWNER], state.segment[segment, MANY] = cell, 0
    state.segment[segment, USED] = state.tally[TIME]
    state.segment[segment, AFTER] = state.cell[FIRST, cell]
    state.cell[FIRST, cell] = segment
    state.cell[SEGMENTS, cell] += 1
    return segment


@borrowed
def destroy(state, segment):
    while state.segment[segment, MANY] > 0:
        drop(state, segment, state.segment[segment, MANY] - 1)
    cell = state.segment[segment, OWNER]
    if state.cell[FIRST, cell] == segment:
        state.cell[FIRST, cell] = state.segment[segment, AFTER]
    else:
        before = state.cell[FIRST, cell]
        while state.segment[before, AFTER] != segment:
            before = state.segment[before, AFTER]
        state.segment[before, AFTER] = state.segment[segment, AFTER]
    state.cell[SEGMENTS, cell] -= 1
    state.segment[segment, OWNER] = -1
    state.segment[segment, AFTER] = state.tally[FREE + SEGMENT]
    state.tally[FREE + SEGMENT] = segment
    state.tally[IN_USE + SEGMENT] -= 1


@borrowed
def add(state, segment, cell, permanence):
    """A synapse from a cell to a segment."""
    slot = state.segment[segment, MANY]
    if slot & LAST == 0:
        block = _number(state, SYNAPSE)
        if block == state.tally[FREE + SYNAPSE]:
            state.tally[FREE + SYNAPSE] = state.synapse[block, 0, 0]
        state.segment[segment, BLOCKS + (slot >> SHIFT)] = block
    block = state.segment[segment, BLOCKS + (slot >> SHIFT)]
    state.synapse[block, 0, slot & LAST], state.synapse[block, 1, slot & LAST] = cell, permanence
    state.segment[segment, MANY] += 1
    if state.cell[HEAD, cell] < 0 or state.cell[TOP, cell] == BLOCK:
        block = _number(state, TARGET)
        if block == state.tally[FREE + TARGET]:
            state.tally[FREE + TARGET] = state.target[block, BLOCK]
        state.target[block, BLOCK] = state.cell[HEAD, cell]
        state.cell[HEAD, cell], state.cell[TOP, cell] = block, 0
    state.target[state.cell[HEAD, cell], state.cell[TOP, cell]] = segment
    state.cell[TOP, cell] += 1


@borrowed
def drop(state, segment, slot):
    """Take a synapse away; the last one of the segment comes to lie in its place."""
    block, i = state.segment[segment, BLOCKS + (slot >> SHIFT)], slot & LAST
    _forget(state, state.synapse[block, 0, i], segment)
    last = state.segment[segment, MANY] - 1
    end, j = state.segment[segment, BLOCKS + (last >> SHIFT)], last & LAST
    state.synapse[block, 0, i], state.synapse[block, 1, i] = (
        state.synapse[end, 0, j],
        state.synapse[end, 1, j],
    )
    state.segment[segment, MANY] = last
    if j == 0:
        state.synapse[end, 0, 0] = state.tally[FREE + SYNAPSE]
        state.tally[FREE + SYNAPSE] = end
        state.tally[IN_USE + SYNAPSE] -= 1


@borrowed
def remove(state, cells):
    """Cells die: their segments go, and so do the synapses from them, and they neither fire nor win."""
    for cell in cells:
        state.cell[ALIVE, cell] = 0
        while state.cell[FIRST, cell] >= 0:
            destroy(state, state.cell[FIRST, cell])
        while state.cell[HEAD, cell] >= 0:
            segment = state.target[state.cell[HEAD, cell], state.cell[TOP, cell] - 1]
            slot = 0
            while state.synapse[state.segment[segment, BLOCKS + (slot >> SHIFT)], 0, slot & LAST] != cell:
                slot += 1
            drop(state, segment, slot)
            if state.segment[segment, MANY] == 0:
                destroy(state, segment)
    for count, row in ((ACTIVES, ACTIVE), (WINS, WINNERS)):
        left = 0
        for i in range(state.tally[count]):
            cell = state.cell[row, i]
            if state.cell[ALIVE, cell]:
                state.cell[row, left] = cell
                left += 1
        state.tally[count] = left


@borrowed
def draw(state, many):
    """A whole number below `many`: SplitMix64, Steele, Lea and Flood 2014."""
    z = np.uint64(state.tally[DICE]) + np.uint64(0x9E3779B97F4A7C15)
    state.tally[DICE] = np.int64(z)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64((z ^ (z >> np.uint64(31))) % np.uint64(many))


@borrowed
def _number(state, kind):
    """The place given back last, which the caller takes off the chain of these, or one never used."""
    state.tally[IN_USE + kind] += 1
    if state.tally[FREE + kind] >= 0:
        return state.tally[FREE + kind]
    state.tally[HIGHEST + kind] += 1
    return state.tally[HIGHEST + kind] - 1


@borrowed
def _forget(state, cell, segment):
    """Take a segment out of the targets of a cell; the newest target comes to lie in its place."""
    newest, last = state.cell[HEAD, cell], state.cell[TOP, cell] - 1
    block, i = newest, last
    while state.target[block, i] != segment:
        i -= 1
        if i < 0:
            block, i = state.target[block, BLOCK], BLOCK - 1
    state.target[block, i] = state.target[newest, last]
    state.cell[TOP, cell] = last
    if last == 0:
        before = state.target[newest, BLOCK]
        state.cell[HEAD, cell], state.cell[TOP, cell] = before, BLOCK if before >= 0 else 0
        state.target[newest, BLOCK] = state.tally[FREE + TARGET]
        state.tally[FREE + TARGET] = newest
        state.tally[IN_USE + TARGET] -= 1
