"""A fair sample: each item is kept with the same chance, whatever comes together with it."""

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.reservoir import Reservoir


def kept(size: int, many: int, repeats: int, seed: int = 0) -> np.ndarray:
    """Which items are in it at the end, (repeats, many), by the rule of places alone."""
    one = Reservoir(size, seed)
    found = np.zeros((repeats, many), dtype=int)
    for row in found:
        one.seen = 0
        held = np.full(size, -1)
        for item, place in enumerate(one.places(many)):
            if place >= 0:
                held[place] = item
        row[held[held >= 0]] = 1
    return found


def test_one_of_two_with_equal_chances():
    assert abs(kept(1, 2, 10_000).sum(0) - 5000).max() <= 200  # four deviations


def test_each_of_a_hundred_with_the_same_chance():
    """k / N = 0.1 of 20,000: 2,000 with a deviation of 42.4; four of it, and a little for a hundred items."""
    assert abs(kept(10, 100, 20_000).sum(0) - 2000).max() <= 190


def test_pairs_are_no_likelier_than_by_chance():
    """The chance of two given items together is k (k - 1) / N (N - 1)."""
    found = kept(5, 12, 20_000)
    both = found.T @ found / len(found)
    apart = both[~np.eye(12, dtype=bool)]
    np.testing.assert_allclose(apart, 5 * 4 / (12 * 11), atol=0.015)


def test_the_mean_of_what_is_kept_is_that_of_the_stream():
    one = Reservoir(5000)
    one.keep(torch.arange(1.0, 50_001.0))
    assert abs(float(one.draw(5000)[0].mean()) - 25_000) < 800  # not 45,000


def test_the_first_items_fill_it():
    one = Reservoir(10)
    one.keep(torch.arange(4))
    assert len(one) == 4 and sorted(one.draw(9)[0].tolist()) == [0, 1, 2, 3]
    one.keep(torch.arange(4, 10))
    assert one.columns[0].tolist() == list(range(10))


def test_every_place_is_taken_anew_at_some_time():
    one = Reservoir(6)
    one.keep(torch.arange(500))
    assert min(one.columns[0].tolist()) >= 6


def test_one_by_one_or_in_sevens_is_the_same():
    items, ends = torch.arange(100), []
    for many in (1, 7, 100):
        one = Reservoir(10, seed=3)
        for few in items.split(many):
            one.keep(few, -few)
            if many == 7:
                one.draw(4)  # which changes nothing
        ends.append(one.columns)
        assert torch.equal(one.columns[0], -one.columns[1])
    assert all(torch.equal(one[0], ends[0][0]) for one in ends)
    other = Reservoir(10, seed=4)
    other.keep(items)
    assert not torch.equal(other.columns[0], ends[0][0])


def test_draws_are_of_different_items():
    one = Reservoir(20)
    one.keep(torch.arange(15))
    for _ in range(20):
        assert len(set(one.draw(15)[0].tolist())) == 15
    counts = sum(torch.bincount(one.draw(3)[0], minlength=15) for _ in range(3000))
    assert abs(counts - 600).max() < 110


def test_what_is_kept_is_a_copy_without_a_gradient():
    one, x = Reservoir(3), torch.ones(2, 4, requires_grad=True)
    one.keep(x)
    with torch.no_grad():
        x.zero_()
    (kept,) = one.draw(2)
    assert not kept.requires_grad and kept.sum() == 8
    assert one.bytes == 2 * 4 * 4


def test_bad_input():
    with pytest.raises(BadInput, match="size must be a whole number of at least 1, not 0"):
        Reservoir(0)
    one = Reservoir(3)
    one.keep(torch.zeros(2, 4), torch.zeros(2))
    with pytest.raises(BadInput, match=r"items of shapes \(4,\), \(\) as before, got \(5,\), \(\)"):
        one.keep(torch.zeros(2, 5), torch.zeros(2))
