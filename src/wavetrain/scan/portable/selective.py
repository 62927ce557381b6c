"""The selective recurrence in few operations of PyTorch, for a device without a kernel.

Time is cut into about sqrt(T) chunks. They are walked side by side from zero, one step of all of them at a
time; then the states between chunks are walked; then the chunks again, from their true first states, and y
is read. So 2 sqrt(T) steps of a few operations stand in place of T, and states are there for one step of
each chunk. What is left of a state over a chunk is exp(a sum dt): there is no product of decays, and none is
divided by. Backward goes the same way from the end: the states of CHUNK steps of each chunk are made again
from their marks, so that 2 CHUNK sqrt(T) states are there at a time, and not T.

Step k of all chunks is x[:, k::steps]: where T is no multiple, the last chunk is not there at the last steps.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from wavetrain.scan.cpu.selective import CHUNK


def forward(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    state: Tensor,
    skip: Tensor | None,
    gate: Tensor | None,
    marks: Tensor,
) -> tuple[Tensor, Tensor]:
    """y and the last state; marks (B, marks or 0, N, E) gets the states before each CHUNK steps."""
    steps = _steps(x.shape[1])
    x, dt, b, c = (part.contiguous() for part in (x, dt, b, c))
    rates, drive, y = a.t().contiguous(), dt * x, x.new_empty(x.shape)
    carry = _before(dt, drive, b, rates, steps, state)
    for k in range(steps):
        dt_k, drive_k, b_k, c_k = (part[:, k::steps] for part in (dt, drive, b, c))
        now = carry[:, : dt_k.shape[1]]
        if k % CHUNK == 0 and marks.shape[1] > 0:
            marks[:, k // CHUNK :: steps // CHUNK] = now
        _advance(now, dt_k, drive_k, b_k, rates)
        y[:, k::steps] = _read(c_k, now)
    if skip is not None:
        y.addcmul_(skip, x)
    if gate is not None:
        y.mul_(F.silu(gate))
    return y, carry[:, -1].mT.contiguous()


def backward(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    skip: Tensor | None,
    gate: Tensor | None,
    marks: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of x, dt, a, b, c, state, skip and gate, empty where there is none of these two."""
    steps = _steps(x.shape[1])
    x, dt, b, c = (part.contiguous() for part in (x, dt, b, c))
    gate = None if gate is None else gate.contiguous()
    rates, drive = a.t().contiguous(), dt * x
    come = torch.zeros_like(x) if grad is None else grad.contiguous()
    read = come if gate is None else come * F.silu(gate)  # what comes back to the reading of h
    carry = _from_the_end(dt, c, read, rates, steps, grad_last)
    through, slope, plain = (torch.empty_like(drive) for _ in range(3))
    db, dc = torch.empty_like(b), torch.empty_like(c)
    total = torch.zeros_like(carry)
    states = [torch.empty_like(carry) for _ in range(CHUNK + 1)]
    decays = [torch.empty_like(carry) for _ in range(CHUNK)]
    for start in range(steps - CHUNK, -1, -CHUNK):
        before = marks[:, start // CHUNK :: steps // CHUNK]
        states[0][:, : before.shape[1]] = before
        for i in range(CHUNK):
            k = start + i
            dt_k, drive_k, b_k, c_k, read_k = (part[:, k::steps] for part in (dt, drive, b, c, read))
            there = dt_k.shape[1]
            decay, h = decays[i][:, :there], states[i + 1][:, :there]
            torch.mul(dt_k.unsqueeze(2), rates, out=decay).exp_()
            torch.mul(decay, states[i][:, :there], out=h)
            h.addcmul_(b_k.unsqueeze(3), drive_k.unsqueeze(2))
            dc[:, k::steps] = _over_channels(h, read_k)
            if gate is not None:
                plain[:, k::steps] = _read(c_k, h)
        for i in range(CHUNK - 1, -1, -1):
            k = start + i
            dt_k, drive_k, b_k, c_k, read_k = (part[:, k::steps] for part in (dt, drive, b, c, read))
            there = dt_k.shape[1]
            now = carry[:, :there]
            now.addcmul_(c_k.unsqueeze(3), read_k.unsqueeze(2))
            through[:, k::steps] = _read(b_k, now)
            db[:, k::steps] = _over_channels(now, drive_k)
            now.mul_(decays[i][:, :there])
            kept = states[i][:, :there].mul_(now)  # the gradient of the decay's exponent
            total[:, :there].addcmul_(kept, dt_k.unsqueeze(2))
            slope[:, k::steps] = (kept * rates).sum(2)
    dx, ddt = dt * through, torch.addcmul(slope, x, through)
    dskip, dz = x.new_zeros(0), x.new_zeros(0, 0, 0)
    if skip is not None:
        dx.addcmul_(skip, read)
        plain.addcmul_(skip, x)
        dskip = (read * x).sum((0, 1))
    if gate is not None:
        half = gate.sigmoid()
        dz = come * plain * half * (1 + gate * (1 - half))
    return dx, ddt, total.sum((0, 1)).t(), db, dc, carry[:, 0].mT, dskip, dz


def _before(dt: Tensor, drive: Tensor, b: Tensor, rates: Tensor, steps: int, state: Tensor) -> Tensor:
    """The state before each chunk, (B, chunks, N, E)."""
    further = -(-dt.shape[1] // steps) - 1
    made = dt.new_zeros(len(dt), further, *rates.shape)  # by each chunk but the last, from zero
    for k in range(steps if further else 0):
        dt_k, drive_k, b_k = (part[:, k::steps][:, :further] for part in (dt, drive, b))
        _advance(made, dt_k, drive_k, b_k, rates)
    carry = torch.cat([state.mT.unsqueeze(1), made], 1)
    left = _left(dt[:, : further * steps], steps, rates)
    for chunk in range(further):
        carry[:, chunk + 1].addcmul_(left[:, chunk], carry[:, chunk])
    return carry


def _from_the_end(
    dt: Tensor, c: Tensor, read: Tensor, rates: Tensor, steps: int, grad_last: Tensor | None
) -> Tensor:
    """What comes back to the last state of each chunk from all that is later, (B, chunks, N, E)."""
    further = -(-dt.shape[1] // steps) - 1
    made = dt.new_zeros(len(dt), further, *rates.shape)  # by each chunk but the first, where none is later
    for k in range(steps - 1 if further else -1, -1, -1):
        dt_k, c_k, read_k = (part[:, k::steps][:, 1:] for part in (dt, c, read))
        now = made[:, : dt_k.shape[1]]
        now.addcmul_(c_k.unsqueeze(3), read_k.unsqueeze(2))
        now.mul_((dt_k.unsqueeze(2) * rates).exp_())
    end = dt.new_zeros(len(dt), *rates.shape) if grad_last is None else grad_last.mT
    carry = torch.cat([made, end.unsqueeze(1)], 1)
    left = _left(dt[:, steps:], steps, rates)
    for chunk in range(further - 1, -1, -1):
        carry[:, chunk].addcmul_(left[:, chunk], carry[:, chunk + 1])
    return carry


def _steps(time: int) -> int:
    """Steps of a chunk: about sqrt(T), a multiple of CHUNK."""
    return CHUNK * max(1, round(math.sqrt(time) / CHUNK))


def _advance(h: Tensor, dt: Tensor, drive: Tensor, b: Tensor, rates: Tensor) -> None:
    """One step of the states h (B, chunks, N, E), in place; the others are (B, chunks, E or N)."""
    h.mul_((dt.unsqueeze(2) * rates).exp_()).addcmul_(b.unsqueeze(3), drive.unsqueeze(2))


def _left(dt: Tensor, steps: int, rates: Tensor) -> Tensor:
    """What is left of a state over each chunk, (B, chunks, N, E)."""
    total = F.pad(dt, (0, 0, 0, -dt.shape[1] % steps)).unflatten(1, (-1, steps)).sum(2)
    return (total.unsqueeze(2) * rates).exp_()


def _read(c: Tensor, h: Tensor) -> Tensor:
    """The sums over states, (B, chunks, E)."""
    return (c.unsqueeze(2) @ h).squeeze(2)


def _over_channels(h: Tensor, by: Tensor) -> Tensor:
    """The sums over channels, (B, chunks, N)."""
    return (h @ by.unsqueeze(3)).squeeze(3)
