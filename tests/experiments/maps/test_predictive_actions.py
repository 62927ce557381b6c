"""The claim about actions: its predicate, and that names are hidden from training."""

import math

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.maps import predictive_actions as module

YES = {"r2_predictive": 0.5, "predictive": 0.7, "reconstruction": 0.6, "untrained": 0.65}
YES |= {f"chance_{title}": chance for title, chance in zip(module.SETS, (0.2, 0.3, 0.4), strict=True)}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, [True, True]),
        ({"reconstruction": 0.69}, [False, True]),
        ({"untrained": 0.7}, [True, False]),
        ({"predictive": math.nan}, [False, False]),
        ({"r2_predictive": 0.0}, [None, None]),
        ({"predictive": 1.0, "reconstruction": 0.3, "untrained": 0.3}, [True, True]),  # all are named
        ({"predictive": 0.3, "reconstruction": 0.2, "untrained": 0.3}, [None, None]),  # all guess
        ({"predictive": 0.2, "reconstruction": 0.2, "untrained": 0.31}, [False, False]),
    ],
)
def test_parts(other: dict[str, float], expected: list[bool | None]):
    assert answers(module.claim, YES | other, module.small) == expected


def test_chance_is_that_of_the_sets_of_the_scale():
    others = {"predictive": 0.55, "reconstruction": 0.5, "untrained": 0.5}
    for chance, expected in ((0.5, [True, True]), (0.55, [None, None])):
        assert answers(module.claim, YES | others | {"chance_made_up": chance}, module.smoke) == expected


def test_names_are_not_asked_of_the_networks():
    named = module.made_up()
    for ahead in (0, 1):
        task = module.unnamed(named, ahead)
        assert torch.equal(task.train.x, named.train.x[:, :-1])
        assert torch.equal(task.train.y, named.train.x[:, ahead : ahead + 11])
        assert torch.equal(task.test().x, named.test().x[:, :-1])
