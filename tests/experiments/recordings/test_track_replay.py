"""Replay on a track: the predicates, a made-up rat with and without it, and what is left out."""

import numpy as np
import pytest

from tests.answers import answers, exact_answers
from wavetrain.data.neural._linear_track import Track, linear_track
from wavetrain.errors import BadInput
from wavetrain.experiments.recordings import track_replay as module
from wavetrain.experiments.recordings.track_replay import (
    Scale,
    claim,
    moving,
    place_cells,
    rat,
    seen,
)
from wavetrain.train.lab import Lab

NAN = float("nan")
WHOLE = {"error": 0.1, "error_moved": 0.31}
WHOLE |= {f"{name}_{rule}": value for name, value in (("p", 0.05), ("least", NAN)) for rule in module.RULES}
QUICK = Scale(draws=39, planted=120, moves=2)


def test_each_part_on_either_side():
    assert answers(claim, WHOLE) == [True, True, True]
    assert answers(claim, WHOLE | {"error": 0.11}) == [False, True, True]
    for at, rule in enumerate(module.RULES, 1):
        for least, answer in ((0.1, False), (0.11, None), (NAN, None)):
            expected: list[bool | None] = [True, True, True]
            expected[at] = answer
            assert answers(claim, WHOLE | {f"p_{rule}": 0.051, f"least_{rule}": least}) == expected
    assert answers(claim, WHOLE | {"p_score": NAN}) == [True, None, True]  # without an event


def test_a_rat_whose_events_all_sweep_the_track_meets_all_limits():
    assert exact_answers("track_replay", "smoke") == [True, True, True]


def test_a_rat_without_replay_is_told_from_one_that_cannot_tell(tmp_path):
    """As many events of as many spikes, in no order: they do not pass, where nearly all sweeps would."""
    found = module._figures(rat(0, ordered=False), QUICK, Lab(tmp_path, seed=0))
    for rule in module.RULES:
        assert found[f"p_{rule}"] > 0.05 and found[f"sweeps_{rule}"] > 0.9 and found[f"least_{rule}"] < 0.2
    few = rat(0, ordered=False, events=8)
    assert answers(claim, module._figures(few, QUICK, Lab(tmp_path / "few", seed=0)))[1:] == [None, None]


def test_half_of_replay_is_seen(tmp_path):
    found = module._figures(rat(1, replays=0.5), QUICK, Lab(tmp_path, seed=0))
    assert answers(claim, found) == [True, True, True]
    assert found["least_score"] < 0.5 and 0.3 < found["passed_score"] < 0.7


def test_both_ends_of_the_run_are_left_out_where_no_place_is_known():
    """They would count as rest, which a long stretch without a place is."""
    made = rat(0, events=2)
    place = made.place.copy()
    place[:300] = place[made.run - 500 : made.run] = np.nan
    found = seen(made._replace(place=place))
    assert found.run == made.run - 800 and len(found.place) == len(made.place) - 800
    assert np.isfinite(found.place[: found.run]).all() and np.isnan(found.place[found.run :]).all()
    np.testing.assert_array_equal(found.counts[found.run :], made.counts[made.run :])
    np.testing.assert_array_equal(found.counts[: found.run], made.counts[300 : made.run - 500])


def test_only_what_moves_has_a_place():
    place = np.r_[np.zeros(400), 0.2 * np.arange(400), np.full(400, 80.0)]  # 40 pixels a second
    found = moving(Track(np.zeros((1200, 1)), place, 200.0, 1200))
    expected = np.zeros(1200, bool)
    expected[400:800] = True
    off = np.flatnonzero(np.isfinite(found) != expected)
    assert len(off) <= 50 and (np.abs(off - 400) <= 25).sum() + (np.abs(off - 800) <= 25).sum() == len(off)


def test_place_cells_have_a_field_and_are_not_busy():
    """Of units added to ten cells: one flat, one silent, one with a field of too few spikes, one too busy."""
    made = rat(0, events=1)
    dice, cell = np.random.default_rng(0), made.counts[:, 4]
    flat = dice.poisson(np.full(len(cell), 3 / 200))
    rare = cell * (dice.random(len(cell)) < 0.02)
    more = np.c_[flat, np.zeros(len(cell)), rare, 3 * cell]
    found = place_cells(made._replace(counts=np.c_[made.counts, more]))
    assert found.tolist() == [True] * 10 + [False] * 4


def test_the_recorded_rat_has_place_cells():
    try:
        track = linear_track()
    except BadInput as error:
        pytest.skip(str(error))
    assert 5 <= place_cells(seen(track)).sum() <= 15
