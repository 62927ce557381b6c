"""Twenty neurons of a worm: the predicates, ridge regression by hand, and forecasts that hear themselves."""

from pathlib import Path

import pytest
import torch

from tests.answers import answers
from tests.promises import close, normal
from wavetrain.data.neural.worm import PARTS, traces
from wavetrain.errors import BadInput
from wavetrain.experiments.dynamics.sparse_worm import (
    AHEAD,
    ahead,
    claim,
    exact,
    fitted,
    r2,
    run,
    smoke,
    states,
)
from wavetrain.rules.full_force import Student
from wavetrain.train.lab import Lab

GOOD = {"unrecorded_student": 0.4, "unrecorded_ridge": 0.3, "ahead_student": 0.4, "ahead_last": 0.3}


def test_each_part_on_either_side():
    assert answers(claim, GOOD) == [True, True]
    assert answers(claim, GOOD | {"unrecorded_student": 0.3}) == [False, True]
    assert answers(claim, GOOD | {"ahead_student": 0.3}) == [True, False]


def test_what_is_linear_in_a_population_is_told():
    population = normal(1600, 4)
    wanted = population @ normal(4, 3) + 2.0
    torch.testing.assert_close(fitted(population, wanted, 20), wanted[PARTS[2]], rtol=0, atol=1e-3)


def test_a_population_that_does_not_vary_tells_the_mean():
    wanted = normal(1600, 3)
    said = fitted(torch.ones(1600, 2).double(), wanted, 20)
    close(said, wanted[20:1100].mean(0).expand_as(said), "the mean of what was learned from")


def test_the_mean_of_what_is_known_has_r2_zero():
    true, known = normal(50, 4), normal(30, 4, seed=2)
    close(r2(known.mean(0).expand_as(true), true, known), torch.zeros(4).double(), "the mean")
    close(r2(true, true, known), torch.ones(4).double(), "the truth")


def test_a_forecast_is_the_run_of_a_student_that_hears_what_it_said():
    torch.manual_seed(0)
    student, heard = Student(9, 3, 3, tau=3.0, gain=1.0), normal(12, 3)
    student.recur.data.copy_(student.chaos)
    torch.nn.init.normal_(student.read, std=0.3)
    told = ahead(student, states(student, heard)[-1:])
    for _ in range(AHEAD - 1):
        said = states(student, heard)[-1].tanh() @ student.read.detach().mT
        heard = torch.cat([heard, said[None]])
    close(told[0], states(student, heard)[-1].tanh() @ student.read.detach().mT, "five steps ahead")


def test_states_are_those_of_the_student():
    torch.manual_seed(0)
    student, heard = Student(9, 3, 3, tau=3.0, gain=1.0), normal(12, 3)
    student.recur.data.copy_(student.chaos)
    close(states(student, heard).tanh(), student.rates(heard[None])[0].detach(), "rates")


def test_an_oracle_meets_both_limits_on_the_real_recording(tmp_path: Path):
    try:
        traces()
    except BadInput as error:
        pytest.skip(str(error))
    assert answers(claim, exact(smoke, Lab(tmp_path / "exact", 0))) == [True, True]
    assert len(answers(claim, run(smoke, Lab(tmp_path / "run", 0)))) == 2
