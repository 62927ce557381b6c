"""Majority: counted by Python; ties go to the first."""

import math
from collections import Counter

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.majority import Majority


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("length", "symbols"), [(1, 5), (6, 3), (40, 63), (50, 2)])
def test_answers_are_counted(length: int, symbols: int):
    """`Counter` too gives the first of several that are equally common."""
    x, y = Majority(length, symbols).draw(200, generator())
    for tokens, answer in zip(x.tolist(), y.tolist(), strict=True):
        assert Counter(tokens).most_common(1)[0][0] == answer


@pytest.mark.parametrize(("length", "symbols"), [(2, 4), (7, 4)])
def test_no_token_is_favoured(length: int, symbols: int):
    y = Majority(length, symbols).draw(20_000, generator()).y
    bound = 5 * math.sqrt(1 / symbols / 20_000)
    assert (y.bincount(minlength=symbols) / 20_000 - 1 / symbols).abs().max() < bound


def test_bad_sizes():
    with pytest.raises(BadInput, match="symbols must be"):
        Majority(symbols=1)
