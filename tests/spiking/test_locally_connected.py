"""Locally connected units: what is seen where, what competes with what, and that windows are layers apart."""

import pytest
import torch
from torch import Tensor

from wavetrain.core.check import check_width
from wavetrain.errors import BadInput
from wavetrain.parts.competition import Competition
from wavetrain.parts.deletion import deleted
from wavetrain.parts.rate_code import poisson_spikes
from wavetrain.parts.votes import assigned
from wavetrain.parts.windows import Windows, connected
from wavetrain.rules import MinibatchSTDP
from wavetrain.spiking import DiehlCook, LocallyConnected
from wavetrain.testing import contract

SQUARES = Windows(side=8, kernel=5, stride=3)
GRID = 2.0**-20  # on which sums are exact, in whatever order


def made(units: int = 6, windows: Tensor | None = None, seed: int = 0) -> LocallyConnected:
    torch.manual_seed(seed)
    windows = SQUARES.pixels() if windows is None else windows
    layer = LocallyConnected(units * len(windows), inputs=64, windows=windows).double()
    layer.encode.weight.data.div_(GRID).round_().mul_(GRID)
    return layer


def trains(batch: int = 3, steps: int = 60, seed: int = 1) -> Tensor:
    dice = torch.Generator().manual_seed(seed)
    return poisson_spikes(200 * torch.rand(batch, 64, generator=dice, dtype=torch.float64), steps, dice)


