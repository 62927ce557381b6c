"""Majority count: counted by Python, and the shares by going through all sequences."""

import math
from collections import Counter
from itertools import product

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.majority_count import MajorityCount, shares


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("length", "symbols"), [(2, 5), (6, 3), (40, 63)])
def test_answers_are_counted(length: int, symbols: int):
    x, y = MajorityCount(length, symbols).draw(200, generator())
    for tokens, answer in zip(x.tolist(), y.tolist(), strict=True):
        assert max(Counter(tokens).values()) == answer


@pytest.mark.parametrize(("length", "symbols"), [(2, 5), (5, 3), (8, 2), (4, 6)])
def test_shares_by_going_through_all_sequences(length: int, symbols: int):
    most = [max(Counter(one).values()) for one in product(range(symbols), repeat=length)]
    assert shares(length, symbols) == pytest.approx(np.bincount(most, minlength=length + 1) / len(most))


def test_shares_of_the_birthday_problem():
    """All of 23 different among 365: 0.4927."""
    assert shares(23, 365)[1] == pytest.approx(math.perm(365, 23) / 365**23)
    assert shares(23, 365)[1] == pytest.approx(0.4927, abs=1e-4)


def test_three_is_the_floor_of_the_default():
    task = MajorityCount()
    expected = shares(40, 63)
    assert expected.argmax() == 3 and task.chance == expected[3] == pytest.approx(0.638, abs=5e-4)
    y = task.draw(20_000, generator()).y
    found = y.bincount(minlength=41).numpy() / 20_000
    assert abs(found - expected).max() < 5 * math.sqrt(0.25 / 20_000)


def test_long_sequences_have_shares_too():
    assert shares(256, 63).sum() == pytest.approx(1) and MajorityCount(256).outputs == 257


def test_bad_sizes():
    with pytest.raises(BadInput, match="length must be"):
        MajorityCount(1)
