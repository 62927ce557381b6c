"""Samples of two recordings: which are compared, which are the null, and the error by leaving parts out."""

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.lenses.population._likeness import (
    Samples,
    draws,
    middle,
    pair,
    samples,
    spread,
    stretch,
    worth,
)


def rows(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def of(batch: int, time: int) -> Samples:
    return samples("here", "activity", rows(*((batch, time, 2) if time > 1 else (batch, 2))))


@pytest.mark.parametrize("size", [1e-200, 1.0, 3e200])
def test_activity_is_centred_over_a_power_of_two(size: float):
    given = size * rows(3, 4, 2)
    found = samples("here", "activity", torch.from_numpy(given))
    assert np.log2(found.unit) % 1 == 0 and found.unit <= np.abs(given).max() < 2 * found.unit
    flat = given.reshape(12, 2)
    np.testing.assert_allclose(found.rows * found.unit, flat - flat.mean(0), atol=1e-14 * size)
    assert (found.batch, found.time) == (3, 4)
    alone = samples("here", "activity", flat)
    assert (alone.batch, alone.time) == (12, 1) and np.array_equal(alone.rows, found.rows)


def test_two_recordings_have_as_many_samples_as_are_wanted():
    assert len(pair("here", rows(7, 2), rows(7, 3), least=7).x) == 7
    with pytest.raises(BadInput, match="here: expected 8 samples or more, got 7"):
        pair("here", rows(7, 2), rows(7, 3), least=8)
    with pytest.raises(BadInput, match=r"of the same samples, got \(2, 6, 1\) and \(6, 2, 1\)"):
        pair("here", rows(2, 6, 1), rows(6, 2, 1), least=2)


@pytest.mark.parametrize(
    ("batch", "time", "wanted"),
    [
        (4, 1, [0, 1, 2, 3]),
        (2, 10, [2, 3, 4, 5, 6, 12, 13, 14, 15, 16]),
        (1, 7, [2, 3, 4]),
        (2, 3, [1, 4]),
    ],
)
def test_the_middle_half_of_each_sequence_is_compared(batch: int, time: int, wanted: list[int]):
    assert middle(of(batch, time)).tolist() == wanted


@pytest.mark.parametrize(
    ("time", "starts"),
    [
        (10, {0, 1, 3, 4, 5}),
        (29, {*range(6), *range(9, 16)}),  # from 7, two steps or more
        (40, {*range(7), *range(14, 21)}),  # from 10, four
    ],
)
def test_the_null_is_another_half_a_tenth_of_the_sequence_away(time: int, starts: set[int]):
    two, half = of(2, time), time // 2
    found = [one.reshape(2, half) - [[0], [time]] for one in draws(two, 200, 0)]
    assert len(found) == 200
    assert {int(one[row, 0]) for one in found for row in (0, 1)} == starts
    assert all((np.diff(one) == 1).all() for one in found)
    assert any(one[0, 0] != one[1, 0] for one in found), "each sequence by itself"


def test_samples_without_time_come_in_another_order():
    found = list(draws(of(6, 1), 5, 3))
    assert len(found) == 5 and all(sorted(one) == list(range(6)) for one in found)
    assert np.array_equal(found, list(draws(of(6, 1), 5, 3)))
    assert not np.array_equal(found, list(draws(of(6, 1), 5, 4)))


@pytest.mark.parametrize(
    ("batch", "time", "sizes"),
    [
        (39, 1, []),
        (40, 1, [4] * 10),
        (43, 1, [5] * 3 + [4] * 7),
        (4, 10, [4] * 10),  # fewer than five sequences: stretches of time
        (3, 13, []),
        (5, 2, [2] * 5),
        (12, 3, [6] * 2 + [3] * 8),
    ],
)
def test_parts_that_are_left_out(batch: int, time: int, sizes: list[int]):
    """A tenth of the samples each, or whole sequences."""
    parts = stretch(of(batch, time))
    assert [len(part) for part in parts] == sizes
    assert not sizes or np.concatenate(parts).tolist() == list(range(batch * time))


def test_the_error_of_a_mean_is_that_of_the_means_of_its_parts():
    values = rows(60)
    found = spread(of(60, 1), lambda kept: float(values[kept].mean()))
    each = values.reshape(10, 6).mean(1)
    assert found == pytest.approx(each.std(ddof=1) / np.sqrt(10))
    assert np.isnan(spread(of(30, 1), lambda kept: float(values[kept].mean())))


def alike(x: np.ndarray, y: np.ndarray) -> float:
    return -float(((x - y) ** 2).mean())


@pytest.mark.parametrize("time", [1, 8])
def test_a_score_is_held_against_its_null(time: int):
    """With time it is the middle halves that are ranked, and the score is still of all samples."""
    x = rows(*((30, 2) if time == 1 else (6, time, 2)))
    y = x + 0.1 * rows(*x.shape, seed=1)
    two = pair("here", x, y, least=2)
    found = worth(two, alike, 19, 5)
    assert found.score == alike(two.x, two.y) and found.p == 0.05
    kept = middle(two.one)
    wanted = [alike(two.x[kept], two.y[other]) for other in draws(two.one, 19, 5)]
    np.testing.assert_array_equal(found.null, wanted)
    opposite = worth(two, lambda x, y: -alike(x, y), 19, 5)
    assert opposite.p == 1
    assert np.isnan(found.error) == (time == 1)


def test_the_rank_with_time_is_that_of_the_middle_halves():
    """Sequences alike but for their middle, where they are opposite."""
    x = rows(6, 8, 2)
    y = x.copy()
    y[:, 2:6] *= -1
    found = worth(pair("here", x, y, least=2), alike, 19, 0)
    assert found.score > found.null.mean() and found.p == 1
