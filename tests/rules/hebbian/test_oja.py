"""Oja's rule: a step by hand, its fixed points, and the directions it finds."""

import pytest
import torch
from torch import Tensor, nn

from tests.promises import close, normal
from tests.rules.test_hebbian_projection import angle, axes, with_energies
from wavetrain.core import VALUES, Batch
from wavetrain.errors import BadInput
from wavetrain.parts.over_batch import OverBatch
from wavetrain.rules.hebbian.oja import Oja

ENERGIES = torch.tensor([3.0, 2.0, 1.0, 0.5, 0.2]).double()


def one_map(outputs: int, inputs: int = 5) -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(inputs, outputs, bias=False).double()


def batch_of(x: Tensor, outputs: int) -> Batch:
    return Batch(x[:, None], x.new_zeros(len(x), 1, outputs))


def taught(rule: Oja, network: nn.Linear, x: Tensor, steps: int, rate: float = 0.1) -> Tensor:
    updates, batch = torch.optim.SGD(network.parameters(), rate), batch_of(x, network.out_features)
    for _ in range(steps):
        updates.zero_grad()
        rule.learn(network, batch, VALUES.loss)
        updates.step()
    return network.weight.detach()


@pytest.mark.parametrize(
    ("copies", "over_batch", "times"),
    [(1, OverBatch.SUM, 1), (4, OverBatch.MEAN, 1), (4, OverBatch.SUM, 4), (4, OverBatch.LARGEST, 1)],
)
def test_a_step_by_hand(copies: int, over_batch: OverBatch, times: int):
    """eta y (x - y w), with y = 1.5."""
    network, x = one_map(1, 2), torch.tensor([[1.0, 2.0]]).double().expand(copies, -1)
    nn.init.constant_(network.weight, 0.5)
    after = taught(Oja(over_batch=over_batch), network, x, 1)
    close(after - 0.5, times * torch.tensor([[3.0, 15.0]]).double() / 80, "change")


def test_one_output_goes_to_the_main_direction_with_length_1():
    row = taught(Oja(), one_map(1), with_energies(ENERGIES), 300)
    assert row.norm() == pytest.approx(1, abs=1e-9) and angle(row, axes(5)[:1]) < 0.01


def test_several_span_the_main_subspace():
    rows = taught(Oja(), one_map(3), with_energies(ENERGIES), 400)
    close(rows @ rows.mT, torch.eye(3).double(), "rows are orthonormal")
    assert angle(rows, axes(5)[:3]) < 0.01
    assert (rows @ axes(5)[:3].mT).abs().max(1).values.min() < 0.99, "but are turned within it"


def test_ordered_rows_are_the_main_directions():
    rows = taught(Oja(ordered=True), one_map(3), with_energies(ENERGIES), 1500)
    torch.testing.assert_close((rows @ axes(5)[:3].mT).abs(), torch.eye(3).double(), atol=1e-4, rtol=0)


def test_the_mean_change():
    """W C - W C W' W, of a batch whose second moments are C."""
    network, x = one_map(2), with_energies(ENERGIES)
    rule, weight = Oja(), network.weight.detach().clone()
    moments = x.mT @ x / len(x)
    rule.learn(network, batch_of(x, 2), VALUES.loss)
    close(network.weight.grad, -(weight @ moments - weight @ moments @ weight.mT @ weight), "change")


def test_rows_that_span_directions_are_left_alone():
    network, turn = one_map(2), torch.linalg.qr(normal(2, 2, seed=3))[0]
    with torch.no_grad():
        network.weight.copy_(turn @ axes(5)[[1, 4]])
    Oja().learn(network, batch_of(with_energies(ENERGIES), 2), VALUES.loss)
    close(network.weight.grad, torch.zeros(2, 5).double(), "change at a fixed point")


def test_each_map_learns_from_its_own_inputs_and_nothing_else_moves():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2, bias=False)).double()
    x = normal(9, 1, 5)
    Oja().learn(network, Batch(x, normal(9, 1, 2)), VALUES.loss)
    assert not network[0].bias.grad.any() and network[0].weight.grad.any()
    hidden, weight = network[1](network[0](x)).detach()[:, 0], network[2].weight.detach()
    y = hidden @ weight.mT
    close(network[2].weight.grad, -(y.mT @ hidden - y.mT @ y @ weight) / 9, "change of the second map")


def test_a_network_without_maps_is_refused():
    with pytest.raises(BadInput, match="Oja: expected a network with a linear map that learns, got Tanh"):
        Oja().learn(nn.Tanh(), batch_of(normal(3, 5), 5), VALUES.loss)
