"""The linear recurrence h_t = a_t h_{t-1} + b_t in few operations of PyTorch, for a device without a kernel.

Time is cut into about sqrt(T) chunks, which are walked side by side from zero, step by step; then the states
between chunks are walked; then each chunk is corrected by its decays from its beginning, times its true first
state. That is about 2 sqrt(T) steps of a few operations in place of T, and moves about five times the memory
of a walk. A product of decays is never divided by, so decays of 0 and strong ones stay exact; where a reset
lies between, the state before is left out by choice and not by a product, for it may not be finite.
"""

import math

import torch
from torch import Tensor


def forward(a: Tensor, b: Tensor, state: Tensor, reset: Tensor | None) -> tuple[Tensor, Tensor]:
    """h (B, T, D) and the last state (B, D); a is (B, T, D) or (D,)."""
    batch, time, width = b.shape
    steps = max(1, math.isqrt(time - 1) + 1)
    chunks = -(-time // steps)
    decays = _chunked(a.expand_as(b), chunks, steps, 1.0)
    inputs = _chunked(b, chunks, steps, 0.0)
    cut = None if reset is None else _chunked(reset.unsqueeze(-1), chunks, steps, False)
    product = torch.ones_like(decays[:, :, 0])
    carry = torch.zeros_like(product)
    products, walked, clean = [], [], []
    alive = torch.ones_like(product, dtype=torch.bool)[
        ..., :1
    ]  # whether the chunk's first state is still felt
    for k in range(steps):
        if cut is not None:
            dropped = cut[:, :, k]
            carry = carry.masked_fill(dropped, 0)
            product = product.masked_fill(dropped, 0)
            alive = alive & ~dropped
        carry = decays[:, :, k] * carry + inputs[:, :, k]
        product = decays[:, :, k] * product
        walked.append(carry)
        products.append(product)
        clean.append(alive)
    starts = []
    for chunk in range(chunks):
        starts.append(state)
        moved = product[:, chunk] * state
        state = carry[:, chunk] + (moved if cut is None else moved.masked_fill(~alive[:, chunk], 0))
    first = torch.stack(starts, 1).unsqueeze(2)  # (B, chunks, 1, D)
    added = torch.stack(products, 2) * first
    if cut is not None:
        added = added.masked_fill(~torch.stack(clean, 2), 0)
    h = (torch.stack(walked, 2) + added).view(batch, chunks * steps, width)[:, :time]
    return h.contiguous(), h[:, -1].clone(memory_format=torch.contiguous_format)


def backward(
    a: Tensor, state: Tensor, h: Tensor, reset: Tensor | None, grad: Tensor | None, grad_last: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a, b and the state: the same recurrence from the end, over the gradient of h."""
    come = torch.zeros_like(h) if grad is None else grad
    if grad_last is not None:
        come = torch.cat([come[:, :-1], come[:, -1:] + grad_last.unsqueeze(1)], 1)
    decays = a.conj().expand_as(h)
    earlier = torch.cat([state.unsqueeze(1), h[:, :-1]], 1)
    later = None
    if reset is not None:
        earlier = earlier.masked_fill(reset.unsqueeze(-1), 0)
        later = torch.cat([reset[:, 1:], torch.ones_like(reset[:, :1])], 1).flip(1)
    after = torch.cat([decays[:, 1:], torch.zeros_like(decays[:, :1])], 1).flip(1)
    db = forward(after, come.flip(1), torch.zeros_like(state), later)[0].flip(1)
    da = db * earlier.conj()
    dstate = decays[:, 0] * db[:, 0]
    if reset is not None:
        dstate = dstate.masked_fill(reset[:, :1], 0)
    return da if a.ndim == 3 else da.sum((0, 1)), db, dstate


def _chunked(x: Tensor, chunks: int, steps: int, fill: float | bool) -> Tensor:
    """(B, chunks, steps, ...), filled up at the end."""
    missing = chunks * steps - x.shape[1]
    if missing:
        x = torch.cat([x, x.new_full((x.shape[0], missing, *x.shape[2:]), fill)], 1)
    return x.reshape(x.shape[0], chunks, steps, *x.shape[2:])
