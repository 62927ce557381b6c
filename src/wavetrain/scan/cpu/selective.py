"""The selective recurrence on CPU, and its gradient, each in one walk over time.

    h_t[s, e] = exp(dt_t[e] a[s, e]) h_{t-1}[s, e] + dt_t[e] b_t[s] x_t[e]
    y_t[e] = (sum_s c_t[s] h_t[s, e] + skip[e] x_t[e]) SiLU(z_t[e])

The states h of a tile of channels are made and used in the nearest cache: only x, dt, b, c and y go through
memory. The inner loop runs over channels and becomes vector instructions, the exponential included. Forward
marks h once in CHUNK steps; backward makes the states of a chunk again from its mark and walks in reverse:

    g_t = c_t dy_t + exp(dt_{t+1} a) g_{t+1},      k_t = exp(dt_t a) g_t h_{t-1},
    dx_t = dt_t sum_s b_t g_t,   ddt_t = x_t sum_s b_t g_t + sum_s a k_t,   da = sum_t dt_t k_t,
    db_t = sum_e dt_t x_t g_t,   dc_t = sum_e dy_t h_t,

with dy_t what comes through the gate. Arrays are contiguous, channels innermost: x, dt, y (B, T, E); b, c
(B, T, S); a (S, E); states (B, S, E); skip (E), of no entry where there is none; z (B, T, any), from channel
`begin` on, with no step where there is no gate.
"""

import numpy as np

from wavetrain.scan.cpu.compiled import compiled, exp, sigmoid, summed

TILE = 1024  # bytes of one state in a tile of channels; of narrower tiles each loop costs more to start
CHUNK = 16  # steps between two marks


