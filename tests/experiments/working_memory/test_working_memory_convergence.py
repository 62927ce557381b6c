"""Networks that are the circuit and those that are not, answers that are exchanged, and the predicate."""

from pathlib import Path

import pytest
import torch

from tests.answers import answers, exact_answers
from tests.promises import normal
from wavetrain.experiments.working_memory import working_memory_convergence
from wavetrain.experiments.working_memory._shared import Bare, longer
from wavetrain.experiments.working_memory.working_memory_convergence import TASKS, Exchanged, claim, converged
from wavetrain.layers.recurrence.episodic import Episodic
from wavetrain.layers.wave.wave_working_memory import propagation
from wavetrain.lenses.population.privileged_basis import privileged_basis
from wavetrain.tasks.languages.compose_copy import ComposeCopy
from wavetrain.tasks.recall.repeat_copy import RepeatCopy
from wavetrain.train.lab import Lab, Plan

WHOLE = {f"{kind}_{task}": 4.0 for task in TASKS for kind in ("learned", "converged")}
WHOLE |= {f"controls_{task}": 0.0 for task in TASKS}


def test_predicate():
    assert claim.holds(WHOLE) is True
    assert claim.holds(WHOLE | {"learned_compose": 3.0, "converged_compose": 2.0}) is True
    assert claim.holds(WHOLE | {"converged_compose": 2.0}) is False
    assert claim.holds(WHOLE | {"controls_repeat": 1.0}) is False
    assert claim.holds(WHOLE | {"learned_repeat": 1.0, "converged_repeat": 1.0}) is None
    assert answers(claim, WHOLE | {"converged_repeat": 2.0}) == [False, True, True]
    assert answers(claim, WHOLE | {"converged_compose": 2.0}) == [True, False, True]
    for task in TASKS:
        assert answers(claim, WHOLE | {f"controls_{task}": 1.0}) == [True, True, False]


def test_the_circuit_has_converged_and_others_have_not():
    """Repeat copy of 3 vectors of 2, in 10 units; another link of the cycle; and a network as it starts."""
    phi = propagation(RepeatCopy(2, 3).boundary().double())
    basis = torch.linalg.qr(normal(10, 6)).Q
    layer, x = Episodic(2, hidden=10).double(), normal(2, 5, 2)
    assert not converged(privileged_basis(layer, x, phi))
    layer.bind(phi, basis)
    assert converged(privileged_basis(layer, x, phi))
    wrong = phi.clone()
    wrong[4:, :2] = torch.eye(2).roll(1, 0)
    layer.bind(wrong, basis)
    assert not converged(privileged_basis(layer, x, phi))
    layer.bind(0.89 * phi, basis)
    assert not converged(privileged_basis(layer, x, phi))


def test_circuits_of_theory_among_networks_as_they_start_satisfy_the_claim():
    figures = {}
    for name, task in (("repeat", RepeatCopy(4, 4)), ("compose", ComposeCopy(4))):
        phi, x = propagation(task.boundary().double()), normal(2, 6, 4)
        done, fresh = 0, 0
        for seed in range(3):
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                layer = Episodic(4, hidden=24).double()
            fresh += converged(privileged_basis(layer, x, phi))
            layer.bind(phi, torch.linalg.qr(normal(24, 16, seed=seed)).Q)
            done += converged(privileged_basis(layer, x, phi))
        figures |= {f"learned_{name}": 3.0, f"converged_{name}": done, f"controls_{name}": fresh}
    assert answers(claim, figures) == [True, True, True]


def test_answers_are_those_of_another_sequence():
    task = RepeatCopy(3, 4, 6)
    x, y = Exchanged(task).draw(8, torch.Generator().manual_seed(1))
    own_x, own_y = task.draw(8, torch.Generator().manual_seed(1))
    assert torch.equal(x, own_x) and torch.equal(y[1:], own_y[:-1]) and not torch.equal(y, own_y)
    assert torch.equal(Exchanged(task).valid().y, task.valid().y)


def test_each_horizon_goes_on_where_the_one_before_ended(tmp_path: Path):
    """The first ends at its first look, as any score is enough; the last takes all its steps."""
    tasks, lab = [RepeatCopy(2, 2, horizon) for horizon in (3, 5)], Lab(tmp_path, seed=1)
    plan = Plan(6, 4, rate=1e-2, every=2, held_out=10)

    def make() -> Bare:
        return Bare(Episodic(2, hidden=6))

    end = longer(lab, "one", make, tasks, plan, enough=0.0)
    assert end.done == 6 and not end.stopped
    first = Lab(tmp_path, seed=1).fit("one-0", make, tasks[0], Plan(2, 4, rate=1e-2, every=2, held_out=10))
    second = Lab(tmp_path / "by hand", seed=1).fit("one", lambda: first.network, tasks[1], plan)
    for name, weight in end.network.state_dict().items():
        assert torch.equal(weight, second.network.state_dict()[name])
    assert not torch.equal(end.network.state_dict()["layer.recur.weight"], make().layer.recur.weight)


def test_circuits_meet_the_limits_and_such_that_fade_do_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("working_memory_convergence") == [True, True, None]
    make = working_memory_convergence.circuit
    monkeypatch.setattr(working_memory_convergence, "circuit", lambda phi, *rest: make(0.89 * phi, *rest))
    assert exact_answers("working_memory_convergence") == [False, False, None]
