"""Replay that was planted at rest, events without an order, and what must not come into either."""

import numpy as np
import pytest
import torch

from wavetrain.data.neural._linear_track import linear_track
from wavetrain.errors import BadInput
from wavetrain.lenses.population.replay import Replay, replay
from wavetrain.lenses.space.place_fields import place_fields

RATE = 200
CENTRES = np.linspace(0.0, 1.0, 16)
SPAN = 40  # steps of an event, 0.2 s


def fields(place: np.ndarray) -> np.ndarray:
    """Spikes per second of 16 cells, of fields with a deviation of a fifteenth of the track."""
    return 0.2 + 20 * np.exp(-((place[:, None] - CENTRES) ** 2) / (2 / 15**2))


def recorded(
    seed: int, ordered: bool = True, events: int = 30, noise: float = 0.2
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eight runs of 5 s, the last down the track, and a rest with events: counts, places, ways of events.

    In an event six times as many spikes come as in a run, along a sweep of the whole track. Without an order,
    places of its windows, of 20 ms, are drawn again. At rest all cells fire at `noise` per second.
    """
    dice = np.random.default_rng(seed)
    to = np.linspace(0, 1, 5 * RATE)
    run = np.concatenate([to, to[::-1]] * 4)
    rest = np.full((events, 400, len(CENTRES)), noise)
    ways = dice.choice([-1, 1], events)
    for one, way in zip(rest, ways, strict=True):
        sweep = np.linspace(0, 1, SPAN) if way > 0 else np.linspace(1, 0, SPAN)
        one[60 : 60 + SPAN] += 6 * fields(sweep if ordered else np.repeat(dice.random(SPAN // 4), 4))
    hertz = np.concatenate([fields(run), rest.reshape(-1, len(CENTRES))])
    place = np.concatenate([run, np.zeros(400 * events)])
    return dice.poisson(hertz / RATE).astype(float), place, ways


@pytest.fixture(scope="module")
def planted() -> tuple[Replay, np.ndarray]:
    counts, place, ways = recorded(0)
    return replay(counts, place, RATE, draws=99), ways


def test_planted_replay_is_found_with_its_way_speed_and_time(planted):
    """Nine tenths or more of 30 sweeps, and nothing else; the animal ran down the track last."""
    found, ways = planted
    planned = 40 + 2.0 * np.arange(30) + 0.3
    of = np.abs(found.start[:, None] - planned).argmin(1)
    assert len(found.start) >= 27 and len(set(of)) == len(of)
    np.testing.assert_allclose(found.start, planned[of], atol=0.06)
    assert (found.direction == -ways[of]).all() and (np.sign(found.score) == ways[of]).all()
    assert found.share >= 0.9 and found.p == 0.01
    assert (found.p_places <= 0.05).mean() >= 0.9 and (found.p_fit <= 0.05).mean() >= 0.8
    np.testing.assert_allclose(np.median(np.abs(found.speed)), 1 / 0.2, rtol=0.15)
    assert (np.sign(found.speed) == ways[of]).all() and found.fit.min() > 0.5


@pytest.mark.parametrize("name", ["p_cells", "p_order"])
def test_each_null_passes_as_often_as_it_says(name: str):
    """240 events: of sweeps of cells whose names are exchanged in each, or whose steps of 5 ms are."""
    seen = []
    for seed in range(8):
        dice = np.random.default_rng(100 + seed)
        counts, place, _ = recorded(seed)
        for begin in 8060 + 400 * np.arange(30):
            event = slice(begin, begin + SPAN)
            counts[event] = dice.permutation(counts[event], axis=1 if name == "p_cells" else 0)
        seen.append(replay(counts, place, RATE, draws=39, seed=seed))
    p = np.concatenate([getattr(one, name) for one in seen])
    deviation = 3 / np.sqrt(len(p))
    assert len(p) > 220 and p.min() == 1 / 40
    assert abs((p <= 0.05).mean() - 0.05) < deviation * np.sqrt(0.05 * 0.95)
    assert abs(p.mean() - 0.5 * (1 + 1 / 40)) < deviation * np.sqrt(1 / 12)
    joint = [one.p for one in seen]
    fits = np.concatenate([one.p_fit for one in seen])
    assert (fits <= 0.05).mean() < 0.05 + deviation * np.sqrt(0.05 * 0.95)
    assert np.mean(joint) > 0.35 and np.mean([one.share for one in seen]) < 0.05 + deviation * 0.22


def test_fields_round_a_ring_pass_as_often_as_p_places_says():
    """In each of 180 events all fields have moved round a ring-shaped track, each by an amount of its own."""

    def near(place: np.ndarray, centre: np.ndarray) -> np.ndarray:
        off = (place[:, None] - centre + 0.5) % 1 - 0.5
        return 0.2 + 20 * np.exp(-(off**2) / (2 / 15**2))

    seen = []
    for seed in range(6):
        dice = np.random.default_rng(seed)
        run = np.concatenate([np.linspace(0, 1, 1000)] * 8)
        rest = np.full((30, 400, 16), 0.2)
        for one in rest:
            one[60 : 60 + SPAN] += 6 * near(np.linspace(0, 1, SPAN), dice.random(16))
        hertz = np.concatenate([near(run, dice.random(16)), rest.reshape(-1, 16)])
        place = np.concatenate([run, np.zeros(400 * 30)])
        seen.append(replay(dice.poisson(hertz / RATE).astype(float), place, RATE, draws=39, seed=seed))
    p = np.concatenate([one.p_places for one in seen])
    deviation = 3 / np.sqrt(len(p))
    assert len(p) > 150 and p.min() == 1 / 40
    assert abs((p <= 0.05).mean() - 0.05) < deviation * np.sqrt(0.05 * 0.95)
    assert abs(p.mean() - 0.5 * (1 + 1 / 40)) < deviation * np.sqrt(1 / 12)


def test_a_stay_at_one_place_fits_a_line_and_is_none():
    """Thirty events at one place each: the best line is nearly flat, and any order of windows fits it too."""
    dice = np.random.default_rng(0)
    counts, place, _ = recorded(0)
    for begin in 8060 + 400 * np.arange(30):
        at = fields(np.full(SPAN, dice.random()))
        counts[begin : begin + SPAN] = dice.poisson(7 * at / RATE)
    found = replay(counts, place, RATE, draws=39)
    assert len(found.fit) > 25 and np.median(found.fit) > 0.6
    assert (found.p_fit <= 0.05).mean() < 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(found.fit))


def test_places_drawn_again_and_again_are_no_replay_for_all_that_each_is_a_place():
    """Windows that tell a place each, in no order: far fewer than of sweeps beat both nulls."""
    assert replay(*recorded(0, ordered=False)[:2], RATE, draws=99).share < 0.2


def test_time_reversed_rest_is_replay_the_other_way(planted):
    found, _ = planted
    counts, place, _ = recorded(0)
    counts[8000:] = counts[8000:][::-1]
    back = replay(counts, place, RATE, draws=9)
    start = 40 + 60 - (back.start - 40 + back.duration)[::-1]
    np.testing.assert_allclose(start, found.start, atol=1e-9)
    assert (np.sign(back.score[::-1]) == -np.sign(found.score)).all()


def test_spikes_that_come_at_rest_are_in_no_field():
    """One in each step of the run and five in each of the rest, at the end of the track: 200 a second."""
    counts, place, _ = recorded(1)
    flat = np.where(np.arange(len(place)) < 8000 + RATE // 8, 1.0, 5.0)  # speed is taken over 1/4 s
    runs = replay(np.c_[counts, flat], place, RATE, draws=1).field[-1]
    np.testing.assert_allclose(runs, 200.0)


def test_where_it_liked_to_be_is_not_read_into_replay(planted):
    """Nine tenths of the time at one end, and slow runs there: places are read as before."""
    counts, place, _ = recorded(0)
    slow = np.linspace(0, 0.1, 2000)  # 0.1 lengths in 10 s, under the speed of running
    slow = np.concatenate([slow, slow[::-1]] * 10)
    more = np.random.default_rng(1).poisson(fields(slow) / RATE)
    found = replay(np.r_[more, counts], np.r_[slow, place], RATE, draws=1)
    assert np.array_equal(found.field[:, 8:], planted[0].field[:, 8:])  # beyond where both are joined


def test_where_nothing_fires_together_there_are_no_events():
    counts, place, _ = recorded(2)
    counts[8000:] = 0
    found = replay(counts, place, RATE, draws=9)
    assert found.ends.shape == (0, 2) and found.null.shape == (2, 9)
    assert (
        all(len(part) == 0 for part in (*found[:5], *found[6:11])) and np.isnan([found.share, found.p]).all()
    )


def test_bursts_in_a_run_are_no_events_and_a_lost_place_for_a_moment_is_no_rest():
    counts, place, _ = recorded(3)
    place[2000:2100] = np.nan  # half a second in a run
    for begin in (1300, 2030, 3500):
        counts[begin + np.arange(32), np.arange(32) // 2] += 3
    assert replay(counts, place, RATE, draws=1).start.min() > 40
    place[8000:] = np.nan  # for a minute
    assert len(replay(counts, place, RATE, draws=1).start) >= 27


def test_a_silent_unit_changes_nothing(planted):
    counts, place, _ = recorded(0)
    found = replay(np.c_[counts, np.zeros(len(counts))], place, RATE, draws=99)
    np.testing.assert_array_equal(found.p_cells, planted[0].p_cells)
    np.testing.assert_array_equal(found.score, planted[0].score)


COUNTS, PLACE, _ = recorded(4, events=2)


@pytest.mark.parametrize(
    ("counts", "place", "words", "message"),
    [
        (COUNTS, PLACE[1:], {}, "of the same steps"),
        (COUNTS - 1, PLACE, {}, "whole numbers"),
        (COUNTS / 2, PLACE, {}, "whole numbers"),
        (np.where(COUNTS > 0, np.nan, COUNTS), PLACE, {}, "whole numbers"),
        (COUNTS, np.full_like(PLACE, np.nan), {}, "finite places"),
        (COUNTS, np.where(PLACE > 0.9, np.inf, PLACE), {}, "finite places"),
        (COUNTS, np.zeros_like(PLACE), {}, "a track with a length"),
        (COUNTS, PLACE, {"running": 0.0}, "a track with a length"),
        (COUNTS, PLACE, {"running": 9.0}, "a run faster than 9"),
        (COUNTS, PLACE, {"rate": 50}, "100 steps a second"),
        (COUNTS, PLACE, {"bins": 3}, "4 bins or more"),
        (COUNTS[:, :3], PLACE, {}, "4 units or more that fire in the run, got 3"),
    ],
)
def test_what_does_not_fit_is_refused(counts, place, words, message):
    with pytest.raises(BadInput, match=message):
        replay(counts, place, **({"rate": RATE} | words))


def test_a_rat_on_a_track_that_rests_afterwards():
    """A fact sheet's place cells, too few to tell replay: no more beat both than 5% and chance leave."""
    try:
        track = linear_track(RATE)
    except BadInput as error:
        pytest.skip(str(error))
    counts, place = track.counts, track.place
    runs = np.where(np.abs(np.gradient(place, 1 / RATE)) > 20, place, np.nan)
    maps = place_fields(torch.tensor(counts)[None], torch.tensor(runs)[None, :, None], 40, 1.5, shifts=0)
    peak = RATE * np.nanmax(maps.rate, 1)
    cells = (peak > 1) & (maps.information > 0.5) & (RATE * counts.mean(0) < 5)
    found = replay(counts[:, cells], place, RATE, draws=99)
    many = len(found.start)
    assert 5 <= cells.sum() <= 15 and many > 20
    assert found.share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / many)
