"""Students of few recordings: the predicates on either side, what is shown of the teacher, and the scores."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from tests.promises import normal
from wavetrain.experiments.dynamics.sparse_recordings import (
    _force,
    _measured,
    _start,
    _teacher,
    claim,
    exact,
    run,
    smoke,
    told,
)
from wavetrain.train.lab import Lab

GOOD = {f"nmse_{name}": 0.001 for name in (0, 5, 10, 50, "shuffled")}
GOOD |= {"cka_0": 0.40, "cka_5": 0.43, "cka_10": 0.46, "cka_50": 0.6, "cka_shuffled": 0.41}


def test_each_part_on_either_side():
    assert answers(claim, GOOD) == [True, True, True]
    assert answers(claim, GOOD | {"cka_10": 0.44, "cka_shuffled": 0.40}) == [False, True, True]
    assert answers(claim, GOOD | {"nmse_10": 0.0021}) == [False, True, True], "not equal outputs"
    assert answers(claim, GOOD | {"nmse_0": 0.0021}) == [False, True, True]
    assert answers(claim, GOOD | {"cka_5": 0.39}) == [True, False, True]
    assert answers(claim, GOOD | {"cka_shuffled": 0.434}) == [True, True, True]
    assert answers(claim, GOOD | {"cka_shuffled": 0.436}) == [True, True, False]


@pytest.mark.parametrize("name", [0, 5, 10, 50, "shuffled"])
def test_nothing_is_said_where_a_student_has_not_learned(name: str | int):
    said = answers(claim, GOOD | {f"nmse_{name}": 0.2})
    asked = {0: {0, 1}, 5: {1}, 10: {0, 1, 2}, 50: {1}, "shuffled": {2}}[name]
    assert [one is None for one in said] == [part in asked for part in range(3)]


def test_the_half_that_is_scored_is_never_shown(tmp_path: Path):
    teacher = _teacher(replace(smoke, neurons=40), Lab(tmp_path, 0))
    unseen = teacher.unseen.flatten(0, 1)
    assert unseen.shape[1] == 20
    for name, shown in {"5": 2, "10": 4, "50": 20}.items():
        hints = teacher.hints[name].flatten(0, 1)
        assert hints.shape[1] == shown
        assert (hints[:, :, None] - unseen[:, None]).abs().amax(0).min() > 1e-6
    assert torch.equal(teacher.hints["shuffled"][1], teacher.hints["10"][0])
    torch.testing.assert_close(teacher.unseen.std((0, 1)), torch.ones(20).double())


def test_a_mean_has_error_one_and_an_untrained_student_says_nothing(tmp_path: Path):
    """The score of saying zero, the mean of outputs about zero, is 1."""
    lab = Lab(tmp_path, 0)
    teacher = _teacher(smoke, lab)
    assert _measured("none", _start(smoke, lab, 2), teacher)["nmse_none"] == 1.0


def test_force_runs_by_itself_as_it_does_with_its_answers_heard(tmp_path: Path):
    lab = Lab(tmp_path, 0)
    batch = _teacher(smoke, lab).batch
    student = _force(smoke, lab, batch)
    with torch.no_grad():
        torch.testing.assert_close(student.recur, student.chaos + student.feedback @ student.read)
        state, drive = torch.zeros(smoke.units).double(), batch.x[0] @ student.encode.mT
        for now, answer in zip(drive, student(batch.x)[0], strict=True):
            heard = student.feedback @ (student.read @ state.tanh())
            state = student.moved(state, student.chaos @ state.tanh() + heard + now)
            torch.testing.assert_close(student.read @ state.tanh(), answer)


def test_ten_components_tell_what_is_in_them():
    rates = normal(200, 30) * torch.tensor([10.0] * 10 + [0.001] * 20).double()
    _, _, axes = torch.linalg.svd(rates - rates.mean(0), full_matrices=False)
    assert told(rates, rates @ axes[:10].mT @ normal(10, 4)) == pytest.approx(1.0)
    assert told(rates, rates @ axes[10:].mT) == pytest.approx(0.0, abs=1e-12)


def test_smoke_and_exact_have_what_the_parts_ask(tmp_path: Path):
    for figures in (run(smoke, Lab(tmp_path / "run", 0)), exact(smoke, Lab(tmp_path / "exact", 0))):
        assert len(answers(claim, figures)) == 3
