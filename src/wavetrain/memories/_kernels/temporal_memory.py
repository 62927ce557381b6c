"""HTM's temporal memory on CPU, record by record: cells fire, segments learn, and predict what comes next.

The overlaps of all segments with the active cells cost as many additions as these have synapses, and only
segments whose overlap is large are looked at one by one. `walk` stops before a record for which places, or
the room for what it hands out, could run short, and is called again with more.
"""

import numpy as np

from wavetrain.memories._kernels.learning import CHOSEN, NOW, adapt, grow, prune, teach
from wavetrain.memories._kernels.segments import (
    ACTIVE,
    ACTIVES,
    ALIVE,
    BLOCK,
    BLOCKS,
    HEAD,
    IN_USE,
    MANY,
    OWNER,
    SEGMENT,
    SEGMENTS,
    SHIFT,
    SYNAPSE,
    TARGET,
    TIME,
    TOP,
    WINNERS,
    WINS,
    draw,
    make,
)
from wavetrain.scan.cpu.compiled import borrowed, compiled


@compiled
def walk(x, begin, rules, state, bench, told, active, predicted, learn):
    """Take in the records x (T, N) from `begin` on; returns where it stopped, and which kind was short or -1.

    told (4, T) takes how many columns were predicted and burst, and where the sets end in `active` and
    `predicted`. It stops early with -1 where these are full. bench.was is all False before and after.
    """
    _light(state, bench, True)
    found = _predict(rules, state, bench)
    cells = state.cell.shape[1]
    fired = foreseen = 0
    for t in range(begin, x.shape[0]):
        short = _short(x.shape[1], rules, state, found) if learn else -1
        if short >= 0 or fired + cells > active.size or foreseen + cells > predicted.size:
            _light(state, bench, False)
            return t, short
        state.tally[TIME] += 1
        told[0, t], told[1, t], firing, winning = _activate(x[t], rules, state, bench, found, learn)
        _light(state, bench, False)
        for i in range(firing):
            state.cell[ACTIVE, i] = active[fired + i] = bench.work[NOW, i]
        for i in range(winning):
            state.cell[WINNERS, i] = bench.work[CHOSEN, i]
        state.tally[ACTIVES], state.tally[WINS] = firing, winning
        _light(state, bench, True)
        found = _predict(rules, state, bench)
        fired += firing
        foreseen = _hand_out(bench, found, predicted, foreseen)
        told[2, t], told[3, t] = fired, foreseen
    _light(state, bench, False)
    return x.shape[0], -1


@compiled
def foresee(rules, state, bench, cells):
    """Fill `cells` with those that are in the predictive state; returns how many there are."""
    _light(state, bench, True)
    many = _hand_out(bench, _predict(rules, state, bench), cells, 0)
    _light(state, bench, False)
    return many


