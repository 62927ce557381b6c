"""SnAp: exact where units hear themselves alone, else by the published recursion; and its limits."""

import pytest
import torch

from tests.promises import normal
from tests.rules.grads import grads, off
from wavetrain.core import Batch
from wavetrain.layers import GRU, LRU, LSTM, Elman
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.parts.reader import Reader
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.rtrl import RTRL
from wavetrain.rules.snap import SnAp
from wavetrain.spiking import ALIF, LIF
from wavetrain.testing.tools import refused

BATCH = Batch(2 * normal(3, 9, 4), normal(3, 9, 2, seed=2))


@pytest.mark.parametrize("kind", [LRU, LIF, ALIF])
def test_it_is_exact_where_units_hear_themselves_alone(kind: type):
    torch.manual_seed(0)
    network = LeakyReader(kind(4, inputs=4), 2, tau=5.0).double()
    assert off(grads(SnAp(), network, BATCH), grads(Backpropagation(), network, BATCH)) < 1e-10


def test_so_it_is_with_a_diagonal_matrix():
    torch.manual_seed(0)
    network = Reader(Elman(4, inputs=4), 2, True).double()
    with torch.no_grad():
        weight = network.layer.recur.weight
        weight.copy_(weight.diagonal().diag())
    exact = grads(Backpropagation(), network, BATCH)
    assert off(grads(SnAp(), network, BATCH), exact) < 1e-10


def test_the_recursion_by_hand():
    """P_ij = J_ii P_ij + phi'_i h_j of a tanh network, and dL/dW_ij = sum over t of (dL/dh_i) P_ij."""
    torch.manual_seed(0)
    network = Reader(Elman(4, inputs=4), 2, True).double()
    grads(SnAp(), network, BATCH)
    layer, (x, y) = network.layer, BATCH
    with torch.no_grad():
        h = layer(x)[0]
        errors = 2 * (network.read(h) - y) / y.numel() @ network.read.weight
        before, trace, found = torch.zeros(3, 4).double(), torch.zeros(3, 4, 4).double(), 0.0
        for step in range(9):
            slope = 1 - h[:, step] ** 2
            own = slope * layer.recur.weight.diagonal()
            trace = own[:, :, None] * trace + slope[:, :, None] * before[:, None]
            found = found + (errors[:, step, :, None] * trace).sum(0)
            before = h[:, step]
    torch.testing.assert_close(layer.recur.weight.grad, found)


@pytest.mark.parametrize("kind", [Elman, GRU, LSTM])
def test_orders_lead_from_one_step_to_all(kind: type):
    """With more orders it comes no nearer by law, but two steps reach every unit of a dense network."""
    torch.manual_seed(0)
    network = Reader(kind(4, inputs=4), 2, True).double()
    exact = grads(RTRL(), network, BATCH)
    assert off(grads(SnAp(), network, BATCH), exact) > 1e-3
    assert off(grads(SnAp(order=2), network, BATCH), exact) < 1e-10


def test_what_is_carried_alone_and_what_is_carried_whole_are_one(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    network = Reader(LSTM(4, inputs=4), 2, True).double()
    few = grads(SnAp(), network, BATCH)
    monkeypatch.setattr("wavetrain.rules._influence.FEW", 0)
    rule = SnAp()
    assert off(grads(rule, network, BATCH), few) < 1e-12
    assert rule.plan(network.layer).few is None


def test_a_weight_keeps_one_number_in_a_tanh_network_and_two_in_an_lstm():
    for kind, places in ((Elman, 1), (LSTM, 2), (GRU, 1)):
        few = SnAp().plan(kind(4, inputs=3)).few
        assert few is not None and len(few.entry) == places


def test_an_order_below_one_is_refused():
    with refused("order"):
        SnAp(order=0)
