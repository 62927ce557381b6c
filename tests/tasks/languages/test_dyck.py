"""Dyck: brackets by a stack in Python, words uniform among all, and the floor by Catalan numbers."""

import math
from itertools import product

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.dyck import Dyck, closed


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("length", "kinds"), [(2, 1), (2, 3), (20, 2), (40, 5)])
def test_answers_are_the_top_of_a_stack(length: int, kinds: int):
    x, y = Dyck(length, kinds).draw(100, generator())
    for word, answers in zip(x.tolist(), y.tolist(), strict=True):
        stack = [-1]
        for bracket, answer in zip(word, answers, strict=True):
            if bracket < kinds:
                stack.append(bracket)
            else:
                assert stack.pop() == bracket - kinds, "closes what is not open"
            assert answer == stack[-1] + 1
        assert stack == [-1]


@pytest.mark.parametrize(("pairs", "kinds"), [(3, 1), (4, 1), (2, 2)])
def test_words_are_uniform(pairs: int, kinds: int):
    """As many words as Catalan says, in each choice of kinds, and all as often."""
    x = Dyck(2 * pairs, kinds).draw(20_000, generator()).x
    words, count = x.unique(dim=0, return_counts=True)
    number = math.comb(2 * pairs, pairs) // (pairs + 1) * kinds**pairs
    assert len(words) == number
    assert (count - 20_000 / number).abs().max() < 5 * math.sqrt(20_000 / number)


@pytest.mark.parametrize("pairs", [1, 2, 3, 5])
def test_how_often_nothing_is_open_by_going_through_all_words(pairs: int):
    shut = []
    for word in product((1, -1), repeat=2 * pairs):
        heights = [sum(word[: step + 1]) for step in range(2 * pairs)]
        if min(heights) == heights[-1] == 0:
            shut.append([height == 0 for height in heights])
    share = torch.tensor(shut).double().mean(0)
    assert closed(2 * pairs) == pytest.approx(share.tolist())


def test_floor_of_the_default():
    assert Dyck().chance == 0.4875
    assert Dyck(2, 3).chance == pytest.approx((1 / 3 + 1) / 2)


def test_bad_sizes():
    with pytest.raises(BadInput, match="must be even, got 7"):
        Dyck(7)
    with pytest.raises(BadInput, match="kinds must be"):
        Dyck(kinds=0)
