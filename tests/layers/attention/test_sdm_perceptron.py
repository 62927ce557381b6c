"""The SDM perceptron: winners, the GABA switch from excitation to inhibition, constraints, counters."""

import functools

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.promises import ON_SEQUENCES, close, generic, maps, normal
from wavetrain.errors import BadInput
from wavetrain.layers.attention.sdm_perceptron import SdmPerceptron
from wavetrain.parts.reader import Reader

PROMISES = [check for check in ON_SEQUENCES if check is not maps.check_against_differences]


def perceptron(
    switch: int | None, wins: int = 0, winners: int = 3, neurons: int = 20, positive: bool = True
) -> SdmPerceptron:
    torch.manual_seed(0)
    layer = SdmPerceptron(4, 6, neurons, winners, switch, positive).double()
    layer.wins.fill_(wins)
    layer.constrain()  # lengths in double precision
    return layer.eval()


def inputs(*shape: int) -> Tensor:
    """Of both signs, but one channel is above zero, so that something is left of each."""
    x = normal(*shape, 6)
    return torch.cat([x[..., :5], x[..., 5:].abs()], -1)


def drive(layer: SdmPerceptron, x: Tensor) -> Tensor:
    """z, written out."""
    x = x.clamp(min=0)
    return (x / x.norm(dim=-1, keepdim=True)) @ layer.address.T


def test_mask_keeps_the_largest_as_they_are():
    layer, x = perceptron(None), inputs(50)
    z, h = drive(layer, x), layer.active(x)
    kept = h > 0
    assert (kept.sum(1) == 3).all()
    close(h[kept], z[kept], "winners, their drive")
    assert (z.masked_fill(kept, 0.0).amax(1) < z.masked_fill(~kept, 1.0).amin(1)).all()


def test_switch_begins_as_excitation_of_all():
    layer, x = perceptron(100, wins=0), inputs(50)
    z = drive(layer, x)
    theta = z.sort(1, descending=True).values[:, 3:4]  # the fourth largest
    close(layer.active(x), z + theta, "active at first, drive and threshold together")
    assert (layer.active(x) > 0).all()


def test_switch_does_nothing_halfway():
    layer, x = perceptron(100, wins=50), inputs(50)
    close(layer.active(x), drive(layer, x), "active halfway, drive")


@pytest.mark.parametrize("wins", [100, 10**9])
def test_switch_ends_with_k_winners(wins: int):
    layer, x = perceptron(100, wins), inputs(50)
    z = drive(layer, x)
    theta = z.sort(1, descending=True).values[:, 3:4]
    close(layer.active(x), (z - theta).clamp(min=0), "active at last, drive above the threshold")
    assert ((layer.active(x) > 0).sum(1) == 3).all()


def test_inhibition_grows_with_the_counter_and_stops_at_one():
    layer = perceptron(100)
    layer.wins.copy_(torch.arange(0, 200, 10))
    gamma = layer.inhibition()
    assert gamma[0] == -1 and gamma[5] == 0 and (gamma[10:] == 1).all()
    assert (gamma.diff() >= 0).all() and (gamma[:11].diff() > 0).all()


def test_no_gradient_flows_through_the_threshold():
    """A neuron's activity moves with its own address alone, by the input where it is active."""
    layer, x = perceptron(100, wins=100), inputs(1)
    (h,) = layer.active(x)
    unit = x[0].clamp(min=0) / x[0].clamp(min=0).norm()
    for i in range(20):
        (slope,) = torch.autograd.grad(h[i], layer.address, retain_graph=True)
        expected = torch.zeros_like(slope)
        expected[i] = unit * (h[i] > 0)
        close(slope, expected, f"gradient of neuron {i}, the input in its own row")


@pytest.mark.parametrize("switch", [None, 100])
def test_scale_of_the_input_makes_no_difference(switch: int | None):
    layer, x = perceptron(switch, wins=70), inputs(5, 4)
    close(layer(1e4 * x)[0], layer(x)[0], "inputs 10,000 times as large, as they were")


@pytest.mark.parametrize("switch", [None, 100])
def test_order_of_the_neurons_makes_no_difference(switch: int | None):
    layer, other = (perceptron(switch, wins=70) for _ in range(2))
    order = torch.randperm(20)
    with torch.no_grad():
        other.address.copy_(layer.address[order])
        other.store.copy_(layer.store[:, order])
    close(other.active(inputs(9)), layer.active(inputs(9))[:, order], "shuffled neurons, in order")
    close(other(inputs(9, 2))[0], layer(inputs(9, 2))[0], "outputs of shuffled neurons, in order")


def test_drive_is_a_cosine_of_positive_vectors():
    z = perceptron(100, wins=50).active(inputs(500))
    assert z.min() >= 0 and z.max() <= 1 + 1e-12


def test_output_is_attention_to_the_addresses():
    """Keys are addresses, values the columns of the store, weights the winners' drives."""
    layer, x = perceptron(None, winners=2), inputs(1)
    z = drive(layer, x)[0]
    first, second = z.argsort(descending=True)[:2]
    expected = z[first] * layer.store[:, first] + z[second] * layer.store[:, second]
    close(layer(x[None])[0][0, 0], expected, "output, by hand")


@pytest.mark.parametrize("positive", [True, False])
def test_constraints_hold_from_the_start_and_after_every_step(positive: bool):
    layer = perceptron(50, positive=positive).train()
    optimiser = torch.optim.SGD(layer.parameters(), 1.0)
    x, y = inputs(64, 1), torch.arange(64) % 4
    for _ in range(20):
        alive = layer.address.any(dim=1)  # of six inputs, all may have been clamped
        close(layer.address.norm(dim=1), alive.double(), "lengths of addresses, one")
        assert alive.sum() > 15
        assert positive == bool((layer.address >= 0).all()) == bool((layer.store >= 0).all())
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(layer(x)[0][:, 0], y).backward()
        optimiser.step()
        assert (layer.address.norm(dim=1) - 1).abs().max() > 1e-6, "there was nothing to constrain"
        layer.constrain()


