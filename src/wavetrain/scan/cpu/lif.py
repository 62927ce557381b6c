"""Leaky integrate-and-fire units on CPU, and their surrogate gradient, each in one walk over time.

    m_t = kept v_{t-1} + I_t,  or v_{t-1} where the unit is silent
    s_t = 1 where m_t - theta_t > 0 and the unit is not silent,    theta_t = threshold + strength a_{t-1}
    v_t = m_t - theta_t s_t,  or m_t (1 - s_t),  or m_t
    a_t = rho a_{t-1} + (1 - rho) s_t

The states of a tile of units stay in the nearest caches; only I and s go through memory. Forward marks the
states once in CHUNK steps, and nothing else is kept; backward makes the potentials of a chunk again from
its mark, with the same roundings, and walks in reverse. With c_t what comes back to v_t, p_t what comes back
to a_t and g the slope of the surrogate,

    ds_t = grad_t + (1 - rho) p_t - theta_t c_t,  or - m_t c_t;  without the last where the reset is detached
    dm_t = c_t + g_t ds_t,  or (1 - s_t) c_t + g_t ds_t;    dtheta_t = - g_t ds_t - s_t c_t,  or - g_t ds_t
    dI_t = dm_t and c_{t-1} = kept dm_t,  or 0 and dm_t where the unit is silent
    p_{t-1} = rho p_t + strength dtheta_t,    dkept = sum_t dI_t v_{t-1},    drho = sum_t p_t (a_{t-1} - s_t).

Each operation is rounded by itself and in the order of PyTorch's own steps, except in slopes that have an
exponential, and in sums over steps. Arrays are contiguous, units innermost: I and s (B, T, D); v, silent and
a (B, D); kept and rho (D). Where nothing adapts, a and rho have no unit.
"""
# Above 300 lines: one file, since both walks make the same steps, and numba compiles what lies side by side.

import numpy as np

from wavetrain.scan.cpu.compiled import compiled, exactly, exp

TILE = 16384  # bytes of a row of units; narrower tiles read memory in strips, which is two times slower
CHUNK = 16  # steps between two marks
SUBTRACT, ZERO, NONE = range(3)  # what a spike does to the potential
LEAVES = {"what is above": SUBTRACT, "nothing": ZERO, "all": NONE}
ARCTAN, FAST_SIGMOID, SIGMOID, BOXCAR, TRIANGLE, BUMPS, FLAT = range(7)  # the slope of a spike
FORMS = {
    "arctan": ARCTAN,
    "fast sigmoid": FAST_SIGMOID,
    "sigmoid": SIGMOID,
    "boxcar": BOXCAR,
    "triangle": TRIANGLE,
    "bumps": BUMPS,
    "flat": FLAT,
}


