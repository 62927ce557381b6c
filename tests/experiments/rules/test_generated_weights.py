"""Generated weights: the predicates, as many parameters in each arm, and what is lost and guessed."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.answers import answers
from wavetrain.core import CLASSES, Batch, Recorded
from wavetrain.experiments.rules.generated_weights import (
    ARMS,
    GENERATORS,
    Separate,
    claim,
    guessed,
    learning,
    most_lost,
    network,
    rule,
    run,
    small,
    smoke,
)
from wavetrain.networks.hypernetwork import Hypernetwork
from wavetrain.parts.accuracy_matrix import AccuracyMatrix
from wavetrain.parts.task_sequence import Scenario, in_turn
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.held_weights import HeldWeights
from wavetrain.train.lab import Lab

RIGHT = (
    {f"learned_{arm}": 0.99 for arm in ARMS}
    | {f"lost_{arm}": 0.002 for arm in ("chunked", "recurrent", "reset", "grown")}
    | {"lost_fine_tuned": 0.2, "lost_chunked_free": 0.8, "lost_recurrent_free": 0.1}
    | {"kept_recurrent": 0.995, "kept_chunked": 0.994, "kept_reset": 0.994}
)


@pytest.mark.parametrize(
    ("changed", "failed"),
    [
        ({}, []),
        ({"lost_chunked": 0.0051}, [0]),
        ({"lost_recurrent": 0.0051}, [1]),
        ({"lost_grown": 0.0051}, [2]),
        ({"lost_reset": 0.01}, []),
        ({"lost_fine_tuned": 0.049}, [3]),
        ({"lost_chunked_free": 0.049}, [4]),
        ({"lost_recurrent_free": 0.049}, [4]),
        ({"kept_chunked": 0.995}, [5]),
        ({"kept_reset": 0.9951}, [5]),
    ],
)
def test_predicates(changed: dict[str, float], failed: list[int]):
    assert answers(claim, RIGHT | changed) == [part not in failed for part in range(6)]


def test_where_a_task_was_not_learned_nothing_is_decided():
    assert answers(claim, RIGHT | {"learned_separate": 0.97}) == [None] * 6
    assert answers(claim, dict.fromkeys(RIGHT, math.nan)) == [None] * 6


class Sizes:
    """What an arm is told of a sequence."""

    pixels = 784

    def __init__(self, tasks: int):
        self.tasks, self.outputs = tasks, 2 * tasks

    def __len__(self) -> int:
        return self.tasks


def test_arms_have_as_many_parameters_within_a_twentieth():
    counts = {}
    for arm in ARMS:
        made = network(arm, small, Sizes(5))
        if arm == "grown":
            made.generator.grow(4)
        counts[arm] = learning(made)
    assert max(counts.values()) < 1.05 * min(counts.values()), counts
    assert counts["fine_tuned"] == 89_610 and counts["separate"] == 89_110
    assert counts["grown"] == counts["recurrent"]


def test_arms_differ_in_what_they_are_called_for():
    for arm in ARMS:
        made, taught = network(arm, smoke, Sizes(3)), rule(arm, smoke)
        assert isinstance(made, Hypernetwork) == (arm in GENERATORS) == isinstance(taught, HeldWeights)
        if isinstance(taught, HeldWeights):
            assert taught.beta == (0.0 if "free" in arm else 0.01) and taught.growth == (arm == "grown")
            assert getattr(made.generator, "dependent", True) == (arm != "reset")
        else:
            assert isinstance(taught, Backpropagation)


def test_separate_networks_share_nothing():
    torch.manual_seed(0)
    made, x = Separate(6, 4, 2, 3), torch.randn(5, 2, 3)
    y = made(x)
    assert y.shape == (5, 6) and torch.equal(y[:, 2:4], made.each[1](x))
    y[:, 2:4].sum().backward()
    assert [one[1].weight.grad.abs().sum() > 0 for one in made.each] == [False, True, False]


def test_most_lost_is_that_of_the_worst_old_task():
    after = np.array([[0.9, 0.5, 0.5], [0.8, 0.95, 0.5], [0.85, 0.9, 0.6]])
    assert most_lost(AccuracyMatrix(after)) == pytest.approx(0.05)
    assert most_lost(AccuracyMatrix(np.array([[0.9, 0.5], [0.95, 0.9]]))) == pytest.approx(-0.05)


class Sure(Hypernetwork):
    """Says the class that an image is one-hot in, and guesses its task, or always the first."""

    hears = True

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def guess(self, x: Tensor, known: int) -> Tensor:
        return x.flatten(1).argmax(-1) // 2 * int(self.hears)


def test_guessing_is_right_where_task_and_class_are():
    def task(first: int) -> Recorded:
        y = torch.arange(6) % 2 + first
        part = Batch(F.one_hot(y, 6).float()[:, None], y)
        return Recorded(part, part, part, 6, 2, False, False, CLASSES, 0.5)

    told = in_turn([task(0), task(2), task(4)], Scenario.TASK)
    sure = Sure((6, 2), 3, embedding=4)
    assert guessed(sure, told) == 1.0
    sure.hears = False
    assert guessed(sure, told) == pytest.approx(1 / 3)


def test_all_arms_run_and_are_read_back(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, seed=0))
    assert set(RIGHT) <= set(figures) and all(math.isfinite(one) for one in figures.values())
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {"accuracy"}
    assert run(smoke, Lab(tmp_path, seed=0)) == figures
