"""A detector calibrates on what it learned from alone, scores each row at its place, and streams."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from wavetrain.errors import BadInput
from wavetrain.estimators import AnomalyDetector
from wavetrain.estimators._anomalies import (
    HISTORY,
    RECENT,
    Anomalies,
    Recent,
    deviations,
    likelihood,
    shares,
)
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.memories.temporal_memory import Dendrites, TemporalMemory
from wavetrain.tables.anomaly_metrics import pointwise
from wavetrain.tables.baselines import SeasonalNaive
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series

DICE = np.random.default_rng(0)
TINY = TemporalMemory(128, 4, Dendrites(activation=2, matching=2, grow=4))


def detector(layer: object = "elman", **words: object) -> AnomalyDetector:
    return AnomalyDetector(layer, **{"width": 4, "depth": 1, "steps": 5, **words})  # type: ignore[arg-type]


def timed(values: np.ndarray, hours: int = 1) -> Panel:
    """Values by the hour, from a Monday on."""
    times = moment("2024-01-01") + np.arange(len(values)) * hours * 3600 * 10**6
    one = Series(name="", values=values.reshape(len(values), -1), times=times)
    names = tuple(f"y{place}" if place else "y" for place in range(one.values.shape[1]))
    return Panel(columns=names, series=(one,), targets=names, clock=Clock(hours, "hour"))


def spiked(at: int = 700, rows: int = 1000) -> np.ndarray:
    values = np.random.default_rng(3).normal(size=rows)
    values[at] += 20
    return values


@pytest.mark.parametrize("layer", ["gru", "s4d", "elman"])
def test_a_spike_has_the_largest_score_at_its_own_row(layer: str):
    values = spiked()
    model = detector(layer).fit(values[:500])
    found = model.detect(values)
    assert len(found) == len(found.time) == 1000 and int(np.nanargmax(found.score)) == 700
    assert found.alarm[700] and found.score[700] > 10 and found.value[700, 0] == values[700]
    warm = model.foresight_.model.context_  # type: ignore[attr-defined]
    assert np.isnan(found.score[:warm]).all() and np.isfinite(found.score[warm:]).all()
    assert not found.alarm[:warm].any() and 0 < warm < 100
    assert found.likelihood[700] > 0.99 and found.events()[0].peak == 700


def test_the_threshold_knows_nothing_of_the_rows_that_are_watched():
    values = spiked()
    model = detector().fit(values[:500])
    threshold, before = model.threshold_, model.detect(values)
    loud = np.concatenate([values[:500], 3 * values[500:]])
    after = model.detect(loud)
    assert model.threshold_ == threshold
    np.testing.assert_array_equal(after.score[:500], before.score[:500])
    assert after.alarm[500:].sum() > 5 * before.alarm[500:].sum()


@pytest.mark.parametrize("layer", ["last_value", "elman", pytest.param(TINY, id="temporal_memory")])
def test_clean_rows_have_as_many_alarms_as_asked_for(layer: object):
    values = np.random.default_rng(5).normal(size=20_000)
    values = np.sin(np.arange(20_000) / 4) + 0.3 * values
    model = detector(layer).fit(values[:10_000])
    rate = model.detect(values[10_000:]).alarm.mean()
    assert 0.005 < rate < 0.02


def test_random_scores_are_worth_little_and_a_detector_more():
    """Twenty spikes of 5 in 4,000 rows of noise; the plain score of rows is the one that counts."""
    values, truth = np.random.default_rng(6).normal(size=8000), np.zeros(4000, bool)
    truth[100::200] = True
    values[4000:][truth] += 8
    alarm = detector().fit(values[:4000]).detect(values).alarm[4000:]
    found = pointwise(truth=truth, alarm=alarm)
    drawn = np.random.default_rng(7).permutation(alarm)
    assert found.recall > 0.9 and found.f1 > 0.4 and pointwise(truth=truth, alarm=drawn).f1 < 0.1


@pytest.mark.parametrize("layer", ["last_value", "ridge", "elman", pytest.param(TINY, id="temporal_memory")])
@pytest.mark.parametrize("size", [1, 7])
def test_a_stream_is_equal_to_the_batch_however_it_is_cut(layer: object, size: int):
    whole = timed(np.sin(np.arange(500) / 4) + 0.1 * DICE.normal(size=500))
    model = detector(layer, rate=0.05).fit(whole.cut(0, 300))
    batch, stream, (one,) = model.detect(whole), model.stream(), whole.series
    assert one.times is not None
    parts = [
        stream.extend(one.values[first : first + size], one.times[first : first + size])
        for first in range(0, 500, size)
    ]
    for name in ("expected", "score", "likelihood", "unusual", "p", "alarm"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(batch, name), rtol=1e-5, atol=1e-7, err_msg=name)
    again = model.detect(whole)
    np.testing.assert_array_equal(again.score, batch.score)  # and nothing was learned from it


@pytest.mark.parametrize("layer", ["seasonal_naive", "ridge", "elman"])
def test_steps_that_were_left_out_of_a_stream_are_missing_rows(layer: str):
    whole = timed(np.sin(np.arange(400) / 4) + 0.1 * DICE.normal(size=400))
    model = detector(layer, rate=0.05).fit(whole.cut(0, 300))
    whole.series[0].values[320:327] = np.nan
    values, times = whole.series[0].values, whole.series[0].times
    assert times is not None
    there = ~np.isnan(values[:, 0])
    batch, found = model.detect(whole), model.stream().extend(values[there], times[there])
    np.testing.assert_allclose(found.expected, batch.expected[there], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.score, batch.score[there], rtol=1e-5, atol=1e-7)


def test_one_row_is_pushed_and_judged():
    stream = detector("seasonal_naive", season=2, rate=0.05).fit(DICE.normal(size=100)).stream()
    judged = [stream.push(value) for value in (0.0, 1.0, 0.0, 99.0)]
    assert np.isnan([one.score for one in judged[:2]]).all() and judged[2].expected.tolist() == [0.0]
    assert not judged[2].alarm and judged[3].alarm and judged[3].expected.tolist() == [1.0]
    assert judged[3].p == pytest.approx(1 / 31)


def test_what_is_missing_has_no_score_and_no_alarm():
    values = DICE.normal(size=(600, 2))
    values[450, 0], values[460:463] = np.nan, np.nan
    values[463] = 50.0
    found = detector().fit(values[:400]).detect(values)
    assert np.isfinite(found.score[450]) and np.isnan(found.score[460:463]).all()
    assert np.isnan(found.p[460:463]).all() and not found.alarm[460:463].any() and found.alarm[463]


def test_series_of_any_level_are_held_to_their_own_errors():
    rows = [1000 * DICE.normal(size=400) + 1e5, DICE.normal(size=600)]
    model = detector("last_value").fit(rows)
    assert model.spread_[0, 0] > 100 * model.spread_[1, 0]
    rows[1][500] = 20.0
    found = model.detect(rows)
    assert found.series.tolist() == ["0"] * 400 + ["1"] * 600 and found.row[400] == 0
    assert {int(found.row[place]) for place in np.flatnonzero(found.unusual > 9)} == {500, 501}
    with pytest.raises(BadInput, match="one of the series 0, 1; got '2'"):
        model.stream("2")


def test_units_change_nothing():
    values = spiked()
    one, other = detector().fit(values[:500]), detector().fit(1e6 * values[:500] + 1e7)
    np.testing.assert_allclose(
        one.detect(values).score, other.detect(1e6 * values + 1e7).score, rtol=1e-3, atol=1e-3
    )


def test_a_memory_is_surprised_where_a_sequence_that_it_knows_breaks_off():
    """Seven levels in a fixed order; from row 1403 on they come backwards."""
    order = np.array([1.0, 5, 2, 7, 3, 6, 4])
    values = np.concatenate([np.tile(order, 200), order[:3], np.tile(order[::-1], 3)])
    model = detector("temporal_memory", calibration=0.2).fit(timed(values[:1200], hours=24))
    found = model.detect(timed(values, hours=24))
    assert np.nanmax(found.score[1200:1403]) < 0.2 and found.score[1403:1408].max() > 0.8
    assert not found.alarm[1200:1403].any() and found.alarm[1403:1412].any()
    assert found.likelihood[1403:1412].max() > 0.999
    assert np.abs(found.expected - found.value)[1300:1403].mean() < 1.0
    assert np.isnan(found.score[:RECENT]).all()


@pytest.mark.parametrize("layer", ["last_value", pytest.param(TINY, id="temporal_memory")])
def test_a_series_that_stands_still_has_no_alarm_until_it_moves(layer: object):
    values = np.zeros(800)
    values[:5], values[500] = 1.0, 1.0
    found = detector(layer).fit(values[:400]).detect(values)
    (event,) = found.events(np.arange(400, 800))
    assert event.first == 500 and event.last <= 500 + RECENT


def test_the_likelihood_is_that_of_the_formula():
    scores = np.random.default_rng(1).random(HISTORY + 300)
    found = deviations(scores)
    for row in (50, 5000, HISTORY + 299):
        before = scores[max(0, row - HISTORY) : row]
        z = (scores[row + 1 - RECENT : row + 1].mean() - before.mean()) / before.std()
        assert found[row] == pytest.approx(z, rel=1e-9)
    assert likelihood(np.array([1.6448536])) == pytest.approx(0.95)
    one, whole = Recent(scores[:1]), Recent(scores[:1])
    singly = [one.extend(scores[row : row + 1])[0] for row in range(1, 300)]
    np.testing.assert_allclose(singly, whole.extend(scores[1:300]), rtol=1e-9)
    one.extend(scores[300:])
    assert len(one.scores) == HISTORY + RECENT  # and does not grow
    assert one.extend(scores[:1])[0] == pytest.approx(deviations(np.append(scores, scores[0]))[-1])


def test_rows_without_a_score_are_passed_over():
    scores = np.random.default_rng(1).random(40)
    holed = np.insert(scores, [5, 20, 20], np.nan)
    plain, found = Recent(scores[:2]).extend(scores[2:]), Recent(holed[:2]).extend(holed[2:])
    np.testing.assert_allclose(found[~np.isnan(holed[2:])], plain)
    assert np.isnan(found[np.isnan(holed[2:])]).all()
    assert np.isnan(Recent(scores).extend(np.array([np.nan]))).all()
    begun = Recent(np.append(np.nan, scores))
    assert begun.scores.tolist() == scores.tolist()
    assert len(Recent(np.arange(HISTORY + 50.0)).scores) == HISTORY
    assert Recent(np.arange(HISTORY + 50.0)).scores[0] == 50


def test_the_first_two_scores_are_no_more_unusual_than_others():
    for size in (1, 4):
        parts = [np.array([1.0, 2.0, 4.0, 8.0])[at : at + size] for at in range(0, 4, size)]
        recent = Recent(np.zeros(0))
        z = np.concatenate([recent.extend(part) for part in parts])
        assert np.isnan(z[:2]).all()
        assert z[2:] == pytest.approx([(7 / 3 - 1.5) / 0.5, (15 / 4 - 7 / 3) / np.std([1, 2, 4])])


def test_scores_that_hardly_vary_have_a_least_deviation():
    for size in (1, 2):  # one by one, and together
        z = Recent(np.zeros(9)).extend(np.full(size, 0.5))
        assert z[0] == pytest.approx(0.5 / 10 / 0.01)


def test_shares_count_the_row_itself_and_forgive_rounding():
    held = np.array([1.0, 2.0, 2.0, 4.0])
    assert shares(held, np.array([2.0, 2.0 * (1 + 5e-6), 2.0 * (1 + 2e-5), 5.0])).tolist() == [
        0.8,
        0.8,
        0.4,
        0.2,
    ]
    assert shares(-held[::-1], np.array([-2.0 * (1 - 5e-6)])).tolist() == [0.8]


def test_alarms_within_ten_rows_are_one_event():
    def found(*places: int, series: int = 1) -> list[tuple[int, int, int, int]]:
        alarm = np.zeros(60, bool)
        alarm[list(places)] = True
        unusual = np.arange(60.0)
        names = np.repeat([str(one) for one in range(series)], 60 // series)
        nothing = np.zeros((60, 1))
        told = Anomalies(
            columns=("y",),
            series=names,
            row=np.arange(60),
            time=tuple(map(str, range(60))),
            value=nothing,
            expected=nothing,
            score=unusual,
            likelihood=unusual,
            unusual=unusual,
            p=unusual,
            alarm=alarm,
        )
        assert len(told) == 60 and not told.events(np.arange(5))
        return [(one.first, one.last, one.peak, one.alarms) for one in told.events()]

    assert found() == [] and found(7) == [(7, 7, 7, 1)]
    assert found(5, 15, 25) == [(5, 25, 25, 3)]
    assert found(5, 16, 26) == [(16, 26, 26, 2), (5, 5, 5, 1)]  # the most unusual first
    assert found(28, 31, series=2) == [(31, 31, 31, 1), (28, 28, 28, 1)]


def test_it_is_scikit_learns_and_can_be_copied():
    values = spiked()[:, None]
    model = detector().fit(values[:500])
    told = model.predict(values)
    assert set(told.tolist()) == {-1, 1} and (told == -1).tolist() == model.detect(values).alarm.tolist()
    np.testing.assert_allclose(
        model.decision_function(values), model.score_samples(values) + model.threshold_
    )
    assert (pickle.loads(pickle.dumps(model)).predict(values) == told).all()
    assert clone(model).get_params() == model.get_params() and not hasattr(clone(model), "threshold_")
    assert (detector(Elman).fit(values[:500]).predict(values) == told).all()
    plain = detector(SeasonalNaive, season=3).fit(values[:500])
    assert plain.foresight_.name == "seasonal naive (3)"


@pytest.mark.parametrize(
    "layer", ["seasonal_naive", "ridge", "elman", pytest.param(TINY, id="temporal_memory")]
)
def test_a_folder_holds_all_and_no_row(layer: object, tmp_path: Path):
    whole = timed(np.sin(np.arange(400) / 4)[:, None] + 0.1 * DICE.normal(size=(400, 2)))
    model = detector(layer, rate=0.05).fit(whole.cut(0, 300))
    before = model.detect(whole)
    model.save(tmp_path / "a")
    kept = AnomalyDetector.load((tmp_path / "a").rename(tmp_path / "b"))
    after = kept.detect(whole)
    for name in ("expected", "score", "likelihood", "alarm"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name), err_msg=name)
    assert kept.clock_ == model.clock_ and kept.offset_ == model.offset_ and kept.rate == 0.05
    names = {path.name for path in (tmp_path / "b").rglob("*") if path.is_file()}
    tensors = {"detector.safetensors", "model.safetensors", "baseline.safetensors"}
    assert names <= {*tensors, "baseline.json", "card.md"}


def test_folders_that_hold_no_detector_are_refused(tmp_path: Path):
    with pytest.raises(BadInput, match=r"expected a folder with detector\.safetensors"):
        AnomalyDetector.load(tmp_path)
    model = detector("last_value").fit(spiked())
    model.save(tmp_path)
    path = tmp_path / "detector.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadInput, match="not a whole"):
        AnomalyDetector.load(tmp_path)


@pytest.mark.parametrize(
    ("words", "rows", "message"),
    [
        ({}, np.zeros((5, 1)), "at least 8 rows"),
        ({}, np.full((900, 1), np.nan), "numbers in each column"),
        ({"rate": 0.0}, spiked(), "a rate between 0 and 1, got 0.0"),
        ({"rate": 1e-4}, spiked(), "at least 9999 rows with a score to calibrate on .* got 300"),
        ({"calibration": 1.5}, spiked(), "a calibration between 0 and 1"),
        ({"layer": "gruu"}, spiked(), "did you mean gru"),
        ({"layer": "hopfield"}, spiked(), "expected a layer, temporal_memory, last_value"),
        ({"layer": torch.nn.GRU}, spiked(), "expected a layer"),
        ({"layer": "last_value"}, np.array([1.0, np.inf] * 200), "infin"),
    ],
)
def test_what_cannot_be_learned_is_refused(words: dict, rows: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        detector(**words).fit(rows)


def test_what_failed_to_be_fitted_again_is_not_fitted():
    model = detector("last_value").fit(spiked())
    with pytest.raises(BadInput, match="to calibrate on"):
        model.fit(np.zeros(50))
    with pytest.raises(NotFittedError):
        model.detect(spiked())


def test_rows_that_do_not_fit_are_refused():
    model = detector("last_value").fit(DICE.normal(size=(400, 2)))
    with pytest.raises(ValueError, match="expecting 2 features"):
        model.detect(np.zeros((9, 3)))
    with pytest.raises(BadInput, match="rows of 2 columns"):
        model.stream().push(np.zeros(3))
    with pytest.raises(BadInput, match="row 1 is infinite"):
        model.stream().push(np.array([0.0, np.inf]))
    with pytest.raises(BadInput, match="expected the columns y1, y2; got y, y1"):
        model.detect(timed(np.zeros((9, 2))))
    watch = detector("last_value").fit(timed(DICE.normal(size=400))).stream()
    with pytest.raises(BadInput, match="a time with each row"):
        watch.push(0.0)
    watching = detector("temporal_memory", rate=0.05).fit(timed(DICE.normal(size=400)))
    for rows, told in ((timed(np.zeros(9), hours=2), "every 2 hours"), (np.zeros(9), "without even times")):
        with pytest.raises(BadInput, match=f"expected rows every hour, as in training; got .*{told}"):
            watching.detect(rows)
    begin = moment("2024-02-01")
    watch.push(0.0, begin)
    with pytest.raises(BadInput, match="times that rise"):
        watch.push(0.0, begin)
    with pytest.raises(BadInput, match="expected times every hour"):
        watch.push(0.0, begin + 90 * 60 * 10**6)
    with pytest.raises(BadInput, match="steps are missing before a row"):
        watch.push(0.0, moment("2124-02-01"))


NOT_OF_STREAMS = {
    "check_fit1d": "one column may be given as (rows,)",
    "check_fit2d_predict1d": "the same: three columns are expected, and the message says so",
    "check_methods_sample_order_invariance": "rows are in the order of time",
    "check_methods_subset_invariance": "a row is judged by those before it",
    "check_outliers_train": "the first rows have no score: NaN is neither above the threshold nor below",
}


@pytest.mark.slow
@parametrize_with_checks(
    [
        AnomalyDetector("last_value", rate=0.2, calibration=0.5),
        AnomalyDetector("elman", rate=0.2, width=4, depth=1, steps=2, context=2, calibration=0.5),
    ]
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_takes_it_for_its_own(estimator: object, check: object) -> None:
    """All checks but those that hold rows to be samples in any order, which fail as they must."""
    if check.func.__name__ not in NOT_OF_STREAMS:  # type: ignore[attr-defined]
        check(estimator)  # type: ignore[operator]
        return
    with pytest.raises(AssertionError):
        check(estimator)  # type: ignore[operator]
