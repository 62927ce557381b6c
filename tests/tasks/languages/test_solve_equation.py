"""Solve an equation: the answer, put in, is the only one that makes it true."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.solve_equation import SolveEquation


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("length", [1, 4, 5, 15, 40])
def test_the_answer_is_the_only_solution(length: int):
    x, y = SolveEquation(length).draw(200, generator())
    assert x.shape == (200, length + 2)
    for tokens, answer in zip(x.tolist(), y.tolist(), strict=True):
        left, _, value = "".join("01234+-*()x="[token] for token in tokens).partition("=")
        assert left.count("x") == 1 and "*" not in left
        assert [d for d in range(5) if eval(left.replace("x", str(d))) % 5 == int(value)] == [answer]


def test_answers_are_uniform_and_independent_of_the_value():
    x, y = SolveEquation(9).draw(6000, generator())
    assert (y.bincount(minlength=5) / 6000 - 0.2).abs().max() < 5 * math.sqrt(0.16 / 6000)
    both = (5 * y + x[:, -1]).bincount(minlength=25) / 6000
    assert (both.reshape(5, 5) - 0.04).abs().max() < 5 * math.sqrt(0.04 / 6000)


def test_bad_sizes():
    with pytest.raises(BadInput, match="length must be"):
        SolveEquation(0)
