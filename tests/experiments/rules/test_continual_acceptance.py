"""The acceptance of the harness: the predicates, the control, and that arms differ in what they say."""

import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.core import CLASSES, Batch
from wavetrain.experiments.rules._digit_pairs import PAIRS, perceptron, small_pairs
from wavetrain.experiments.rules.continual_acceptance import Dealt, Mixed, claim, run, smoke
from wavetrain.parts.task_sequence import Scenario, in_turn
from wavetrain.rules.replay.experience_replay import ExperienceReplay
from wavetrain.train.lab import Lab

RIGHT = {  # as an earlier implementation measured, where it did
    "right_sgd": 0.1966,
    "own_sgd": 0.98,
    "right_er": 0.797,
    "right_mixed": 0.274,
    "right_dark": 0.839,
    "right_joint": 0.956,
    "right_class_kept": 0.198,
    "own_class_kept": 0.994,
    "transfer_class_kept": -0.995,
    "right_task_kept": 0.958,
    "right_domain_kept": 0.545,
    "right_domain_reset": 0.59,
    "right_frozen": 0.1999,
    "right_domain_frozen": 0.607,
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
        ({"right_class_kept": 0.21}, (6,)),
        ({"own_class_kept": 0.97}, (6,)),
        ({"transfer_class_kept": -0.9}, (6,)),
        ({"right_task_kept": 0.98}, (7,)),
        ({"right_domain_kept": 0.49}, (8,)),
        ({"right_domain_reset": 0.67}, (8,)),
        ({"right_domain_frozen": 0.5}, (9,)),
        ({"right_frozen": 0.19}, (9,)),
        ({"right_joint": math.nan}, (5,)),
    ],
)
def test_predicates(changed: dict[str, float], wrong: tuple[int, ...]):
    assert answers(claim, RIGHT | changed) == [place not in wrong for place in range(10)]


def test_a_network_that_guesses_satisfies_only_what_is_about_the_floor():
    """Untrained, all arms are right in a tenth of ten outputs, and in half with two."""
    guessed = {name: 0.1 for name in RIGHT} | {"transfer_class_kept": 0.0}
    guessed |= {name: 0.5 for name in RIGHT if "domain" in name or "task" in name}
    assert not any(answers(claim, guessed))


def test_controls_replay_the_same_with_labels_of_others():
    rules = [kind(size=60, replayed=60) for kind in (ExperienceReplay, Mixed, Dealt)]
    y = torch.arange(60)
    for rule in rules:
        rule.learn(torch.nn.Linear(1, 60), Batch(y[:, None].float(), y), CLASSES.loss)
    twice = []
    for _ in range(2):
        plain, mixed, dealt = (rule.drawn(60) for rule in rules)
        assert torch.equal(plain.x, mixed.x) and torch.equal(plain.x, dealt.x)
        for one in (mixed, dealt):
            assert (one.y == plain.y).float().mean() < 0.1
            assert torch.equal(one.y.sort().values, y)
        twice.append([one.y[one.x[:, 0].argsort()] for one in (mixed, dealt)])
    assert torch.equal(twice[0][0], twice[1][0])  # an image keeps its wrong label
    assert not torch.equal(twice[0][1], twice[1][1])


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
