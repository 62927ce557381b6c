"""Variables in the circuit of theory, in coordinates that are mixed, and the predicate."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.answers import answers, exact_answers
from tests.promises import normal
from wavetrain.experiments.working_memory import privileged_basis_variables
from wavetrain.experiments.working_memory._shared import circuit
from wavetrain.experiments.working_memory.privileged_basis_variables import (
    chosen,
    claim,
    shown,
)
from wavetrain.layers.recurrence.episodic import Episodic
from wavetrain.layers.wave.wave_working_memory import propagation
from wavetrain.scan import Activation
from wavetrain.tasks.recall.repeat_copy import RepeatCopy

WHOLE = {"accuracy_repeat": 1.0, "accuracy_compose": 1.0}
for task in ("repeat", "compose"):
    WHOLE |= {f"{task}_privileged": 0.99, f"{task}_components": 0.7, f"{task}_units": 0.7}


def test_predicate():
    assert claim.holds(WHOLE) is True
    assert claim.holds(WHOLE | {"compose_privileged": 0.94}) is False
    assert claim.holds(WHOLE | {"repeat_units": 0.86}) is False
    assert claim.holds(WHOLE | {"compose_components": 0.86}) is False
    assert claim.holds(WHOLE | {"accuracy_repeat": 0.8}) is None
    wrong = {"repeat_privileged": 0.949, "compose_privileged": 0.949}
    wrong |= {f"{task}_{other}": 0.851 for other in ("components", "units") for task in ("repeat", "compose")}
    for part, name in enumerate(wrong):
        assert answers(claim, WHOLE | {name: wrong[name]}) == [number != part for number in range(6)]


def test_signs_at_chance_show_nothing():
    half = {name: 0.5 for name in WHOLE if not name.startswith("accuracy")}
    assert answers(claim, WHOLE | half)[:2] == [False, False]
    assert answers(claim, WHOLE | half | {"accuracy_compose": 0.5}) == 6 * [None]


def test_the_circuit_shows_its_variables_in_its_basis_only():
    """4 vectors of 4 in 40 units of a linear network; where the basis is that of the units, they do too."""
    task = RepeatCopy(4, 4, 10)
    phi, x = (
        propagation(task.boundary().double()),
        task.draw(400, torch.Generator().manual_seed(1)).x.double(),
    )
    layer = Episodic(4, hidden=40, activation=Activation.IDENTITY).double()
    layer.bind(phi, torch.linalg.qr(normal(40, 16)).Q)
    lines = shown(layer, x, phi)
    assert all(len(line) == 11 for line in lines.values())
    assert (lines["privileged"] == 1).all()
    assert lines["units"].max() < 0.85 and lines["components"].max() < 0.85
    layer.bind(phi, torch.eye(40, 16).double())
    assert (shown(layer, x, phi)["units"] == 1).all()


def test_the_circuit_of_theory_meets_every_limit_and_one_in_noise_does_not(monkeypatch: pytest.MonkeyPatch):
    """Else no network could; in as many units, basis and sequences as a run has. Of noise fewer will do."""
    assert exact_answers("privileged_basis_variables") == 6 * [True]

    def noisy(*order: Any) -> tuple[Episodic, torch.Tensor]:
        layer, states = circuit(*order)
        return layer, states + 0.7 * normal(*states.shape)

    monkeypatch.setattr(privileged_basis_variables, "circuit", noisy)
    few = replace(privileged_basis_variables.small, sequences=100)
    monkeypatch.setattr(privileged_basis_variables, "small", few)
    assert exact_answers("privileged_basis_variables")[:2] == [False, False]


def test_the_best_coordinate_is_chosen_with_its_sign():
    """Two targets in one coordinate each, one turned round; a third target is not there: half are right."""
    target = np.sign(normal(2000, 3, 3).numpy())
    activity = np.concatenate([3 * target[..., 1:2], -0.1 * target[..., :1], normal(2000, 3, 4).numpy()], 2)
    assert (chosen(activity, target[..., :2]) == 1).all()
    assert chosen(activity, target).mean() == pytest.approx(2.5 / 3, abs=0.02)
