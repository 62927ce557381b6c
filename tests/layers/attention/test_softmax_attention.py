"""Softmax attention: the formula written out, rotary positions, and a state that may have holes."""

import functools
import math

import pytest
import torch
from torch import Tensor

from tests.promises import ON_SEQUENCES, Make, close, generic, normal, stepped
from tests.promises.variants import on_building
from wavetrain.errors import BadInput
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.parts.rotary import rotary


def attention(width: int, inputs: int, heads: int = 1, rotary: bool = True) -> SoftmaxAttention:
    return generic(functools.partial(SoftmaxAttention, heads=heads, rotary=rotary), width, inputs)


def naive(layer: SoftmaxAttention, x: Tensor) -> Tensor:
    """The formula, one step, one head, one pair of steps at a time."""
    (batch, time, _), size = x.shape, layer.width // layer.heads
    q, k, v = layer.project(x).view(batch, time, 3, layer.heads, size).unbind(2)
    mixed = torch.zeros(batch, time, layer.heads, size, dtype=x.dtype)
    for b in range(batch):
        for h in range(layer.heads):
            for t in range(time):
                fits = [turned(layer, q[b, t, h], t) @ turned(layer, k[b, s, h], s) for s in range(t + 1)]
                weight = torch.softmax(torch.stack(fits) / math.sqrt(size), 0)
                mixed[b, t, h] = weight @ v[b, : t + 1, h]
    return layer.out(mixed.flatten(2))


def turned(layer: SoftmaxAttention, vector: Tensor, place: int) -> Tensor:
    """Channel pairs (i, i + P // 2) as complex numbers, times exp(i place rate)."""
    half = len(vector) // 2
    if not layer.rotary or not half:
        return vector
    rate = 10_000.0 ** (-torch.arange(half, dtype=vector.dtype) / half)
    pairs = torch.complex(vector[:half], vector[half : 2 * half]) * torch.exp(1j * place * rate)
    return torch.cat([pairs.real, pairs.imag, vector[2 * half :]])


@pytest.mark.parametrize("rotary", [True, False])
@pytest.mark.parametrize(("width", "heads"), [(8, 2), (9, 3), (7, 1), (3, 3)])
def test_is_the_formula(width: int, heads: int, rotary: bool):
    layer, x = attention(width, 4, heads, rotary), normal(2, 7, 4)
    close(layer(x)[0], naive(layer, x), "forward, written out")
    close(stepped(layer, x)[0], naive(layer, x), "steps, written out")


def test_weights_are_shares():
    operator = attention(8, 3, heads=2).operator(normal(2, 9, 3))
    assert operator.exact and (operator.weight >= 0).all()
    close(operator.weight.sum(-1), torch.ones(2, 2, 9, dtype=torch.float64), "sum of a row, one")


def test_only_the_distance_counts():
    """With the same input at each step, the fit of a query and a key is a function of t - s alone."""
    layer = attention(8, 3, heads=2)
    x = normal(1, 1, 3).expand(1, 12, 3)
    fit = layer.operator(x).weight.log()[0]  # up to a constant for each row
    fit = fit - torch.diagonal(fit, dim1=-2, dim2=-1)[..., None]
    for distance in range(1, 12):
        along = torch.diagonal(fit, -distance, dim1=-2, dim2=-1)
        close(along, along[:, :1].expand_as(along), f"fit at distance {distance}, the same everywhere")
    assert fit.tril().std() > 1e-3, "the distance does not count at all"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("cast", [True, False], ids=["autocast", "alone"])
def test_late_places_are_turned_alike_in_half_precision(dtype: torch.dtype, cast: bool):
    """At places 2001 to 2004, one number in bfloat16: as in float64, rounded once."""
    x, place = normal(1, 1, 4, 8, dtype=dtype), torch.arange(2001, 2005)[None]
    with torch.autocast("cpu", torch.bfloat16, enabled=cast):
        found = rotary(x, place)
    assert found.dtype == dtype
    expected = rotary(x.double(), place)
    torch.testing.assert_close(found, expected.to(dtype), rtol=torch.finfo(dtype).eps, atol=3e-4)


def test_without_rotary_the_order_of_the_past_is_unseen():
    x = normal(2, 8, 3)
    other = torch.cat([x[:, :7].flip(1), x[:, 7:]], 1)
    blind, seeing = (attention(8, 3, heads=2, rotary=rotary) for rotary in (False, True))
    close(blind(other)[0][:, -1], blind(x)[0][:, -1], "last output with another order, in order")
    assert not torch.allclose(seeing(other)[0][:, -1], seeing(x)[0][:, -1], atol=1e-4)


def test_state_grows_by_one_place_a_step():
    layer = attention(6, 3, heads=2)
    _, (k, v, seen) = layer(normal(2, 5, 3))
    assert k.shape == v.shape == (2, 2, 5, 3) and seen.shape == (2, 5) and seen.all()
    assert layer.begin(2)[0].shape == (2, 2, 0, 3)


def test_places_that_are_not_taken_are_not_read():
    """Whatever lies in them, as long as it is finite; and the next step takes the place after those taken."""
    layer, x, more = attention(6, 3, heads=2), normal(2, 4, 3), normal(2, 3, 3, seed=2)
    _, (k, v, seen) = layer(x)
    holes = torch.zeros(2, 2, 3, 3, dtype=x.dtype) + 7
    padded = (
        torch.cat([k, holes], 2),
        torch.cat([v, holes], 2),
        torch.cat([seen, torch.zeros(2, 3, dtype=torch.bool)], 1),
    )
    expected = layer(more, (k, v, seen))[0]
    close(layer(more, padded)[0], expected, "forward from a state with holes, without")
    close(stepped(layer, more, padded)[0], expected, "steps from a state with holes, without")


def test_one_head_and_equal_keys_give_the_running_mean():
    layer = attention(4, 4, rotary=False)
    with torch.no_grad():
        layer.project.weight[:8] = 0  # queries and keys
        layer.project.bias.zero_()
        layer.project.weight[8:] = torch.eye(4)
        layer.out.weight.copy_(torch.eye(4))
        layer.out.bias.zero_()
    x = normal(2, 6, 4)
    mean = x.cumsum(1) / torch.arange(1, 7)[None, :, None]
    close(layer(x)[0], mean, "output, mean of the past")


def test_default_heads_have_at_least_32_channels():
    assert {width: SoftmaxAttention(width).heads for width in (8, 32, 64, 96, 100)} == {
        8: 1,
        32: 1,
        64: 2,
        96: 3,
        100: 2,
    }


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="heads must divide width 8, got 3"):
        SoftmaxAttention(8, heads=3)
    with pytest.raises(BadInput, match="heads must be a whole number"):
        SoftmaxAttention(8, heads=0)


VARIANTS = {
    "one channel a head": lambda width, inputs=None: SoftmaxAttention(width, inputs, heads=width),
    "without rotary": functools.partial(SoftmaxAttention, rotary=False),
}


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("heads", [2, 6])
@pytest.mark.parametrize("rotary", [True, False])
def test_heads_keep_the_promises(heads: int, rotary: bool, promise):
    promise(attention(6, 3, heads, rotary), normal(2, 7, 3))


@on_building(
    VARIANTS,
    graphs={"both": lambda width, inputs=None: SoftmaxAttention(width, inputs, heads=width, rotary=False)},
)
def test_variants_are_built_as_promised(make: Make, promise):
    promise(make)
