"""Seasons that are there are found, and none is made up."""

import numpy as np
import pytest
from scipy.signal import lfilter

from wavetrain.tables.clock import Clock
from wavetrain.tables.seasons import season_of, suggested


@pytest.mark.parametrize("season", [4, 7, 12, 52])
def test_a_season_is_found_under_a_trend_and_noise(season: int):
    dice, time = np.random.default_rng(season), np.arange(12 * season)
    y = 0.3 * time + 5 * np.sin(2 * np.pi * time / season) + dice.normal(scale=0.3, size=len(time))
    assert season_of(y[:, None]) == season


def test_a_random_walk_has_none():
    for seed in range(10):
        assert season_of(np.random.default_rng(seed).normal(size=400).cumsum()[:, None]) == 1


@pytest.mark.parametrize("fade", [0.9, 0.99])
def test_slow_noise_has_none(fade: float):
    """It seems to repeat itself two or three times, after whatever lag is longest."""
    for seed in range(12):
        noise = np.random.default_rng(seed).normal(size=300)
        y = lfilter([1], [1, -fade], noise)[:, None]
        assert season_of(y) == season_of(y, Clock(1, "hour")) == 1


def test_level_and_scale_change_nothing():
    y = np.sin(np.arange(90) * 2 * np.pi / 9)[:, None]
    assert season_of(1e6 + 1e-3 * y) == season_of(y) == 9


@pytest.mark.parametrize("y", [np.zeros((50, 1)), np.full((50, 1), np.nan), np.arange(3.0)[:, None]])
def test_what_cannot_be_told_is_no_season(y: np.ndarray):
    assert season_of(y) == 1


def test_what_the_clock_suggests():
    assert suggested(Clock(1, "hour")) == (24, 168)
    assert suggested(Clock(1, "day")) == (7,)
    assert suggested(Clock(1, "week")) == (52,)
    assert suggested(Clock(1, "quarter")) == (4,)
    assert suggested(Clock(1, "year")) == ()
    assert suggested(Clock(7, "hour")) == (24,)  # 168 hours are 24 steps
