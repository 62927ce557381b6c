"""A linear system in state space: its impulse response, and its run by a convolution.

Powers of the matrix are taken by doubling (Krylov columns).

krylov, system_kernel, run_system
"""

import torch
from jaxtyping import Float, Inexact
from torch import Tensor
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.scan.over_slices import Passing, in_slices


def krylov(
    matrix: Inexact[Tensor, "*#axes states states"], vector: Inexact[Tensor, "*#axes states"], length: int
) -> Inexact[Tensor, "*#axes states length"]:
    """The columns v, A v, A^2 v, ..., as many as `length`."""
    columns = vector.unsqueeze(-1)
    while (have := columns.shape[-1]) < length:
        columns = torch.cat([columns, matrix @ columns[..., : length - have]], -1)
        if 2 * have < length:
            matrix = matrix @ matrix
    return columns


def system_kernel(
    a: Float[Tensor, "channels states states"],
    b: Float[Tensor, "channels states"],
    c: Float[Tensor, "channels readings states"],
    d: Float[Tensor, "channels readings"],
    time: int,
) -> tuple[Float[Tensor, "channels readings time"], Float[Tensor, "channels states time"]]:
    """The answers of `run_system` to an impulse, and its states after it."""
    columns = krylov(a, b, time)
    return c @ columns + F.pad(d.unsqueeze(-1), (0, time - 1)), columns


def run_system(
    a: Float[Tensor, "channels states states"],
    b: Float[Tensor, "channels states"],
    c: Float[Tensor, "channels readings states"],
    d: Float[Tensor, "channels readings"],
    u: Float[Tensor, "batch time channels"],
    state: Float[Tensor, "batch channels states"] | None,
) -> tuple[Float[Tensor, "batch time channels readings"], Float[Tensor, "batch channels states"]]:
    """x_t = a x_{t-1} + b u_t, y_t = c x_t + d u_t: one system for each channel of u, by convolution.

    `state` is x_0, zero where left out. Gives y and the last state.
    """
    return in_slices(
        "linear system",
        lambda before: _run(a, b, c, d, u, before),
        lambda: Passing(torch.linalg.matrix_power(a, u.shape[1]), matrix=True),
        state,
        [part for part in (a, b, c, d, u, state) if part is not None],
    )


def _run(
    a: Tensor, b: Tensor, c: Tensor, d: Tensor, u: Tensor, state: Tensor | None
) -> tuple[Tensor, Tensor]:
    time, readings = u.shape[1], c.shape[1]
    kernel, columns = system_kernel(a, b, c, d, time)
    y = scan.convolve(u.repeat_interleave(readings, -1), kernel.flatten(0, 1).T)  # (B, T, D M)
    y = y.unflatten(-1, (-1, readings))
    last = torch.einsum("dnt,btd->bdn", columns.flip(-1), u)
    if state is not None:
        rows = krylov(a.mT.unsqueeze(1), c, time + 1)[..., 1:]  # (D, M, N, T): c a^(t + 1)
        y = y + torch.einsum("dmnt,bdn->btdm", rows, state)
        last = last + torch.einsum("dij,bdj->bdi", torch.linalg.matrix_power(a, time), state)
    return y, last
