"""HiPPO-LegS: the matrix whose state holds the coefficients of the past in Legendre polynomials.

Gu, Dao, Ermon, Rudra and Ré 2020, arXiv 2008.07669.

legs, legs_modes   the matrix, and the modes of its normal part
"""

import torch
from torch import Tensor


def legs(states: int) -> tuple[Tensor, Tensor]:
    """HiPPO-LegS in float64: A (N, N), lower triangular with eigenvalues -1 to -N, and B (N)."""
    order = torch.arange(states, dtype=torch.float64)
    b = (2 * order + 1).sqrt()
    return -(b[:, None] * b).tril(-1) - torch.diag(order + 1), b


def legs_modes(states: int) -> tuple[Tensor, Tensor]:
    """The normal part of LegS, diagonal: eigenvalues (N / 2) of positive frequency, ascending, and B there.

    A = S - P P^T with P = B / sqrt(2) and S = skew - I / 2, which is normal. The eigenvectors come in
    conjugate pairs, of which one is kept, turned so that B (N / 2) is real and positive.
    """
    a, b = legs(states)
    skew = a + torch.outer(b, b) / 2 + torch.eye(states, dtype=a.dtype) / 2
    frequency, modes = torch.linalg.eigh(-1j * skew)  # ascending, in pairs +/- w
    upper = modes[:, states // 2 :]
    rates = torch.complex(torch.full_like(b[: states // 2], -0.5), frequency[states // 2 :])
    return rates, (upper.mH @ (b + 0j)).abs()
