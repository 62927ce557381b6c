"""Gradient noise after bad starts: the predicates, the starts, and what is the same in all arms."""

import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.rules.gradient_noise_starts import (
    ARMS,
    claim,
    full,
    network,
    run,
    small,
    smoke,
    walked,
)
from wavetrain.train.lab import Lab

RIGHT = {
    "largest": 0.0,
    "walk": 1.01,
    "accuracy_zero_none": 0.1135,
    "accuracy_zero_noise": 0.85,
    "accuracy_normal_none": 0.1135,
    "accuracy_normal_noise": 0.7,
    "accuracy_he_none": 0.948,
    "accuracy_he_noise": 0.93,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True] * 5),
        ({"largest": 1e-30}, [False, True, True, True, True]),
        ({"accuracy_zero_none": 0.121}, [False, True, True, True, True]),
        ({"accuracy_zero_noise": 0.6}, [True, False, True, True, True]),
        ({"accuracy_normal_noise": 0.499}, [True, True, False, True, True]),
        ({"accuracy_normal_none": 0.121}, [True, True, False, True, True]),
        ({"accuracy_he_noise": 0.9535}, [True, True, True, False, True]),
        ({"accuracy_he_noise": 0.897}, [True, True, True, False, True]),
        ({"accuracy_he_none": 0.89, "accuracy_he_noise": 0.89}, [True, True, True, None, True]),
        ({"walk": 1.051}, [True, True, True, True, False]),
        ({"walk": 0.949}, [True, True, True, True, False]),
        (dict.fromkeys(RIGHT, math.nan), [False, False, False, None, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, RIGHT | changed) == parts


def test_starts():
    torch.manual_seed(0)
    for start, deviation in (("zero", None), ("normal", 0.1), ("he", (2 / 50) ** 0.5)):
        made = network(start, 784, small)
        assert len(made.maps) == 21
        assert not any(one.bias.any() for one in made.maps)
        for place, one in enumerate(made.maps):
            if deviation is None:
                assert torch.equal(one.weight, torch.zeros_like(one.weight))
                continue
            expected = (2 / 784) ** 0.5 if start == "he" and place == 0 else deviation
            assert float(one.weight.detach().std()) == pytest.approx(expected, rel=0.15)


def test_looks_fall_on_all_ends():
    for scale in (smoke, small, full):
        assert not any(steps % scale.every for steps in (scale.still, scale.steps, scale.long))
        assert scale.still <= min(scale.steps, scale.long)


def test_the_walk_of_two_hundred_steps():
    assert walked(1) == pytest.approx(0.1 * 0.1)
    assert walked(200) == pytest.approx(0.0474, abs=5e-5)


def test_all_arms_run_and_are_read_back(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, seed=0))
    assert set(figures) == {f"accuracy_{arm}" for arm in ARMS} | {"largest", "walk"}
    assert all(math.isfinite(one) for one in figures.values())
    assert figures["largest"] == 0.0 and 0.5 < figures["walk"] < 2
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {"accuracy"}
    assert run(smoke, Lab(tmp_path, seed=0)) == figures
