"""Coordinates that are handed on, those that a task needs, and the predicate."""

import numpy as np
import pytest
import torch

from tests.answers import answers, exact_answers
from tests.promises import normal
from wavetrain.experiments.working_memory import working_memory_waves
from wavetrain.experiments.working_memory._shared import circuit, needed
from wavetrain.experiments.working_memory.working_memory_waves import (
    NONE,
    OTHERS,
    TASKS,
    claim,
    exact_figures,
    handed,
    limit,
)
from wavetrain.layers.wave.wave_working_memory import propagation
from wavetrain.tasks.languages.compose_copy import ComposeCopy
from wavetrain.tasks.recall.repeat_copy import RepeatCopy

COUNT = {"repeat": 64.0, "compose": 36.0}
WHOLE = {f"{kind}_{task}": COUNT[task] for task in TASKS for kind in ("found", "wanted")}
WHOLE |= {f"circuit_{kind}_{task}": COUNT[task] for task in TASKS for kind in ("found", "units")}
WHOLE |= {f"circuit_error_{task}": 1e-9 for task in TASKS} | {f"circuit_right_{task}": 1.0 for task in TASKS}
WHOLE |= {f"error_{task}": 0.001 for task in TASKS} | {f"accuracy_{task}": 1.0 for task in TASKS}
for one in ("handed_repeat", "handed_compose", "travelling_repeat"):
    WHOLE |= {f"{one}_privileged": 0.95} | {f"{one}_{other}": 0.2 for other in OTHERS}
    WHOLE |= {f"exact_{one}_privileged": 1.0} | {f"exact_{one}_{other}": 0.3 for other in OTHERS}


def test_predicate():
    assert claim.holds(WHOLE) is True
    for part, wrong in (
        (0, {"circuit_right_compose": 0.999}),
        (0, {"circuit_units_compose": 37.0}),
        (0, {"circuit_error_repeat": 1e-5}),
        (1, {"found_repeat": 63.0}),
        (1, {"error_compose": 0.021}),
        (1, {"error_compose": float("nan")}),
        (2, {"handed_compose_privileged": 0.7}),
        (3, {"travelling_repeat_privileged": 0.7}),
        (4, {"travelling_repeat_components": 0.5}),
        (5, {"handed_repeat_units": 0.5}),
    ):
        assert claim.holds(WHOLE | wrong) is False
        assert answers(claim, WHOLE | wrong) == [number != part for number in range(6)]
    assert claim.holds(WHOLE | {"accuracy_compose": 0.8}) is None
    assert answers(claim, WHOLE | {"accuracy_repeat": 0.5}) == 6 * [None]


def test_a_limit_that_the_circuit_fails_is_the_middle_of_what_it_reads():
    circuit = {"exact_handed_repeat_components": 0.5}
    assert claim.holds(WHOLE | circuit | {"handed_repeat_components": 0.75}) is True
    assert claim.holds(WHOLE | circuit | {"handed_repeat_components": 0.76}) is False
    assert claim.holds(WHOLE | circuit | {"handed_repeat_units": 0.41}) is False
    assert claim.holds(WHOLE | {"handed_repeat_components": 0.41}) is False


@pytest.mark.parametrize("seed", [0, 1])
def test_the_circuit_of_theory_meets_every_limit(seed: int):
    """Else no network could. In principal components its eigenvalues are pairs, which hand on half."""
    figures = dict(WHOLE)
    for name, task in (("repeat", RepeatCopy(8, 8, 56)), ("compose", ComposeCopy(8, 56))):
        found = exact_figures(name, task, 128, torch.Generator().manual_seed(seed))
        figures |= found | {key.removeprefix("exact_"): value for key, value in found.items()}
    assert claim.holds(figures) is True
    assert figures["handed_repeat_components"] == pytest.approx(0.5, abs=0.01)
    assert limit(figures, "handed_repeat", "components") == pytest.approx(0.75, abs=0.01)
    kinds = ("handed_repeat", "handed_compose", "travelling_repeat")
    assert sum(limit(figures, kind, other) != NONE for kind in kinds for other in OTHERS) == 1


def test_the_circuit_meets_the_limits_and_one_that_fades_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("working_memory_waves") == 6 * [True]
    monkeypatch.setattr(working_memory_waves, "circuit", lambda phi, *rest: circuit(0.89 * phi, *rest))
    assert exact_answers("working_memory_waves")[:2] == [True, False]  # no eigenvalue is near modulus 1


@pytest.mark.parametrize("task", [RepeatCopy(4, 4, 9), ComposeCopy(4, 9)])
def test_the_exact_circuit_says_all_that_is_asked(task: RepeatCopy | ComposeCopy):
    x, y = task.test()
    phi = propagation(task.boundary().double())
    layer, states = circuit(phi, x[:50], 20, torch.Generator().manual_seed(1))
    said = layer.out(states[:, 1:])
    torch.testing.assert_close(said, y[:50, 4:].double())


def test_64_and_36_coordinates_are_needed():
    """Component j of vector b with b >= j; and of what is kept, the spectrum is that of a permutation."""
    for task, count in ((RepeatCopy(), 64), (ComposeCopy(), 36)):
        phi = propagation(task.boundary().double())
        part = needed(phi, 8)
        assert part.sum() == count
        inner = phi[part][:, part]
        torch.testing.assert_close(inner @ inner.T, torch.eye(count, dtype=phi.dtype))
    assert torch.equal(part.view(8, 8), torch.ones(8, 8, dtype=torch.bool).tril())


def test_a_wave_is_handed_on_and_noise_is_not():
    noise = normal(50, 40, 1).numpy()
    wave = np.concatenate([np.roll(noise, step, 1) for step in range(6)], -1)[:, 6:]
    assert handed(wave) == pytest.approx(5 / 6, abs=0.01)  # the first has nobody before it
    assert handed(normal(50, 40, 6).numpy()) < 0.01
    turned = wave @ np.linalg.qr(normal(6, 6, seed=2).numpy())[0]
    assert handed(turned) < handed(wave) - 0.2


def test_what_stays_is_not_handed_on():
    still = np.repeat(normal(50, 1, 4).numpy(), 30, 1)
    assert handed(still) < 0.2
