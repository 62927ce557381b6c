"""What is carried through sums is what is carried weight by weight, however many steps are taken at once."""

import pytest
import torch
from torch import nn

from tests.promises import normal
from tests.rules.grads import grads, off
from tests.rules.test_maps import Odd
from wavetrain.core import Batch
from wavetrain.layers import GRU, LSTM, Elman
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.parts.reader import Reader
from wavetrain.rules.e_prop import EProp
from wavetrain.rules.snap import SnAp
from wavetrain.spiking import ALIF, RecurrentLIF

BATCH = Batch(2 * normal(3, 9, 4), normal(3, 9, 2, seed=2))


def networks() -> list[nn.Module]:
    torch.manual_seed(0)
    made = [Reader(kind(4), 2, True) for kind in (Elman, GRU, LSTM, Odd)]
    made += [LeakyReader(kind(4), 2, tau=5.0) for kind in (Elman, LSTM, RecurrentLIF, ALIF)]
    return [network.double() for network in made]


@pytest.mark.parametrize("rule", [SnAp, EProp])
@pytest.mark.parametrize("chunk", [1, 2, 4, 9, 32])
def test_it_is_that_of_each_weight(rule: type, chunk: int):
    for network in networks():
        quick, slow = rule(chunk=chunk), rule(chunk=chunk)
        plan = slow.plan(network.layer)
        assert quick.plan(network.layer).sums is not None
        slow.plans[network.layer] = plan._replace(sums=None)
        expected = grads(slow, network, BATCH)
        assert expected.norm() > 0
        assert off(grads(quick, network, BATCH), expected) < 1e-12, type(network.layer)


def test_rows_that_are_kept_of_some_weights_of_a_sum_alone_go_the_general_way():
    """Of every other weight nothing is kept."""

    class Half(SnAp):
        def keeps(self, by_state, by_theta):
            kept = super().keeps(by_state, by_theta)
            return kept & (torch.arange(kept.shape[1]) % 2 == 0)

    torch.manual_seed(0)
    network = Reader(Elman(4), 2, True).double()
    assert Half().plan(network.layer).sums is None
    assert torch.isfinite(grads(Half(), network, BATCH)).all()


def test_weights_that_change_between_batches_are_seen():
    torch.manual_seed(0)
    network, rule = Reader(Elman(4), 2, True).double(), SnAp()
    grads(rule, network, BATCH)
    with torch.no_grad():
        network.layer.recur.weight.mul_(-1.5)
    assert torch.equal(grads(rule, network, BATCH), grads(SnAp(), network, BATCH))
