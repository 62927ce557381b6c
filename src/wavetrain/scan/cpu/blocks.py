"""The linear recurrence d_t = J_t d_{t-1} + b_t with a small matrix for each channel, on CPU, in one walk.

J_t has S x S entries a channel, S being 2 or so; the inner loop runs over neighbouring channels, which the
compiler turns into vector instructions. Arrays are contiguous: J (B, T, S, S, D), b and d (B, T, S, D).
"""

from wavetrain.scan.cpu.compiled import compiled


@compiled
def walk(jacobian, b, d, first, last):
    """Fill d for the sequences from first to last; d_0 is zero."""
    parts = b.shape[2]
    for n in range(first, last):
        d[n, 0] = b[n, 0]
        for t in range(1, b.shape[1]):
            for i in range(parts):
                now = d[n, t, i]
                now[:] = b[n, t, i]
                for j in range(parts):
                    slope, before = jacobian[n, t, i, j], d[n, t - 1, j]
                    for k in range(now.size):
                        now[k] += slope[k] * before[k]
