"""The unitary recurrence on CPU, and its gradient, each in one walk over time.

    h_t[s, e] = exp(i theta_t[s, e]) h_{t-1}[s, e] + b[s] w_t[e],    y_t[e] = Re sum_s c[s] h_t[s, e]

The states h of a tile of channels are made and used in the nearest cache: only theta, w and y go through
memory. A turn can be turned back, so backward needs no kept states: it walks in reverse from the last one,

    p = h_t - b w_t,    h_{t-1} = exp(-i theta_t) p,    g_t = conj(c) dy_t + exp(-i theta_{t+1}) g_{t+1},
    dtheta_t = Im(g_t conj(p)),    dw_t = Re sum_s conj(b) g_t,
    db = sum w_t g_t,    dc = sum dy_t conj(h_t).

So that rounding does not add up, forward marks h once in CHUNK steps, and backward starts again from there.
Arrays are contiguous, channels innermost: theta (B, T, S, E), w and y (B, T, E), b and c (S, 2), and states
(B, 2, S, E), real and imaginary parts apart.
"""

import numpy as np

from wavetrain.scan.cpu.compiled import compiled, summed, turn

TILE = 1024  # bytes of one state in a tile of channels; of narrower tiles each loop costs more to start
CHUNK = 128  # steps between two marks


@compiled
def forward(theta, w, b, c, state, y, last, marks, first, end, left, right):
    """Fill y, last and marks for the sequences from first to end and the channels from left to right.

    marks is (B, chunks, 2, S, E), the states after each chunk; no chunk at all where no gradient is wanted.
    """
    size, width = b.shape[0], right - left
    carry = np.empty((2, size, width), y.dtype)
    cosine, sine = np.empty(width, y.dtype), np.empty(width, y.dtype)
    for n in range(first, end):
        carry[:] = state[n, :, :, left:right]
        for t in range(w.shape[1]):
            wt, yt = w[n, t, left:right], y[n, t, left:right]
            yt[:] = 0
            for s in range(size):
                turn(theta[n, t, s, left:right], cosine, sine)
                _advance(cosine, sine, wt, b[s, 0], b[s, 1], carry[0, s], carry[1, s])
                _read(carry[0, s], carry[1, s], c[s, 0], c[s, 1], yt)
            if marks.shape[1] > 0 and (t + 1) % CHUNK == 0:
                marks[n, t // CHUNK, :, :, left:right] = carry
        last[n, :, :, left:right] = carry


@compiled
def backward(
    theta, w, b, c, last, marks, grad, grad_last, dtheta, dw, dstate, db, dc, first, end, left, right
):
    """Fill the gradients for the sequences from first to end and the channels from left to right.

    grad is the gradient of y, with no step at all where nothing comes back through y. db and dc (B, S, 2)
    are the sums over these channels alone, in float64.
    """
    size, width = b.shape[0], right - left
    h = np.empty((2, size, width), dw.dtype)
    carry = np.empty((2, size, width), dw.dtype)  # what comes back to h_t
    cosine, sine = np.empty(width, dw.dtype), np.empty(width, dw.dtype)
    nothing = np.zeros(width, dw.dtype)
    for n in range(first, end):
        carry[:] = grad_last[n, :, :, left:right]
        h[:] = last[n, :, :, left:right]
        db[n], dc[n] = 0, 0
        for t in range(w.shape[1] - 1, -1, -1):
            if (t + 1) % CHUNK == 0:
                h[:] = marks[n, t // CHUNK, :, :, left:right]
            wt, dwt = w[n, t, left:right], dw[n, t, left:right]
            gt = grad[n, t, left:right] if grad.shape[1] > 0 else nothing
            dwt[:] = 0
            for s in range(size):
                hr, hi, gr, gi = h[0, s], h[1, s], carry[0, s], carry[1, s]
                dc[n, s, 0] += _dot(gt, hr)
                dc[n, s, 1] -= _dot(gt, hi)
                _add(gr, gt, c[s, 0])
                _add(gi, gt, -c[s, 1])
                _add(dwt, gr, b[s, 0])
                _add(dwt, gi, b[s, 1])
                db[n, s, 0] += _dot(wt, gr)
                db[n, s, 1] += _dot(wt, gi)
                _add(hr, wt, -b[s, 0])
                _add(hi, wt, -b[s, 1])
                _slope(gr, gi, hr, hi, dtheta[n, t, s, left:right])
                turn(theta[n, t, s, left:right], cosine, sine)
                _back(cosine, sine, hr, hi)
                _back(cosine, sine, gr, gi)
        dstate[n, :, :, left:right] = carry


# Short loops, because the compiler gives up its vectors where too many arrays may overlap.


@compiled
def _advance(cosine, sine, w, real, imaginary, hr, hi):
    for i in range(hr.size):
        r, j = hr[i], hi[i]
        hr[i] = cosine[i] * r - sine[i] * j + real * w[i]
        hi[i] = cosine[i] * j + sine[i] * r + imaginary * w[i]


@compiled
def _read(hr, hi, real, imaginary, y):
    for i in range(y.size):
        y[i] += real * hr[i] - imaginary * hi[i]


@summed
def _dot(a, b):
    total = a.dtype.type(0)
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@compiled
def _add(to, x, times):
    for i in range(to.size):
        to[i] += times * x[i]


@compiled
def _slope(gr, gi, pr, pi, dtheta):
    for i in range(dtheta.size):
        dtheta[i] = gi[i] * pr[i] - gr[i] * pi[i]


@compiled
def _back(cosine, sine, r, i):
    """Turn back."""
    for k in range(r.size):
        a, b = r[k], i[k]
        r[k] = cosine[k] * a + sine[k] * b
        i[k] = cosine[k] * b - sine[k] * a