@exactly
def forward(
    current,
    kept,
    v,
    silent,
    a,
    rho,
    numbers,
    reset,
    silence,
    spikes,
    v_last,
    silent_last,
    a_last,
    v_marks,
    silent_marks,
    a_marks,
    first,
    end,
    left,
    right,
):
    """Fill spikes, the last state and the marks for sequences from first to end and units from left to right.

    numbers are the threshold and the strength. Marks are (B, chunks, D), of no chunk where no gradient is
    wanted; those of silence and adaptation have no unit where there is none.
    """
    threshold, strength = numbers
    width, adapts = right - left, a.shape[1] > 0
    theta = np.empty(width, v.dtype)
    theta[:] = threshold
    keep, far = kept[left:right], rho[left:right]
    for n in range(first, end):
        now, quiet, tired = v[n, left:right].copy(), silent[n, left:right].copy(), a[n, left:right].copy()
        for t in range(current.shape[1]):
            if t % CHUNK == 0 and v_marks.shape[1] > 0:
                v_marks[n, t // CHUNK, left:right] = now
                if silence > 0:
                    silent_marks[n, t // CHUNK, left:right] = quiet
                if adapts:
                    a_marks[n, t // CHUNK, left:right] = tired
            if adapts:
                _raise(theta, threshold, strength, tired)
            out = spikes[n, t, left:right]
            if silence > 0:
                _step_held(current[n, t, left:right], keep, now, theta, reset, silence, quiet, out)
            else:
                _step(current[n, t, left:right], keep, now, theta, reset, out)
            if adapts:
                _adapt(far, out, tired)
        v_last[n, left:right] = now
        silent_last[n, left:right] = quiet
        if adapts:
            a_last[n, left:right] = tired


@exactly
def backward(
    current,
    kept,
    rho,
    numbers,
    reset,
    silence,
    detached,
    form,
    constants,
    learns,
    v_marks,
    silent_marks,
    a_marks,
    grad,
    v_grad,
    a_grad,
    dcurrent,
    dkept,
    drho,
    dv,
    da,
    first,
    end,
    left,
    right,
):
    """Fill the gradients for the sequences from first to end and the units from left to right.

    grad is the gradient of the spikes, with no step at all where nothing comes back through them. dkept,
    which is left as it is unless `learns`, and drho are those of each sequence, (B, D).
    """
    time, width, adapts = current.shape[1], right - left, a_marks.shape[2] > 0
    more = width if adapts else 0
    moved = np.empty((CHUNK, width), v_grad.dtype)
    before = np.empty((CHUNK, width if learns else 0), v_grad.dtype)  # the potential before each step
    held = np.zeros((CHUNK + 1, width if silence > 0 or adapts else 0), np.int32)
    theta = np.empty((CHUNK if adapts else 1, width), v_grad.dtype)
    past = np.empty((CHUNK, more), v_grad.dtype)  # the adaptation before each step
    out = np.empty((CHUNK, more), v_grad.dtype)
    made = moved, before, held, theta, past, out
    now, tired = np.empty(width, v_grad.dtype), np.empty(more, v_grad.dtype)
    slope, back, pull = (
        np.empty(width, v_grad.dtype),
        np.empty(more, v_grad.dtype),
        np.empty(more, v_grad.dtype),
    )
    total, far_total = np.empty(before.shape[1], v_grad.dtype), np.empty(more, v_grad.dtype)
    scratch = slope, back, pull, np.zeros(width, v_grad.dtype)
    rates = kept[left:right], rho[left:right]
    theta[:] = numbers[0]
    for n in range(first, end):
        carry, load = v_grad[n, left:right].copy(), a_grad[n, left:right].copy()
        total[:] = 0
        far_total[:] = 0
        carried = carry, load, total, far_total
        for chunk in range(v_marks.shape[1] - 1, -1, -1):
            place = n, chunk * CHUNK, min((chunk + 1) * CHUNK, time), left, right
            now[:] = v_marks[n, chunk, left:right]
            if silence > 0:
                held[0] = silent_marks[n, chunk, left:right]
            if adapts:
                tired[:] = a_marks[n, chunk, left:right]
            _make_again(current, place, rates, numbers, reset, silence, now, tired, made)
            how = reset, silence, detached, form
            _go_back(grad, place, rates, numbers, how, constants, made, scratch, carried, dcurrent)
        dv[n, left:right] = carry
        if learns:
            dkept[n, left:right] = total
        if adapts:
            da[n, left:right] = load
            drho[n, left:right] = far_total


@exactly
def _make_again(current, place, rates, numbers, reset, silence, v, a, made):
    """The steps of a chunk once more, of which backward keeps what it needs."""
    kept, rho = rates
    moved, before, held, theta, past, out = made
    n, start, stop, left, right = place
    adapts, learns = a.size > 0, before.shape[1] > 0
    for k in range(stop - start):
        given = current[n, start + k, left:right]
        level = theta[k if adapts else 0]
        if learns:
            before[k] = v
        if adapts:
            past[k] = a
            _raise(level, numbers[0], numbers[1], a)
        if silence > 0:
            held[k + 1] = held[k]
            _again_held(given, kept, v, level, reset, silence, held[k + 1], moved[k])
        else:
            _again(given, kept, v, level, reset, moved[k])
        if adapts:
            _spikes(moved[k], level, held[k], out[k])
            _adapt(rho, out[k], a)


@exactly
def _go_back(grad, place, rates, numbers, how, constants, made, scratch, carried, dcurrent):
    """The way back through the steps of a chunk."""
    kept, rho = rates
    moved, before, held, theta, past, out = made
    slope, back, pull, nothing = scratch
    carry, load, total, rho_total = carried
    reset, silence, detached, form = how
    n, start, stop, left, right = place
    adapts = load.size > 0
    for k in range(stop - start - 1, -1, -1):
        given = grad[n, start + k, left:right] if grad.shape[1] > 0 else nothing
        level, row = theta[k if adapts else 0], dcurrent[n, start + k, left:right]
        _slope(form, constants, moved[k], level, slope)
        if adapts:
            _through(given, rho, load, back)
            _times(load, past[k], out[k], rho_total)
            _back_adapting(back, moved[k], level, slope, held[k], kept, reset, detached, carry, row, pull)
            _unload(rho, numbers[1], pull, load)
        elif silence > 0:
            _back_held(given, moved[k], level, slope, held[k], kept, reset, detached, carry, row)
        else:
            _back(given, moved[k], level, slope, kept, reset, detached, carry, row)
        if total.size > 0:
            _times(row, before[k], nothing, total)


# Short loops, because the compiler gives up its vectors where too many arrays may overlap.


@exactly
def _spike(moved, theta, one, zero):
    """What is not a number stays so: a training that diverges must be seen."""
    excess = moved - theta
    spike = one if excess > zero else zero
    return spike if excess == excess else excess


@exactly
def _after(moved, theta, spike, reset, one):
    """The potential after the reset."""
    less, kept = moved - theta * spike, moved * (one - spike)
    return less if reset == SUBTRACT else kept if reset == ZERO else moved


@exactly
def _silenced(moved, theta, silent, silence, zero):
    """For how many steps from the next on a unit is silent."""
    left = silent - np.int32(1) if silent > 0 else np.int32(0)
    return np.int32(silence) if (moved - theta > zero) & (silent == 0) else left


@exactly
def _step(given, kept, v, theta, reset, out):
    one, zero = v.dtype.type(1), v.dtype.type(0)
    for i in range(v.size):
        moved = kept[i] * v[i] + given[i]
        spike = _spike(moved, theta[i], one, zero)
        out[i] = spike
        v[i] = _after(moved, theta[i], spike, reset, one)


@exactly
def _again(given, kept, v, theta, reset, moved):
    """A step, of which the potential before the reset is kept in place of the spikes."""
    one, zero = v.dtype.type(1), v.dtype.type(0)
    for i in range(v.size):
        free = kept[i] * v[i] + given[i]
        moved[i] = free
        v[i] = _after(free, theta[i], _spike(free, theta[i], one, zero), reset, one)


@exactly
def _step_held(given, kept, v, theta, reset, silence, silent, out):
    one, zero = v.dtype.type(1), v.dtype.type(0)
    for i in range(v.size):
        moved = v[i] if silent[i] > 0 else kept[i] * v[i] + given[i]
        spike = zero if silent[i] > 0 else _spike(moved, theta[i], one, zero)
        out[i] = spike
        v[i] = _after(moved, theta[i], spike, reset, one)
        silent[i] = _silenced(moved, theta[i], silent[i], silence, zero)


@exactly
def _again_held(given, kept, v, theta, reset, silence, silent, moved):
    one, zero = v.dtype.type(1), v.dtype.type(0)
    for i in range(v.size):
        free = v[i] if silent[i] > 0 else kept[i] * v[i] + given[i]
        spike = zero if silent[i] > 0 else _spike(free, theta[i], one, zero)
        moved[i] = free
        v[i] = _after(free, theta[i], spike, reset, one)
        silent[i] = _silenced(free, theta[i], silent[i], silence, zero)


@exactly
def _spikes(moved, theta, held, out):
    one, zero = out.dtype.type(1), out.dtype.type(0)
    for i in range(out.size):
        out[i] = zero if held[i] > 0 else _spike(moved[i], theta[i], one, zero)


@exactly
def _raise(theta, threshold, strength, a):
    for i in range(theta.size):
        theta[i] = threshold + strength * a[i]


@exactly
def _adapt(rho, out, a):
    one = a.dtype.type(1)
    for i in range(a.size):
        a[i] = rho[i] * a[i] + (one - rho[i]) * out[i]


@exactly
def _slope(form, constants, moved, theta, slope):
    """The derivative of the surrogate. Loops run backwards like the one over time."""
    first, second, third, fourth = constants
    if form == ARCTAN:
        _of_arctan(moved, theta, first, second, slope)
    elif form == FAST_SIGMOID:
        _of_fast_sigmoid(moved, theta, first, slope)
    elif form == BOXCAR:
        _of_boxcar(moved, theta, first, slope)
    elif form == TRIANGLE:
        _of_triangle(moved, theta, first, slope)
    elif form == SIGMOID:
        _of_sigmoid(moved, theta, first, slope)
    elif form == BUMPS:
        _of_bumps(moved, theta, first, second, third, fourth, slope)
    else:
        slope[:] = 0


@exactly
def _of_arctan(moved, theta, steepness, peak, slope):
    one = slope.dtype.type(1)
    for i in range(slope.size - 1, -1, -1):
        x = steepness * (moved[i] - theta[i])
        slope[i] = one / (one + x * x) * peak


@exactly
def _of_fast_sigmoid(moved, theta, steepness, slope):
    one = slope.dtype.type(1)
    for i in range(slope.size - 1, -1, -1):
        x = one / (one + steepness * abs(moved[i] - theta[i]))
        slope[i] = x * x


@exactly
def _of_boxcar(moved, theta, half, slope):
    one, zero = slope.dtype.type(1), slope.dtype.type(0)
    for i in range(slope.size - 1, -1, -1):
        slope[i] = one if abs(moved[i] - theta[i]) <= half else zero


@exactly
def _of_triangle(moved, theta, height, slope):
    one, zero = slope.dtype.type(1), slope.dtype.type(0)
    for i in range(slope.size - 1, -1, -1):
        x = one - abs(moved[i] - theta[i])
        slope[i] = height * (zero if x < zero else x)


@compiled
def _of_sigmoid(moved, theta, steepness, slope):
    one = slope.dtype.type(1)
    for i in range(slope.size - 1, -1, -1):
        x = exp(-steepness * abs(moved[i] - theta[i]), slope)
        slope[i] = steepness * x / ((one + x) * (one + x))


@compiled
def _of_bumps(moved, theta, narrow, wide, high, low, slope):
    half = slope.dtype.type(0.5)
    for i in range(slope.size - 1, -1, -1):
        x = moved[i] - theta[i]
        near, left, right = x / narrow, (x + narrow) / wide, (x - narrow) / wide
        sides = exp(-half * left * left, slope) + exp(-half * right * right, slope)
        slope[i] = high * exp(-half * near * near, slope) - low * sides


@exactly
def _to_excess(given, moved, theta, slope, carry, reset, detached):
    """What comes back to the excess over the threshold."""
    felt = given - (theta if reset == SUBTRACT else moved) * carry
    return (given if detached or reset == NONE else felt) * slope


@exactly
def _back(given, moved, theta, slope, kept, reset, detached, carry, dcurrent):
    one, zero = carry.dtype.type(1), carry.dtype.type(0)
    for i in range(carry.size - 1, -1, -1):
        excess = _to_excess(given[i], moved[i], theta[i], slope[i], carry[i], reset, detached)
        passed = carry[i] * (one - _spike(moved[i], theta[i], one, zero))
        found = (passed if reset == ZERO else carry[i]) + excess
        dcurrent[i] = found
        carry[i] = kept[i] * found


@exactly
def _back_held(given, moved, theta, slope, held, kept, reset, detached, carry, dcurrent):
    one, zero = carry.dtype.type(1), carry.dtype.type(0)
    for i in range(carry.size - 1, -1, -1):
        excess = _to_excess(given[i], moved[i], theta[i], slope[i], carry[i], reset, detached)
        passed = carry[i] * (one - _spike(moved[i], theta[i], one, zero))
        found = (passed if reset == ZERO else carry[i]) + excess
        dcurrent[i] = zero if held[i] > 0 else found
        carry[i] = carry[i] if held[i] > 0 else kept[i] * found


@exactly
def _back_adapting(given, moved, theta, slope, held, kept, reset, detached, carry, dcurrent, pull):
    """As `_back_held`; `pull` becomes what comes back to the threshold."""
    one, zero = carry.dtype.type(1), carry.dtype.type(0)
    for i in range(carry.size - 1, -1, -1):
        excess = _to_excess(given[i], moved[i], theta[i], slope[i], carry[i], reset, detached)
        spike = _spike(moved[i], theta[i], one, zero)
        found = (carry[i] * (one - spike) if reset == ZERO else carry[i]) + excess
        raised = -excess - spike * carry[i] if reset == SUBTRACT else -excess
        pull[i] = zero if held[i] > 0 else raised
        dcurrent[i] = zero if held[i] > 0 else found
        carry[i] = carry[i] if held[i] > 0 else kept[i] * found


@exactly
def _through(given, rho, load, back):
    one = back.dtype.type(1)
    for i in range(back.size):
        back[i] = given[i] + (one - rho[i]) * load[i]


@exactly
def _times(factor, one, other, total):
    for i in range(total.size):
        total[i] += factor[i] * (one[i] - other[i])


@exactly
def _unload(rho, strength, pull, load):
    for i in range(load.size):
        load[i] = rho[i] * load[i] + strength * pull[i]
