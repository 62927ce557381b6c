"""A plain rule watches beside a detector, and the words say whether it would have done as well."""

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
    assert seen.events[0].peak == 700 and seen.marked(seen.events[:1]) == [True]
    assert seen.rule == "ridge on lags" and max(seen.errors) < 1.3
    assert seen.alarms == (seen.found.alarm[500:].sum(), seen.plain.alarm[500:].sum())


def test_what_the_plain_rule_misses_is_said():
    """A value that alternates; where it stays for once, the last value is right and knows nothing."""
    values = np.tile([1.0, -1.0], 500) + 0.01 * np.random.default_rng(0).normal(size=1000)
    values[800:] = -values[800:]
    whole = panel(values)
    seen = Watch.learn(whole, AnomalyDetector("elman", width=4, depth=1, steps=5, context=4), share=0.5).look(
        whole
    )
    assert 800 in {one.first for one in seen.events} and "usual error is" in seen.verdict()
    both = sum(seen.marked(seen.events))
    told = f"marks {both} of these {len(seen.events)} events, in {seen.alarms[1]} alarms"
    assert told in seen.verdict()


@pytest.mark.parametrize(
    ("mine", "theirs", "word"),
    [
        ([700], [705], "it would have done as well"),
        ([700, 900], [700], "it would have missed 1"),
        ([700], [700, 750, 800], "it would have marked them too, among many rows more"),
        ([], [700], "has no alarm in new rows; the plain ridge on lags has 1"),
        ([100], [100], "has no alarm in new rows; the plain ridge on lags has 0"),  # it was learned from
    ],
)
def test_the_verdict(mine: list[int], theirs: list[int], word: str):
    seen = Watch.learn(spiked(), AnomalyDetector("seasonal_naive", season=5), share=0.5).look(spiked())
    for found, rows in ((seen.found, mine), (seen.plain, theirs)):
        found.alarm[:] = False
        found.alarm[rows] = True
    assert seen.rule == "ridge on lags" and seen.verdict().endswith(word)


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
    np.testing.assert_array_equal(theirs.plain.alarm, mine.plain.alarm)
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
    assert (first["time"], first["plain"], first["score"]) == ("700", True, seen.found.score[700])


def test_a_share_that_is_none_is_refused():
    with pytest.raises(BadInput, match="a share of rows to learn from, above 0 and up to 1, got 0"):
        Watch.learn(spiked(), SMALL, share=0)
