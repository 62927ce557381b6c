"""Planted sweeps and planted disorder: how often each passes, and how many must be there to be seen."""

import numpy as np
import pytest
from scipy import stats

from tests.lenses.population.test_replay import RATE, recorded
from wavetrain.errors import BadInput
from wavetrain.lenses.population import _sweeps
from wavetrain.lenses.population.replay import replay
from wavetrain.lenses.population.replay_power import _disorder, _spikes, _swept, least, passes, replay_power

COUNTS, PLACE, _ = recorded(0, events=8)


def test_sweeps_of_many_spikes_pass_and_disorder_does_not():
    """As many spikes as in the sweeps of `recorded`, of which nine tenths pass."""
    found = replay_power(COUNTS, PLACE, RATE, planted=60, draws=39)
    assert found.events == len(replay(COUNTS, PLACE, RATE, draws=1).start) > 5
    assert (found.sweeps > 0.8).all() and (found.disorder < 0.2).all()
    assert (found.least > 0).all() and (found.least < 0.6).all()


def test_with_a_spike_in_each_window_sweeps_are_seen_less_often():
    events = _sweeps.session("replay", COUNTS, PLACE, RATE, 40, 0.05).events
    few = COUNTS.copy()
    for begin, end in events:
        for at in range(begin, end):
            units = np.flatnonzero(few[at])
            few[at, units[1:]] = 0
            few[at, units[:1]] = (at - begin) % 4 == 0
    many = replay_power(COUNTS, PLACE, RATE, planted=60, draws=39)
    one = replay_power(few, PLACE, RATE, planted=60, draws=39)
    assert one.events > 0 and (one.sweeps < many.sweeps).all()


def test_what_is_planted_keeps_the_spikes_of_each_window(monkeypatch: pytest.MonkeyPatch):
    found = _sweeps.session("replay", COUNTS, PLACE, RATE, 40, 0.05)
    given = []

    def noted(one: _sweeps.Session, draws: int, seed: int) -> _sweeps.Judged:
        given.append(one)
        return _sweeps.judged(one, draws, seed)

    monkeypatch.setattr("wavetrain.lenses.population.replay_power.judged", noted)
    many = len(found.events)
    replay_power(COUNTS, PLACE, RATE, planted=2 * many + 1, draws=1)
    assert len(given) == 2 and not np.array_equal(given[0].seen, given[1].seen)
    for one in given:
        assert np.bincount(one.event).tolist() == np.bincount(found.event).tolist() * 3
        np.testing.assert_array_equal(one.seen.sum(1), np.tile(found.seen.sum(1), 3))
        np.testing.assert_array_equal(one.slot, np.tile(found.slot, 3))
        np.testing.assert_array_equal(one.expected, found.expected)


@pytest.mark.parametrize("length", [1.0, 0.5])
def test_a_sweep_goes_through_its_length_of_the_track(length: float):
    """The best lines of planted sweeps, in bins from the first window to the last."""
    found, dice = _sweeps.session("replay", COUNTS, PLACE, RATE, 40, 0.05), np.random.default_rng(0)
    lines = []
    for _ in range(6):
        planted = found._replace(seen=_spikes(found, _swept(found, length, dice), dice))
        lines.append(_sweeps.judged(planted, 1, 0).line)
    went = np.diff(np.concatenate(lines), axis=1).ravel()
    assert abs(np.median(np.abs(went)) / 40 - length) < 0.1
    assert 0.2 < (went > 0).mean() < 0.8


def test_disorder_stays_for_two_windows_and_goes_anywhere():
    found, dice = _sweeps.session("replay", COUNTS, PLACE, RATE, 40, 0.05), np.random.default_rng(0)
    lasts, bins = [], []
    for _ in range(40):
        bin = _disorder(found, dice)
        for one in range(len(found.events)):
            here = bin[found.event == one]
            change = np.flatnonzero(np.diff(here))
            lasts.extend(np.diff(change))
            bins.extend(here[change])
    assert min(lasts) <= 2 and np.mean(np.array(lasts) == 2) > 0.8  # longer where a place is drawn twice
    assert set(bins) == set(range(40))


def test_the_least_share_is_that_at_which_enough_pass_in_four_of_five():
    sweeps, disorder = np.array([0.6, 0.9]), np.array([0.01, 0.05])
    share = least(80, sweeps, disorder)
    enough = stats.binom.isf(0.05, 80, disorder) + 1
    assert (stats.binom.sf(enough - 1, 80, disorder) <= 0.05).all()
    assert (stats.binom.sf(enough - 2, 80, disorder) > 0.05).all()
    chance = share * sweeps + (1 - share) * disorder
    np.testing.assert_allclose(stats.binom.sf(enough - 1, 80, chance), 0.8)


def test_what_could_not_be_seen_if_all_were_sweeps_has_no_share():
    share = least(20, np.array([0.1, 0.05]), np.array([0.05, 0.05]))
    assert np.isnan(share).all()  # too few would pass; sweeps pass no more often than disorder
    assert np.isnan(least(1, np.array([0.9, 0.5]), np.array([0.06, 0.1]))).all()  # one event is not enough


def test_a_recording_without_events_says_nothing():
    counts = COUNTS.copy()
    counts[8000:] = 0
    found = replay_power(counts, PLACE, RATE, planted=5, draws=3)
    assert found.events == 0 and np.isnan([found.sweeps, found.disorder, found.least]).all()


def test_an_event_passes_by_the_two_of_the_score_or_by_the_fit():
    found = _sweeps.judged(_sweeps.session("replay", COUNTS, PLACE, RATE, 40, 0.05), 39, 0)
    same = replay(COUNTS, PLACE, RATE, draws=39)
    np.testing.assert_array_equal(passes(found)[0], (same.p_cells <= 0.05) & (same.p_order <= 0.05))
    np.testing.assert_array_equal(passes(found)[1], same.p_fit <= 0.05)


@pytest.mark.parametrize("words", [{"planted": 0}, {"length": 0.0}, {"length": 1.1}])
def test_what_cannot_be_planted_is_refused(words):
    with pytest.raises(BadInput, match="1 planted event or more and a length above 0 and up to 1"):
        replay_power(COUNTS, PLACE, RATE, **words)
    with pytest.raises(BadInput, match="replay power: expected 4 units or more"):
        replay_power(COUNTS[:, :3], PLACE, RATE)
