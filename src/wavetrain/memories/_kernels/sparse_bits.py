"""Online maps of sparse sets of ones on CPU: HTM's spatial pooler, and a softmax on active cells."""

import numpy as np

from wavetrain.scan.cpu.compiled import compiled


@compiled
def pool(x, permanence, joined, tie, winners, threshold, up, down, y):
    """Fill y (T, N) with the columns whose connected synapses see most ones of x (T, I), and let these learn.

    permanence (N, I), negative where no synapse can be; joined (I, N) says which are connected, and is kept
    up. tie (N,) are different numbers below 1 that decide between equals. Without learning up and down are 0.
    """
    overlap, before = np.empty(tie.size, tie.dtype), np.empty_like(permanence[0])
    for t in range(x.shape[0]):
        overlap[:] = tie
        for i in range(x.shape[1]):
            if x[t, i]:
                _count(overlap, joined[i])
        least = np.partition(overlap, tie.size - winners)[tie.size - winners]
        for column in range(tie.size):
            y[t, column] = overlap[column] >= least
            if y[t, column] and (up != 0 or down != 0):
                before[:] = permanence[column]
                if _adapt(x[t], permanence[column], threshold, up, down):
                    _join(before, permanence[column], joined, column, threshold)


@compiled
def _count(overlap, joined):
    for column in range(overlap.size):
        overlap[column] += joined[column]


@compiled
def _adapt(x, row, threshold, up, down):
    """Permanences of a column go up on ones, down on zeros; whether some crossed the threshold."""
    changed = 0
    for i in range(x.size):
        old = row[i]
        moved = min(np.float32(1), old + up) if x[i] else max(np.float32(0), old - down)
        new = moved if old >= 0 else old
        row[i] = new
        changed += (old >= threshold) != (new >= threshold)
    return changed > 0


@compiled
def _join(before, row, joined, column, threshold):
    """The few synapses of a column that join or part now; each lies in a line of memory of its own."""
    for i in range(row.size):
        if (before[i] >= threshold) != (row[i] >= threshold):
            joined[i, column] = row[i] >= threshold


@compiled
def classify(members, begins, answer, ahead, rate, weight, p):
    """Fill p (T, K) with the chances of each answer `ahead` records later, from sets of rows of weight.

    weight is (C, K); set t is members[begins[t] : begins[t + 1]]. Before it is asked, what was said `ahead`
    records ago is said again and corrected by today's answer. The rate 0 learns nothing.
    """
    said = np.empty_like(p[0])
    for t in range(p.shape[0]):
        if t >= ahead and rate != 0:
            past = members[begins[t - ahead] : begins[t - ahead + 1]]
            _softmax(past, weight, said)
            for k in range(said.size):
                said[k] = rate * ((k == answer[t]) - said[k])
            for member in past:
                weight[member] += said
        _softmax(members[begins[t] : begins[t + 1]], weight, p[t])


@compiled
def _softmax(members, weight, p):
    p[:] = 0
    for member in members:
        for k in range(p.size):
            p[k] += weight[member, k]
    p -= p.max()
    for k in range(p.size):
        p[k] = np.exp(p[k])
    p /= p.sum()
