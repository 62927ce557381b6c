"""HiPPO-LegS: the matrix whose state holds the coefficients of the past in Legendre polynomials.

Gu, Dao, Ermon, Rudra and Ré 2020, arXiv 2008.07669.

legs, legs_modes   the matrix, and the modes of its normal part
"""

import torch
from jaxtyping import Complex, Float
from torch import Tensor


def legs(states: int) -> tuple[Float[Tensor, "states states"], Float[Tensor, "states"]]:
    """HiPPO-LegS in float64: A, lower triangular with eigenvalues -1 to -N, and B."""
    order = torch.arange(states, dtype=torch.float64)
    b = (2 * order + 1).sqrt()
    return -(b[:, None] * b).tril(-1) - torch.diag(order + 1), b


def legs_modes(states: int) -> tuple[Complex[Tensor, "pairs"], Float[Tensor, "pairs"]]:
    """The normal part of LegS, diagonal: its N / 2 eigenvalues of positive frequency, ascending, and B there.

    A = S - P P^T with P = B / sqrt(2) and S = skew - I / 2, which is normal. The eigenvectors come in
    conjugate pairs, of which one is kept, turned so that B is real and positive.
    """
    a, b = legs(states)
    skew = a + torch.outer(b, b) / 2 + torch.eye(states, dtype=a.dtype) / 2
    frequency, modes = torch.linalg.eigh(-1j * skew)  # ascending, in pairs +/- w
    upper = modes[:, states // 2 :]
    rates = torch.complex(torch.full_like(b[: states // 2], -0.5), frequency[states // 2 :])
    return rates, (upper.mH @ (b + 0j)).abs()
