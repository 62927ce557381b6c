"""Seasons that are there are found, and none is made up."""

import numpy as np
import pytest
from scipy.signal import lfilter

from wavetrain.tables import seasons
from wavetrain.tables.clock import Clock
from wavetrain.tables.panel import Panel, Series
from wavetrain.tables.seasons import season_before, season_of, suggested


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


def test_a_peak_before_the_first_negative_value_is_none():
    """A ripple of two rows rides on a slow wave: its peak is the higher one. Whatever the units."""
    time = np.arange(90)
    rows = (np.sin(time * 2 * np.pi / 20) + 0.3 * (-1.0) ** time)[:, None]
    for size in (1e-6, 1.0, 1e6):
        assert seasons._peak(size * rows) == 20
    assert seasons._peak(np.concatenate([rows, 5 * rows[:, ::-1]], 1)) == 20


class Asked:
    """What `season_of` asks: rows of which peaks are wanted, and seasons of which shares are."""

    def __init__(self, peaks: list[int], shares: dict[int, float] | None = None):
        self.peaks, self.shares = iter(peaks), shares or {}
        self.rows: list[np.ndarray] = []
        self.seasons: list[int] = []

    def peak(self, rows: np.ndarray) -> int:
        self.rows.append(rows)
        return next(self.peaks)

    def share(self, rows: np.ndarray, season: int) -> float:
        self.seasons.append(season)
        return self.shares.get(season, 1.0)


def asked(patch: pytest.MonkeyPatch, peaks: list[int], shares: dict[int, float] | None = None) -> Asked:
    found = Asked(peaks, shares)
    patch.setattr(seasons, "_peak", found.peak)
    patch.setattr(seasons, "_share", found.share)
    return found


def test_peaks_are_those_without_a_line_and_of_differences(monkeypatch: pytest.MonkeyPatch):
    y = np.random.default_rng(0).normal(size=(40, 2)).cumsum(0) * [1.0, 50.0] + [7.0, 1e3]
    found, plain = asked(monkeypatch, [1, 1]), y / y.std(0)
    assert season_of(y) == 1
    time = np.arange(40)
    lines = [np.polyval(np.polyfit(time, one, 1), time) for one in plain.T]
    np.testing.assert_allclose(found.rows[0], plain - np.stack(lines, 1), atol=1e-9)
    np.testing.assert_allclose(found.rows[1], np.diff(plain, axis=0), atol=1e-9)


@pytest.mark.parametrize(
    ("peaks", "clock", "wanted"),
    [
        ([32, 5], None, [5, 30, 31, 32, 33, 34]),  # a sixteenth on both sides
        ([15, 16], None, [15, 16, 17]),
        ([48, 1], None, [45, 46, 47, 48, 49, 50]),  # four times in 200 rows
        ([1, 1], Clock(1, "hour"), [24]),  # 168 hours are not there twice
        ([1, 1], Clock(15, "minute"), [96]),
        ([2, 2], Clock(1, "day"), [2, 7]),
    ],
)
def test_seasons_that_are_tried(
    peaks: list[int], clock: Clock | None, wanted: list[int], monkeypatch: pytest.MonkeyPatch
):
    found = asked(monkeypatch, peaks)
    assert season_of(np.arange(200.0)[:, None] ** 2, clock) == 1 and found.seasons == wanted


@pytest.mark.parametrize(
    ("shares", "wanted"),
    [
        ({7: 0.85}, 7),
        ({7: 0.851}, 1),
        ({20: 0.75}, 20),
        ({20: 0.751}, 1),
        ({7: 0.55, 20: 0.5}, 7),  # the shorter one of two that are alike
        ({7: 0.551, 20: 0.5}, 20),
        ({7: 0.5, 20: 0.2}, 20),
        ({20: 0.5, 21: 0.4}, 21),
    ],
)
def test_the_season_that_is_taken(shares: dict[int, float], wanted: int, monkeypatch: pytest.MonkeyPatch):
    asked(monkeypatch, [20, 21], shares)
    assert season_of(np.arange(200.0)[:, None] ** 2, Clock(1, "day")) == wanted


def test_the_last_rows_are_looked_at(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(seasons, "LONGEST", 50)
    time = np.arange(90)
    y = np.where(time < 40, np.sin(time * 2 * np.pi / 9), np.sin(time * 2 * np.pi / 5))
    assert season_of(y[:, None]) == 5 and season_of(y[:40, None]) == 9


def test_holes_do_not_count():
    rows = np.array([[1.0, np.nan], [4.0, 5.0], [2.0, np.nan], [np.nan, 6.0], [3.0, 8.0]])
    # two rows apart: 1 and 1 of the first column, nothing of the second
    assert seasons._apart(rows, 2) == pytest.approx(0.0)
    # one apart: 3 and -2 with a mean of 0.5; 2 alone, which is its own mean
    assert seasons._apart(rows, 1) == pytest.approx((2.5 + 2.5 + 0.0) / 3)
    assert seasons._share(rows, 2) == 0.0 == seasons._apart(np.full((4, 1), np.nan), 1)
    assert seasons._share(np.ones((9, 1)), 3) == 1.0  # nothing moves at all
    y = np.stack([np.sin(np.arange(90) * 2 * np.pi / 9), np.full(90, np.nan)], 1)
    y[[3, 30, 31, 77], 0] = np.nan
    assert season_of(y) == 9


@pytest.mark.parametrize(
    ("clock", "wanted"),
    [
        (Clock(12, "hour"), (2, 14)),
        (Clock(24, "hour"), (7,)),
        (Clock(168, "hour"), ()),
        (Clock(2, "day"), ()),
        (Clock(2, "week"), ()),
        (Clock(1, "month"), (12,)),
        (Clock(6, "month"), (2,)),
        (Clock(5, "month"), ()),
        (Clock(12, "month"), ()),
        (Clock(2, "quarter"), (2,)),
        (Clock(1, "working day"), (5,)),
    ],
)
def test_seasons_of_other_clocks(clock: Clock, wanted: tuple[int, ...]):
    assert suggested(clock) == wanted


def test_the_season_of_a_panel_is_that_of_the_longest_series_before_its_end():
    time = np.arange(120)
    waves = {season: np.sin(time * 2 * np.pi / season) for season in (5, 7, 9)}
    one = Series(name="a", values=np.stack([waves[5], waves[7]], 1)[:60])
    two = np.stack([waves[5], np.where(time < 90, waves[9], 100 * waves[5])], 1)
    whole = Panel(columns=("x", "y"), series=(one, Series(name="b", values=two)), targets=("y",))
    assert season_before(whole, [60, 90]) == 9 and season_before(whole, [60, 40]) == 7
