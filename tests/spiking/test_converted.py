"""Converted: the quantised network to the last bit where its proof says so, and not where it does not."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from tests.promises import ON_BUILDING, ON_SEQUENCES, Make, generic, normal
from wavetrain.errors import BadInput
from wavetrain.layers import LSTM, QuantisedRNN
from wavetrain.parts.quantised import Levels
from wavetrain.parts.reader import Reader
from wavetrain.spiking import Converted
from wavetrain.spiking.converted import Delivery

VARIANTS: dict[str, Make] = {
    "streamed": partial(Converted, delivery=Delivery.STREAMED, inner=10),
    "unsigned": partial(Converted, levels=Levels(0, 15), inner=15),
}


def quantised(levels: Levels = Levels(), seed: int = 0) -> QuantisedRNN:  # noqa: B008
    """Driven to all of its levels by normal input."""
    layer = generic(partial(QuantisedRNN, levels=levels, threshold=0.3), 12, 5, seed)
    assert isinstance(layer, QuantisedRNN)
    x, s = normal(8, 30, 5), layer.log.exp()
    assert {levels.low, levels.high} <= set((layer(x)[0] / s).round().int().unique().tolist())
    return layer


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", VARIANTS)
def test_variants_on_sequences(name: str, promise: Callable[..., None]) -> None:
    promise(generic(VARIANTS[name], 4, 2), normal(2, 7, 2))


@pytest.mark.parametrize(
    "promise",
    [one for one in ON_BUILDING if "compile" not in one.__name__ and "export" not in one.__name__],
    ids=lambda check: check.__name__.removeprefix("check_"),
)
def test_streamed_on_building(promise: Callable[[Make], None]) -> None:
    promise(partial(Converted, delivery=Delivery.STREAMED, inner=3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("levels", "enough"), [(Levels(), 8), (Levels(0, 15), 15), (Levels(-1, 1), 1), (Levels(-3, 5), 5)]
)
def test_at_once_as_many_inner_steps_as_the_largest_level(
    levels: Levels, enough: int, dtype: torch.dtype
) -> None:
    layer, x = quantised(levels).to(dtype), normal(8, 30, 5).to(dtype)
    for inner in (enough, enough + 1, 4 * enough):
        torch.testing.assert_close(Converted.of(layer, inner)(x), layer(x), rtol=0, atol=0)
    if enough > 1:
        assert not torch.equal(Converted.of(layer, enough - 1)(x)[0], layer(x)[0])


def test_streamed_the_same_with_more_inner_steps() -> None:
    """How many depends on the network: each position may begin to answer where the one before ended."""
    layer, x = quantised(), normal(8, 30, 5)
    equal = {
        inner: torch.equal(Converted.of(layer, inner, Delivery.STREAMED)(x)[0], layer(x)[0])
        for inner in (8, 200)
    }
    assert equal == {8: False, 200: True}


def test_streamed_by_hand() -> None:
    """What the unit fired in inner step k comes back in inner step k of the next position."""
    layer = Converted(1, threshold=1.0, inner=4, delivery=Delivery.STREAMED).double()
    layer.encode.weight.data.fill_(1)
    layer.encode.bias.data.zero_()
    layer.recur.weight.data.fill_(1)
    up, down = layer.spikes(torch.tensor([[[2.0], [-1.0]]], dtype=torch.float64))[0, ..., 0].unbind(-1)
    assert up.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0]]  # -1 and a spike are 0 at first, then the second is 1
    assert not down.any()


def test_spikes_are_0_and_1_and_add_up_to_the_values() -> None:
    layer, x = Converted.of(quantised(), 8), normal(3, 20, 5)
    spikes = layer.spikes(x)
    assert spikes.shape == (3, 20, 8, 2, 12) and set(spikes.unique().tolist()) == {0, 1}
    up, down = spikes.sum(2).unbind(2)
    assert torch.equal(layer.log.exp() * (up - down), layer(x)[0])


def test_gradients_and_tangent_are_those_of_the_quantised_network() -> None:
    layer, x = quantised(), normal(2, 6, 5)
    for delivery, inner in ((Delivery.AT_ONCE, 8), (Delivery.STREAMED, 200)):
        spiking = Converted.of(layer, inner, delivery)
        one, other = (
            torch.autograd.grad((made(x)[0] * normal(2, 6, 12)).sum(), list(made.parameters()))
            for made in (layer, spiking)
        )
        torch.testing.assert_close(other, one, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(spiking.operator(x).weight, layer.operator(x).weight, rtol=0, atol=0)


def test_operations_are_spikes_times_what_they_reach() -> None:
    """A unit that is given 3 s and then nothing, and forgets at once: three spikes up, to two units each."""
    layer = Converted(2, inputs=1, threshold=0.5).double()
    with torch.no_grad():
        layer.encode.weight.copy_(torch.tensor([[1.5], [-1.0]]))
        layer.encode.bias.zero_()
        layer.recur.weight.zero_()
    x = torch.tensor([1.0, 0.0]).double().reshape(1, 2, 1)
    assert layer.operations(x) == (3, 2, 5 * 2, 2 * 2 * 2)
    assert layer.operations(x.repeat(3, 1, 1)) == (9, 6, 30, 24)


def test_a_network_is_copied_and_its_layers_are_in_spikes() -> None:
    layer = quantised()
    network = Reader(layer, 3, every_step=False).double()
    before = {name: part.clone() for name, part in network.state_dict().items()}
    made, x = Converted.within(network, 8), normal(4, 10, 5)
    assert torch.equal(made(x), network(x)) and network.layer is layer
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)
    with torch.no_grad():
        made.layer.encode.weight.zero_()
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)
    assert torch.equal(Converted.within(layer, 8)(x)[0], layer(x)[0])
    twice = Converted.within(nn.ModuleList([layer, nn.Linear(2, 2), layer]), 4)
    assert twice[0] is twice[2] and isinstance(twice[0], Converted) and twice[0].inner == 4


def test_what_cannot_be_converted_is_refused() -> None:
    for inner in (0, -1, 2.5, True):
        with pytest.raises(BadInput, match=r"expected one inner step or more, got"):
            Converted.of(QuantisedRNN(4), inner)
    with pytest.raises(BadInput, match=r"expected a QuantisedRNN, got LSTM; .* not a gate"):
        Converted.of(LSTM(4), 8)
    with pytest.raises(BadInput, match=r"expected a finite threshold above 0, got nan; fit_threshold\(x\)"):
        Converted.of(QuantisedRNN(4, threshold=None), 8)
    diverged = QuantisedRNN(4)
    diverged.recur.weight.data[0, 0] = torch.nan
    with pytest.raises(BadInput, match=r"expected finite numbers, got others in recur\.weight"):
        Converted.of(diverged, 8)
    for network, said in (
        (Reader(LSTM(4), 3, every_step=False), "got LSTM at layer"),
        (Reader(QuantisedRNN(4), 3, every_step=False, hidden=5), "got ReLU at read.1"),
        (nn.Linear(2, 2), "expected a network with a QuantisedRNN, got Linear"),
    ):
        with pytest.raises(BadInput, match=said):
            Converted.within(network, 8)
