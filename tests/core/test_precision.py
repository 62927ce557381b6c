"""Half precision and autocast at the doors of the recurrences: computed in float32, rounded once."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.promises import normal
from wavetrain import scan
from wavetrain.core import leaves, precision
from wavetrain.parts.rotary import rotary

LONG = 600
SLOW = 0.999  # 1 in bfloat16 and in float16


def slow(*shape: int) -> Tensor:
    return torch.full(shape, SLOW, dtype=torch.float64)


def driven(*shape: int) -> Tensor:
    return normal(*shape) + 1


def selective(step: bool) -> tuple[Tensor, ...]:
    time = [] if step else [LONG]
    return (
        driven(2, *time, 3),
        torch.full((2, *time, 3), 0.001, dtype=torch.float64),
        -slow(3, 4),
        driven(2, *time, 4),
        normal(2, *time, 4),
        normal(2, 3, 4),
    )


def linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, dtype=torch.float64)
    with torch.no_grad():
        for part in layer.parameters():
            part.copy_(0.3 * normal(*part.shape))
    return layer


DOORS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "linear": (scan.linear, (normal(2, LONG, 3).sigmoid(), driven(2, LONG, 3), normal(2, 3))),
    "wave": (scan.wave, (driven(2, 40, 2, 6), 0.3 * normal(2, 2, 3), normal(2, 2, 6))),
    "wave_step": (scan.wave_step, (driven(2, 2, 6), 0.3 * normal(2, 2, 3), normal(2, 2, 6))),
    "dilated": (scan.dilated, (driven(2, 20, 3), normal(2, 4, 3), normal(3, 1, 3), 2)),
    "short": (scan.short, (driven(2, 20, 3), normal(2, 2, 3), normal(3, 3), normal(3))),
    "selective": (scan.selective, selective(step=False)),
    "selective_step": (scan.selective_step, selective(step=True)),
    "dense": (
        scan.dense,
        (driven(2, 20, 3), normal(2, 4), linear(3, 4), linear(4, 4), scan.Activation.TANH),
    ),
    "dense_step": (
        scan.dense_step,
        (driven(2, 3), normal(2, 4), linear(3, 4), linear(4, 4), scan.Activation.RELU),
    ),
    "chunked": (
        scan.chunked,
        (*(driven(2, LONG, 2, 4) for _ in "qkv"), -0.001 * slow(2, LONG, 2, 1), normal(2, 2, 4, 4)),
    ),
    "convolve": (scan.convolve, (driven(2, LONG, 3), normal(LONG, 3))),
    "rotary": (rotary, (normal(2, 3, 5, 4), torch.arange(2000, 2010).view(2, 5))),
}


def as_given(part: Any, dtype: torch.dtype) -> Any:
    if isinstance(part, nn.Linear):
        twin = nn.Linear(part.in_features, part.out_features, dtype=dtype)
        twin.load_state_dict(part.state_dict())
        return twin
    return part.to(dtype) if isinstance(part, Tensor) and part.is_floating_point() else part


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", DOORS)
def test_in_half_precision(name: str, dtype: torch.dtype):
    """What comes out is what float64 gives for the same inputs, rounded once; a state is not rounded."""
    door, given = DOORS[name]
    low = [as_given(part, dtype) for part in given]
    expected = door(*(as_given(part, torch.float64) for part in low))
    found = door(*low)
    y, want = (part[0] if isinstance(part, tuple) else part for part in (found, expected))
    assert y.dtype == dtype
    torch.testing.assert_close(y.double(), want, rtol=torch.finfo(dtype).eps, atol=1e-3)
    if isinstance(found, tuple):
        for state, own in zip(leaves(found[1]), leaves(expected[1]), strict=True):
            assert state.dtype == torch.float32
            torch.testing.assert_close(state.double(), own, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", DOORS)
def test_under_autocast(name: str):
    """With float32 in, nothing changes; with a mixture of types, it is the exact one."""
    door, given = DOORS[name]
    single = [as_given(part, torch.float32) for part in given]
    expected = door(*single)
    with torch.autocast("cpu", torch.bfloat16):
        found = door(*single)
        mixed = door(as_given(single[0], torch.bfloat16), *single[1:])
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    mixed, expected = (part[0] if isinstance(part, tuple) else part for part in (mixed, expected))
    torch.testing.assert_close(mixed.float(), expected, rtol=0.05, atol=0.05 * expected.abs().max().item())


def test_a_slow_decay_stays():
    """0.999 is 1 in half precision; as a logarithm it is kept, and the sum ends where it should."""
    rate = torch.full((1, 3000, 1, 1), -0.001, dtype=torch.bfloat16)
    one = torch.ones(1, 3000, 1, 1, dtype=torch.bfloat16)
    y, state = scan.chunked(one, one, one, rate)
    decay = float(rate[0, 0].double().exp())
    assert float(state) == pytest.approx((1 - decay**3000) / (1 - decay), rel=1e-4)
    assert float(y[0, -1]) == pytest.approx(float(state), rel=2**-8)


def test_wide_leaves_the_rest():
    """Only half precision is widened, also inside tuples; a linear map shares nothing with its twin."""
    double, count, half = torch.zeros(1).double(), torch.zeros(1).long(), torch.ones(1).half()
    found = precision.wide((double, (count, half), None))
    assert found[0] is double and found[1][0] is count and found[2] is None
    assert found[1][1].dtype == torch.float32
    layer = nn.Linear(2, 3, dtype=torch.bfloat16)
    twin = precision.wide(layer)
    assert twin.weight.dtype == torch.float32 and layer.weight.dtype == torch.bfloat16
    twin(torch.ones(2)).sum().backward()
    assert layer.weight.grad is not None and layer.weight.grad.dtype == torch.bfloat16
