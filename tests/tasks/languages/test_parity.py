"""Parity: ones are counted."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.parity import Parity


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("length", [1, 2, 7, 40])
def test_answers_count_ones(length: int):
    x, y = Parity(length).draw(60, generator())
    for bits, answers in zip(x.tolist(), y.tolist(), strict=True):
        assert answers == [bits[: step + 1].count(1) % 2 for step in range(length)]


def test_both_answers_are_as_likely_at_every_step():
    y = Parity(30).draw(20_000, generator()).y.double()
    assert (y.mean(0) - 0.5).abs().max() < 5 * math.sqrt(0.25 / 20_000)


def test_bad_sizes():
    with pytest.raises(BadInput, match="length must be"):
        Parity(0)
