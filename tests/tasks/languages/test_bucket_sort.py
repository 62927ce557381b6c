"""Bucket sort: Python sorts the same, and the floor by going through all strings."""

from itertools import product

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.bucket_sort import BucketSort, floor


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("length", "symbols"), [(1, 5), (10, 5), (17, 9)])
def test_answers_are_sorted(length: int, symbols: int):
    x, y = BucketSort(length, symbols).draw(50, generator())
    assert x.shape == y.shape == (50, 2 * length)
    for tokens, answers in zip(x.tolist(), y.tolist(), strict=True):
        assert answers == [0] * length + sorted(tokens[:length]) and tokens[length:] == [0] * length
        assert min(tokens[:length]) >= 1 and max(tokens) <= symbols


@pytest.mark.parametrize(("length", "symbols"), [(1, 5), (2, 5), (5, 3), (4, 4), (6, 2)])
def test_floor_by_going_through_all_strings(length: int, symbols: int):
    places = zip(*(sorted(string) for string in product(range(symbols), repeat=length)), strict=True)
    best = [max(place.count(symbol) for symbol in range(symbols)) for place in places]
    assert floor(length, symbols) == pytest.approx(sum(best) / length / symbols**length)


def test_floor_of_the_default():
    assert BucketSort().chance == floor(10, 5) == pytest.approx(0.598, abs=5e-4)
    assert floor(1, 5) == pytest.approx(1 / 5)


def test_bad_sizes():
    with pytest.raises(BadInput, match="symbols must be"):
        BucketSort(symbols=1)
