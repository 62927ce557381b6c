"""Events, their windows, and the lines through what they tell, against plain loops."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from wavetrain.errors import BadInput
from wavetrain.lenses.population._posterior import posterior
from wavetrain.lenses.population._sweeps import (
    Session,
    _correlation,
    _cut,
    _events,
    _fits,
    _heading,
    _lines,
    _missing,
    _speed,
    _windows,
    judged,
    session,
    turned,
)

DICE = np.random.default_rng(0)


def small(bins: int = 9, units: int = 5) -> Session:
    """Four events with windows of spikes at these numbers; the bins 2 and 7 were never run through."""
    slots = [[0, 1, 2, 3], [1, 2, 4, 7], [2, 3, 4, 5], [0, 1, 3, 6]]
    dice = np.random.default_rng(2)
    expected = dice.random((units, bins)) + 0.01
    expected[:, [2, bins - 2]] = np.nan
    slot = np.concatenate(slots).astype(float)
    return Session(
        field=expected,
        expected=expected,
        low=0.0,
        high=1.0,
        heading=np.ones(100),
        events=np.array([[0, 20], [20, 55], [60, 90], [90, 99]]),
        event=np.repeat(np.arange(4), 4),
        slot=slot,
        seen=dice.integers(0, 3, (16, units)).astype(float) + np.eye(units)[np.arange(16) % units],
    )


def weighted(said: np.ndarray, slot: np.ndarray) -> float:
    """The correlation of place and time, each bin of each window weighing what it is said to be worth."""
    weight = said.ravel()
    place = np.tile((np.arange(said.shape[1]) + 0.5) / said.shape[1], len(said))
    both = np.cov(place, np.repeat(slot, said.shape[1]), aweights=weight)
    return float(both[0, 1] / np.sqrt(both[0, 0] * both[1, 1]))


def best_line(said: np.ndarray, slot: np.ndarray, near: int) -> tuple[float, tuple[int, int]]:
    """The largest mean share of what is within so many bins of a line, over all first and last bins."""
    bins, best = said.shape[1], (-1.0, (0, 0))
    part = (slot - slot[0]) / (slot[-1] - slot[0])
    for first in range(bins):
        for last in range(bins):
            at = np.rint(first + (last - first) * part).astype(int)
            share = np.mean(
                [one[max(0, b - near) : b + near + 1].sum() for one, b in zip(said, at, strict=True)]
            )
            if share > best[0] + 1e-12:
                best = float(share), (first, last)
    return best


@pytest.mark.parametrize(("bins", "near"), [(9, 1), (20, 2), (28, 2), (40, 3)])
def test_the_best_line_is_that_of_all_lines(bins: int, near: int):
    """0.075 of the track to either side, in whole bins, one at least."""
    found = small(bins)
    seen = judged(found, 1, 0)
    said = posterior(found.seen, found.expected)
    for one in range(4):
        here = found.event == one
        fit, line = best_line(said[here], found.slot[here], near)
        assert seen.fit[one] == pytest.approx(fit) and tuple(seen.line[one]) == line
        assert seen.score[one] == pytest.approx(weighted(said[here], found.slot[here]))


def test_each_draw_of_each_null_is_judged_like_the_events():
    """Seven draws, more than are fitted at once: fields exchanged, windows in another order, fields moved."""
    found = small()
    seen = judged(found, 7, 3)
    dice, turns = np.random.default_rng(3), np.random.default_rng([3, 1])
    said = posterior(found.seen, found.expected)
    for draw in range(7):
        exchanged = posterior(found.seen, found.expected[dice.permutation(5)])
        mixed = said[np.lexsort((dice.random(16), found.event))]
        moved = posterior(found.seen, turned(found.expected, turns))
        for null, one in enumerate((exchanged, mixed, moved)):
            for event in range(4):
                here = found.event == event
                size = abs(weighted(one[here], found.slot[here]))
                assert seen.sizes[null, draw, event] == pytest.approx(size, abs=1e-9)
                fit = best_line(one[here], found.slot[here], 1)[0]
                assert seen.fits[null, draw, event] == pytest.approx(fit)
    size = np.abs(seen.score)
    np.testing.assert_allclose(seen.p, (1 + (seen.sizes >= size - 1e-9).sum(1)) / 8)
    np.testing.assert_allclose(seen.p_fit, ((1 + (seen.fits >= seen.fit - 1e-9).sum(1)) / 8).max(0))


def test_fields_move_round_the_places_that_are_known():
    expected = np.array([[1.0, 2, np.nan, 3, 4], [5, 6, np.nan, 7, 8]])
    moved, dice = turned(expected, np.random.default_rng(1)), np.random.default_rng(1)
    by = dice.integers(4, size=(2, 1)).ravel()
    for one, old, shift in zip(moved, expected, by, strict=True):
        assert np.isnan(one[2])
        np.testing.assert_array_equal(one[[0, 1, 3, 4]], np.roll(old[[0, 1, 3, 4]], shift))
    assert by[0] != by[1] and by.any()


def test_what_is_said_to_be_in_one_place_has_no_order():
    said = np.tile([0.0, 1.0, 0.0], (4, 1))
    event, slot = np.zeros(4, dtype=int), np.arange(4.0)
    assert _correlation(said, slot, event, 1).tolist() == [0.0]
    assert _correlation(np.eye(4), slot, event, 1) == pytest.approx(1)
    assert _correlation(np.eye(4)[::-1], 1e-3 * slot, event, 1) == pytest.approx(-1)


def test_a_line_goes_from_its_first_bin_to_its_last():
    lines = _lines((0, 1, 3), 4).toarray().reshape(4, 4, 3, 4)
    for first in range(4):
        for last in range(4):
            at = [first, round(first + (last - first) / 3), last]
            np.testing.assert_allclose(lines[first, last], np.eye(4)[at] / 3)


def test_events_of_one_shape_are_told_together_and_each_once():
    found = small()
    told = [events for events, _ in _fits(posterior(found.seen, found.expected)[None], found)]
    assert sorted(told) == [[0, 2], [1, 3]]  # windows 0 1 2 3, and 0 1 3 6 from the first on


def test_speed_is_over_a_quarter_of_a_second():
    at = np.arange(200.0) ** 2 / 1e4
    speed = _speed(at, 100)  # 12 steps before to 12 after
    assert np.isnan(speed[:12]).all() and np.isnan(speed[-12:]).all()
    np.testing.assert_allclose(speed[12:-12], [(at[t + 12] - at[t - 12]) / 0.24 for t in range(12, 188)])
    assert np.isnan(_speed(np.arange(24.0), 100)).all()
    np.testing.assert_allclose(_speed(np.arange(25.0), 100)[12], 100)


def test_gaps_are_rest_from_the_least_on():
    gaps = np.array([0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1], dtype=bool)
    assert _missing(gaps, 3).astype(int).tolist() == [0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]
    assert not _missing(np.zeros(5, dtype=bool), 1).any()


def test_windows_have_numbers_in_their_event_and_what_is_left_over_is_in_none():
    spikes = np.zeros((30, 2))
    spikes[[2, 9, 10, 19, 24], [0, 1, 1, 0, 1]] = [1, 2, 3, 4, 5]
    assert _cut(spikes[:11], 4).tolist() == [[1, 0], [0, 0]]
    event, slot, seen = _windows(spikes, np.array([[1, 14], [16, 26]]), 4)
    assert event.tolist() == [0, 0, 1] and slot.tolist() == [0, 2, 0]
    assert seen.tolist() == [[1, 0], [0, 5], [4, 0]]


def test_the_way_it_ran_last():
    speed = np.array([np.nan, 0.1, 2, 3, np.nan, 0.0, -0.1, -2, 0.1, np.nan])
    runs = np.array([0, 0, 1, 1, 0, 0, 0, 1, 0, 0], dtype=bool)
    assert _heading(speed, runs).tolist() == [0, 0, 1, 1, 1, 1, 1, -1, -1, -1]


def bursts(lengths: list[int], gap: int = 300) -> np.ndarray:
    """At 200 steps a second, bursts in which each of eight units fires in turn, one in each step."""
    spikes = [np.zeros((gap, 8))]
    for length in lengths:
        spikes += [np.eye(8)[np.arange(length) // 4 % 8], np.zeros((gap, 8))]
    return np.concatenate(spikes)


def test_events_are_where_the_rate_is_above_its_mean_about_a_high_peak():
    """Twelve bursts of higher and higher peaks, by hand from the smoothed rate; not all are high enough."""
    spikes = np.concatenate([height * bursts([40], 200) for height in np.linspace(0.3, 1, 12)])
    rest = np.ones(len(spikes), dtype=bool)
    rest[-230:] = False
    together = gaussian_filter1d(spikes.sum(1), 3.0, mode="constant")
    mean, deviation = together[rest].mean(), together[rest].std()
    above = np.diff(np.r_[0, rest & (together > mean), 0].astype(int))
    stretches = np.stack([np.flatnonzero(above == 1), np.flatnonzero(above == -1)], 1).tolist()
    wanted = [two for two in stretches if together[slice(*two)].max() > mean + 2.5 * deviation]
    assert 2 < len(wanted) < len(stretches) == 12
    for scale in (1, 7):
        assert _events(scale * spikes, rest, 200).tolist() == wanted[:-1], (
            "three windows of the last are in rest"
        )
    assert _events(spikes, np.zeros_like(rest), 200).shape == (0, 2)
    assert _events(np.zeros_like(spikes), rest, 200).shape == (0, 2)


def extent(length: int) -> int:
    """Steps of the event that a lone burst of so many steps is found to be; 0 for none."""
    spikes = bursts([length], 2000)
    found = _events(spikes, np.ones(len(spikes), dtype=bool), 200)
    return int(np.diff(found).sum())


def test_events_last_for_50_to_600_ms():
    lasts = [extent(length) for length in range(90, 125)]
    assert 120 in lasts and max(lasts) == 120 and lasts[-1] == 0


@pytest.mark.parametrize(("units", "windows", "events"), [(4, 4, 1), (3, 4, 0), (4, 3, 0), (5, 5, 1)])
def test_an_event_has_four_units_and_four_windows_with_spikes(units: int, windows: int, events: int):
    """Windows of 20 ms from where the rate is first above its mean, many spikes in one step of each."""
    spikes = np.zeros((4000, 8))
    for step in range(windows):
        spikes[2000 + 4 * step, :units] = 9
    found = _events(spikes, np.ones(4000, dtype=bool), 200)
    assert len(found) == events


def test_a_session_by_hand():
    """A run up the track, and rest: fields in spikes a second, what a window expects, and who rests."""
    place = np.r_[np.linspace(2, 6, 1000), np.full(1000, 6.0)]
    counts = np.zeros((2000, 6))
    counts[np.arange(1000), np.arange(1000) // 200] = 1
    counts[1000:1040, 4] = 1  # as long as speed, over a quarter of a second, is that of running
    begin = 1500
    counts[begin + np.arange(40), np.arange(40) // 8] += 2
    found = session("a lens", counts, place, 200, 8, 0.05)
    assert (found.low, found.high) == (2.0, 6.0) and found.field.shape == (6, 8)
    assert found.expected.shape == (5, 8), "the sixth never fires"
    np.testing.assert_allclose(found.expected, np.maximum(found.field[:5], 0.05) * 0.02)
    assert found.expected.min() == 0.05 * 0.02 and found.field[0, 0] > 100
    np.testing.assert_allclose(found.field.sum(0), 200)
    assert len(found.events) == 1 and found.events[0, 0] < begin < begin + 40 < found.events[0, 1]
    assert found.seen.sum() == 80 and set(found.event) == {0} and set(found.heading[30:]) == {1.0}
    for words, message in (
        ((99.0, 8, 0.05), "100 steps a second or more and 4 bins or more, got 99 and 8"),
        ((200.0, 3, 0.05), "got 200 and 3"),
        ((np.inf, 8, 0.05), "got inf and 8"),
    ):
        with pytest.raises(BadInput, match=f"a lens: expected.*{message}"):
            session("a lens", counts, place, *words)
    assert len(session("a lens", counts, place, 100, 4, 0.05).field[0]) == 4
    assert session("a lens", counts[:, :4], place, 200, 8, 0.05).expected.shape == (4, 8)
    with pytest.raises(BadInput, match="4 units or more that fire in the run, got 3"):
        session("a lens", counts[:, [0, 1, 2, 5]], place, 200, 8, 0.05)


def test_rest_is_a_quarter_as_fast_or_a_second_of_no_place():
    """The same burst in four stretches: at 0.24 and 0.26 of running, and in gaps of 1 s and of less."""
    run = np.linspace(0, 1, 2000)  # 0.1 lengths a second
    slow, fast = (np.clip(1 - part * 0.05 * np.arange(800) / 200, 0, 1) for part in (0.24, 0.26))
    gap, short = np.full((2, 800), 1.0)
    gap[300:500], short[300:499] = np.nan, np.nan
    long = 0.95 + 0.05 * np.linspace(-1, 1, 800)  # 0.025 lengths a second
    counted = []
    for stretch in (
        slow,
        fast,
        np.where(np.isnan(gap), np.nan, long),
        np.where(np.isnan(short), np.nan, long),
    ):
        place = np.r_[run, stretch, np.full(2000, 0.5)]
        counts = np.zeros((len(place), 5))
        counts[np.arange(2000), np.arange(2000) // 400] = 1
        counts[2380 + np.arange(40), np.arange(40) // 8] += 3
        counted.append(len(session("a lens", counts, place, 200, 8, 0.05).events))
    assert counted == [1, 0, 1, 0]
