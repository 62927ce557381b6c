"""Softmax attention: both routes against sums written out, and derivatives by differences."""

import contextlib
import math

import pytest
import torch
from torch import Tensor

from wavetrain import scan


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def summed(q: Tensor, k: Tensor, v: Tensor, may_read: Tensor, scale: float) -> Tensor:
    """One head of one sequence, number by number."""
    y = torch.zeros(len(q), v.shape[1], dtype=v.dtype)
    for t in range(len(q)):
        read = [s for s in range(len(k)) if may_read[t, s]]
        fit = [math.exp(scale * float(q[t] @ k[s])) for s in read]
        for weight, s in zip(fit, read, strict=True):
            y[t] += weight / sum(fit) * v[s]
    return y


def problem(masked: bool) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Two sequences, three heads; with a mask five steps read seven others, one of them each reads."""
    torch.manual_seed(0)
    others = 7 if masked else 5
    mask = torch.rand(2, 1, 5, others) < 0.4 if masked else None
    if mask is not None:
        mask[..., 3] = True
    return draw(2, 3, 5, 4), draw(2, 3, others, 4), draw(2, 3, others, 6), mask


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("masked", [False, True])
def test_values(masked: bool, scale: float | None, plain: bool):
    q, k, v, mask = problem(masked)
    may_read = torch.ones(2, 1, 5, 5).tril() if mask is None else mask
    for learns in (False, True):
        with scan.only_plain() if plain else contextlib.nullcontext():
            y = scan.attention(q.requires_grad_(learns), k, v, mask, scale)
        assert scan.routes()["attention"] == ("plain" if plain else "torch")
        for batch in range(2):
            for head in range(3):
                here = q.detach()[batch, head], k[batch, head], v[batch, head], may_read[batch, 0]
                wanted = summed(*here, 0.5 if scale is None else scale)
                torch.testing.assert_close(y.detach()[batch, head], wanted)


@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("masked", [False, True])
def test_derivatives_by_differences(masked: bool, scale: float | None):
    """Of two heads and two or three channels: second derivatives take a second for each hundred numbers."""
    q, k, v, mask = problem(masked)
    inputs = [part[:, :2, :, :few].clone().requires_grad_() for part, few in ((q, 2), (k, 2), (v, 3))]

    def run(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return scan.attention(q, k, v, mask, scale)

    assert torch.autograd.gradcheck(run, inputs)
    assert torch.autograd.gradgradcheck(run, inputs)


def test_only_what_is_wanted_gets_a_gradient():
    q, k, v, _ = problem(False)
    y = scan.attention(q, k.requires_grad_(), v)
    (alone,) = torch.autograd.grad(y.sum(), k, retain_graph=True)
    (again,) = torch.autograd.grad(y.sum(), k)  # the same graph is walked twice
    together = torch.autograd.grad(scan.attention(q.requires_grad_(), k, v.requires_grad_()).sum(), [q, k, v])
    torch.testing.assert_close(alone, together[1])
    torch.testing.assert_close(again, alone)
