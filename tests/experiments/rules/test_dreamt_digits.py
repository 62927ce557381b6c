"""Dreams of digits: the predicates, and what the control does not learn."""

import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.core import CLASSES, Batch
from wavetrain.experiments.rules.dreamt_digits import ARMS, _rule, claim, run, smoke
from wavetrain.parts import saved
from wavetrain.rules.replay.generative_replay import GenerativeReplay
from wavetrain.train.lab import Lab

RIGHT = {
    "right_class_plain": 0.198,
    "right_class_dreamt": 0.85,
    "right_class_noise": 0.2,
    "right_domain_plain": 0.55,
    "right_domain_dreamt": 0.92,
    "own_class_dreamt": 0.98,
    "own_domain_dreamt": 0.98,
}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, ()),
        ({"right_class_dreamt": 0.74}, (0,)),
        ({"right_class_plain": 0.36}, (0,)),
        ({"right_domain_dreamt": 0.84}, (1,)),
        ({"right_domain_plain": 0.73}, (1,)),
        ({"right_class_noise": 0.46}, (2,)),
        ({"own_class_dreamt": 0.94}, (3,)),
        ({"own_domain_dreamt": 0.94}, (3,)),
        (dict.fromkeys(RIGHT, math.nan), (0, 1, 2, 3)),
    ],
)
def test_predicates(changed: dict[str, float], wrong: tuple[int, ...]):
    assert answers(claim, RIGHT | changed) == [place not in wrong for place in range(4)]


def test_a_network_that_guesses_satisfies_nothing():
    guessed = {name: 0.5 if "domain" in name else 0.1 for name in RIGHT}
    assert not any(answers(claim, guessed))


def test_the_control_dreams_with_what_it_was_born_with():
    x, y = torch.rand(8, 1, 6), torch.arange(8) % 3
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 3))
    for kind, stays in (("noise", True), ("dreamt", False)):
        rule = _rule(kind, smoke, 0)
        assert isinstance(rule, GenerativeReplay)
        rule.learn(network, Batch(x, y), CLASSES.loss)
        before = {name: one.clone() for name, one in rule.state_dict().items() if name.startswith("painter")}
        rule.learn(network, Batch(x, y), CLASSES.loss)
        after = rule.state_dict()
        assert all(torch.equal(one, after[name]) for name, one in before.items()) == stays


def test_all_figures_are_there(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, 0))
    assert RIGHT.keys() <= figures.keys() and all(math.isfinite(one) for one in figures.values())
    assert figures == run(smoke, Lab(tmp_path, 0))  # read back
    assert {path.stem for path in (tmp_path / "checkpoints").iterdir()} == set(ARMS)
    ends = [
        saved.load(tmp_path / "checkpoints" / f"class_{one}.safetensors")[0] for one in ("dreamt", "noise")
    ]
    assert not torch.equal(ends[0]["1.weight"], ends[1]["1.weight"])
