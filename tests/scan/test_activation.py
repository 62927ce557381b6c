"""Activations: what each makes of a few numbers."""

import math

import pytest
import torch

from wavetrain.scan import Activation


@pytest.mark.parametrize(
    ("name", "expected"),
    [("relu", [0, 0, 2]), ("tanh", [math.tanh(-1), 0, math.tanh(2)]), ("identity", [-1, 0, 2])],
)
def test_what_is_done_to_a_sum(name: str, expected: list[float]):
    x = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64)
    assert Activation(name)(x).tolist() == pytest.approx(expected, abs=1e-15)


def test_there_are_three():
    assert {one.value for one in Activation} == {"relu", "tanh", "identity"}