@compiled
def forward(x, dt, a, b, c, state, skip, z, begin, y, last, marks, first, end, left, right):
    """Fill y, last and marks for the sequences from first to end and the channels from left to right.

    marks is (B, chunks, S, E), with no chunk at all where no gradient is wanted.
    """
    size, width = a.shape[0], right - left
    carry = np.empty((size, width), x.dtype)
    drive = np.empty(width, x.dtype)
    for n in range(first, end):
        carry[:] = state[n, :, left:right]
        for t in range(x.shape[1]):
            if t % CHUNK == 0 and marks.shape[1] > 0:
                marks[n, t // CHUNK, :, left:right] = carry
            xt, dtt, yt = x[n, t, left:right], dt[n, t, left:right], y[n, t, left:right]
            for i in range(width):
                drive[i] = dtt[i] * xt[i]
                yt[i] = 0
            for s in range(size):
                _advance(dtt, a[s, left:right], drive, b[n, t, s], c[n, t, s], carry[s], yt)
            _add(yt, skip[left:right], xt)
            if z.shape[1] > 0:
                _gate(z[n, t, begin + left : begin + right], yt)
        last[n, :, left:right] = carry


@compiled
def _advance(dt, a, drive, b, c, h, y):
    """One step of one state of each channel."""
    for i in range(h.size):
        value = exp(dt[i] * a[i], h) * h[i] + drive[i] * b
        h[i] = value
        y[i] += c * value


@compiled
def backward(
    x,
    dt,
    a,
    b,
    c,
    skip,
    z,
    begin,
    marks,
    grad,
    grad_last,
    dx,
    ddt,
    da,
    dskip,
    dz,
    dstate,
    db,
    dc,
    first,
    end,
    left,
    right,
):
    """Fill the gradients for the sequences from first to end and the channels from left to right.

    grad is the gradient of y, with no step at all where nothing comes back through y. da (B, S, E) and dskip
    (B, E) are those of each sequence; db and dc (B, T, S) are the sums over these channels alone.
    """
    time, size, width = x.shape[1], a.shape[0], right - left
    h = np.empty((CHUNK + 1, size, width), x.dtype)  # before each step of a chunk, and after it
    decay = np.empty((CHUNK, size, width), x.dtype)
    drive = np.empty((CHUNK, width), x.dtype)
    read = np.empty((CHUNK, width), x.dtype)  # what comes back to the reading of h
    plain = np.empty(width, x.dtype)  # y before its gate
    carry = np.empty((size, width), x.dtype)  # what comes back to h_t
    total = np.empty((size, width), x.dtype)
    through, slope, kept = np.empty(width, x.dtype), np.empty(width, x.dtype), np.empty(width, x.dtype)
    nothing = np.zeros(width, x.dtype)
    for n in range(first, end):
        carry[:] = grad_last[n, :, left:right]
        total[:] = 0
        dskip[n, left:right] = 0
        for chunk in range(marks.shape[1] - 1, -1, -1):
            start = chunk * CHUNK
            count = min(CHUNK, time - start)
            h[0] = marks[n, chunk, :, left:right]
            for k in range(count):
                t = start + k
                xt, dtt = x[n, t, left:right], dt[n, t, left:right]
                gt = grad[n, t, left:right] if grad.shape[1] > 0 else nothing
                _multiply(dtt, xt, drive[k])
                zt = z[n, t, begin + left : begin + right] if z.shape[1] > 0 else nothing[:0]
                _through_gate(zt, gt, read[k])
                plain[:] = 0
                for s in range(size):
                    _decay(dtt, a[s, left:right], decay[k, s])
                    dc[n, t, s] = _again(decay[k, s], h[k, s], drive[k], b[n, t, s], read[k], h[k + 1, s])
                    if zt.size > 0:
                        _scale(plain, c[n, t, s], h[k + 1, s])
                _of_skip(skip[left:right], read[k], xt, plain, dskip[n, left:right])
                if zt.size > 0:
                    _of_gate(zt, plain, gt, dz[n, t, left:right])
            for k in range(count - 1, -1, -1):
                t = start + k
                xt, dtt = x[n, t, left:right], dt[n, t, left:right]
                through[:] = 0
                slope[:] = 0
                for s in range(size):
                    db[n, t, s] = _reach(carry[s], read[k], drive[k], b[n, t, s], c[n, t, s], through)
                    _keep(carry[s], decay[k, s], h[k, s], kept)
                    _slope(kept, a[s, left:right], dtt, slope, total[s])
                _finish(xt, dtt, through, slope, dx[n, t, left:right], ddt[n, t, left:right])
                _add(dx[n, t, left:right], skip[left:right], read[k])
        dstate[n, :, left:right] = carry
        da[n, :, left:right] = total


# Short loops, because the compiler gives up its vectors where too many arrays may overlap.


@compiled
def _multiply(a, b, out):
    for i in range(out.size):
        out[i] = a[i] * b[i]


@compiled
def _decay(dt, a, out):
    for i in range(out.size):
        out[i] = exp(dt[i] * a[i], out)


@summed
def _again(decay, before, drive, b, grad, h):
    """One step made again; returns the gradient of c."""
    total = h.dtype.type(0)
    for i in range(h.size):
        value = decay[i] * before[i] + drive[i] * b
        h[i] = value
        total += grad[i] * value
    return total


@summed
def _reach(carry, grad, drive, b, c, through):
    """Add what comes back through y, and pass it on to the drive; returns the gradient of b."""
    total = carry.dtype.type(0)
    for i in range(carry.size):
        value = carry[i] + c * grad[i]
        carry[i] = value
        through[i] += b * value
        total += drive[i] * value
    return total


@compiled
def _keep(carry, decay, before, kept):
    """Pass on to the state before; kept is the gradient of the decay's exponent."""
    for i in range(carry.size):
        value = carry[i] * decay[i]
        carry[i] = value
        kept[i] = value * before[i]


@compiled
def _slope(kept, a, dt, slope, total):
    for i in range(kept.size):
        slope[i] += a[i] * kept[i]
        total[i] += dt[i] * kept[i]


@compiled
def _finish(x, dt, through, slope, dx, ddt):
    for i in range(x.size):
        dx[i] = dt[i] * through[i]
        ddt[i] = x[i] * through[i] + slope[i]


@compiled
def _add(to, a, b):
    """to + a b, where there is an a."""
    for i in range(a.size):
        to[i] += a[i] * b[i]


@compiled
def _of_skip(skip, read, x, plain, dskip):
    """What the skip adds to y, and its gradient."""
    for i in range(skip.size):
        plain[i] += skip[i] * x[i]
        dskip[i] += read[i] * x[i]


@compiled
def _scale(to, a, b):
    for i in range(to.size):
        to[i] += a * b[i]


@compiled
def _gate(z, y):
    """y times SiLU(z)."""
    for i in range(y.size):
        y[i] *= z[i] * sigmoid(z[i], y)


@compiled
def _through_gate(z, grad, out):
    """What comes back through the gate, or all of it where there is none."""
    for i in range(z.size):
        out[i] = grad[i] * z[i] * sigmoid(z[i], out)
    for i in range(z.size, out.size):
        out[i] = grad[i]


@compiled
def _of_gate(z, plain, grad, out):
    """The gradient of z."""
    one = out.dtype.type(1)
    for i in range(out.size):
        half = sigmoid(z[i], out)
        out[i] = grad[i] * plain[i] * half * (one + z[i] * (one - half))
