"""FSMN: the formula written out, memories that are known, how far it reaches, and gates on the rows."""

import functools

import pytest
import torch
from torch import Tensor

from tests.promises import ON_BUILDING, ON_SEQUENCES, close, generic, normal, stepped
from wavetrain.core import leaves
from wavetrain.errors import BadInput
from wavetrain.layers.convolution.fsmn import FSMN
from wavetrain.scan import linear

VARIANTS = {
    "compact": functools.partial(FSMN, hidden=5, taps=4, levels=1, gated=False),
    "three levels": functools.partial(FSMN, hidden=2, taps=2, levels=3),
    "dilated without gate": functools.partial(FSMN, taps=3, gated=False),
}


def naive(layer: FSMN, x: Tensor) -> Tensor:
    """The formula, one level, one step, one earlier level, one tap at a time."""
    p = layer.project(layer.expand(x).relu())
    known = [p]
    for level, kernel in enumerate(layer.kernels):
        q = torch.zeros_like(p)
        for t in range(x.shape[1]):
            for below, values in enumerate(known):
                for tap in range(layer.taps):
                    then = t - 2**level * tap
                    if then >= 0:
                        q[:, t] = q[:, t] + kernel[:, below, tap] * values[:, then]
        known.append(q)
    memory = p + known[-1]
    if layer.gate is None:
        return memory
    sums = layer.gate(x)
    return sums * sums.sigmoid() * memory


@pytest.mark.parametrize("make", [FSMN, *VARIANTS.values()])
def test_is_the_formula(make):
    layer, x = generic(make, 3, 2), normal(2, 13, 2)
    close(layer(x)[0], naive(layer, x), "forward, written out")
    close(stepped(layer, x)[0], naive(layer, x), "steps, written out")


def plain(taps: Tensor) -> FSMN:
    """One level without gate whose taps (N,) are the same for all of 3 channels."""
    layer = generic(functools.partial(FSMN, taps=len(taps), levels=1, gated=False), 3, 2)
    with torch.no_grad():
        layer.kernels[0].copy_(taps.expand(3, 1, -1))
    return layer


def test_without_taps_the_memory_is_what_it_is_given():
    layer, x = plain(torch.zeros(4)), normal(2, 7, 2)
    close(layer(x)[0], layer._values(x), "memory, values")


def test_a_first_tap_of_minus_one_leaves_nothing():
    layer, x = plain(torch.tensor([-1.0, 0, 0])), normal(2, 7, 2)
    assert layer(x)[0].abs().max() == 0


@pytest.mark.parametrize("taps", [5, 10, 40])
def test_geometric_taps_are_a_recurrence_up_to_where_they_are_cut(taps: int):
    """With taps rho^i, m - p follows q_t = rho q_{t-1} + p_t up to rho^N / (1 - rho) max |p|."""
    rho, x = 0.7, normal(2, 40, 2)
    layer = plain(rho ** torch.arange(taps, dtype=torch.float64))
    p = layer._values(x)
    q, _ = linear(torch.full((3,), rho, dtype=torch.float64), p)
    error = (layer(x)[0] - p - q).abs().max().item()
    assert error <= rho**taps / (1 - rho) * p.abs().max().item() + 1e-12
    assert error > 1e-12 or taps == 40


@pytest.mark.parametrize(("taps", "levels", "reach"), [(20, 2, 57), (20, 1, 19), (3, 3, 14)])
def test_reaches_back_so_far(taps: int, levels: int, reach: int):
    """(N - 1) (2^L - 1); MossFormer2's two levels of filters that go 19 steps one way: 57."""
    layer = generic(functools.partial(FSMN, taps=taps, levels=levels), 2, 2)
    row = layer.operator(normal(1, reach + 4, 2)).weight[0, :, -1].flip(-1)  # (D, T), the present first
    assert (row[:, reach] != 0).all() and (row[:, reach + 1 :] == 0).all()
    sizes = [part.shape[1:] for part in leaves(layer.begin(1))]
    assert sizes == [((taps - 1) * 2**level, 2 * (level + 1)) for level in range(levels)]


def test_gates_multiply_the_rows_of_a_toeplitz_matrix():
    layer, x = generic(FSMN, 4, 3), normal(2, 9, 3)
    gates = torch.nn.functional.silu(layer.gate(x)).mT  # (B, D, T)
    ungated = layer.operator(x).weight / gates[..., None]
    for distance in range(9):
        along = torch.diagonal(ungated, -distance, -2, -1)
        close(along, along[:1, :, :1].expand_as(along), f"weights at distance {distance}, the same")


def test_parameters_are_counted():
    """W and b, V, U and d, and a tap for each channel, pair of levels and delay."""
    layer = FSMN(16, inputs=10, hidden=24)
    expected = (10 * 24 + 24) + 24 * 16 + (10 * 16 + 16) + 16 * 20 * (1 + 2)
    assert sum(parameter.numel() for parameter in layer.parameters()) == expected


def test_bad_settings_are_refused():
    for name in ("hidden", "taps", "levels"):
        with pytest.raises(BadInput, match=name):
            FSMN(4, **{name: 0})


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_keep_the_promises(variant: str, promise):
    promise(generic(VARIANTS[variant], 3, 2), normal(2, 9, 2))


@pytest.mark.parametrize("promise", ON_BUILDING, ids=lambda check: check.__name__.removeprefix("check_"))
def test_compact_memories_are_built_as_promised(promise):
    promise(VARIANTS["compact"])
