"""Plain rules watch beside a detector, and the words say whether one would have done as well."""

from pathlib import Path

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.estimators import AnomalyDetector
from wavetrain.estimators.watch import Watch
from wavetrain.tables.panel import Panel, panel

SMALL = AnomalyDetector("elman", width=4, depth=1, steps=5)


def spiked(size: float = 15.0) -> Panel:
    values = np.random.default_rng(0).normal(size=1000)
    values[700] += size
    return panel(values)


def test_a_spike_that_anybody_sees_needs_no_layer():
    seen = Watch.learn(spiked(), SMALL, share=0.5).look(spiked())
    assert seen.learned.sum() == 500 and seen.calibrated.sum() == 150 and seen.calibrated[350:500].all()
    assert seen.events[0].peak == 700 and all(seen.marked(rule)[0] for rule in seen.plain)
    mine, *others = seen.rules()
    assert mine["name"] == "elman" and mine["alarms"] == seen.found.alarm[500:].sum()
    rules = ["last value", "ridge on lags", "exponential smoothing"]  # noise has no season
    assert [one["name"] for one in others] == rules
    assert mine["error"] < others[0]["error"] and mine["error"] == pytest.approx(1, abs=0.2)


def test_the_column_that_is_told_is_the_unusual_one_not_the_largest():
    """A spike of 15 among numbers of size 1, beside a column that always moves by 1000."""
    dice = np.random.default_rng(0)
    values = np.stack([dice.normal(size=1000), 1000 * dice.normal(size=1000)], 1)
    values[700, 0] += 15
    both = panel(values)
    seen = Watch.learn(both, AnomalyDetector("last_value"), share=0.5).look(both)
    told = seen.table()[0]
    assert told["column"] == both.columns[0] and told["value"] == values[700, 0]


def test_a_layer_is_held_against_what_it_starts_from():
    """An untrained layer adds nothing, and the words say so."""
    whole = panel(np.sin(np.arange(1200) / 3) + 0.1 * np.random.default_rng(0).normal(size=1200))
    whole.series[0].values[[700, 900], 0] = 9.0
    hardly = AnomalyDetector("elman", width=4, depth=1, steps=1, context=32)
    seen = Watch.learn(whole, hardly, share=0.5).look(whole)
    start = seen.plain["ridge on 32 rows"]
    np.testing.assert_allclose(seen.found.expected, start.expected, atol=0.1)
    assert seen.errors["elman"] == pytest.approx(seen.errors["ridge on 32 rows"], rel=0.1)
    assert seen.events and "would have done as well" in seen.verdict()


def test_a_rule_is_held_against_the_others():
    season = AnomalyDetector("seasonal_naive", season=5)
    seen = Watch.learn(spiked(), season, share=0.5).look(spiked())
    assert seen.layer == "seasonal naive (5)" and list(seen.plain) == ["last value", "ridge on lags"]


@pytest.mark.parametrize(
    ("mine", "last", "ridge", "word"),
    [
        ([700], [705], [], "the plain last value would have done as well: it marks the same events"),
        ([700, 900], [700], [], "last value, which comes nearest, misses 1 of 2, with 1 alarms against 2"),
        (
            [700],
            [700, 750],
            [700, 750, 800],
            "the plain last value marks the same events, with 2 alarms against 1",
        ),
        ([], [700], [], "has no alarm in new rows"),
        ([100], [100], [], "has no alarm in new rows"),  # it was learned from
    ],
)
def test_the_verdict(mine: list[int], last: list[int], ridge: list[int], word: str):
    seen = Watch.learn(spiked(), AnomalyDetector("seasonal_naive", season=5), share=0.5).look(spiked())
    for found, rows in zip((seen.found, *seen.plain.values()), (mine, last, ridge), strict=True):
        found.alarm[:] = False
        found.alarm[rows] = True
    assert word in seen.verdict()
    assert ("; ridge on lags foresees no worse" in seen.verdict()) == bool(seen.events)


def test_events_join_alarms_that_are_near_and_of_one_series():
    seen = Watch.learn(spiked(), AnomalyDetector("seasonal_naive", season=5), share=0.5).look(spiked())
    found = seen.found
    found.alarm[:] = False
    found.alarm[[600, 605, 615, 626, 700]] = True
    events = {(one.first, one.last, one.alarms) for one in seen.events}
    assert events == {(600, 615, 3), (626, 626, 1), (700, 700, 1)} and seen.events[0].first == 700
    found.series[610:] = "other"
    assert {(one.first, one.last) for one in found.events()} == {
        (600, 605),
        (615, 615),
        (626, 626),
        (700, 700),
    }


def test_it_is_kept_with_its_plain_rule(tmp_path: Path):
    watch = Watch.learn(spiked(), SMALL, share=0.5)
    watch.save(tmp_path / "a")
    kept = Watch.load(tmp_path / "a")
    mine, theirs = watch.look(spiked()), kept.look(spiked())
    np.testing.assert_array_equal(theirs.found.score, mine.found.score)
    for rule in mine.plain:
        np.testing.assert_array_equal(theirs.plain[rule].alarm, mine.plain[rule].alarm)
    assert not theirs.learned.any() and kept.layer == "elman"


def test_rows_and_picture_hold_what_was_found():
    seen = Watch.learn(spiked(), SMALL, share=0.5).look(spiked())
    header, *rows = seen.rows()
    assert header == ["series", "time", "y", "y expected", "score", "likelihood", "p", "alarm", "part"]
    assert len(rows) == 1000 and rows[0][3] == "" and rows[700][-2:] == [1, "new"]
    assert [row[-1] for row in rows].count("calibration") == 150
    drawn = seen.picture("mine.csv")
    assert drawn.title == "Alarms of elman in mine.csv" and drawn.alarm[700] and drawn.learned == 500
    assert drawn.threshold == seen.threshold and not drawn.dates and drawn.ylabel == "y"
    first = seen.table()[0]
    assert (first["time"], first["plain"], first["score"]) == ("700", 3, seen.found.score[700])


def test_a_share_that_is_none_is_refused():
    with pytest.raises(BadInput, match="a share of rows to learn from, above 0 and up to 1, got 0"):
        Watch.learn(spiked(), SMALL, share=0)
