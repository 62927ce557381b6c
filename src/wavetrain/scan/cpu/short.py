"""SiLU of a causal convolution with few taps on CPU, and its gradient, each in one walk over time.

    s_t[e] = sum_k weight[k, e] x_{t-k}[e] + bias[e],    y_t[e] = s_t[e] sigmoid(s_t[e])

Each number of x is read from memory once and each of y written once. Backward makes the sums again and
walks in reverse with the last K gradients of s at hand. Arrays are contiguous, channels innermost: y and its
gradient (B, T, E); x (B, T, any), from channel `begin` on; past (B, K - 1, E), oldest first; weight (K, E).
"""

import numpy as np

from wavetrain.scan.cpu.compiled import compiled, sigmoid

TILE = 2048  # bytes of one row of a tile of channels


@compiled
def forward(x, begin, past, weight, bias, y, first, end, left, right):
    """Fill y for the sequences from first to end and the channels from left to right."""
    total = np.empty(right - left, y.dtype)
    for n in range(first, end):
        for t in range(y.shape[1]):
            _sum(x, begin, past, weight, bias, n, t, left, right, total)
            _silu(total, y[n, t, left:right])


@compiled
def backward(x, begin, past, weight, bias, grad, dx, dpast, dweight, dbias, first, end, left, right):
    """Fill the gradients; dweight (B, K, E) and dbias (B, E) are those of each sequence."""
    taps, before, time = weight.shape[0], past.shape[1], grad.shape[1]
    sums = np.zeros((taps, right - left), grad.dtype)  # gradients of s_t to s_{t + K - 1}, in turn
    for n in range(first, end):
        sums[:] = 0
        dweight[n, :, left:right] = 0
        dbias[n, left:right] = 0
        for t in range(time - 1, -taps, -1):
            now = sums[t % taps]
            if t < 0:  # nothing was answered then
                now[:] = 0
            else:
                _sum(x, begin, past, weight, bias, n, t, left, right, now)
                _slope(now, grad[n, t, left:right], dbias[n, left:right])
                for k in range(taps):
                    _add(dweight[n, k, left:right], now, _at(x, begin, past, n, t - k, left, right))
            back = dx[n, t, left:right] if t >= 0 else dpast[n, before + t, left:right]
            back[:] = 0
            for k in range(taps):
                if t + k < time:
                    _add(back, weight[k, left:right], sums[(t + k) % taps])


@compiled
def _at(x, begin, past, n, t, left, right):
    """The channels of one step, which may lie before the first."""
    if t >= 0:
        return x[n, t, begin + left : begin + right]
    return past[n, past.shape[1] + t, left:right]


@compiled
def _sum(x, begin, past, weight, bias, n, t, left, right, total):
    total[:] = bias[left:right]
    for k in range(weight.shape[0]):
        _add(total, weight[k, left:right], _at(x, begin, past, n, t - k, left, right))


@compiled
def _add(to, a, b):
    for i in range(to.size):
        to[i] += a[i] * b[i]


@compiled
def _silu(total, y):
    for i in range(y.size):
        y[i] = total[i] * sigmoid(total[i], y)


@compiled
def _slope(total, grad, dbias):
    """In place of each sum its gradient, which is also added to the bias's."""
    one = total.dtype.type(1)
    for i in range(total.size):
        half = sigmoid(total[i], total)
        total[i] = grad[i] * half * (one + total[i] * (one - half))
        dbias[i] += total[i]
