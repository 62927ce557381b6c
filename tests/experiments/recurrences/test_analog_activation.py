"""The claim about converters: predicates on either side, closed forms, and what its rule leaves behind."""

import numpy as np
import pytest
import torch

from tests.answers import answers
from wavetrain.core import CLASSES
from wavetrain.data.speech.spoken_digits import filters
from wavetrain.experiments.recurrences import analog_activation as claim_of
from wavetrain.experiments.recurrences._rows import rows
from wavetrain.experiments.recurrences._words import levels
from wavetrain.experiments.recurrences.analog_activation import Crossbar, claim, cut_off
from wavetrain.layers.gate.analog_lstm import AnalogLSTM, Converter
from wavetrain.parts.reader import Reader

WHOLE = {
    **{f"error_ramp_{one}": 1.5 for one in ("tanh", "sigmoid", "softsign", "elu")},
    **{"error_linear_tanh": 3.9, "error_linear_sigmoid": 1.96, "error_linear_softsign": 3.2},
    "error_linear_elu": 0.9,
    "right_float_plain": 0.93,
    "right_float_clip": 0.93,
    "right_ramp_5_plain": 0.921,
    "right_ramp_4_clip": 0.9,
    "right_linear_4_clip": 0.86,
    "wrong_plain": 0.43,
    "wrong_clip": 0.78,
    "wrong_noise": 0.81,
}


def test_each_part_on_either_side():
    assert answers(claim, WHOLE) == [True] * 5
    for changed, part in (
        ({"error_ramp_elu": 1.51}, 0),
        ({"error_linear_sigmoid": 1.94}, 0),
        ({"right_ramp_5_plain": 0.919}, 1),
        ({"right_linear_4_clip": 0.88}, 2),
        ({"wrong_noise": 0.79}, 3),
        ({"wrong_plain": 0.76}, 4),
    ):
        assert answers(claim, WHOLE | changed) == [place != part for place in range(5)]


def test_nothing_is_said_of_networks_that_know_no_words():
    assert answers(claim, WHOLE | {"right_float_clip": 0.79}) == [True, None, None, None, None]
    assert answers(claim, WHOLE | {"right_float_plain": 0.1}) == [True, None, None, None, None]


def test_errors_at_functions_hold_the_first_part():
    """They need no training; that of equal steps has a closed form at tanh: half a step at the steepest."""
    for seed in range(3):
        figures = claim_of._errors(seed)
        assert claim.parts[0].holds(claim_of.Measured(figures)) is True
    closed = {"tanh": (torch.tensor(0.25).tanh(), 2), "sigmoid": (torch.tensor(0.25).sigmoid() - 0.5, 1)}
    for name, (value, span) in closed.items():
        assert figures[f"error_linear_{name}"] == pytest.approx(float(value) * 32 / span, rel=0.01)


def test_levels_of_a_tone_that_grows_louder():
    """In the band of the tone the last frame is at 1; the first, 20 decibels lower, at 1 / 3."""
    time = np.arange(8000) / 8000
    sound = 10**time * np.sin(2 * np.pi * 1000 * time)
    found = levels(sound, filters(12))
    assert found.shape == (32, 12)
    loudest = found[-1].argmax()
    assert found[-1, loudest] == 1 and found[0, loudest] == pytest.approx(1 - 2 * 20 / 60, abs=0.03)
    assert found[:, loudest] == pytest.approx(np.linspace(found[0, loudest], 1, 32), abs=0.02)


def network(bits: int | None = None) -> Reader:
    torch.manual_seed(0)
    return Reader(AnalogLSTM(6, 8, bits), 10, every_step=False)


def test_the_rule_cuts_off_and_leaves_no_error(monkeypatch: pytest.MonkeyPatch):
    one, batch = network(), rows().draw(5, torch.Generator().manual_seed(0))
    drawn = []
    program = AnalogLSTM.program
    monkeypatch.setattr(
        AnalogLSTM, "program", lambda self, weights=0.0: (drawn.append(weights), program(self, weights))
    )
    with torch.no_grad():
        one.layer.weight[0, 0] = 5.0
    before = one.layer.weight.detach().clone()
    Crossbar(0.1).learn(one, batch, CLASSES.loss)
    bound = 2.5 * float(before.std())
    assert torch.equal(one.layer.weight.detach(), before.clamp(-bound, bound))
    assert drawn == [0.1, 0.0] and not one.layer.error.any()
    drawn.clear()
    Crossbar(0.0).learn(one, batch, CLASSES.loss)
    assert drawn == [0.0]


def test_noise_changes_the_gradient_and_not_the_weights():
    batch = rows().draw(5, torch.Generator().manual_seed(0))
    slopes = []
    for error in (0.0, 0.1, 0.1):
        one = network()
        Crossbar(error).learn(one, batch, CLASSES.loss)
        slopes.append(one.layer.weight.grad)
    assert not torch.allclose(slopes[0], slopes[1]) and torch.equal(slopes[1], slopes[2])


def test_a_network_is_read_by_another_converter_with_the_same_weights():
    one, task = network(), rows()
    with torch.no_grad():
        cut_off(one.layer.weight)
    for how in Converter:
        read = claim_of._through(one, 12, task, how)
        assert read.layer.bits == 12 and read.layer.converter is how
        assert torch.equal(read.layer.weight, one.layer.weight)
        x = task.test().x[:50]
        torch.testing.assert_close(read(x), one(x), atol=0.02, rtol=0)
    assert (read.layer.swing != 8).all()  # of the linear one, which was calibrated