@pytest.mark.parametrize("switch", [None, 60])
def test_hundreds_of_steps_of_learning_are_those_of_a_plain_loop(switch: int | None):
    """The rule of one example at a time: winners, the gradient of half the squared error, and constraints."""
    layer = perceptron(switch, neurons=12).train()
    x, y = inputs(400), normal(400, 4, seed=5).abs()
    address, store = (part.detach().numpy().copy() for part in (layer.address, layer.store))
    optimiser, wins, told, ours = torch.optim.SGD(layer.parameters(), 0.05), np.zeros(12), [], []
    for one, wanted in zip(x, y, strict=True):
        optimiser.zero_grad()
        said = layer(one[None, None])[0][0, 0]
        ((said - wanted) ** 2 / 2).sum().backward()
        optimiser.step()
        layer.constrain()
        told.append(said.detach())

        unit = np.maximum(one.numpy(), 0)
        unit = unit / np.sqrt((unit**2).sum())
        z = np.maximum(address @ unit, 0)
        if switch is None:
            h = np.where(z >= np.sort(z)[-3], z, 0)
        else:
            h = np.maximum(z - np.minimum(2 * wins / switch - 1, 1) * np.sort(z)[-4], 0)
            wins += h > 0
        missed = store @ h - wanted.numpy()
        ours.append(store @ h)
        back = (store.T @ missed) * (h > 0) * (z > 0)
        store = np.maximum(store - 0.05 * np.outer(missed, h), 0)
        address = np.maximum(address - 0.05 * np.outer(back, unit), 0)
        length = np.sqrt((address**2).sum(1, keepdims=True))
        address = address / np.where(length > 0, length, 1)
    close(torch.stack(told), torch.from_numpy(np.array(ours)), "what is said, by the loop")
    close(layer.address.detach(), torch.from_numpy(address), "addresses, the loop's")
    close(layer.store.detach(), torch.from_numpy(store), "stores, the loop's")
    assert layer.wins.tolist() == wins.tolist() and (switch is None) == (not wins.any())


def test_an_address_of_zeros_is_left_so():
    layer = perceptron(None)
    with torch.no_grad():
        layer.address[0] = -1.0
    layer.constrain()
    assert not layer.address[0].any() and layer(inputs(2, 3))[0].isfinite().all()


def test_counters_count_examples_in_training_alone():
    layer, x = perceptron(100), inputs(3, 5)
    layer(x)
    assert not layer.wins.any(), "counted outside of training"
    layer.train()
    layer.step(x[:, 0], layer.begin(3))
    assert (layer.wins == 3).all()  # all neurons are active at first
    layer(x)
    assert (layer.wins == 3 + 15).all()
    layer.operator(x)
    assert (layer.wins == 18).all(), "looking has counted"
    assert torch.equal(layer.state_dict()["wins"], layer.wins)


def test_switch_closes_by_itself():
    """From all neurons to k: each call in training counts, and the inhibition grows with it."""
    layer, x = perceptron(200).train(), inputs(10, 1)
    few = [int((layer.active(x) > 0).sum()) for _ in range(60) if layer(x)[0] is not None]
    assert few[0] == 200 and few == sorted(few, reverse=True) and few[-1] < 100


def test_as_many_winners_as_neurons():
    """There is no (k + 1)-th largest, so nothing inhibits."""
    for wins in (0, 100):
        layer, x = perceptron(100, wins, winners=20), inputs(9)
        close(layer.active(x), drive(layer, x), "all win, drive")
    close(perceptron(None, winners=20).active(x), drive(layer, x), "all are kept, drive")


def test_nothing_is_carried():
    layer = perceptron(None)
    assert layer.begin(3).shape == layer(inputs(3, 2))[1].shape == (3, 0)


def test_has_no_biases():
    assert sum(part.numel() for part in SdmPerceptron(10, 784).parameters()) == 794_000  # 1000 neurons


def test_serves_as_a_hidden_layer():
    network = Reader(SdmPerceptron(8, 6), outputs=3, every_step=False)
    assert network(inputs(5, 1).float()).shape == (5, 3)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda check: check.__name__.removeprefix("check_"))
def test_switch_keeps_the_promises(promise):
    make = functools.partial(SdmPerceptron, neurons=20, winners=3, switch=10)
    layer = generic(make, 5, 4)
    layer.wins.copy_(torch.arange(20))
    promise(layer.eval(), normal(2, 5, 4))


def test_without_positivity_signs_count():
    layer = perceptron(None, positive=False)
    x = inputs(4)
    z = (x / x.norm(dim=-1, keepdim=True)) @ layer.address.T
    close(layer.active(x).amax(1), z.amax(1), "largest activity, of the drive by all inputs")
    assert (layer.address < 0).any() and not torch.allclose(layer(x[None])[0], layer(x.relu()[None])[0])


def test_bad_sizes_are_refused():
    with pytest.raises(BadInput, match="winners must be at most 5 neurons, got 6"):
        SdmPerceptron(4, neurons=5, winners=6)
    with pytest.raises(BadInput, match="switch must be a whole number"):
        SdmPerceptron(4, switch=0)
    with pytest.raises(BadInput, match="winners must be a whole number"):
        SdmPerceptron(4, winners=0)
