"""BCM: the sign of a step, the sliding threshold, and units that choose."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.promises import close
from tests.rules.hebbian.test_oja import batch_of
from wavetrain.core import VALUES
from wavetrain.errors import BadInput
from wavetrain.parts.over_batch import OverBatch
from wavetrain.rules.hebbian.bcm import BCM


def one_map(weights: list[list[float]]) -> nn.Linear:
    network = nn.Linear(len(weights[0]), len(weights), bias=False).double()
    network.weight.data = torch.tensor(weights).double()
    return network


def change(theta: float, y: float) -> Tensor:
    """Of a weight that makes y of x = (1, 2), under a threshold that stays."""
    rule, network = BCM(tau=math.inf), one_map([[y, 0.0]])
    rule.thresholds["weight"] = torch.tensor([theta]).double()
    rule.learn(network, batch_of(torch.tensor([[1.0, 2.0]]).double(), 1), VALUES.loss)
    return -network.weight.grad


def test_a_step_by_hand():
    """x y (y - theta): growth above the threshold, none on it, decay below."""
    for y in (0.5, 1.0, 1.5, -0.5):
        close(change(1.0, y), y * (y - 1) * torch.tensor([[1.0, 2.0]]).double(), f"change for y = {y}")
    assert (change(1.0, 1.5) > 0).all() and (change(1.0, 0.5) < 0).all() and not change(1.0, 1.0).any()


def test_the_threshold_slides_to_the_mean_square():
    rule, network = BCM(tau=10.0), one_map([[1.0, 0.0], [0.0, 2.0]])
    first, second = torch.eye(2).double(), 3 * torch.eye(2).double()
    rule.learn(network, batch_of(first, 2), VALUES.loss)
    close(rule.thresholds["weight"], torch.tensor([0.5, 2.0]).double(), "threshold, first batch")
    rule.learn(network, batch_of(second, 2), VALUES.loss)
    keeps = math.exp(-0.1)
    expected = keeps * torch.tensor([0.5, 2.0]).double() + (1 - keeps) * torch.tensor([4.5, 18.0]).double()
    close(rule.thresholds["weight"], expected, "threshold, second batch")


@pytest.mark.parametrize("likely", [0.5, 0.25])
def test_units_choose_one_of_two_inputs(likely: float):
    """Responses 1 / p and 0, for either that a unit leaned to, though the inputs are not orthogonal."""
    inputs = torch.tensor([[1.0, 0.2], [0.4, 1.0]]).double()
    many = round(4 * likely)
    x = torch.cat([inputs[:1].expand(many, -1), inputs[1:].expand(4 - many, -1)])
    network, rule = one_map([[0.9, 0.1], [0.1, 0.9]]), BCM(tau=1.0)
    updates = torch.optim.SGD(network.parameters(), 0.05)
    for _ in range(1500):
        updates.zero_grad()
        rule.learn(network, batch_of(x, 2), VALUES.loss)
        updates.step()
    responses = inputs @ network.weight.detach().mT  # input, unit
    expected = torch.diag(torch.tensor([1 / likely, 1 / (1 - likely)])).double()
    torch.testing.assert_close(responses, expected, atol=1e-3, rtol=0)


def test_the_batch_is_reduced_as_told():
    x, grads = torch.tensor([[1.0, 2.0]]).double().expand(4, -1), []
    for rule in (BCM(), BCM(over_batch=OverBatch.SUM)):
        network = one_map([[0.3, 0.1]])
        rule.learn(network, batch_of(x, 1), VALUES.loss)
        grads.append(network.weight.grad)
    assert grads[0].any()
    close(grads[1], 4 * grads[0], "sum of four")


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match="expected tau of at least 0 batches, got -1"):
        BCM(tau=-1)
