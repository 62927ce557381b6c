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


def test_ranks_at_the_level_pass_and_those_above_it_do_not():
    """Nineteen draws, none as large for the first of five events; one for each other, in one of the nulls."""
    sizes, fits = np.zeros((3, 19, 5)), np.zeros((3, 19, 5))
    sizes[0, 3, 1], sizes[1, 4, 2], sizes[2, 5, 3], fits[2, 6, 4] = 2, 2, 2, 2
    one = _sweeps.Judged(np.ones(5), np.ones(5), np.zeros((5, 2), dtype=int), sizes, fits)
    assert passes(one).tolist() == [[True, False, False, True, True], [True, True, True, True, False]]


def tiny() -> _sweeps.Session:
    """Two events of windows 0 1 3 and 2 4 5 7, ten bins of which the fifth was never run through."""
    expected = np.random.default_rng(0).random((4, 10)) + 0.1
    expected[:, 4] = np.nan
    seen = np.random.default_rng(1).integers(1, 4, (7, 4)).astype(float)
    event, slot = np.repeat([0, 1], [3, 4]), np.array([0.0, 1, 3, 2, 4, 5, 7])
    return _sweeps.Session(
        expected, expected, 0.0, 1.0, np.ones(99), np.zeros((2, 2), int), event, slot, seen
    )


@pytest.mark.parametrize("length", [1.0, 0.4])
def test_the_bins_of_a_sweep_by_hand(length: float):
    """From a first place that is drawn, up or down, at one speed; the nearest bin that was run through."""
    found = tiny()
    ups = set()
    for seed in range(20):
        bin, dice = _swept(found, length, np.random.default_rng(seed)), np.random.default_rng(seed)
        begin, up = dice.random(2) * (1 - length), dice.random(2) < 0.5
        for one, slots in enumerate(([0, 1, 3], [0, 2, 3, 5])):
            part = begin[one] + length * np.array(slots) / slots[-1]
            part = part if up[one] else 1 - part
            wanted = [min(int(10 * where), 9) for where in part]
            here = bin[found.event == one].tolist()
            assert here == [3 if where == 4 else where for where in wanted]
            ups.add(bool(up[one]))
    assert ups == {True, False}


def test_the_bins_of_disorder_and_the_spikes_by_hand():
    found, there = tiny(), [0, 1, 2, 3, 5, 6, 7, 8, 9]
    for seed in range(10):
        bin, dice = _disorder(found, np.random.default_rng(seed)), np.random.default_rng(seed)
        begins = dice.integers(2, size=2)
        stay = [(int(slot) + begins[one]) // 2 for one, slot in zip(found.event, found.slot, strict=True)]
        place = dice.choice(there, (2, max(stay) + 1))
        assert bin.tolist() == [place[one, at] for one, at in zip(found.event, stay, strict=True)]
    seen, dice = _spikes(found, bin, np.random.default_rng(5)), np.random.default_rng(5)
    for now, at in enumerate(bin):
        chance = found.expected[:, at] / found.expected[:, at].sum()
        assert seen[now].tolist() == dice.multinomial(int(found.seen[now].sum()), chance).tolist()


@pytest.mark.parametrize(("times", "planted"), [(1, 8), (2, 9)])
def test_shares_of_what_passes_by_hand(times: int, planted: int):
    """As many times all events as are needed for `planted` of them, planted in one order of draws."""
    found = _sweeps.session("replay", COUNTS, PLACE, RATE, 40, 0.05)
    many = len(found.events)
    assert many == 8
    again = _sweeps.Session(
        found.field, found.expected, found.low, found.high, found.heading,
        np.concatenate([found.events] * times),
        np.concatenate([found.event + many * one for one in range(times)]),
        np.concatenate([found.slot] * times), np.concatenate([found.seen] * times),
    )  # fmt: skip
    dice, passed = np.random.default_rng(3), []
    for bin in (_swept(again, 0.3, dice), _disorder(again, dice)):
        planned = again._replace(seen=_spikes(again, bin, dice))
        passed.append(passes(_sweeps.judged(planned, 19, 3)).sum(1))
    seen = replay_power(COUNTS, PLACE, RATE, planted=planted, length=0.3, draws=19, seed=3)
    np.testing.assert_allclose(seen.sweeps, passed[0] / (times * many))
    np.testing.assert_allclose(seen.disorder, (passed[1] + 1) / (times * many + 1))
    np.testing.assert_array_equal(seen.least, least(many, seen.sweeps, seen.disorder))
