"""Temporal convolution: the formula written out, how far it sees, and kernels whose moments add."""

import functools

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.promises import ON_BUILDING, ON_SEQUENCES, close, generic, normal, stepped
from wavetrain.core import leaves
from wavetrain.errors import BadInput
from wavetrain.layers.convolution.temporal_convolution import TemporalConvolution
from wavetrain.scan import Activation

VARIANTS = {
    "one level": functools.partial(TemporalConvolution, levels=1, taps=4),
    "ratio three": functools.partial(
        TemporalConvolution, levels=2, taps=2, ratio=3, activation=Activation.TANH
    ),
    "linear": functools.partial(
        TemporalConvolution, levels=2, taps=3, ratio=1, activation=Activation.IDENTITY
    ),
}


def naive(layer: TemporalConvolution, x: Tensor) -> Tensor:
    """The formula, one level, one step, one tap at a time."""
    y = layer.encode(x)
    for kernel, bias, dilation in zip(layer.kernel, layer.bias, layer.dilations, strict=True):
        below, y = y, y.clone()
        for t in range(x.shape[1]):
            sums = bias
            for tap in range(layer.taps):
                if t - tap * dilation >= 0:
                    sums = sums + below[:, t - tap * dilation] @ kernel[:, :, tap].T
            y[:, t] = below[:, t] + layer.activation(sums)
    return y


@pytest.mark.parametrize("make", [TemporalConvolution, *VARIANTS.values()])
def test_is_the_formula(make):
    layer, x = generic(make, 4, 3), normal(2, 20, 3)
    close(layer(x)[0], naive(layer, x), "forward, written out")
    close(stepped(layer, x)[0], naive(layer, x), "steps, written out")


@pytest.mark.parametrize(("levels", "taps", "ratio"), [(1, 3, 2), (4, 3, 2), (3, 2, 3), (2, 5, 4), (3, 4, 1)])
def test_sees_so_many_steps_and_no_more(levels: int, taps: int, ratio: int):
    """1 + (K - 1) (r^L - 1) / (r - 1)."""
    reach = 1 + (taps - 1) * (levels if ratio == 1 else (ratio**levels - 1) // (ratio - 1))
    make = functools.partial(
        TemporalConvolution, levels=levels, taps=taps, ratio=ratio, activation=Activation.TANH
    )
    layer = generic(make, 3, 2)
    assert layer.reach == reach
    x = normal(1, reach + 5, 2).requires_grad_()
    (slope,) = torch.autograd.grad(layer(x)[0][0, -1].sum(), x)
    felt = slope[0].abs().sum(-1) > 0
    assert felt[5] and felt[-1] and not felt[:5].any()


def test_default_sees_31_steps_with_a_state_of_30():
    layer = TemporalConvolution(8)
    assert layer.reach == 31
    for time in (1, 5, 100):
        _, state = layer(torch.zeros(2, time, 8))
        assert [tuple(part.shape) for part in leaves(state)] == [(2, size, 8) for size in (2, 4, 8, 16)]


def linear_stack(kernels: list[np.ndarray]) -> TemporalConvolution:
    """One channel whose level l is the convolution with kernels[l], the residual path included."""
    layer = TemporalConvolution(
        1, levels=len(kernels), taps=len(kernels[0]), ratio=1, activation=Activation.IDENTITY
    ).double()
    with torch.no_grad():
        layer.encode.weight.fill_(1)
        layer.encode.bias.zero_()
        layer.bias.zero_()
        layer.kernel.copy_(torch.from_numpy(np.stack(kernels))[:, None, None])
        layer.kernel[..., 0] -= 1
    return layer


def response(layer: TemporalConvolution, time: int) -> np.ndarray:
    """The answer to a pulse at the first of `time` steps."""
    pulse = torch.zeros(1, time, 1, dtype=torch.float64)
    pulse[:, 0] = 1
    with torch.no_grad():
        return layer(pulse)[0][0, :, 0].numpy()


def test_kernel_of_a_linear_stack_is_that_of_its_levels_convolved():
    kernels = list(np.random.default_rng(0).standard_normal((3, 5)))
    expected = np.convolve(np.convolve(kernels[0], kernels[1]), kernels[2])
    close(response(linear_stack(kernels), len(expected)), expected, "answer to a pulse, convolved kernels")
    close(response(linear_stack(kernels[::-1]), len(expected)), expected, "in the other order, the same")


def test_mean_lags_and_variances_of_levels_add():
    """Leaky levels with time constants of 2, 6, 18 and 54 steps: a mean lag of 78.062 steps."""
    lag, taus = np.arange(1600), (2, 6, 18, 54)
    kernels = [(1 - np.exp(-1 / tau)) * np.exp(-lag / tau) for tau in taus]
    kernel, lag = response(linear_stack(kernels), 3200), np.arange(3200)
    mean = (lag * kernel).sum()
    assert kernel.sum() == pytest.approx(1) and mean == pytest.approx(78.062, abs=5e-4)
    variance = sum(np.exp(1 / tau) / np.expm1(1 / tau) ** 2 for tau in taus)
    assert ((lag - mean) ** 2 * kernel).sum() == pytest.approx(variance)


def test_bad_settings_are_refused():
    for name in ("levels", "taps", "ratio"):
        with pytest.raises(BadInput, match=name):
            TemporalConvolution(4, **{name: 0})


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_keep_the_promises(variant: str, promise):
    promise(generic(VARIANTS[variant], 3, 2), normal(2, 9, 2))


@pytest.mark.parametrize("promise", ON_BUILDING, ids=lambda check: check.__name__.removeprefix("check_"))
def test_linear_stacks_are_built_as_promised(promise):
    promise(VARIANTS["linear"])
