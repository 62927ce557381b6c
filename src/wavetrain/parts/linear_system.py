"""A linear system in state space: its impulse response, and its run by a convolution.

Powers of the matrix are taken by doubling (Krylov columns).

krylov, system_kernel, run_system
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from wavetrain import scan


def krylov(matrix: Tensor, vector: Tensor, length: int) -> Tensor:
    """The columns v, A v, A^2 v, ...: matrix (..., N, N) and vector (..., N) give (..., N, length)."""
    columns = vector.unsqueeze(-1)
    while (have := columns.shape[-1]) < length:
        columns = torch.cat([columns, matrix @ columns[..., : length - have]], -1)
        if 2 * have < length:
            matrix = matrix @ matrix
    return columns


def system_kernel(a: Tensor, b: Tensor, c: Tensor, d: Tensor, time: int) -> tuple[Tensor, Tensor]:
    """The answers of `run_system` to an impulse, (D, M, T), and its states after it, (D, N, T)."""
    columns = krylov(a, b, time)
    return c @ columns + F.pad(d.unsqueeze(-1), (0, time - 1)), columns


def run_system(
    a: Tensor, b: Tensor, c: Tensor, d: Tensor, u: Tensor, state: Tensor | None
) -> tuple[Tensor, Tensor]:
    """x_t = a x_{t-1} + b u_t, y_t = c x_t + d u_t: one system for each channel of u, by convolution.

    a (D, N, N), b (D, N), c (D, M, N), d (D, M), u (B, T, D) and x_0 (B, D, N), zero where left out, give
    y (B, T, D, M) and the last state (B, D, N).
    """
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
