"""The tasks of Hebbian projection: the predicates, the control, and that rivals differ in the rule alone."""

import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from tests.promises import close
from wavetrain.core import CLASSES, Batch
from wavetrain.experiments.rules._perceptrons import Perceptron, SpikingPerceptron
from wavetrain.experiments.rules.hebbian_projection_tasks import (
    RandomProjection,
    _cut,
    _learn,
    claim,
    permuted_digits,
    small,
    smoke,
)
from wavetrain.parts.forgetting import backward_transfer
from wavetrain.rules.hebbian_projection import HebbianProjection
from wavetrain.train.lab import Lab

RIGHT = {
    "transfer_sequential": -0.15,
    "transfer_hebbian": -0.01,
    "transfer_random": -0.1,
    "transfer_lif_sequential": -0.12,
    "transfer_lif_hebbian": -0.02,
    "kept_sequential": 0.8,
    "kept_hebbian": 0.92,
    "kept_exact": 0.925,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True, True, True]),
        ({"transfer_hebbian": -0.021}, [False, True, True, True, True]),
        ({"kept_exact": 0.931}, [True, False, True, True, True]),
        ({"transfer_random": -0.039}, [True, True, False, True, True]),
        ({"kept_hebbian": 0.849, "kept_exact": 0.84}, [True, True, True, False, True]),
        ({"kept_hebbian": math.nan}, [True, False, True, False, True]),
        ({"transfer_lif_hebbian": -0.021}, [True, True, True, True, False]),
        ({"transfer_sequential": -0.11}, [None] * 4 + [True]),  # nothing is lost, so nothing can be kept
        ({"transfer_lif_sequential": -0.11}, [True] * 4 + [None]),
        (dict.fromkeys(RIGHT, 0.0), [None] * 5),  # untrained
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts


def test_ranks_fit_the_layers_until_the_last_task():
    for scale in (smoke, small):
        sizes = (64 if scale is smoke else 784, scale.width, scale.width)
        for size, first, more in zip(sizes, scale.rows, scale.then, strict=True):
            assert first + (scale.tasks - 2) * more < size


def test_permuted_digits_hold_the_same_pixels_in_another_order():
    one, two = permuted_digits(1).train.x, permuted_digits(2).train.x
    assert one.shape[1:] == (1, 64) and not torch.equal(one, two)
    close(one.sort(-1).values, two.sort(-1).values, "pixels, sorted")
    assert torch.equal(one, permuted_digits(1).train.x)


def test_units_that_fire_learn_by_their_three_maps_alone():
    torch.manual_seed(0)
    network = SpikingPerceptron(64, 12, time=6)
    rule = HebbianProjection((6, 3, 3))
    rule.learn(network, Batch(torch.rand(5, 1, 64), torch.arange(5)), CLASSES.loss)
    learns = [name for name, one in network.named_parameters() if one.grad is not None and one.grad.any()]
    assert learns == list(rule.new) == ["first.encode.weight", "second.encode.weight", "read.weight"]


def test_random_rows_are_orthonormal_and_as_many():
    network, rule = Perceptron(64, 12), RandomProjection((6, 3, 3), (6, 2, 2))
    batch = Batch(torch.rand(5, 1, 64), torch.arange(5))
    for rows in ([6, 3, 3], [12, 5, 5]):
        rule.learn(network, batch, CLASSES.loss)
        rule.remember()
        assert [len(one) for one in rule.basis.values()] == rows
        for one in rule.basis.values():
            torch.testing.assert_close(one @ one.mT, torch.eye(len(one)), atol=1e-5, rtol=0)


def test_rivals_are_the_same_until_the_first_task_is_over(tmp_path: Path):
    tasks = [_cut(permuted_digits(part), smoke.images) for part in range(smoke.tasks)]
    ends = [
        _learn(Lab(tmp_path, 0), name, tasks, smoke) for name in ("sequential", "hebbian", "exact", "random")
    ]
    assert len({tuple(end.after[0]) for end in ends}) == 1
    assert len({end.moved for end in ends}) == 4
    assert [len(row) for row in ends[0].after] == [1, 2, 3]
    assert backward_transfer(ends[0].after) == pytest.approx(
        (ends[0].after[2][0] + ends[0].after[2][1] - ends[0].after[0][0] - ends[0].after[1][1]) / 2
    )
    again = _learn(Lab(tmp_path, 0), "hebbian", tasks, smoke)
    assert again == ends[1]
