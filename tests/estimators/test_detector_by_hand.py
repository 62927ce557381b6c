"""What a detector is calibrated to, what it says of each row, and what foresees for it, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.estimators import AnomalyDetector
from wavetrain.estimators._anomalies import Recent
from wavetrain.estimators._foresight import Forecasts, Foreseen, Lags, Plain
from wavetrain.estimators._temporal import Temporal
from wavetrain.estimators.detector import _heads, _median, _told
from wavetrain.memories.temporal_memory import TemporalMemory
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series

NAN = np.nan
DICE = np.random.default_rng(0)
BEGIN, HOUR = moment("2024-01-01"), 3600 * 10**6


def two(first: int, second: int, clock: Clock | None = None) -> Panel:
    """Two series of three columns, of which the last two are watched."""
    parts = tuple(
        Series(
            name=name,
            values=level + DICE.normal(size=(rows, 3)),
            times=BEGIN + np.arange(rows) * HOUR if clock else None,
        )
        for name, rows, level in (("a", first, 0.0), ("b", second, 50.0))
    )
    return Panel(columns=("x", "y", "z"), series=parts, targets=("y", "z"), clock=clock)


def calibrated(
    model: AnomalyDetector, whole: Panel, seen: list[Foreseen], starts: list[int]
) -> AnomalyDetector:
    model._calibrate(whole, seen, starts)
    return model


def test_errors_of_several_series_are_calibrated_by_hand():
    """Centre and spread of each series and column; scores of all of them, and one threshold."""
    whole, starts = two(60, 40), [40, 25]
    seen = [Foreseen(DICE.normal(size=(len(one), 2))) for one in whole.series]
    whole.series[1].values[30:, 2], seen[0].expected[50] = NAN, NAN
    model = calibrated(AnomalyDetector(rate=0.1), whole, seen, starts)
    scores = []
    for place, (one, told, start) in enumerate(zip(whole.series, seen, starts, strict=True)):
        errors = (one.values[:, 1:] - told.expected)[start:]
        centre = np.nanmedian(errors, 0)
        spread = 1.4826 * np.nanmedian(np.abs(errors - centre), 0)
        np.testing.assert_allclose(model.centre_[place], centre)
        np.testing.assert_allclose(model.spread_[place], spread)
        apart = np.abs(errors - centre) / spread
        scores += [np.nan if np.isnan(row).all() else np.nanmax(row) for row in apart]
    scores = np.array(scores)
    np.testing.assert_allclose(model.history_, scores)
    held = np.sort(scores[~np.isnan(scores)])
    np.testing.assert_allclose(model.held_, held)
    assert len(held) == 34
    top = held[int(np.ceil(35 * 0.9)) - 1]
    assert (
        model.threshold_ == pytest.approx(top * (1 + 2e-5), rel=1e-12) and model.offset_ == -model.threshold_
    )


def test_a_column_of_which_nothing_is_expected_has_the_least_spread():
    """A millionth of the largest size before calibration, of each series and column."""
    whole, starts = two(60, 40), [40, 25]
    whole.series[1].values[:25, 1] = np.linspace(-300, 200, 25)
    whole.series[1].values[25:, 1] = 1e9
    seen = [Foreseen(np.zeros((60, 2))), Foreseen(np.zeros((40, 2)))]
    seen[1].expected[:, 0] = NAN
    model = calibrated(AnomalyDetector(rate=0.1), whole, seen, starts)
    assert model.centre_[1, 0] == 0 and model.spread_[1, 0] == pytest.approx(300e-6, rel=1e-12)
    assert model.spread_[0, 0] > 0.1


def test_surprises_of_several_series_are_calibrated_by_hand():
    """Alarms follow the likelihood, against surprises from half of what was learned on."""
    whole, starts = two(60, 40), [40, 25]
    surprises = [DICE.random(60), DICE.random(40)]
    whole.series[0].values[50, 1:] = NAN  # of a row without values there is none
    seen = [Foreseen(np.zeros((len(one), 2)), one) for one in surprises]
    model = calibrated(AnomalyDetector(rate=0.1), whole, seen, starts)
    surprises[0][50] = NAN
    history = np.concatenate([surprises[0][40:], surprises[1][25:]])
    np.testing.assert_array_equal(model.history_, history)
    z = np.concatenate(
        [
            Recent(surprises[0][20:40]).extend(surprises[0][40:]),
            Recent(surprises[1][12:25]).extend(surprises[1][25:]),
        ]
    )
    held = np.sort(z[~np.isnan(z)])
    np.testing.assert_allclose(model.held_, held)
    top = held[int(np.ceil((len(held) + 1) * 0.9)) - 1]
    assert len(held) == 34 and model.threshold_ == pytest.approx(top + 2e-5 * max(top, 1))
    quiet = [Foreseen(one.expected, np.linspace(1, 0, len(one.expected))) for one in seen]
    assert calibrated(AnomalyDetector(rate=0.1), whole, quiet, starts).threshold_ == 2e-5  # less is no alarm


def test_as_many_scores_as_a_rate_needs():
    whole = two(60, 40)
    for rate, rows in ((0.05, 19), (0.04, 24)):
        for count, enough in ((rows, True), (rows - 1, False)):
            seen = [Foreseen(np.zeros((60, 2))), Foreseen(np.full((40, 2), NAN))]
            seen[0].expected[20 + count :] = NAN
            model = AnomalyDetector(rate=rate)
            if enough:
                assert len(calibrated(model, whole, seen, [20, 20]).held_) == count
                continue
            message = rf"at least {rows} rows with a score .* a rate of {rate}, got {count} in 100 samples;"
            with pytest.raises(BadInput, match=message):
                calibrated(model, whole, seen, [20, 20])


@pytest.mark.parametrize("clock", [None, Clock(1, "hour")])
def test_all_that_is_told_of_rows_of_several_series(clock: Clock | None):
    whole = two(60, 40, clock)
    model = AnomalyDetector("last_value", rate=0.2).fit(whole)
    found = model.detect(whole)
    assert found.columns == ("y", "z") and found.series.tolist() == ["a"] * 60 + ["b"] * 40
    assert found.row.tolist() == [*range(60), *range(40)]
    values = [one.values[:, 1:] for one in whole.series]
    np.testing.assert_array_equal(found.value, np.concatenate(values))
    np.testing.assert_array_equal(found.expected[1:60], values[0][:-1])
    np.testing.assert_array_equal(found.expected[61:], values[1][:-1])
    assert np.isnan(found.expected[[0, 60]]).all()
    if clock:
        assert found.time[1] == "2024-01-01 01:00:00" and found.time[60] == "2024-01-01 00:00:00"
    else:
        assert found.time == (*map(str, range(60)), *map(str, range(40)))
    assert (model.columns_, model.targets_, model.series_) == (("x", "y", "z"), ("y", "z"), ("a", "b"))
    assert model.clock_ is clock and model.n_features_in_ == 3 and model.asked_ == {}
    apart = np.abs(np.diff(values[1], axis=0) - model.centre_[1]) / model.spread_[1]
    np.testing.assert_allclose(found.score[60:], np.r_[NAN, apart.max(1)])
    np.testing.assert_array_equal(model.decision_function(whole) < 0, found.alarm)
    assert model.predict(whole).tolist() == np.where(found.alarm, -1, 1).tolist()


def test_times_are_told_with_and_without_a_clock():
    whole, times = two(3, 3, Clock(1, "hour")), BEGIN + np.arange(2) * HOUR + 5
    assert _told(whole, None, 3) == ["0", "1", "2"]
    assert _told(replace(whole, clock=None), times, 2) == [
        "2024-01-01T00:00:00.000005",
        "2024-01-01T01:00:00.000005",
    ]


def test_the_first_rows_of_each_series():
    whole = two(6, 5, Clock(1, "hour"))
    one, other = _heads(whole, [4, 1]).series
    np.testing.assert_array_equal(one.values, whole.series[0].values[:4])
    np.testing.assert_array_equal(other.values, whole.series[1].values[:1])
    assert one.times is not None and one.times.tolist() == [BEGIN + row * HOUR for row in range(4)]
    assert other.times is not None and other.times.tolist() == [BEGIN]
    assert _heads(two(6, 5), [4, 1]).series[0].times is None


def test_medians_of_columns():
    rows = np.array([[1.0, NAN, 5.0, NAN], [4.0, NAN, NAN, 7.0], [2.0, NAN, 8.0, NAN]])
    assert _median(rows).tolist() == [2.0, 0.0, 6.5, 7.0]


def test_what_foresees_for_each_kind():
    """A season is that of the longest series, unless it is given; a last value has none."""
    wave, other = np.tile([0.0, 5, 1, 7, 2], 30), np.tile([3.0, 0, 9, 1], 20)
    parts = tuple(Series(name=name, values=one[:, None]) for name, one in (("a", other), ("b", wave)))
    head = Panel(columns=("y",), series=parts, targets=("y",))

    def foresees(layer: object, **words: object):  # type: ignore[no-untyped-def]
        return AnomalyDetector(layer, **words)._foresight(head)  # type: ignore[arg-type]

    for layer, kind, season in (("seasonal_naive", Plain, 5), ("ridge", Lags, 5), ("last_value", Plain, 1)):
        found = foresees(layer)
        assert isinstance(found, kind) and found.season == season  # type: ignore[union-attr]
        assert foresees(layer, season=3).season == (3 if season > 1 else 1)
    asked = {"context": 9, "season": 4, "width": 3, "depth": 1, "steps": 7, "random_state": 11}
    found = foresees("elman", learning_rate=0.5, **asked)
    assert isinstance(found, Forecasts) and found._name == "elman"
    told = found.model.get_params()
    assert {name: told[name] for name in asked} == asked and told["rate"] == 0.5 and told["layer"] == "elman"
    assert told["phases"] is False and told["horizon"] == 1
    hourly = two(60, 40, Clock(1, "hour"))
    assert AnomalyDetector("elman")._foresight(hourly).model.phases is True  # type: ignore[attr-defined]
    drawn = foresees("elman", random_state=np.random.RandomState(5)).model.random_state
    assert drawn == np.random.RandomState(5).randint(2**31 - 1)
    for layer in ("temporal_memory", TemporalMemory, TemporalMemory(128, 4)):
        assert isinstance(foresees(layer), Temporal)


def test_a_series_that_is_not_known_is_refused_with_some_that_are():
    model = AnomalyDetector("last_value")
    model.series_ = tuple("abcdefghijk")
    assert [model._place(name) for name in "ak"] == [0, 10]
    with pytest.raises(BadInput, match=r"^expected one of the series a, b, c, d, e, f, g, h, i; got 'z'$"):
        model._place("z")
    model.series_ = ("a",)
    assert model._place("anything") == 0
