"""The wave recurrence h_t = act(kernel * h_{t-1} + drive_t) on CPU, and its gradient, sequence by sequence.

One sequence's state is a few kilobytes: it is kept in the nearest cache as one flat array of rings, each
with its ends repeated on both sides, so that the circular convolution becomes a matrix product of the
weights (outputs, rows) with shifted rings, a row being an input channel at one tap. The product is done tile
by tile in registers, where the drive is added and the activation taken; what comes out is written to memory
and, at once, into the rings of the next step, which are another array.

Backward is the same walk in reverse with the transposed and flipped kernel, and the slope of the activation
is taken in registers too. The gradient of the kernel is the product of the same outputs and rows the other
way round, summed over many steps at a time.
"""

import numpy as np

from wavetrain.scan.cpu.compiled import compiled
from wavetrain.scan.cpu.rings import ONE, PAIR, QUARTER
from wavetrain.scan.cpu.tiles import ROWS, mix_one, mix_pair, mix_quarter, mix_single, total

RELU, TANH, IDENTITY = 0, 1, 2
CODES = {"relu": RELU, "tanh": TANH, "identity": IDENTITY}


@compiled
def forward(drive, weights, offsets, state, taps, blocks, activation, shape, h, first, last):
    """Fill h (B, T, C, N) for the sequences from first to last."""
    _, time, channels, size = drive.shape
    half, stride = taps // 2, size + taps - 1
    rings = np.zeros((channels + 1) * stride, drive.dtype)  # one more, of zeros, for rows that fill up
    later = np.zeros_like(rings)
    plan, floor = (weights, offsets, channels, size, blocks, shape), _floor(activation, drive)
    for n in range(first, last):
        _fill(rings, 0, stride, half, state[n])
        for t in range(time):
            place = (n * time + t) * channels * size
            add, out = (drive.ravel(), place, size), (h.ravel(), place, size)
            near, ahead = (later, half, stride), channels * size
            _mix(plan, rings, ahead, add, None, floor, out, near, None)
            if activation == TANH:
                _bend(h[n, t].ravel())
                _fill(later, 0, stride, half, h[n, t])
            _close(later, channels, size, half)
            rings, later = later, rings


@compiled
def backward(
    h,
    state,
    grad,
    grad_last,
    weights,
    offsets,
    long_offsets,
    taps,
    span,
    blocks,
    activation,
    shape,
    ddrive,
    dstate,
    dweights,
    first,
    last,
):
    """Fill ddrive, dstate and dweights for the sequences from first to last.

    weights are those of the transposed and flipped kernel. grad is the gradient of h, with no step at all
    where nothing comes back through h; dweights (outputs of all tiles, rows) is empty where it is not wanted.
    """
    _, time, channels, size = h.shape
    half, step, width = taps // 2, size + taps - 1, span - taps + 1
    rings = np.zeros((channels + 1) * step, h.dtype)
    later = np.zeros_like(rings)
    nothing = np.zeros(channels * size, h.dtype)
    signals = np.zeros(channels * width, h.dtype)  # zero between the steps
    states = np.zeros((channels + 1) * span, h.dtype)  # the states before these steps
    plan, floor = (weights, offsets, channels, size, blocks, shape), _floor(activation, h)
    place = 0
    for n in range(first, last):
        row = ddrive[n, time - 1]
        row[:] = grad_last[n]
        if grad.shape[1] > 0:
            _add(row.ravel(), grad[n, time - 1].ravel())
        _slope(row.ravel(), h[n, time - 1].ravel(), activation)
        _fill(rings, 0, step, half, row)
        _fill(signals, place, width, 0, row)
        for t in range(time - 1, -1, -1):
            if dweights.size > 0:
                _fill(states, place, span, half, h[n, t - 1] if t > 0 else state[n])
                place += step
                if place + step > width:
                    _correlate(signals, width, place, states, long_offsets, shape, dweights)
                    place = 0
            here = (n * time + t - 1) * channels * size
            add, gate, out = (grad.ravel(), here, size), (h.ravel(), here, size), (ddrive.ravel(), here, size)
            if t == 0 or grad.shape[1] == 0:
                add = (nothing, 0, size)
            if t == 0:  # the first state has no activation
                gate, out = (nothing, 0, size), (dstate.ravel(), n * channels * size, size)
            near, far, ahead = (later, half, step), (signals, place, width), -channels * size
            _mix(plan, rings, ahead, add, gate, floor if t > 0 else _floor(IDENTITY, h), out, near, far)
            if t == 0:
                break
            if activation == TANH:
                row = ddrive[n, t - 1]
                _slope(row.ravel(), h[n, t - 1].ravel(), activation)
                _fill(later, 0, step, half, row)
                _fill(signals, place, width, 0, row)
            _close(later, channels, size, half)
            rings, later = later, rings
    _correlate(signals, width, place, states, long_offsets, shape, dweights)


