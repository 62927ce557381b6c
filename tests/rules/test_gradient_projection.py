"""Gradient projection: the directions it holds are the principal ones, and nothing is held of rounding."""

import pytest
import torch
from torch import nn

from tests.promises import close
from tests.rules.test_hebbian_projection import (
    WIDE,
    Scale,
    angle,
    axes,
    batch,
    gradients,
    perceptron,
    with_energies,
)
from wavetrain.core import CLASSES
from wavetrain.errors import BadInput
from wavetrain.rules.gradient_projection import GradientProjection

ENERGIES = torch.linspace(10.0, 1.0, WIDE, dtype=torch.float64)


def one_map() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(WIDE, 3, bias=False).double()


def test_the_main_directions_are_held_in_order():
    rule = GradientProjection(3, then=2)
    rule.remember(one_map(), with_energies(ENERGIES))
    first = rule.basis["weight"]
    close((first @ axes()[:3].mT).abs(), torch.eye(3).double(), "cosines with the exact directions")
    rule.remember(one_map(), with_energies(ENERGIES.flip(0)))
    close((rule.basis["weight"] @ axes()[[0, 1, 2, 9, 8]].mT).abs(), torch.eye(5).double(), "both tasks")
    close(rule.basis["weight"][:3], first, "what was held")


def test_what_is_held_is_left_out_of_a_later_task():
    """The same inputs again: the next directions."""
    rule = GradientProjection(2)
    for held in (2, 4, 6):
        rule.remember(one_map(), with_energies(ENERGIES))
        rows = rule.basis["weight"]
        assert angle(rows, axes()[:held]) < 1e-5
        close(rows @ rows.mT, torch.eye(held).double(), "rows are orthonormal")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_rounding_noise_is_not_held(dtype: torch.dtype):
    """Inputs of four directions fill four rows, however many are asked for and however often."""
    energies = torch.cat([torch.ones(4), torch.zeros(6)]).double()
    rule, network = GradientProjection(7), one_map().to(dtype)
    for _ in range(3):
        rule.remember(network, with_energies(energies).to(dtype))
        rows = rule.basis["weight"].double()
        assert rows.shape == (4, WIDE) and (rows @ rows.mT - torch.eye(4).double()).abs().max() < 1e-5


def test_outputs_for_all_old_examples_stay_where_all_their_directions_are_held():
    network, rule, old = perceptron(), GradientProjection(4), batch(seed=5, many=4).x
    rule.remember(network, old)
    before = network(old).detach()
    updates = torch.optim.SGD(network.parameters(), 0.5)
    for seed in range(20):
        updates.zero_grad()
        rule.learn(network, batch(seed), CLASSES.loss)
        updates.step()
    close(network(old).detach(), before, "outputs for old examples")
    assert gradients(rule, network, batch())[0].abs().max() > 1e-3


def test_remembering_leaves_the_mode_of_the_network():
    network = nn.Sequential(nn.Dropout(0.5), one_map()).train()
    rule, again = GradientProjection(3), GradientProjection(3)
    for one in (rule, again):
        one.remember(network, with_energies(ENERGIES))
    close(rule.basis["1.weight"], again.basis["1.weight"], "rows: nothing is dropped")
    assert network.training and network[0].training


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match="at least one example to remember, got none"):
        GradientProjection().remember(one_map(), torch.zeros(0, WIDE).double())
    with pytest.raises(BadInput, match="a network with a linear map that learns, got Scale"):
        GradientProjection().remember(Scale(), batch().x)
