"""The three scenarios: the predicates, and that arms differ in what they say."""

import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.rules.continual_scenarios import claim, run, smoke
from wavetrain.parts import saved
from wavetrain.train.lab import Lab

RIGHT = {  # as an earlier implementation measured
    "right_class_kept": 0.198,
    "own_class_kept": 0.994,
    "transfer_class_kept": -0.995,
    "right_task_kept": 0.958,
    "right_domain_kept": 0.545,
    "right_domain_reset": 0.59,
    "right_class_frozen": 0.1999,
    "right_domain_frozen": 0.607,
}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, ()),
        ({"right_class_kept": 0.21}, (0, 3)),
        ({"own_class_kept": 0.97}, (0,)),
        ({"transfer_class_kept": -0.9}, (0,)),
        ({"right_task_kept": 0.98}, (1,)),
        ({"right_task_kept": math.nan}, (1,)),
        ({"right_domain_kept": 0.49}, (2,)),
        ({"right_domain_reset": 0.67}, (2,)),
        ({"right_domain_frozen": 0.5}, (3,)),
        ({"right_class_frozen": 0.19}, (3,)),
    ],
)
def test_predicates(changed: dict[str, float], wrong: tuple[int, ...]):
    assert answers(claim, RIGHT | changed) == [place not in wrong for place in range(4)]


def test_a_network_that_guesses_satisfies_nothing():
    """Untrained, it is right in a tenth of ten outputs, and in half with two."""
    guessed = {name: 0.5 if "class" not in name else 0.1 for name in RIGHT} | {"transfer_class_kept": 0.0}
    assert not any(answers(claim, guessed))


def test_all_figures_are_there(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, 0))
    assert RIGHT.keys() <= figures.keys() and all(math.isfinite(one) for one in figures.values())
    assert figures == run(smoke, Lab(tmp_path, 0))  # read back
    ends = [
        saved.load(tmp_path / "checkpoints" / f"domain_{one}.safetensors")[0] for one in ("kept", "reset")
    ]
    assert not torch.equal(ends[0]["1.weight"], ends[1]["1.weight"])
    assert figures["right_task_kept"] >= figures["right_class_kept"]
    assert figures["transfer_class_frozen"] == figures["forgotten_domain_frozen"] == 0
