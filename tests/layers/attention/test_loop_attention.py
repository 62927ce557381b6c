"""Loop attention: sliding-window causal attention plus the identity, and what its limits are."""

import functools

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.promises import ON_SEQUENCES, Make, close, generic, normal, stepped
from tests.promises.variants import on_building
from wavetrain.errors import BadInput
from wavetrain.layers.attention.loop_attention import LoopAttention
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention


def loop(width: int, inputs: int, window: int = 4, temperature: float = 1.0) -> LoopAttention:
    return generic(functools.partial(LoopAttention, window=window, temperature=temperature), width, inputs)


def attended(layer: LoopAttention, x: Tensor, mask: Tensor) -> Tensor:
    """PyTorch's attention, with the weights of the loop."""
    q, k, v = layer.query(x), layer.key(x), layer.value(x)
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, scale=layer.width**-0.5 / layer.temperature
    )


def window_of(time: int, window: int) -> Tensor:
    return torch.ones(time, time, dtype=torch.bool).tril().triu(1 - window)


@pytest.mark.parametrize("temperature", [1.0, 0.25])
@pytest.mark.parametrize(("time", "window"), [(1, 3), (12, 1), (12, 5), (12, 12), (11, 64), (33, 8)])
def test_is_attention_to_a_window_plus_the_identity(time: int, window: int, temperature: float):
    layer, x = loop(6, 6, window, temperature), normal(2, time, 6)
    expected = x + attended(layer, x, window_of(time, window))
    for y in (layer(x)[0], layer(x, layer.begin(2))[0], stepped(layer, x)[0]):
        torch.testing.assert_close(y, expected, rtol=0, atol=1e-10)


def test_a_window_as_long_as_the_sequence_is_softmax_attention():
    """Of one head, without positions and biases."""
    layer, x = loop(6, 6, window=9), normal(2, 9, 6)
    other = SoftmaxAttention(6, heads=1, rotary=False).double()
    with torch.no_grad():
        other.project.weight.copy_(torch.cat([layer.query.weight, layer.key.weight, layer.value.weight]))
        other.out.weight.copy_(torch.eye(6))
        other.project.bias.zero_()
        other.out.bias.zero_()
    torch.testing.assert_close(layer(x)[0] - x, other(x)[0], rtol=0, atol=1e-10)
    weight = layer.operator(x).weight
    close(weight[:, 1:], other.operator(x).weight, "weights of the loop, of attention")


def test_the_operator_is_the_identity_and_shares_of_a_window():
    weight = loop(5, 3, window=4).operator(normal(2, 11, 3)).weight
    close(weight[:, 0], torch.eye(11, dtype=torch.float64).expand(2, -1, -1), "first head, the identity")
    close(weight[:, 1].sum(-1), torch.ones(2, 11, dtype=torch.float64), "sum of a row, one")
    assert torch.equal(weight[:, 1] > 0, window_of(11, 4).expand(2, -1, -1))


@pytest.mark.parametrize("window", [1, 3, 20])
def test_equal_scores_are_the_moving_average(window: int):
    """A Toeplitz operator once the wave has gone all the way: the state-space layer among attentions."""
    for temperature in (1.0, 0.0):
        layer, x = loop(4, 4, window, temperature), normal(2, 9, 4)
        with torch.no_grad():
            layer.query.weight.zero_()
        mask = window_of(9, window).double()
        mean = mask / mask.sum(1, keepdim=True)
        close(layer(x)[0], x + mean @ layer.value(x), "output, moving average")
        selected = layer.operator(x).weight[0, 1, window - 1 :]
        for distance in range(window if window < 9 else 0):
            along = torch.diagonal(selected, window - 1 - distance)
            close(along, torch.full_like(along, 1 / window), "the same for each step")


def test_without_temperature_one_place_is_selected():
    layer, x = loop(6, 6, window=5, temperature=0.0), normal(2, 13, 6)
    weight = layer.operator(x).weight[:, 1]
    assert set(weight.unique().tolist()) == {0.0, 1.0} and weight.sum(-1).eq(1).all()
    fit = (layer.query(x) @ layer.key(x).mT).masked_fill(~window_of(13, 5), -torch.inf)
    assert torch.equal(weight.argmax(-1), fit.argmax(-1))
    cold = loop(6, 6, window=5, temperature=1e-5)
    cold.load_state_dict(layer.state_dict())
    torch.testing.assert_close(cold(x)[0], layer(x)[0], rtol=0, atol=1e-10)


def test_the_state_is_the_wave_of_the_last_tokens():
    layer, x = loop(4, 4, window=3), normal(2, 5, 4)
    for time, reached in ((1, [False, False, True]), (2, [False, True, True]), (5, [True] * 3)):
        wave, there = layer(x[:, :time])[1]
        assert there.tolist() == [reached] * 2
        close(wave[:, 3 - min(3, time) :], x[:, max(0, time - 3) : time], "wave, the last tokens")


@pytest.mark.parametrize("time", [1, 3, 8])
def test_the_selection_is_that_of_the_last_step(time: int):
    layer, x = loop(5, 3, window=4, temperature=0.5), normal(2, time, 3)
    now, fit, returns = layer.selection(x)
    assert fit.shape == (2, min(4, time))
    close(fit.softmax(-1), layer.operator(x).weight[:, 1, -1, -4:], "chances, last row of the operator")
    mixed = torch.einsum("bs,bsd->bd", fit.softmax(-1), returns)
    close(now + mixed, layer(x)[0][:, -1], "graded selection, last output")
    fit.sum().backward()
    assert layer.query.weight.grad is not None and layer.encode.weight.grad is None


def test_what_is_refused():
    with pytest.raises(BadInput, match="window must be a whole number"):
        LoopAttention(4, window=0)
    for temperature in (-1.0, float("nan"), float("inf")):
        with pytest.raises(BadInput, match="a temperature of 0 or above, which is finite, got"):
            LoopAttention(4, temperature=temperature)
    with pytest.raises(BadInput, match=r"expected x \(batch, time, 4\), got \(2, 4\)"):
        LoopAttention(4).selection(torch.zeros(2, 4))


VARIANTS = {
    "a window of one": functools.partial(LoopAttention, window=1),
    "a short window": functools.partial(LoopAttention, window=3),
    "cold": functools.partial(LoopAttention, window=4, temperature=0.1),
}


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", VARIANTS)
def test_variants_keep_the_contract(name: str, promise):  # type: ignore[no-untyped-def]
    promise(generic(VARIANTS[name], 5, 3), normal(2, 9, 3))


@on_building(VARIANTS, graphs={"hard": functools.partial(LoopAttention, window=2, temperature=0.0)})
def test_variants_are_built_as_promised(make: Make, promise):  # type: ignore[no-untyped-def]
    promise(make)
