"""The wave recurrence h_t = act(kernel * h_{t-1} + drive_t) on CPU, and its gradient, sequence by sequence.

One sequence's state is a few kilobytes: it is kept in the nearest cache as one flat array of rings, each
with its ends repeated on both sides, so that the circular convolution becomes a matrix product of the
weights (outputs, rows) with shifted rings, a row being an input channel at one tap. The product is done in
tiles of 7 outputs by 3 rows by up to 128 positions: 21 weights stay in registers while the loop over
positions, which becomes vector instructions, does 21 multiply-adds for 10 loads.

Backward is the same walk in reverse with the transposed and flipped kernel. The gradient of the kernel is
the product of the same tiles the other way round, summed over many steps at a time.
"""
# Above 300 lines: one file, since the two walks share their tiles, and numba compiles what lies side by side.

import numpy as np

from wavetrain.scan.cpu.compiled import compiled, summed

OUTPUTS = 7
ROWS = 3
LANE = 16  # positions that are done at once: one 512 bit register of float32
SPAN = 1024  # positions, steps beside each other, over which the gradient of the kernel is summed at a time
RELU, TANH, IDENTITY = 0, 1, 2
CODES = {"relu": RELU, "tanh": TANH, "identity": IDENTITY}


def lanes(size: int) -> tuple[int, ...]:
    """A tuple whose length is the number of lanes in a block of positions.

    The compiler must know how long the inner loop is; it knows the length of a tuple from its type.
    """
    blocks = -(-size // (8 * LANE))
    return (0,) * -(-size // (blocks * LANE))


def stride(size: int, taps: int) -> int:
    """The length of a ring with its repeated ends, its positions filled up to whole blocks."""
    width = LANE * len(lanes(size))
    return size + -size % width + taps - 1


def span(size: int, taps: int) -> int:
    """The length of a line of steps beside each other, each a ring with its repeated ends."""
    step = size + taps - 1
    length = max(1, SPAN // step) * step
    return length + -length % LANE + taps - 1


def weights(kernel: np.ndarray) -> np.ndarray:
    """The kernel (O, C, K) as a matrix (outputs, rows), filled up with zeros and cut into flat tiles."""
    outputs, channels, taps = kernel.shape
    matrix = kernel.reshape(outputs, channels * taps)
    matrix = np.pad(matrix, ((0, -outputs % OUTPUTS), (0, -channels * taps % ROWS)))
    tiles = matrix.reshape(len(matrix) // OUTPUTS, OUTPUTS, -1, ROWS).swapaxes(1, 2)
    return tiles.reshape(*tiles.shape[:2], -1)


def offsets(channels: int, taps: int, stride: int) -> np.ndarray:
    """Where each row starts; the rows that fill up the last tile start behind the last ring."""
    start = stride * np.arange(channels)[:, None] + np.arange(taps)  # (C, K)
    return np.pad(start.ravel(), (0, -start.size % ROWS), constant_values=stride * channels)


@compiled
def forward(drive, weights, offsets, state, taps, stride, activation, lanes, h, first, last):
    """Fill h (B, T, C, N) for the sequences from first to last."""
    _, time, channels, size = drive.shape
    width = LANE * len(lanes)
    ring = np.zeros((channels + 1) * stride, drive.dtype)  # one more, of zeros, for rows that fill up a tile
    total = np.empty(OUTPUTS * width, drive.dtype)
    for n in range(first, last):
        _fill(ring, 0, stride, taps // 2, state[n])
        for t in range(time):
            for o in range(0, channels, OUTPUTS):
                for j in range(0, size, width):
                    _convolve(weights, offsets, ring, o, j, lanes, total)
                    _finish(total, width, drive[n, t], h[n, t], o, j, activation)
            _fill(ring, 0, stride, taps // 2, h[n, t])


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
    stride,
    span,
    activation,
    lanes,
    ddrive,
    dstate,
    dweights,
    first,
    last,
):
    """Fill ddrive, dstate and dweights for the sequences from first to last.

    weights are those of the transposed and flipped kernel. grad is the gradient of h, with no step at all
    where nothing comes back through h; dweights (outputs, rows) is empty where it is not wanted.
    """
    _, time, channels, size = h.shape
    width = LANE * len(lanes)
    step = size + taps - 1
    ring = np.zeros((channels + 1) * stride, h.dtype)
    total = np.empty(OUTPUTS * width, h.dtype)
    back = np.empty((channels, size), h.dtype)  # what comes back to h_t
    nothing = np.zeros((channels, size), h.dtype)
    signals = np.zeros((channels + -channels % OUTPUTS, span - taps + 1), h.dtype)  # zero between the steps
    states = np.zeros((channels + 1) * span, h.dtype)  # the states before these steps
    place = 0
    for n in range(first, last):
        back[:] = grad_last[n]
        for t in range(time - 1, -1, -1):
            if grad.shape[1] > 0:
                _add(back.ravel(), grad[n, t].ravel())
            _slope(back.ravel(), h[n, t].ravel(), activation, ddrive[n, t].ravel())
            _fill(ring, 0, stride, taps // 2, ddrive[n, t])
            for o in range(0, channels, OUTPUTS):
                for j in range(0, size, width):
                    _convolve(weights, offsets, ring, o, j, lanes, total)
                    _finish(total, width, nothing, back, o, j, IDENTITY)
            if dweights.size > 0:
                _fill(states, place, span, taps // 2, h[n, t - 1] if t > 0 else state[n])
                _fill(signals.ravel(), place, span - taps + 1, 0, ddrive[n, t])
                place += step
                if place + step > signals.shape[1]:
                    _correlate(signals, states, long_offsets, dweights)
                    place = 0
        dstate[n] = back
    if place > 0:
        signals[:, place:] = 0
        _correlate(signals, states, long_offsets, dweights)


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
def _finish(total, width, drive, h, o, j, activation):
    """Add the drive (C, N) to the sums of a tile, and make them states, in h (C, N)."""
    count = min(width, drive.shape[1] - j)
    zero = total.dtype.type(0)
    for q in range(min(OUTPUTS, drive.shape[0] - o)):
        # slices, because an index of which the compiler cannot tell that it is positive costs the vectors
        sums = total[q * width : q * width + count]
        given, made = drive[o + q, j : j + count], h[o + q, j : j + count]
        if activation == RELU:
            for i in range(count):
                value = sums[i] + given[i]
                made[i] = zero if value <= 0 else value  # NaN stays
        elif activation == TANH:
            for i in range(count):
                made[i] = _tanh(sums[i] + given[i], made)
        else:
            for i in range(count):
                made[i] = sums[i] + given[i]


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
def _slope(back, h, activation, out):
    """Multiply what comes back to a state by the slope of the activation there; all flat.

    Backwards, like the walk over time: memory that is read strictly downwards comes faster.
    """
    zero = h.dtype.type(0)
    if activation == RELU:
        for i in range(h.size - 1, -1, -1):
            out[i] = zero if h[i] <= 0 else back[i]
    elif activation == TANH:
        for i in range(h.size - 1, -1, -1):
            out[i] = back[i] * (1 - h[i] * h[i])
    else:
        for i in range(h.size - 1, -1, -1):
            out[i] = back[i]


@compiled
def _add(to, more):
    for i in range(to.size - 1, -1, -1):
        to[i] += more[i]


@compiled
def _convolve(weights, offsets, ring, o, j, lanes, total):
    """The sums of all rows for the outputs of a tile, at the block of positions that starts at j."""
    width = LANE * len(lanes)
    total[:] = 0
    for r in range(0, offsets.size, ROWS):
        tile = weights[o // OUTPUTS, r // ROWS]
        u00, u01, u02 = tile[0], tile[1], tile[2]
        u10, u11, u12 = tile[3], tile[4], tile[5]
        u20, u21, u22 = tile[6], tile[7], tile[8]
        u30, u31, u32 = tile[9], tile[10], tile[11]
        u40, u41, u42 = tile[12], tile[13], tile[14]
        u50, u51, u52 = tile[15], tile[16], tile[17]
        u60, u61, u62 = tile[18], tile[19], tile[20]
        h0, h1, h2 = ring[offsets[r] + j :], ring[offsets[r + 1] + j :], ring[offsets[r + 2] + j :]
        for i in range(width):
            # all reads before all writes, or the compiler reads again after each
            x0, x1, x2 = h0[i], h1[i], h2[i]
            total[i] += u00 * x0 + u01 * x1 + u02 * x2
            total[width + i] += u10 * x0 + u11 * x1 + u12 * x2
            total[2 * width + i] += u20 * x0 + u21 * x1 + u22 * x2
            total[3 * width + i] += u30 * x0 + u31 * x1 + u32 * x2
            total[4 * width + i] += u40 * x0 + u41 * x1 + u42 * x2
            total[5 * width + i] += u50 * x0 + u51 * x1 + u52 * x2
            total[6 * width + i] += u60 * x0 + u61 * x1 + u62 * x2


@compiled
def _correlate(signals, states, offsets, dweights):
    """Add the products of signals (outputs, span) and shifted states to dweights (outputs, rows)."""
    for o in range(0, dweights.shape[0], OUTPUTS):
        for r in range(0, dweights.shape[1], ROWS):
            _add_products(signals, states, offsets, o, r, dweights)


@summed
def _add_products(signals, states, offsets, o, r, dweights):
    """Add the sums over all positions of the signals times the states of one tile."""
    s0, s1, s2, s3, s4, s5, s6 = (
        signals[o],
        signals[o + 1],
        signals[o + 2],
        signals[o + 3],
        signals[o + 4],
        signals[o + 5],
        signals[o + 6],
    )
    h0, h1, h2 = states[offsets[r] :], states[offsets[r + 1] :], states[offsets[r + 2] :]
    zero = signals.dtype.type(0)
    d00 = d01 = d02 = zero
    d10 = d11 = d12 = zero
    d20 = d21 = d22 = zero
    d30 = d31 = d32 = zero
    d40 = d41 = d42 = zero
    d50 = d51 = d52 = zero
    d60 = d61 = d62 = zero
    for i in range(signals.shape[1]):
        x0, x1, x2 = h0[i], h1[i], h2[i]
        y0, y1, y2, y3, y4, y5, y6 = s0[i], s1[i], s2[i], s3[i], s4[i], s5[i], s6[i]
        d00 += y0 * x0
        d01 += y0 * x1
        d02 += y0 * x2
        d10 += y1 * x0
        d11 += y1 * x1
        d12 += y1 * x2
        d20 += y2 * x0
        d21 += y2 * x1
        d22 += y2 * x2
        d30 += y3 * x0
        d31 += y3 * x1
        d32 += y3 * x2
        d40 += y4 * x0
        d41 += y4 * x1
        d42 += y4 * x2
        d50 += y5 * x0
        d51 += y5 * x1
        d52 += y5 * x2
        d60 += y6 * x0
        d61 += y6 * x1
        d62 += y6 * x2
    dweights[o, r] += d00
    dweights[o, r + 1] += d01
    dweights[o, r + 2] += d02
    dweights[o + 1, r] += d10
    dweights[o + 1, r + 1] += d11
    dweights[o + 1, r + 2] += d12
    dweights[o + 2, r] += d20
    dweights[o + 2, r + 1] += d21
    dweights[o + 2, r + 2] += d22
    dweights[o + 3, r] += d30
    dweights[o + 3, r + 1] += d31
    dweights[o + 3, r + 2] += d32
    dweights[o + 4, r] += d40
    dweights[o + 4, r + 1] += d41
    dweights[o + 4, r + 2] += d42
    dweights[o + 5, r] += d50
    dweights[o + 5, r + 1] += d51
    dweights[o + 5, r + 2] += d52
    dweights[o + 6, r] += d60
    dweights[o + 6, r + 1] += d61
    dweights[o + 6, r + 2] += d62
