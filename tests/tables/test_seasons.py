"""Seasons that are there are found, and none is made up."""

import numpy as np
import pytest
from scipy.signal import lfilter

from wavetrain.tables import seasons
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


def apart(rows: np.ndarray, lag: int) -> float:
    steps = rows[lag:] - rows[:-lag]
    return float(np.abs(steps - steps.mean(0)).mean())


@pytest.mark.parametrize(("season", "lags"), [(2, [1]), (5, [1, 2, 3, 4]), (13, range(1, 13))])
def test_the_share_of_a_season_by_hand(season: int, lags: list[int]):
    rows = np.random.default_rng(0).normal(size=(60, 2)).cumsum(0)
    wanted = apart(rows, season) / np.mean([apart(rows, lag) for lag in lags])
    assert seasons._share(rows, season) == pytest.approx(wanted)


def test_a_long_season_is_held_against_twelve_shorter_ones():
    rows = np.random.default_rng(0).normal(size=(120, 1)).cumsum(0)
    lags = [1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 41, 45]
    wanted = apart(rows, 46) / np.mean([apart(rows, lag) for lag in lags])
    assert seasons._share(rows, 46) == pytest.approx(wanted)


def test_the_peak_is_that_of_the_correlation_behind_its_first_negative_value():
    rows = np.sin(np.arange(90) * 2 * np.pi / 9)[:, None] + 0.1 * np.random.default_rng(0).normal(
        size=(90, 1)
    )
    whole = rows - rows.mean()
    together = [float((whole[lag:] * whole[: 90 - lag]).sum()) for lag in range(46)]
    first = int(np.flatnonzero(np.array(together) < 0)[0])
    tops = [lag for lag in range(first + 1, 45) if together[lag - 1] < together[lag] >= together[lag + 1]]
    assert seasons._peak(rows) == max(tops, key=lambda lag: together[lag]) == 9
    assert seasons._peak(np.ones((20, 1))) == 1


def test_each_column_counts_alike():
    """A large column that says nothing does not hide a small one, nor does one that is flat."""
    wave = np.sin(np.arange(90) * 2 * np.pi / 9)
    noise = np.random.default_rng(0).normal(size=90)
    for size in (1e-6, 1e6):
        assert season_of(np.stack([wave, size * (wave + 0.1 * noise), np.full(90, 5.0)], 1)) == 9


def test_a_season_needs_six_rows():
    wave = np.tile([0.0, 1.0], 4)[:, None]
    assert season_of(wave) == 2 and season_of(wave[:5]) == 1
    assert seasons.LONGEST == 3000 and (seasons.LAGS, seasons.NEAR, seasons.TIMES) == (12, 16, 4)
    assert (seasons.LARGEST, seasons.ALONE, seasons.ALIKE) == (0.85, 0.75, 1.1)


def test_a_clock_suggests_seasons_that_fit_twice():
    day = np.sin(np.arange(48) * 2 * np.pi / 24)[:, None]
    assert season_of(day, Clock(1, "hour")) == 24 and season_of(day[:47], Clock(1, "hour")) == 1
