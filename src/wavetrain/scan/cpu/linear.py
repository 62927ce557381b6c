"""The linear recurrence h_t = a_t h_{t-1} + b_t on CPU, and its gradient, each in one walk over time.

A recurrence of one multiplication per number read is bound by memory, so the time axis is never split:
the state of a tile of channels stays in the nearest cache, and the inner loop runs over neighbouring
channels, which the compiler turns into vector instructions. Backward is the same walk in reverse,

    l_t = g_t + conj(a_{t+1}) l_{t+1},    db_t = l_t,    da_t = l_t conj(h_{t-1}),    dh_0 = conj(a_1) l_1.

Arrays are contiguous; a and da are (B, T, D), or (1, 1, D) and (B, 1, D) where a is the same at all steps.
"""

import numpy as np
import torch
from torch import Tensor

from wavetrain.scan.cpu import host
from wavetrain.scan.cpu.compiled import compiled

TILE = 16384  # bytes of state in a tile; narrower tiles read memory in strips, which is two times slower


def forward(a: Tensor, b: Tensor, state: Tensor, reset: Tensor | None) -> tuple[Tensor, Tensor]:
    """h (B, T, D) and its last step; a is (B, T, D) or (D,)."""
    batch, time, width = b.shape
    h = host.fresh(b.shape, b.dtype)
    reset = torch.zeros(batch, time, dtype=torch.bool) if reset is None else reset
    decay = a if a.ndim == 3 else a[None, None]  # (B, T, D) or (1, 1, D)
    arrays = [host.array(decay), host.array(b), host.array(state), host.array(reset), h.numpy()]
    pieces = host.tiles(batch, width, TILE // b.element_size())
    host.spread(lambda piece: _walk(*arrays, *piece), pieces, b.numel())
    return h, h[:, -1].clone(memory_format=torch.contiguous_format)


def backward(
    a: Tensor, state: Tensor, h: Tensor, reset: Tensor | None, grad: Tensor | None, grad_last: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a, b and the state, from those of h (None for none) and of its last step."""
    batch, time, width = h.shape
    decay = a if a.ndim == 3 else a[None, None]
    da = host.fresh(h.shape if a.ndim == 3 else (batch, 1, width), h.dtype)
    db, dstate = host.fresh(h.shape, h.dtype), host.fresh(state.shape, h.dtype)
    reset = torch.zeros(batch, time, dtype=torch.bool) if reset is None else reset
    grad = h.new_zeros(batch, 0, width) if grad is None else grad
    grad_last = torch.zeros_like(state) if grad_last is None else grad_last
    inputs = [host.array(part) for part in (decay, h, state, reset, grad, grad_last)]
    arrays = [*inputs, da.numpy(), db.numpy(), dstate.numpy()]
    pieces = host.tiles(batch, width, TILE // h.element_size())
    host.spread(lambda piece: _back(*arrays, *piece), pieces, h.numel())
    return da if a.ndim == 3 else da.sum((0, 1)), db, dstate


@compiled
def _walk(a, b, state, reset, h, first, last, left, right):
    """Fill h for the sequences from first to last and the channels from left to right."""
    for n in range(first, last):
        carry = state[n, left:right].copy()
        for t in range(b.shape[1]):
            if reset[n, t]:
                carry[:] = 0
            at = a[n % a.shape[0], t % a.shape[1], left:right]
            bt = b[n, t, left:right]
            ht = h[n, t, left:right]
            for i in range(right - left):
                value = at[i] * carry[i] + bt[i]
                carry[i] = value
                ht[i] = value


@compiled
def _back(a, h, state, reset, grad, grad_last, da, db, dstate, first, last, left, right):
    """Fill da, db and dstate for the sequences from first to last and the channels from left to right.

    grad is the gradient of h, with no step at all where nothing comes back through h. The loops over channels
    run backwards like the one over time: memory that is read strictly downwards comes two times faster.
    """
    constant = da.shape[1] < h.shape[1]
    for n in range(first, last):
        carry = grad_last[n, left:right].copy()  # what comes back to h_t from later steps
        nothing = np.zeros_like(carry)
        term = np.zeros_like(carry)  # one step's part of the gradient of an a that is the same at all steps
        total = np.zeros_like(carry)
        for t in range(h.shape[1] - 1, -1, -1):
            if grad.shape[1] > 0:
                _add(carry, grad[n, t, left:right])
            before = h[n, t - 1, left:right] if t > 0 else state[n, left:right]
            if reset[n, t]:
                before = nothing
            at = a[n % a.shape[0], t % a.shape[1], left:right]
            dat = term if constant else da[n, t, left:right]
            dbt = db[n, t, left:right]
            # two loops, because the compiler gives up its vectors where too many arrays may overlap
            for i in range(right - left - 1, -1, -1):
                dbt[i] = carry[i]
                dat[i] = carry[i] * np.conj(before[i])
            for i in range(right - left - 1, -1, -1):
                carry[i] *= np.conj(at[i])
            if constant:
                _add(total, term)
            if reset[n, t]:
                carry[:] = 0
        dstate[n, left:right] = carry
        if constant:
            da[n, 0, left:right] = total


@compiled
def _add(to, more):
    for i in range(to.size - 1, -1, -1):
        to[i] += more[i]
