"""Fewer units: which are kept, and that a smaller network is the larger one with its other units at 0."""

import numpy as np
import pytest
import torch

from tests.promises import close
from wavetrain.errors import BadInput
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.elm_neuron import ELMNeuron
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.recurrence.leaky_rnn import LeakyRNN
from wavetrain.parts import pruning
from wavetrain.parts.reader import Reader

KEPT = np.array([True, False, True, True, False, False])


@pytest.mark.parametrize("kind", [Elman, LSTM, GRU])
def test_without_units_is_with_units_at_nothing(kind):
    """Units without connections and biases stay at 0 in these."""
    torch.manual_seed(0)
    whole = Reader(kind(6, inputs=6), 3, every_step=True).double()  # as many inputs as units
    smaller = pruning.without(whole, KEPT)
    assert smaller.layer.width == 3 and smaller.layer.inputs == 6
    lost = torch.from_numpy(~KEPT)
    with torch.no_grad():
        for name, part in whole.layer.named_parameters():
            part.view(-1, 6, *part.shape[1:])[:, lost] = 0
            if "recur.weight" in name or "weight_hh" in name:
                part[:, lost] = 0
    x = torch.randn(4, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = whole.layer(x)[0]
    assert not y[..., lost].any()
    close(smaller.layer(x)[0], y[..., ~lost], "states of the smaller, of the larger")
    close(smaller(x), whole(x), "answers of the smaller, of the larger")


def test_what_is_no_parameter_is_kept_too():
    whole = Reader(LeakyRNN(6, 2), 3, every_step=False)
    smaller = pruning.without(whole, KEPT)
    assert torch.equal(smaller.layer.first, whole.layer.first[torch.from_numpy(KEPT)])
    assert torch.equal(smaller.layer.taus(), whole.layer.taus()[torch.from_numpy(KEPT)])


def test_a_copy_is_made_and_no_generator_moved():
    whole, x = Reader(Elman(6, 2), 3, every_step=False), torch.randn(2, 5, 2)
    before, state = whole(x), torch.get_rng_state().clone()
    smaller = pruning.without(whole, np.ones(6, dtype=bool))
    assert torch.equal(torch.get_rng_state(), state), "the shared generator has moved"
    assert torch.equal(smaller(x), before)
    with torch.no_grad():
        smaller.layer.recur.weight.zero_()
    assert torch.equal(whole(x), before)


def test_the_largest_by_what_comes_in_and_goes_out():
    """Unit 1 gives much, unit 2 takes it, unit 0 has only itself."""
    strength = np.array([[9.0, 0, 0, 0.1], [0, 0, 0, 0], [0, -3, 0, 0], [0, 0, 0, 0]])
    assert pruning.largest(strength, 2).tolist() == [False, True, True, False]
    assert pruning.largest(strength, 3).tolist() == [True, True, True, False]


def test_units_at_random():
    dice = np.random.default_rng(0)
    drawn = np.array([pruning.some(6, 2, dice) for _ in range(3000)])
    assert (drawn.sum(1) == 2).all()
    assert drawn.mean(0) == pytest.approx(np.full(6, 1 / 3), abs=0.03)


def test_what_cannot_be_pruned():
    whole = Reader(Elman(6, 2), 3, every_step=False)
    for kept in (np.zeros(6, dtype=bool), np.ones(5, dtype=bool)):
        with pytest.raises(BadInput, match="expected some of 6 units"):
            pruning.without(whole, kept)
    with pytest.raises(BadInput, match="linear read-out"):
        pruning.without(Reader(Elman(6, 2), 3, every_step=False, hidden=4), KEPT)
    for count in (0, 5):
        with pytest.raises(BadInput, match="keep 1 to 4 units"):
            pruning.largest(np.eye(4), count)
    with pytest.raises(BadInput, match="not made of blocks of its width"):
        pruning.without(Reader(ELMNeuron(6, 2), 3, every_step=False), KEPT)
