"""Reaches that are made up: minimum-jerk movements in closed form, rates, and the parts of a record."""

import itertools

import numpy as np
import pytest

from wavetrain.experiments.spikes._reaches import GAIN, RATE, SIDE, fired, path, reaches


def test_a_reach_is_the_minimum_jerk_movement():
    """At rest at both ends, half way at half time, at 15/8 of its mean speed there."""
    place = path(400.0, np.random.default_rng(0))
    speed = np.linalg.norm(np.gradient(place, axis=0), axis=1) * RATE
    still = np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:])) + 1
    lasts = np.diff(still) / RATE
    assert lasts.min() > 0.59 and lasts.max() < 1.41 and place.min() >= 0 and place.max() <= SIDE
    for begin, end in itertools.pairwise(still[:50]):
        far = place[end] - place[begin]
        if np.linalg.norm(far) < 0.2:
            continue
        np.testing.assert_allclose(place[(begin + end) // 2], place[begin] + far / 2, atol=0.03)
        top = speed[begin:end].max() / (np.linalg.norm(far) / ((end - begin) / RATE))
        assert top == pytest.approx(15 / 8, rel=0.02)


def test_neurons_fire_with_velocity_in_their_direction():
    """At rest all at 8 Hz; moving, by a cosine with a half-turn between the most and the least."""
    dice = np.random.default_rng(1)
    rest = fired(np.zeros((20_000, 2)), 20, dice)
    assert rest.mean() * RATE == pytest.approx(8, rel=0.03)
    moving = fired(np.tile([4.0, 0.0], (20_000, 1)), 100, np.random.default_rng(2)).mean(0)
    rates = -np.log1p(-moving) * RATE
    assert rates.min() == pytest.approx(8 - 4 * GAIN, abs=0.8)
    assert rates.max() == pytest.approx(8 + 4 * GAIN, abs=1.5)
    assert fired(np.tile([40.0, 0.0], (2000, 1)), 50, dice).mean(0).min() == 0  # never below 0


def test_velocity_is_that_of_the_same_step_and_scaled_by_the_first_part():
    record = reaches(40.0, 30, np.random.default_rng(3))
    place = path(40.0, np.random.default_rng(3))
    velocity = np.gradient(place, axis=0) * RATE
    known = velocity[:5000]
    np.testing.assert_allclose(record.y, (velocity - known.mean(0)) / known.std(0), atol=1e-5)
    assert record.x.unique().tolist() == [0, 1] and record.x.shape == (10_000, 30)
    assert record.parts == (slice(0, 5000), slice(5000, 7500), slice(7500, 10_000))