@borrowed
def _short(columns, rules, state, found):
    """What the next record could run out of, or -1: each active column and matching segment may grow."""
    learners = found + columns
    blocks = learners * ((rules.grow + BLOCK - 1) // BLOCK + 1)
    if state.segment.shape[0] - state.tally[IN_USE + SEGMENT] < columns:
        return SEGMENT
    if state.synapse.shape[0] - state.tally[IN_USE + SYNAPSE] < blocks:
        return SYNAPSE
    if state.target.shape[0] - state.tally[IN_USE + TARGET] < state.tally[WINS] * (learners // BLOCK + 2):
        return TARGET
    return -1


@borrowed
def _light(state, bench, on):
    for i in range(state.tally[ACTIVES]):
        bench.was[state.cell[ACTIVE, i]] = on


@compiled
def _predict(rules, state, bench):
    """Overlaps of all segments with the active cells; returns how many match, or could be active."""
    least = min(rules.matching, rules.activation)
    overlap = bench.overlap
    overlap[:] = 0
    bench.work[NOW, 0] = _targets_near(state)
    found = 0
    for i in range(state.tally[ACTIVES]):
        cell = state.cell[ACTIVE, i]
        block, size = state.cell[HEAD, cell], state.cell[TOP, cell]
        while block >= 0:
            for j in range(size):
                segment = state.target[block, j]
                overlap[segment] += 1
                if overlap[segment] == least:
                    bench.found[found] = (np.int64(state.segment[segment, OWNER]) << 32) | (segment << 1)
                    found += 1
            block, size = state.target[block, BLOCK], BLOCK
    bench.found[:found].sort()
    bench.work[NOW, 0] = _near(state, bench, found)
    for i in range(found):
        segment = _segment(bench.found[i])
        if overlap[segment] >= rules.activation and _connected(rules, state, bench, segment):
            bench.found[i] |= 1
    return found


@borrowed
def _targets_near(state):
    """A sum over the newest targets of active cells, which brings them near: all are waited for at once."""
    total = np.int32(0)
    for i in range(state.tally[ACTIVES] if state.target.shape[0] > 0 else 0):
        block = max(0, state.cell[HEAD, state.cell[ACTIVE, i]])
        total += state.target[block, 0] + state.target[block, BLOCK // 2] + state.target[block, BLOCK]
    return total


@borrowed
def _near(state, bench, found):
    """The same over the synapses of the segments that were found."""
    total = np.int32(0)
    for i in range(found):
        block = state.segment[_segment(bench.found[i]), BLOCKS]
        for part in range(2):
            total += state.synapse[block, part, 0] + state.synapse[block, part, BLOCK // 2]
    return total


@borrowed
def _segment(found):
    return (found & 0xFFFFFFFF) >> 1


@borrowed
def _connected(rules, state, bench, segment):
    """Whether enough connected synapses of a segment come from active cells."""
    total, left = 0, state.segment[segment, MANY]
    for place in range((left + BLOCK - 1) >> SHIFT):
        block = state.synapse[state.segment[segment, BLOCKS + place]]
        for i in range(min(left, BLOCK)):
            total += bench.was[block[0, i]] & (block[1, i] >= rules.connected)
        left -= BLOCK
    return total >= rules.activation


@borrowed
def _hand_out(bench, found, to, place):
    """Append the owners of active segments, each once; returns where they end."""
    last = np.int64(-1)
    for i in range(found):
        cell = bench.found[i] >> 32
        if bench.found[i] & 1 and cell != last:
            to[place] = cell
            place += 1
            last = cell
    return place


@borrowed
def _activate(x, rules, state, bench, found, learn):
    """Which cells fire and win, and what is learned. Returns columns hit, burst, cells, winners."""
    hit = burst = firing = winning = place = np.int64(0)
    for column in range(x.size):
        begin, end = place, np.int64((column + 1) * rules.cells) << 32
        predicted = False
        while place < found and bench.found[place] < end:
            predicted = predicted or (bench.found[place] & 1) == 1
            place += 1
        if not x[column]:
            if learn and rules.punish > 0:
                _punish(rules, state, bench, begin, place)
        elif predicted:
            hit += 1
            firing, winning = _expect(rules, state, bench, begin, place, firing, winning, learn)
        else:
            burst += 1
            firing = _burst(rules, state, bench, column, firing)
            winner = _surprise(rules, state, bench, column, begin, place, learn)
            if winner >= 0:
                bench.work[CHOSEN, winning] = winner
                winning += 1
    return hit, burst, firing, winning


@borrowed
def _expect(rules, state, bench, begin, end, firing, winning, learn):
    """Predicted cells of an active column fire and win; the segments that said so learn."""
    last = np.int64(-1)
    for i in range(begin, end):
        if bench.found[i] & 1:
            cell = bench.found[i] >> 32
            if cell != last:
                bench.work[NOW, firing] = bench.work[CHOSEN, winning] = last = cell
                firing, winning = firing + 1, winning + 1
            if learn:
                teach(rules, state, bench, _segment(bench.found[i]))
    return firing, winning


@borrowed
def _burst(rules, state, bench, column, firing):
    for cell in range(column * rules.cells, (column + 1) * rules.cells):
        if state.cell[ALIVE, cell]:
            bench.work[NOW, firing] = cell
            firing += 1
    return firing


@borrowed
def _punish(rules, state, bench, begin, end):
    """Segments that matched in a column that stays silent trust those cells less."""
    for i in range(begin, end):
        segment = _segment(bench.found[i])
        if bench.overlap[segment] >= rules.matching:
            adapt(state, bench, segment, -rules.punish, 0)
            prune(rules, state, segment)


@borrowed
def _surprise(rules, state, bench, column, begin, end, learn):
    """The winner of a bursting column, which learns: -1 where all its cells are dead."""
    best, most = np.int64(-1), rules.matching - 1
    for i in range(begin, end):
        segment = _segment(bench.found[i])
        lower = bench.overlap[segment] == most and best >= 0 and segment < best
        if bench.overlap[segment] > most or lower:
            best, most = segment, np.int64(bench.overlap[segment])
    if best >= 0:
        winner = np.int64(state.segment[best, OWNER])
        if learn:
            teach(rules, state, bench, best)
        return winner
    winner, least, ties = np.int64(-1), 0, 0
    for cell in range(column * rules.cells, (column + 1) * rules.cells):
        size = state.cell[SEGMENTS, cell]
        if not state.cell[ALIVE, cell] or (winner >= 0 and size > least):
            continue
        ties = 1 if winner < 0 or size < least else ties + 1
        if ties == 1 or draw(state, ties) == 0:
            winner = np.int64(cell)
        least = size
    if learn and winner >= 0 and state.tally[WINS] > 0:
        segment = make(state, winner, rules.segments)
        grow(rules, state, bench, segment, rules.grow)
        prune(rules, state, segment)
    return winner
