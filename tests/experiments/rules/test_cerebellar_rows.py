"""The claim of digits read row by row: the predicates, and what is read."""

import pytest
import torch

from tests.answers import answers
from wavetrain.data.images.digits import digits
from wavetrain.experiments.rules.cerebellar_rows import claim, rows

GOOD = {"gain_2": 0.05, "gain_7": 0.02}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True]),
        ({"gain_2": 0.04}, [True, True, True]),
        ({"gain_2": 0.039}, [False, True, True]),
        ({"gain_7": 0.009}, [True, False, True]),
        ({"gain_2": 0.01}, [False, True, False]),
        ({"gain_2": -0.1, "gain_7": -0.2}, [False, False, None]),
        ({"gain_2": 0.0, "gain_7": 0.0}, [False, False, None]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, GOOD | changed) == parts


def test_a_row_of_an_image_is_a_step():
    plain, task = digits(), rows(digits())
    assert task.inputs == 8 and task.train.x.shape == (1197, 8, 8)
    assert torch.equal(task.test().x[3, 2], plain.test().x[3, 16:24, 0])
    assert torch.equal(task.valid().y, plain.valid().y)
