"""The unitary recurrence in few operations of PyTorch, for a device without a kernel.

Turns commute, and one is turned back by its conjugate: with R_t the product of the turns of a piece to t,

    h_t = R_t (h_0 + b sum_{s <= t} conj(R_s) w_s)

and for what comes back, r_t = conj(c) dy_t, the same from the end: g_t = R_t sum_{s >= t} conj(R_s) r_s. The
products are made in log2 steps, each of pairs twice as far apart, so that rounding grows as the logarithm; a
sum of angles would lose its place in float32, and float64 is not had on every device. Pieces are of about
8 sqrt(T) steps, one after the other; states are there for one piece at a time. Backward turns the states of
a piece back from its end, which was marked on the way.
"""

import math

import torch
from torch import Tensor

from wavetrain.scan.cpu.unitary import CHUNK


def forward(
    theta: Tensor, w: Tensor, b: Tensor, c: Tensor, state: Tensor, marks: Tensor
) -> tuple[Tensor, Tensor]:
    """y (B, T, E) and the last state (B, 2, S, E), from theta (B, T, S, E), w (B, T, E), b and c (S, 2).

    Fills marks (B, chunks, 2, S, E), the states after each CHUNK steps; none where there are no chunks.
    """
    y = w.new_empty(w.shape)
    writing, reading, carry = _whole(b)[:, None], _whole(c)[:, None], torch.complex(*state.unbind(1))
    steps = _steps(w.shape[1])
    for start in range(0, w.shape[1], steps):
        here = slice(start, start + steps)
        turns = _products(theta[:, here])
        h = turns * (carry.unsqueeze(1) + writing * _sums(turns.conj() * w[:, here].unsqueeze(2)))
        y[:, here] = (reading * h).sum(2).real
        carry = h[:, -1].clone()  # and not all states of the piece with it
        if marks.shape[1] > 0:
            _mark(h[:, CHUNK - 1 :: CHUNK], marks[:, start // CHUNK :])
    return y, torch.stack([carry.real, carry.imag], 1)


def backward(
    theta: Tensor,
    w: Tensor,
    b: Tensor,
    c: Tensor,
    last: Tensor,
    marks: Tensor,
    grad: Tensor | None,
    grad_last: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of theta, w and state (B, 2, S, E), and those of b and c (S, 2)."""
    dtheta, dw = theta.new_empty(theta.shape), w.new_empty(w.shape)
    writing, reading = _whole(b)[:, None], _whole(c)[:, None]
    carry, end = (torch.complex(*part.unbind(1)) for part in (grad_last, last))
    db, dc = torch.zeros_like(writing), torch.zeros_like(reading)
    steps = _steps(w.shape[1])
    for start in range((w.shape[1] - 1) // steps * steps, -1, -steps):
        here = slice(start, start + steps)
        now = w[:, here].unsqueeze(2)
        turns = _products(theta[:, here])
        back = turns.conj().resolve_conj()
        written = writing * _sums(back * now)
        before = back[:, -1] * end - written[:, -1]
        h = turns * (before.unsqueeze(1) + written)
        come = torch.zeros_like(h)
        if grad is not None:
            read = grad[:, here].unsqueeze(2)
            come = reading.conj() * read
            dc += (read * h.conj()).sum((0, 1, 3)).unsqueeze(1)
        come[:, -1] += carry
        later = _sums((back * come).flip(1)).flip(1)
        g = turns * later
        dtheta[:, here] = (g * (h - writing * now).conj()).imag
        dw[:, here] = (writing.conj() * g).sum(2).real
        db += (g * now).sum((0, 1, 3)).unsqueeze(1)
        carry = later[:, 0].clone()
        if start > 0:
            end = torch.complex(*marks[:, start // CHUNK - 1].unbind(1))
    of_b, of_c = (torch.view_as_real(part.squeeze(1)) for part in (db, dc))
    return dtheta, dw, of_b, of_c, torch.stack([carry.real, carry.imag], 1)


def _steps(time: int) -> int:
    """Steps of a piece: about 8 sqrt(T), a multiple of CHUNK."""
    return CHUNK * max(1, round(8 * math.sqrt(time) / CHUNK))


def _products(theta: Tensor) -> Tensor:
    """The turns of a piece from its beginning to each step, complex."""
    turns, far = torch.complex(theta.cos(), theta.sin()), 1
    while far < theta.shape[1]:
        turns = torch.cat([turns[:, :far], turns[:, far:] * turns[:, :-far]], 1)
        far *= 2
    return turns


def _sums(x: Tensor) -> Tensor:
    """Complex sums over the steps to each."""
    return torch.view_as_complex(torch.view_as_real(x.resolve_conj()).cumsum(1))


def _mark(states: Tensor, marks: Tensor) -> None:
    marks[:, : states.shape[1]] = torch.stack([states.real, states.imag], 2)


def _whole(pairs: Tensor) -> Tensor:
    """Complex numbers from pairs (S, 2)."""
    return torch.view_as_complex(pairs.contiguous())
