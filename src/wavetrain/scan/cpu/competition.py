"""Competing units on CPU, only inputs that fire cost anything, and only who fires learns.

A step costs as many additions as inputs fire, times the units. Learning adds as many again for each input
that fires while units still have a trace, and a row of weights for each spike.
"""

import numpy as np

from wavetrain.scan.cpu.compiled import exactly

SUM, MEAN, LARGEST = range(3)


@exactly
def walk(x, spikes, v, silent, last, weight, theta, numbers, whole):
    """Go through x (B, T, inputs) in place, with weights (inputs, units) and thresholds that stay.

    v, silent and last (B, units) are the state, spikes (B, T, units) is filled.
    """
    current, crossed = np.empty_like(theta), np.zeros(theta.size, np.int64)
    for t in range(x.shape[1]):
        for b in range(x.shape[0]):
            _fire(
                x[b, t],
                spikes[b, t],
                v[b],
                silent[b],
                last[b],
                weight,
                theta,
                numbers,
                whole,
                current,
                crossed,
            )


@exactly
def learn(x, spikes, v, silent, last, before, behind, weight, mask, theta, numbers, rates, whole, over):
    """As `walk`, and after each step of the whole batch weights and thresholds learn.

    before (B, inputs) and behind (B, units) are traces. mask (inputs, units) is 1 where there is a
    connection, or empty where all are there. `rates` has potentiation, depression, what a step leaves of the
    traces, the bounds, by what a crossing raises a threshold and what a step leaves of that. `over` says
    whether the nearest spikes alone count, and how changes become one.
    """
    grows, decays, fade_before, fade_behind, low, high, raised, kept = rates
    nearest, reduction = over
    batch, units = v.shape
    current, crossed = np.empty_like(theta), np.zeros(units, np.int64)
    rows, columns = np.ones(weight.shape[0], np.uint8), np.zeros(units, np.uint8)  # the first step clips all
    share = v.dtype.type(1) / v.dtype.type(batch) if reduction == MEAN else v.dtype.type(1)
    for t in range(x.shape[1]):
        for j in range(units):
            theta[j] *= kept
            crossed[j] = 0
        for b in range(batch):
            _fire(
                x[b, t],
                spikes[b, t],
                v[b],
                silent[b],
                last[b],
                weight,
                theta,
                numbers,
                whole,
                current,
                crossed,
            )
            _trace(before[b], x[b, t], fade_before, nearest)
            _trace(behind[b], spikes[b, t], fade_behind, nearest)
        if reduction == LARGEST:
            _largest(x, spikes, t, before, behind, weight, mask, grows, decays, low, high)
        else:
            for b in range(batch):
                _added(
                    x[b, t],
                    spikes[b, t],
                    before[b],
                    behind[b],
                    weight,
                    mask,
                    share * grows,
                    share * decays,
                    rows,
                    columns,
                )
        _clipped(weight, rows, columns, low, high)
        for j in range(units):
            theta[j] += raised * crossed[j]


@exactly
def _fire(x, spikes, v, silent, last, weight, theta, numbers, whole, current, crossed):
    """One step of one sequence: in each group the unit furthest above its threshold is let through."""
    keep, threshold, reset, inhibition = numbers
    silence, groups = whole
    one, size = v.dtype.type(1), v.size // groups
    _driven(x, weight, current)
    for g in range(groups):
        total = v.dtype.type(0)
        for j in range(g * size, g * size + size):
            total += last[j]
        first, best = -1, v.dtype.type(0)
        for j in range(g * size, g * size + size):
            held = silent[j] > 0
            moved = keep * v[j] + (current[j] - inhibition * (total - last[j]))
            v[j] = v[j] if held else moved
            excess = v[j] - (threshold + theta[j])
            spikes[j] = excess if excess != excess else 0  # what is not a number must be seen
            silent[j] = silent[j] - 1 if held else 0
            if excess > 0 and not held:
                v[j] = reset
                silent[j] = silence
                crossed[j] += 1
                if first < 0 or excess > best:
                    first, best = j, excess
        for j in range(g * size, g * size + size):
            last[j] = spikes[j]
        if first >= 0:
            spikes[first] = one
            last[first] = one


@exactly
def _driven(x, weight, current):
    """What the inputs that fire give to each unit."""
    current[:] = 0
    for i in range(x.size):
        if x[i] != 0:
            row = weight[i]
            for j in range(row.size):
                current[j] += x[i] * row[j]


@exactly
def _trace(trace, spikes, fade, nearest):
    """Traces after a step, which hold its spikes."""
    for i in range(trace.size):
        faded = fade * trace[i]
        trace[i] = spikes[i] if nearest and spikes[i] > 0 else faded + spikes[i]


@exactly
def _added(x, spikes, before, behind, weight, mask, grows, decays, rows, columns):
    """What one sequence asks for, added to the weights; which rows and columns were changed is noted."""
    units, masked = spikes.size, mask.size > 0
    traced = False
    for j in range(units):
        traced |= behind[j] > 0
    if traced and decays > 0:
        for i in range(x.size):
            if x[i] > 0:
                rows[i] = 1
                for j in range(units):
                    weight[i, j] -= decays * behind[j] * (mask[i, j] if masked else 1)
    for j in range(units):
        if spikes[j] > 0:
            columns[j] = 1
            for i in range(x.size):
                weight[i, j] += grows * before[i] * (mask[i, j] if masked else 1)


@exactly
def _clipped(weight, rows, columns, low, high):
    """Clip what was changed, and forget what it was."""
    for i in range(rows.size):
        if rows[i]:
            rows[i] = 0
            for j in range(columns.size):
                weight[i, j] = min(max(weight[i, j], low), high)
    for j in range(columns.size):
        if columns[j]:
            columns[j] = 0
            for i in range(rows.size):
                weight[i, j] = min(max(weight[i, j], low), high)


@exactly
def _largest(x, spikes, t, before, behind, weight, mask, grows, decays, low, high):
    """The largest change that a sequence asks for, of each weight by itself."""
    masked = mask.size > 0
    for j in range(weight.shape[1]):
        fires, untouched = False, False
        for b in range(x.shape[0]):
            fires |= spikes[b, t, j] > 0
            untouched |= behind[b, j] == 0
        if untouched and not fires:
            continue  # somebody asks for no change, and nobody for a growth
        for i in range(weight.shape[0]):
            best = grows * before[0, i] * spikes[0, t, j] - decays * behind[0, j] * x[0, t, i]
            for b in range(1, x.shape[0]):
                best = max(best, grows * before[b, i] * spikes[b, t, j] - decays * behind[b, j] * x[b, t, i])
            moved = weight[i, j] + best * (mask[i, j] if masked else 1)
            weight[i, j] = min(max(moved, low), high)
