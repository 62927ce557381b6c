"""Hebb's rule: a step by hand, growth without end, and the covariance form."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.promises import close, normal
from tests.rules.hebbian.test_oja import batch_of, one_map
from tests.rules.test_hebbian_projection import axes, with_energies
from wavetrain.core import VALUES
from wavetrain.errors import BadInput
from wavetrain.parts.over_batch import OverBatch
from wavetrain.rules.hebbian.hebb import Hebb


def change(rule: Hebb, network: nn.Linear, x: Tensor) -> Tensor:
    network.zero_grad()
    rule.learn(network, batch_of(x, network.out_features), VALUES.loss)
    return -network.weight.grad


@pytest.mark.parametrize(
    ("copies", "rule", "times"), [(1, Hebb(), 1), (4, Hebb(), 1), (4, Hebb(over_batch=OverBatch.SUM), 4)]
)
def test_a_step_by_hand(copies: int, rule: Hebb, times: int):
    """0.1 x y is (0.1, 0.2): the rate counts once."""
    network, x = one_map(1, 2), torch.tensor([[1.0, 2.0]]).double().expand(copies, -1)
    network.weight.data = torch.tensor([[1.0, 0.0]]).double()
    close(0.1 * change(rule, network, x), times * torch.tensor([[1.0, 2.0]]).double() / 10, "change")


def test_it_grows_along_the_main_direction_without_end():
    """By 1 + rate lambda each step."""
    network, x = one_map(1), with_energies(torch.tensor([3.0, 2.0, 1.0, 0.5, 0.2]).double())
    network.weight.data = axes(5)[:1].clone()
    for _ in range(20):
        network.weight.data += 0.1 * change(Hebb(), network, x)
    close(network.weight.detach(), 1.3**20 * axes(5)[:1], "weights")


def test_the_covariance_form():
    """With the means of the batch: W times the covariance; constant inputs change nothing."""
    network, x = one_map(2), normal(50, 5) + torch.arange(5)
    covariance = torch.cov(x.mT, correction=0)
    close(change(Hebb(tau=0.0), network, x), network.weight.detach() @ covariance, "change")
    close(change(Hebb(tau=0.0), network, x[:1].expand(9, -1)), torch.zeros(2, 5).double(), "constant input")
    plain, means = change(Hebb(), network, x), (x.mean(0), x.mean(0) @ network.weight.detach().mT)
    close(plain - means[1][:, None] * means[0], network.weight.detach() @ covariance, "less the means")


def test_means_run_and_one_side_alone_weakens():
    network = one_map(1, 2)
    network.weight.data = torch.tensor([[1.0, 0.0]]).double()
    rule = Hebb(tau=10.0)
    change(rule, network, torch.tensor([[1.0, 1.0]]).double())
    told = change(rule, network, torch.tensor([[1.0, 0.0]]).double())  # y as always, the second input silent
    keeps = math.exp(-0.1)
    assert told[0, 1] == pytest.approx(0.0, abs=1e-12), "y is at its mean"
    told = change(rule, network, torch.tensor([[2.0, 0.0]]).double())
    mean_x, mean_y = keeps**2, keeps * 1.0 + (1 - keeps) * 2.0
    assert told[0, 1] == pytest.approx(-mean_x * (2 - mean_y)) and told[0, 1] < 0


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match="expected tau of at least 0 batches, got -1"):
        Hebb(tau=-1)
