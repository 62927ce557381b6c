"""TCNCA: what its convolutions see, and attention that ends at the borders of chunks."""

import functools

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.promises import ON_BUILDING, ON_SEQUENCES, close, generic, normal, stepped
from wavetrain.errors import BadInput
from wavetrain.layers.convolution.tcnca import TCNCA


def tcnca(width: int, inputs: int, chunk: int = 4) -> TCNCA:
    return generic(functools.partial(TCNCA, levels=2, taps=3, ratio=2, chunk=chunk), width, inputs)


def dependence(layer: TCNCA, time: int) -> Tensor:
    """How much each output depends on each input, (T, T)."""
    x = normal(1, time, layer.inputs)
    return torch.autograd.functional.jacobian(lambda x: layer(x)[0][0].sum(-1), x)[:, 0].norm(dim=-1)


def context(layer: TCNCA, x: Tensor) -> Tensor:
    """The stack of convolutions written out, for x (B, T, D)."""
    for kernel, mix, gap in zip(layer.kernel, layer.mix, layer.dilations, strict=True):
        new = []
        for t in range(x.shape[1]):
            ages = [age for age in range(layer.taps) if t >= age * gap]
            new.append(x[:, t] + F.silu(mix(sum(kernel[:, age] * x[:, t - age * gap] for age in ages))))
        x = torch.stack(new, 1)
    return x


@pytest.mark.parametrize("chunk", [3, 50])
def test_is_the_formula(chunk: int):
    layer, x = tcnca(5, 5, chunk), normal(2, 10, 5)
    attend, m = layer.attend, context(layer, x)
    u, zr, c = attend.base(m).split(attend.sizes, -1)
    z, r = F.silu(zr).split([3, 10], -1)
    q, k = (z * scale + shift for scale, shift in zip(attend.scale, attend.shift, strict=True))
    time = torch.arange(10)
    fit = q @ k.mT / 3**0.5 + attend.bias[(time[:, None] - time).clamp(min=0, max=chunk - 1)]
    read = (time[:, None] >= time) & (time[:, None] // chunk == time // chunk)
    weight = fit.masked_fill(~read, -torch.inf).softmax(-1)
    new = F.silu(c + attend.mix(r * (weight @ F.silu(attend.value(x)))))
    expected = u.sigmoid() * new + (1 - u.sigmoid()) * x
    close(layer(x)[0], expected, "forward, written out")
    close(stepped(layer, x)[0], expected, "steps, written out")


def test_an_impulse_is_gone_after_the_reach():
    """With chunks of one step nothing but the convolutions looks back: 1 + 2 (1 + 2) steps, and none more."""
    layer = tcnca(4, 4, chunk=1)
    assert layer.reach == 7
    slopes = dependence(layer, 20)
    age = torch.arange(20)[:, None] - torch.arange(20)
    seen = (age >= 0) & (age < 7)
    assert (slopes[seen] > 0).all() and slopes[~seen].abs().max() == 0


def test_attention_carries_further_only_inside_a_chunk():
    """A step sees its own chunk, and what the convolutions of the steps in it have seen."""
    layer = tcnca(4, 4, chunk=5)
    slopes = dependence(layer, 20)
    now, then = torch.arange(20)[:, None], torch.arange(20)
    seen = (then <= now) & (then >= now // 5 * 5 - 6)
    assert (slopes[seen] > 0).all() and slopes[~seen].abs().max() == 0


def test_default_reach():
    assert TCNCA(4).reach == 1 + 4 * (1 + 4 + 16) == 85


def test_attention_to_one_step_is_its_value():
    layer, x = tcnca(4, 4, chunk=1), normal(1, 6, 4)
    other = tcnca(4, 4, chunk=1)
    with torch.no_grad():
        other.attend.scale.mul_(100)
        other.attend.bias.add_(3)
    close(other(x)[0], layer(x)[0], "whatever queries and keys are, the same")


def test_the_gate_shut_leaves_the_input():
    layer, x = tcnca(4, 4), normal(2, 9, 4)
    with torch.no_grad():
        layer.attend.base.bias[:4] = -1000
    close(layer(x)[0], x, "output, input")


def test_sizes_are_checked():
    for name in ("levels", "taps", "ratio", "chunk"):
        with pytest.raises(BadInput, match=f"TCNCA: {name} must be a whole number"):
            TCNCA(8, **{name: 0})


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_chunks_keep_the_promises(chunk: int, promise):
    promise(tcnca(4, 3, chunk), normal(2, 7, 3))


@pytest.mark.parametrize("promise", ON_BUILDING, ids=lambda check: check.__name__.removeprefix("check_"))
def test_short_chunks_are_built_as_promised(promise):
    promise(functools.partial(TCNCA, chunk=2, taps=1))
