"""The credit operator: by hand of a linear unit, the shape of each rule's, and what it leaves alone."""

import numpy as np
import torch
from torch import nn

from tests.promises import normal
from wavetrain.layers import LRU, Elman, IdentityRNN
from wavetrain.lenses.operator.credit_operator import credit_operator
from wavetrain.rules._contrast import LayerLoss
from wavetrain.rules.e_prop import EProp
from wavetrain.rules.feedback_alignment import FeedbackAlignment
from wavetrain.rules.rtrl import RTRL
from wavetrain.rules.signal_propagation import SignalPropagation
from wavetrain.rules.snap import SnAp
from wavetrain.rules.truncated_backpropagation import TruncatedBackpropagation
from wavetrain.spiking import LIF
from wavetrain.testing.tools import refused

X = normal(2, 7, 3)


def elman() -> Elman:
    torch.manual_seed(0)
    return Elman(4, inputs=3).double()


def test_of_a_linear_unit_by_hand():
    """h_t = a h_{t-1} + x_t, o = 2 h: the error o_t gives 2 o_t a^(t-s) to step s."""
    layer, read = IdentityRNN(1, inputs=1).double(), nn.Linear(1, 1, bias=False).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.encode.weight.fill_(1.0)
        layer.recur.weight.fill_(0.7)
        read.weight.fill_(2.0)
    x = normal(1, 6, 1).abs()
    outputs = 2 * layer(x)[0][0, :, 0].detach().numpy()
    lag = np.arange(6)[:, None] - np.arange(6)
    by_hand = np.where(lag >= 0, 2 * outputs[:, None] * 0.7 ** np.maximum(lag, 0), 0.0)
    for rule in (None, RTRL(), SnAp()):
        found = credit_operator(layer, x, rule, read)
        np.testing.assert_allclose(found.size, by_hand, rtol=1e-9)
        np.testing.assert_allclose(found.exact, by_hand, rtol=1e-9)


def test_exact_rules_have_the_operator_of_backpropagation():
    found = credit_operator(elman(), X, RTRL(chunk=3))
    np.testing.assert_allclose(found.size, found.exact, rtol=1e-9, atol=1e-14)
    assert abs(found.cosine - 1) < 1e-12
    assert (np.triu(found.exact, 1) == 0).all() and (np.diag(found.exact) > 0).all()


def test_truncation_leaves_blocks_or_a_band():
    step = np.arange(7)
    lag = step[:, None] - step
    blocks = credit_operator(elman(), X, TruncatedBackpropagation(3))
    there = (lag >= 0) & (step[:, None] // 3 == step // 3)
    np.testing.assert_array_equal(blocks.size > 0, there)
    np.testing.assert_allclose(blocks.size[there], blocks.exact[there], rtol=1e-9)
    band = credit_operator(elman(), X, TruncatedBackpropagation(3, sliding=True))
    np.testing.assert_array_equal(band.size > 0, (lag >= 0) & (lag < 3))
    np.testing.assert_allclose(band.by_distance[:3], 1.0, rtol=1e-9)
    assert np.isnan(band.by_distance[3:]).all()


def test_a_units_own_past_is_right_where_it_is_all_and_else_only_at_once():
    found = credit_operator(elman(), X, SnAp())
    assert abs(found.by_distance[0] - 1) < 1e-12 and found.by_distance[1] < 0.999 and found.cosine < 0.999
    own = elman()
    with torch.no_grad():
        own.recur.weight.copy_(own.recur.weight.diagonal().diag())
    assert abs(credit_operator(own, X, SnAp()).cosine - 1) < 1e-12
    spikes = LIF(4, inputs=3).double()
    assert abs(credit_operator(spikes, 3 * X, EProp()).cosine - 1) < 1e-12


def test_random_feedback_is_causal_and_points_elsewhere():
    for rule in (EProp(seed=0), FeedbackAlignment()):
        found = credit_operator(elman(), X, rule)
        assert (np.triu(found.size, 1) == 0).all() and (np.diag(found.size) > 0).all()
        assert abs(found.by_distance[0]) < 0.99


def test_a_target_that_goes_forward_gives_credit_to_the_present_alone():
    """Its losses are local in time, and what the stream of targets asks of the same map is no credit."""
    answers = nn.functional.one_hot(torch.arange(14).reshape(2, 7) % 3, 3).double()
    read = nn.Linear(4, 3).double()
    found = credit_operator(elman(), X, SignalPropagation(LayerLoss.BANK), read, answers)
    size = np.abs(found.size)
    assert (np.diag(size) > 1e-4).all() and size[~np.eye(7, dtype=bool)].max() < 1e-12
    assert abs(found.by_distance[0]) < 0.999 and 0 < abs(found.cosine) < 1
    with refused("classes for a class bank"):
        credit_operator(elman(), X, SignalPropagation(LayerLoss.BANK))


def test_as_many_inputs_as_units():
    """The map of the input is told from the recurrent one."""
    torch.manual_seed(0)
    layer = Elman(3, inputs=3).double()
    assert abs(credit_operator(layer, X, RTRL()).cosine - 1) < 1e-12


def test_answers_and_a_read_out_of_ones_own():
    read = nn.Linear(4, 2).double()
    layer = elman()
    with torch.no_grad():
        right = read(layer(X)[0])
    right[:, 3] += 1.0
    found = credit_operator(layer, X, RTRL(), read, right)
    others = np.arange(7) != 3  # the only step with an error, but for rounding
    assert (found.size[3, :4] > 1e-3).all() and found.size[others].max() < 1e-12


def test_what_is_refused():
    with refused("inputs come in through linear maps", "got LRU"):
        credit_operator(LRU(3, inputs=3).double(), X)
    with refused("linear maps alone"):
        credit_operator(LIF(4, inputs=3, learned=True).double(), X, FeedbackAlignment())
