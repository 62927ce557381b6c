"""A causal convolution with few taps, `gap` steps apart, each channel by itself; and its gradients, on CPU.

    y_t = sum_k weight_k x_{t - k gap}
    dx_s = sum_k weight_k dy_{s + k gap},    dweight_k = sum_t dy_t x_{t - k gap}

Each is one walk over time; the inner loop runs over channels, so that nothing is turned round in memory.
Arrays are contiguous, channels innermost: y and its gradient (B, T, E); x (B, T, any), from channel `begin`
on; past (B, S, E), the S = (K - 1) gap steps before x, oldest first; weight (K, E).
"""

from wavetrain.scan.cpu.compiled import compiled


@compiled
def forward(x, begin, past, weight, gap, y, first, end):
    """Fill y for the sequences from first to end."""
    for n in range(first, end):
        for t in range(y.shape[1]):
            _begin(y[n, t], weight[0], x[n, t, begin : begin + y.shape[2]])
            for k in range(1, weight.shape[0]):
                _add(y[n, t], weight[k], _at(x, begin, past, n, t - k * gap))


@compiled
def backward(x, begin, past, weight, gap, grad, dx, dpast, dweight, first, end):
    """Fill the gradients; dweight (B, K, E) is that of each sequence."""
    before, time = past.shape[1], grad.shape[1]
    for n in range(first, end):
        dweight[n] = 0
        for t in range(time):
            for k in range(weight.shape[0]):
                _add(dweight[n, k], grad[n, t], _at(x, begin, past, n, t - k * gap))
        for s in range(-before, time):
            back = dx[n, s] if s >= 0 else dpast[n, before + s]
            back[:] = 0
            for k in range(weight.shape[0]):
                if 0 <= s + k * gap < time:
                    _add(back, weight[k], grad[n, s + k * gap])


@compiled
def _at(x, begin, past, n, t):
    """One step, which may lie before the first."""
    if t >= 0:
        return x[n, t, begin : begin + past.shape[2]]
    return past[n, past.shape[1] + t]


@compiled
def _begin(to, a, b):
    for i in range(to.size):
        to[i] = a[i] * b[i]


@compiled
def _add(to, a, b):
    for i in range(to.size):
        to[i] += a[i] * b[i]
