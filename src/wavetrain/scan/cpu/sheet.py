"""A sheet of conductance-based cells on CPU, many steps in one walk; spikes are delivered as they come.

In each step conductances decay and take what arrives in it, potentials move by Euler's rule, and those above
the threshold spike, which is written into the rings of their targets. What is on its way is counted in
spikes, 2 bytes for each cell and step, so that no order of delivery makes a difference; a step costs a pass
over the cells, and each spike as many additions as it has targets.
"""

import numpy as np

from wavetrain.scan.cpu.compiled import exactly


@exactly
def walk(v, ge, gi, silent, coming, targets, delays, pool, fired, when, field, constants, whole):
    """Go on in place until all steps are done, or `fired` may not hold the spikes of one more.

    v, ge, gi and silent (N,) and coming (2, depth, N) are the state; targets and delays (N, K); pool (N,) is
    the pool of each cell or -1; fired and when take the spikes, field (samples, 2, pools) sums of currents.
    `whole` has where the ring is, the step to go on from, that to stop before, how many cells are excitatory,
    the silence after a spike, steps between samples (0 for none). Returns where the ring is then, the next
    step, how many spikes there were, and how many moves of a potential diverged.
    """
    clock, start, stop, excitatory, silence, every = whole
    fade_e, fade_i, weight_e, weight_i, rate, leak, rest, draw_e, draw_i, threshold, reset = constants
    number, most = v.dtype.type, v.dtype.type(2)
    cells, depth, count, beyond = v.size, coming.shape[1], 0, 0
    hot = np.zeros(cells, np.uint8)
    for t in range(start, stop):
        if count + cells > fired.size:
            return clock, t, count, beyond
        now_e, now_i = coming[0, clock], coming[1, clock]
        for i in range(cells):
            ge[i] = fade_e * ge[i] + weight_e * number(now_e[i])
            gi[i] = fade_i * gi[i] + weight_i * number(now_i[i])
            now_e[i] = 0
            now_i[i] = 0
        for i in range(cells):
            held = silent[i] > 0
            current = leak * (rest - v[i]) + ge[i] * (draw_e - v[i]) + gi[i] * (draw_i - v[i])
            beyond += rate * (leak + ge[i] + gi[i]) > most
            moved = v[i] + rate * current
            v[i] = v[i] if held else moved
            hot[i] = v[i] > threshold and not held
            silent[i] = silent[i] - 1 if held else 0
        for i in range(cells):
            if hot[i]:
                fired[count] = i
                when[count] = t
                count += 1
                v[i] = reset
                silent[i] = silence
                _send(coming[0 if i < excitatory else 1], clock, targets[i], delays[i])
        clock = clock + 1 if clock + 1 < depth else 0
        if every and (t + 1) % every == 0:
            sample = field[(t + 1) // every - 1]
            _add(sample[0], pool, ge, draw_e, v)
            _add(sample[1], pool, gi, draw_i, v)
    return clock, stop, count, beyond


@exactly
def _send(ring, clock, targets, delays):
    """One more on its way to each target, in the slot of the step in which it arrives."""
    depth = ring.shape[0]
    for k in range(targets.size):
        slot = clock + delays[k]
        slot -= depth if slot >= depth else 0
        ring[slot, targets[k]] += 1


@exactly
def _add(sums, pool, g, draw, v):
    """The currents of the cells of each pool."""
    for i in range(pool.size):
        if pool[i] >= 0:
            sums[pool[i]] += g[i] * (draw - v[i])
