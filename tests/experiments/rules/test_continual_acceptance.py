"""The acceptance of the harness: the predicates, the control, and that arms differ in what they say."""

import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.rules._digit_pairs import PAIRS, perceptron, small_pairs
from wavetrain.experiments.rules.continual_acceptance import claim, run, smoke
from wavetrain.parts.task_sequence import Scenario, in_turn
from wavetrain.train.lab import Lab

RIGHT = {  # as an earlier implementation measured, where it did
    "right_sgd": 0.1966,
    "own_sgd": 0.98,
    "right_er": 0.797,
    "right_mixed": 0.274,
    "right_dark": 0.839,
    "right_joint": 0.956,
}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, ()),
        ({"right_sgd": 0.1991}, (0,)),
        ({"right_sgd": 0.1929}, (0,)),
        ({"own_sgd": 0.5}, (0,)),  # a network that learns nothing may end there, too
        ({"right_er": 0.759}, (1,)),
        ({"right_er": 0.8392, "right_dark": 0.84}, ()),
        ({"right_mixed": 0.5}, (2,)),
        ({"right_dark": 0.799}, (3,)),
        ({"right_dark": 0.7969, "right_er": 0.797}, (3, 4)),
        ({"right_joint": 0.967}, (5,)),
        ({"right_joint": math.nan}, (5,)),
    ],
)
def test_predicates(changed: dict[str, float], wrong: tuple[int, ...]):
    assert answers(claim, RIGHT | changed) == [place not in wrong for place in range(6)]


def test_a_network_that_guesses_satisfies_nothing():
    assert not any(answers(claim, dict.fromkeys(RIGHT, 0.1)))


def test_pairs_are_in_the_fixed_order():
    tasks = small_pairs()
    assert [tuple(one.train.y.unique().tolist()) for one in tasks] == list(PAIRS)
    sequence = in_turn(tasks, Scenario.CLASS)
    assert [torch.equal(one.train.y, raw.train.y) for one, raw in zip(sequence.tasks, tasks, strict=True)]


def test_a_perceptron_begins_as_it_says():
    torch.manual_seed(0)
    plain, xavier = perceptron(64, 100, 10), perceptron(64, 100, 10, xavier=True)
    for one in (1, 3, 5):
        rows, columns = xavier[one].weight.shape
        assert xavier[one].weight.abs().max() <= (6 / (rows + columns)) ** 0.5
        assert xavier[one].weight.std().item() == pytest.approx((2 / (rows + columns)) ** 0.5, rel=0.1)
        assert plain[one].weight.abs().max() <= columns**-0.5
    assert plain(torch.rand(3, 8, 8)).shape == (3, 10)


def test_all_figures_are_there_and_named(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, 0))
    assert RIGHT.keys() <= figures.keys()
    assert figures == run(smoke, Lab(tmp_path, 0))  # read back
    assert figures["right_frozen"] != figures["right_sgd"]
    assert all(math.isfinite(one) for one in figures.values())
    assert (tmp_path / "pictures" / "matrices.npz").exists()
