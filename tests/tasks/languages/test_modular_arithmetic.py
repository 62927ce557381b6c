"""Modular arithmetic: Python evaluates the same, and the shares of values by counting."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.modular_arithmetic import ModularArithmetic, bracket_shares, shares


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


SIGNS = "01234+-*()"


@pytest.mark.parametrize("length", [1, 3, 5, 15, 39])
def test_answers_without_brackets(length: int):
    task = ModularArithmetic(length)
    x, y = task.draw(200, generator())
    assert task.inputs == 8
    for tokens, answer in zip(x.tolist(), y.tolist(), strict=True):
        text = "".join(SIGNS[token] for token in tokens)
        assert len(text) == length and eval(text) % 5 == answer
        assert text[::2].isdigit() and not set(text[1::2]) - set("+-*")


@pytest.mark.parametrize("length", [1, 2, 5, 8, 15, 40])
def test_answers_with_brackets(length: int):
    task = ModularArithmetic(length, brackets=True)
    x, y = task.draw(200, generator())
    assert task.inputs == 10 and x.shape == (200, length)
    for tokens, answer in zip(x.tolist(), y.tolist(), strict=True):
        assert eval("".join(SIGNS[token] for token in tokens)) % 5 == answer


@pytest.mark.parametrize(("length", "modulus"), [(1, 5), (3, 5), (5, 5), (5, 3), (7, 3), (9, 2)])
def test_shares_by_going_through_all_expressions(length: int, modulus: int):
    terms = [range(modulus) if place % 2 == 0 else "+-*" for place in range(length)]
    values = [eval("".join(map(str, one))) % modulus for one in product(*terms)]
    assert shares(length, modulus) == pytest.approx(np.bincount(values, minlength=modulus) / len(values))


@pytest.mark.parametrize(
    ("length", "brackets"), [(15, False), (39, False), (15, True), (8, True), (40, True)]
)
def test_shares_are_those_of_the_draws(length: int, brackets: bool):
    expected = (bracket_shares if brackets else shares)(length, 5)
    y = ModularArithmetic(length, 5, brackets).draw(4000, generator()).y
    found = y.bincount(minlength=5).numpy() / 4000
    assert abs(found - expected).max() < 5 * math.sqrt(0.25 / 4000)
    assert (
        expected.sum() == pytest.approx(1) and ModularArithmetic(length, 5, brackets).chance == expected.max()
    )
    assert expected.argmax() == 0 and expected[0] > 0.2, "saying 0 is the floor"


def test_shares_of_one_operation():
    """Of d1 o d2, a sum or a difference is uniform; a product is 0 in 9 of 25 cases and else in 4 each."""
    expected = (2 / 3) / 5 + np.array([9, 4, 4, 4, 4]) / 75
    assert shares(3, 5) == pytest.approx(expected) and bracket_shares(5, 5) == pytest.approx(expected)
    assert expected[0] == pytest.approx(0.253, abs=5e-4)
    assert ModularArithmetic().chance == pytest.approx(0.201, abs=5e-4)
    assert ModularArithmetic(brackets=True).chance == pytest.approx(0.273, abs=5e-4)


def test_bad_sizes():
    with pytest.raises(BadInput, match="must be odd, got 4"):
        ModularArithmetic(4)
    with pytest.raises(BadInput, match="modulus must be"):
        ModularArithmetic(modulus=1)