class Halves(LocallyConnected):
    """Two windows that share an input, where there are as many units for each; else one of all.

    A step: that of its base. Times are in ms.
    """

    def __init__(self, width: int, inputs: int | None = None, dt: float = 1.0):
        inputs = width if inputs is None else inputs
        check_width("Halves", width=width, inputs=inputs)
        half = torch.arange(inputs // 2 + 1)
        several = width % 2 == 0 and inputs > 1
        super().__init__(width, inputs, torch.stack([half, inputs - 1 - half]) if several else None, dt=dt)


test_contract = contract(Halves)


def test_synapses_are_as_many_as_published():
    windows = Windows(side=20, kernel=12, stride=4).pixels()
    for filters, synapses in ((25, 32_400), (100, 129_600)):
        assert LocallyConnected(9 * filters, 400, windows).synapses == synapses
    assert made(20).synapses == 2_000
    assert LocallyConnected(31, 64).synapses == 31 * 64


def test_weights_begin_between_0_and_1_within_the_windows_and_are_0_outside():
    layer = made(200)
    inside = layer.encode.weight.detach()[connected(SQUARES.pixels(), 800, 64)]
    assert len(inside) == layer.synapses and float(inside.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(inside.min()) < 0.01 and 0.99 < float(inside.max()) <= 1
    assert int(layer.encode.weight.detach().count_nonzero()) <= layer.synapses


def test_learning_keeps_zeros_and_gives_every_unit_its_sum():
    layer = made()
    rule, before = MinibatchSTDP(total=7.5), layer.encode.weight.detach().clone()
    for seed in range(3):
        assert rule.teach(layer, trains(seed=seed)).any()
    weight = layer.encode.weight.detach()
    outside = ~connected(SQUARES.pixels(), 24, 64)
    assert (weight[outside] == 0).all() and not torch.equal(weight, before)
    torch.testing.assert_close(weight.sum(1), torch.full((24,), 7.5, dtype=torch.float64))


def test_every_window_is_a_layer_of_its_own():
    """As many of Diehl and Cook's layers, each with its pixels: what they answer and what they learn."""
    layer, x = made(), trains()
    rule = MinibatchSTDP(total=7.5)
    alone = []
    for place, pixels in enumerate(SQUARES.pixels()):
        one = DiehlCook(6, inputs=25).double()
        with torch.no_grad():
            one.encode.weight.copy_(layer.encode.weight[6 * place : 6 * place + 6, pixels])
        alone.append(one)
    apart = torch.cat(
        [one(x[..., pixels])[0] for one, pixels in zip(alone, SQUARES.pixels(), strict=True)], -1
    )
    assert torch.equal(layer(x)[0], apart) and apart.any()
    rule.teach(layer, x)
    for place, (one, pixels) in enumerate(zip(alone, SQUARES.pixels(), strict=True)):
        rule.teach(one, x[..., pixels])
        rows = slice(6 * place, 6 * place + 6)
        torch.testing.assert_close(
            layer.encode.weight[rows][:, pixels], one.encode.weight, rtol=1e-12, atol=0
        )
        torch.testing.assert_close(layer.raised[rows], one.raised, rtol=1e-12, atol=0)


def test_one_window_of_all_is_diehl_and_cooks_layer():
    layer, x = LocallyConnected(7, inputs=64).double(), trains()
    other = DiehlCook(7, inputs=64).double()
    other.load_state_dict(layer.state_dict())
    rule = MinibatchSTDP(total=12.8)
    spikes = rule.teach(layer, x)
    assert torch.equal(rule.teach(other, x), spikes) and spikes.any()
    assert torch.equal(layer.encode.weight, other.encode.weight) and torch.equal(layer.raised, other.raised)


@pytest.mark.parametrize("stride", [1, 7])
def test_a_window_as_large_as_the_image_is_one_of_all(stride: int):
    pixels = Windows(side=8, kernel=8, stride=stride).pixels()
    assert torch.equal(pixels, torch.arange(64)[None])


def test_who_fires_inhibits_the_others_of_its_window_alone():
    layer = made(3)
    zero = torch.zeros(1, 12, dtype=torch.float64)
    for unit in range(12):
        spikes = zero.clone()
        spikes[0, unit] = 1
        _, (v, _, _) = layer.step(torch.zeros(1, 64).double(), (zero, zero.int(), spikes))
        same = (torch.arange(12) // 3 == unit // 3) & (torch.arange(12) != unit)
        assert torch.equal(v[0], torch.where(same, -120.0, 0.0).double())  # each row has F - 1 entries


def test_pixels_outside_of_a_window_change_nothing_in_it():
    layer, x = made(), trains(batch=4)
    first = layer(x)[0].unflatten(-1, (4, 6))
    inside = torch.zeros(64, dtype=torch.bool).index_fill(0, SQUARES.pixels()[0], True)
    other = torch.where(inside, x, trains(batch=4, seed=9))
    second = layer(other)[0].unflatten(-1, (4, 6))
    assert torch.equal(first[:, :, 0], second[:, :, 0]) and first[:, :, 0].any()
    assert not torch.equal(first[:, :, 3], second[:, :, 3])


def test_windows_in_another_order_give_outputs_in_it():
    order = torch.tensor([2, 0, 3, 1])
    layer, other = made(), made(windows=SQUARES.pixels()[order])
    with torch.no_grad():
        other.encode.weight.copy_(layer.encode.weight.unflatten(0, (4, 6))[order].flatten(0, 1))
    x = trains()
    assert torch.equal(other(x)[0].unflatten(-1, (4, 6)), layer(x)[0].unflatten(-1, (4, 6))[:, :, order])


@torch.no_grad()
def test_without_synapses_all_say_the_first_class():
    layer, labels = made(), torch.tensor([2, 1, 0])
    votes = assigned(layer(trains())[0].sum(1), labels, classes=3)
    layer.encode.weight.copy_(deleted(layer.encode.weight, 1.0, generator=torch.Generator()))
    silent = layer(trains())[0]
    assert not silent.any() and votes.answers(silent.sum(1)).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LocallyConnected(7, 64, SQUARES.pixels()), "as many units for each of 4 windows, got 7"),
        (lambda: LocallyConnected(8, 60, SQUARES.pixels()), "windows of inputs 0 to 59, got 0 to 63"),
        (
            lambda: LocallyConnected(8, 64, SQUARES.pixels()[0]),
            r"\(places, taps\) of whole numbers, got \(25,\)",
        ),
        (lambda: LocallyConnected(8, 64, torch.zeros(2, 2).long()), "each input once in a window"),
        (lambda: LocallyConnected(0, 64, SQUARES.pixels()), "width"),
        (lambda: LocallyConnected(8, 64, SQUARES.pixels(), Competition(inhibition=-1.0)), "inhibition"),
    ],
)
def test_what_does_not_fit_is_refused(make, words):
    with pytest.raises(BadInput, match=words) as refused:
        make()
    assert "\n" not in str(refused.value)