@compiled
def _floor(activation, like):
    """What a gate must be above for a number to go through; nothing is not above NaN, in `tiles`."""
    return like.dtype.type(0 if activation == RELU else np.nan)


@compiled
def _mix(plan, rings, ahead, add, gate, floor, out, near, far):
    """All sums of the weights times the rings, tile by tile; `tiles` says what is done with them."""
    weights, offsets, channels, size, blocks, shape = plan
    outputs = len(shape)
    for tile in range(weights.shape[0]):
        first = min(tile * outputs, channels - outputs)
        own = weights[tile]
        _look(add, first, outputs, size)
        _look(gate, first, outputs, size)
        _look(out, first, outputs, size)
        _look(near, first, outputs, size)
        _look(far, first, outputs, size)
        rings[offsets[0]], rings[offsets[-1] + size - 1]
        for b in range(blocks.shape[0]):
            j, kind = blocks[b, 0], blocks[b, 1]
            if kind == PAIR:
                mix_pair(shape, own, offsets, rings, first, j, ahead, add, gate, floor, out, near, far)
            elif kind == ONE:
                mix_one(shape, own, offsets, rings, first, j, ahead, add, gate, floor, out, near, far)
            elif kind == QUARTER:
                mix_quarter(shape, own, offsets, rings, first, j, ahead, add, gate, floor, out, near, far)
            else:
                mix_single(shape, own, offsets, rings, first, j, ahead, add, gate, floor, out, near, far)


@compiled
def _look(at, first, outputs, size):
    """At the first and the last place of a tile, where bounds are checked; else this is left out."""
    if at is not None:
        array, place, pitch = at
        array[place + first * pitch], array[place + (first + outputs - 1) * pitch + size - 1]


@compiled
def _fill(ring, start, stride, half, values):
    """Write values (C, N) into the rings, and their ends beside them."""
    channels, size = values.shape
    for c in range(channels):
        left = start + c * stride
        row = ring[left : left + size + 2 * half]
        line = values[c]
        for i in range(size):
            row[half + i] = line[i]
        for i in range(half):
            row[i] = line[size - half + i]
            row[half + size + i] = line[i]


@compiled
def _close(rings, channels, size, half):
    """Write the ends of the rings beside them."""
    stride = size + 2 * half
    for c in range(channels):
        ring = rings[c * stride : (c + 1) * stride]
        for i in range(half):
            ring[i] = ring[size + i]
            ring[half + size + i] = ring[half + i]


@compiled
def _bend(sums):
    for i in range(sums.size):
        sums[i] = _tanh(sums[i], sums)


@compiled
def _tanh(x, like):
    """tanh of a number of an array's type, by operations that become vector instructions.

    Lambert's continued fraction is exact at x / 64, for |x| up to 20, where tanh is 1 to the last digit;
    six times tanh 2u = 2 tanh u / (1 + tanh² u), which does not let errors grow, lead back to x. The error
    is at most 4 units in the last place; the C library's tanh, one number at a time, takes ten times longer.
    """
    number = like.dtype.type  # so that float32 stays float32
    one, top = number(1), number(20)
    x = top if x > top else x  # NaN stays
    x = -top if x < -top else x
    u = x * number(1 / 64)
    s = u * u
    above = number(135135) + s * (number(17325) + s * (number(378) + s))
    below = number(135135) + s * (number(62370) + s * (number(3150) + s * number(28)))
    t = u * above / below
    for _ in range(6):
        t = (t + t) / (one + t * t)
    t = one if t > one else t  # rounding may lead a digit past it
    return -one if t < -one else t


@compiled
def _slope(back, h, activation):
    """Multiply what comes back to a state by the slope of the activation there; all flat."""
    if activation == RELU:
        zero = h.dtype.type(0)
        for i in range(h.size):
            back[i] = zero if h[i] <= 0 else back[i]
    elif activation == TANH:
        for i in range(h.size):
            back[i] = back[i] * (1 - h[i] * h[i])


@compiled
def _add(to, more):
    for i in range(to.size):
        to[i] += more[i]


@compiled
def _correlate(signals, width, end, states, offsets, shape, dweights):
    """Add the products of signals (C, width), up to `end`, and shifted states to dweights (outputs, rows)."""
    outputs, rows, channels = len(shape), dweights.shape[1], signals.size // width
    if end == 0:
        return
    for c in range(channels):
        signals[c * width + end : (c + 1) * width] = 0
    for tile in range(0, dweights.shape[0], outputs):
        own = (signals, min(tile, channels - outputs) * width, width)
        _look(own, 0, outputs, width)
        for r in range(0, rows, ROWS):
            to = (dweights.ravel(), tile * rows + r, rows)
            _look(to, 0, outputs, ROWS)
            states[offsets[r + ROWS - 1] + width - 1]
            total(shape, own, states, offsets, r, width, to)
