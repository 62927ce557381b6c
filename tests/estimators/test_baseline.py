"""A baseline is used like a forecaster: with intervals, in a folder, and row by row as all at once."""

import functools
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import wavetrain as wt
from wavetrain.errors import BadInput
from wavetrain.estimators import BaselineForecaster, FittedBaseline, Forecaster, ForecastStreams
from wavetrain.estimators._folder import load_series_model
from wavetrain.estimators._kept_files import MODEL
from wavetrain.parts import saved
from wavetrain.tables import kept, trees
from wavetrain.tables.baselines import LastValue
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.kept import NAMES
from wavetrain.tables.panel import Panel, Series, panel
from wavetrain.tables.rolling import evaluate
from wavetrain.tables.split import until

DICE = np.random.default_rng(0)
WAVE = 20 + 5 * np.sin(np.arange(300) * 2 * np.pi / 12) + DICE.normal(size=300)
TWO = [WAVE, 100 * WAVE[:200] + 7]


def holes(values: np.ndarray) -> np.ndarray:
    """With rows in which nothing was measured, more than a season of them at the end of the learned ones."""
    found = values.copy()
    found[40:44] = found[100] = found[160:175] = np.nan
    return found


HOLES = holes(WAVE)
PART = 174  # rows of it: the last ones were not measured


@pytest.fixture(scope="module", autouse=True)
def few_trees() -> Iterator[None]:
    """Ten trees at most: what is asked here is the same of any number."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trees, "MOST", 10)
        yield


@functools.cache
def fitted(name: str) -> BaselineForecaster:
    """Once, for all who only ask it."""
    return BaselineForecaster(name, horizon=3, season=12).fit(HOLES[:PART])


@pytest.mark.parametrize("name", NAMES)
def test_forecasts_are_those_of_the_plain_baseline(name: str):
    plain = NAMES[name].fit(panel(TWO), horizon=3, season=12)
    model = BaselineForecaster(name, horizon=3, season=12).fit(panel(TWO))
    found = model.predict()
    np.testing.assert_array_equal(found.value, plain.forecast(panel(TWO)))
    assert found.times[1] == ("200", "201", "202") and found.series == ("0", "1")
    assert (found.low < found.value).all() and (found.value < found.high).all()
    other = panel(WAVE[:150])
    np.testing.assert_array_equal(model.predict(other).value, plain.forecast(other))


def test_intervals_are_those_of_the_rows_before_the_validation_part():
    """Written out: half-widths are order statistics of errors over the scale of the series."""
    model = BaselineForecaster("ridge", horizon=2, season=12).fit(panel(TWO))
    ends = [255, 170]
    early = NAMES["ridge"].fit(until(panel(TWO), ends), horizon=2, season=12)
    errors = []
    for place, (one, end) in enumerate(zip(TWO, ends, strict=True)):
        for row in range(end, len(one) - 1):
            scale = np.abs(one[12:row] - one[: row - 12]).mean()
            made = early.rolling(panel(TWO), np.array([place]), np.array([row]))[0, :, 0]
            errors.append(np.abs(made - one[row : row + 2]) / scale)
    rank = int(np.ceil((len(errors) + 1) * 0.8)) - 1
    wide = np.sort(np.array(errors), 0)[rank]
    found = model.predict(coverage=0.8)
    for place, one in enumerate(TWO):
        scale = np.abs(one[12:] - one[:-12]).mean()
        np.testing.assert_allclose((found.high - found.value)[place, :, 0], wide * scale, rtol=1e-12)


def test_a_series_without_a_scale_has_the_width_of_plain_errors():
    flat = np.full(60, 3.0)
    model = BaselineForecaster("last_value", season=1).fit(panel([DICE.normal(size=200).cumsum(), flat]))
    found = model.predict()
    plain = np.sort(model.errors_[:, 0, 0])[int(np.ceil((len(model.errors_) + 1) * 0.9)) - 1]
    assert found.value[1, 0, 0] == 3 and found.high[1, 0, 0] - 3 == pytest.approx(plain) and plain > 0


@pytest.mark.parametrize("name", NAMES)
def test_what_is_loaded_is_what_was_kept(name: str, tmp_path: Path):
    """Only the last rows are kept; what was measured before them is not forgotten."""
    model = fitted(name)
    model.save(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "m")
    again = FittedBaseline.load(tmp_path / "m")
    assert again.called == model.called and len(again.panel_.series[0]) < PART
    for one, two in ((model.predict(), again.predict()), (model.predict(WAVE), again.predict(WAVE))):
        for part in ("value", "low", "high"):
            np.testing.assert_array_equal(getattr(one, part), getattr(two, part))
        assert one.times == two.times and np.isfinite(one.value).all()
    again.save(tmp_path / "twice")
    np.testing.assert_array_equal(FittedBaseline.load(tmp_path / "twice").predict().low, model.predict().low)
    assert sorted(one.name for one in (tmp_path / "m").iterdir()) == [
        "card.md",
        "model.safetensors",
        "rows.npz",
    ]
    assert wt.load(tmp_path / "m").called == model.called


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("chunk", [1, 5, 200])
def test_a_stream_is_prediction_on_all_rows_so_far(name: str, chunk: int, tmp_path: Path):
    """Behind what was learned from, and of a new series; from a folder, too; holes wherever they are."""
    model = fitted(name)
    model.save(tmp_path)
    kept = FittedBaseline.load(tmp_path)
    later, rows = (
        HOLES[PART:, None].copy(),
        range(1, len(HOLES) - PART + 1, 23 if name == "boosted_trees" else 7),
    )
    later[30:48] = np.nan
    whole = np.concatenate([HOLES[:PART, None], later])
    for one, before in ((kept.stream(""), whole[:PART]), (kept.stream(), whole[:0])):
        found = np.concatenate(
            [one.extend(later[first : first + chunk]) for first in range(0, len(later), chunk)]
        )
        for row in rows:
            told = model.predict(np.concatenate([before, later[:row]])) if len(before) or row else None
            np.testing.assert_allclose(found[row - 1], told.value[0], rtol=1e-9, atol=1e-9)
        assert one.rows.shape == (model.reach, 1)  # memory does not grow


def test_streams_have_intervals_and_a_state(tmp_path: Path):
    model = BaselineForecaster("seasonal_naive", horizon=2, season=12).fit(panel(TWO))
    streams = ForecastStreams(model)
    names, rows = ["0", "1", "0", "new"], np.array([[20.0], [2000.0], [21.0], [5.0]])
    found = streams.extend(names, rows)
    told = model.predict(panel([np.append(WAVE, [20.0, 21.0]), np.append(TWO[1], 2000.0)]))
    for part in ("value", "low", "high"):
        np.testing.assert_allclose(getattr(found, part)[[2, 1]], getattr(told, part), rtol=1e-12)
    streams.save(tmp_path / "state")
    other = ForecastStreams(model)
    other.resume(tmp_path / "state")
    for one, two in zip(other.extend(names, rows + 1), streams.extend(names, rows + 1), strict=True):
        np.testing.assert_array_equal(one, two)
    mine = ForecastStreams(
        BaselineForecaster("seasonal_naive", horizon=2, season=12).fit(panel([WAVE, WAVE]))
    )
    with pytest.raises(BadInput, match="states of this model"):
        mine.resume(tmp_path / "state")


HOURS = Panel(
    columns=("y", "sale"),
    series=(
        Series(
            name="a",
            values=np.stack([WAVE + 9 * (np.arange(300) % 5 == 0), 1.0 * (np.arange(300) % 5 == 0)], 1),
            times=moment("2024-01-01") + np.arange(300) * 3600 * 10**6,
        ),
    ),
    targets=("y",),
    known=("sale",),
    clock=Clock(1, "hour"),
)


@pytest.mark.parametrize("missing", [1, 30, 700])
def test_a_gap_in_time_is_rows_without_values(missing: int):
    """A long one is leapt over, and phases stay what they are."""
    for name in ("ridge", "seasonal_naive"):
        model = BaselineForecaster(name, horizon=3, season=12).fit(HOURS)
        one = HOURS.series[0]
        later = one.times[-1] + (1 + missing + np.arange(40)) * 3600 * 10**6
        found = model.stream("a").extend(one.values[:40], later)
        nothing = np.full((missing, 2), np.nan)
        times = one.times[-1] + (1 + np.arange(missing + 40)) * 3600 * 10**6
        for row in (1, 2, 40):
            values = np.concatenate([one.values, nothing, one.values[:row]])
            both = Series(name="a", values=values, times=np.append(one.times, times[: missing + row]))
            told = model.predict(replace(HOURS, series=(both,)))
            np.testing.assert_allclose(found[row - 1], told.value[0], rtol=1e-9)


def test_what_is_known_ahead_is_read(tmp_path: Path):
    model = BaselineForecaster("ridge", horizon=3, season=12).fit(HOURS)
    model.save(tmp_path)
    again = FittedBaseline.load(tmp_path)
    assert "sale is known ahead, but not given" in again.predict().said[0]
    on, off = (again.predict(ahead=[np.full((3, 1), value)]) for value in (1.0, 0.0))
    assert not on.said and (on.value - off.value > 5).all()


def test_no_row_is_kept_where_none_is_wanted(tmp_path: Path):
    fitted("ridge").save(tmp_path)
    fitted("ridge").save(tmp_path, rows=False)
    again = FittedBaseline.load(tmp_path)
    np.testing.assert_array_equal(again.predict(WAVE).low, fitted("ridge").predict(WAVE).low)
    with pytest.raises(BadInput, match="at least one row of each series"):
        again.predict()


def test_it_scores_windows_like_any_forecaster():
    model = fitted("ridge")
    found = evaluate(model.rolling, panel(WAVE), -60, 3, season=12)
    low, high = model.intervals(panel(WAVE), found.series, found.rows)
    assert 0.8 < ((low <= found.truth) & (found.truth <= high)).mean() < 1
    assert model.context_ == 32


def test_a_folder_starts_without_scikit_learn(tmp_path: Path):
    fitted("boosted_trees").save(tmp_path)
    command = (
        "import json, sys; from wavetrain.estimators import load_series_model as load; "
        "found = load(sys.argv[1]).predict(); "
        "assert not {'sklearn', 'pandas', 'scipy'} & set(sys.modules); "
        "print(json.dumps(found.value.tolist()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", command, str(tmp_path)], capture_output=True, text=True, check=True
    )
    np.testing.assert_array_equal(json.loads(done.stdout), fitted("boosted_trees").predict().value)


def test_folders_of_another_kind_are_told_apart(tmp_path: Path):
    fitted("ridge").save(tmp_path)
    with pytest.raises(
        BadInput, match="expected a wavetrain forecaster of version 2, got wavetrain baseline"
    ):
        Forecaster.load(tmp_path)
    Forecaster("elman", width=2, depth=1, steps=0).fit(WAVE[:60]).save(tmp_path / "net")
    with pytest.raises(
        BadInput, match="expected a wavetrain baseline of version 1, got wavetrain forecaster"
    ):
        FittedBaseline.load(tmp_path / "net")
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(BadInput, match="not a whole"):
        FittedBaseline.load(tmp_path)


def test_a_folder_of_an_older_form_is_refused_with_what_to_do(tmp_path: Path):
    """Comparisons kept baselines alone at first; later the form may count on."""
    kept.save(LastValue(horizon=2), tmp_path / "old")
    for load in (load_series_model, wt.load, BaselineForecaster.load):
        with pytest.raises(BadInput, match=r"old: a baseline as earlier versions kept it.* fit it again"):
            load(tmp_path / "old")
    fitted("last_value").save(tmp_path)
    tensors, words = saved.load(tmp_path / MODEL)
    saved.save(tmp_path / MODEL, tensors, {**words, "version": 0})
    with pytest.raises(BadInput, match="version 1, got wavetrain baseline of version 0; fit it again"):
        BaselineForecaster.load(tmp_path)
    saved.save(tmp_path / MODEL, {"errors_": tensors["errors_"]}, words)
    with pytest.raises(BadInput, match=r"is not a whole baseline .*scales_.*; fit it again"):
        wt.load(tmp_path)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"baseline": "rigde"}, "no baseline is called 'rigde'; did you mean ridge"),
        ({"horizon": 0}, "expected horizon of at least 1, got 0"),
        ({"season": 0}, "expected season of at least 1, got 0"),
        ({"context": 0}, "expected context of at least 1, got 0"),
        ({"valid": 1.0}, "expected a share of rows to choose by"),
        ({"horizon": 40}, "expected at least 82 rows for a horizon of 40, got 60"),
    ],
)
def test_what_cannot_be_is_refused(asked: dict, said: str):
    with pytest.raises(BadInput, match=said):
        BaselineForecaster(**asked).fit(WAVE[:60])


def test_it_is_an_estimator():
    model = clone(BaselineForecaster("drift", horizon=5))
    assert model.get_params()["horizon"] == 5 and "horizon=5" in repr(model)
    with pytest.raises(NotFittedError, match="expected `fit` first"):
        BaselineForecaster().predict()


def test_a_baseline_holds_what_it_reads():
    """Rows for its lags and the last value, or a season; what is missing is filled by a row or a phase."""
    ridge = BaselineForecaster("ridge", horizon=3, season=2).fit(WAVE[:60])
    assert ridge.reach == max(ridge.baseline_.lags + 1, 2) and ridge.apart == 1
    naive = BaselineForecaster("seasonal_naive", horizon=3, season=12).fit(WAVE[:60])
    assert (naive.reach, naive.apart) == (12, 12)
    last = BaselineForecaster("last_value", horizon=3, season=12).fit(WAVE[:60])
    assert (last.reach, last.apart) == (12, 1)
    stream = naive.stream("")
    assert (stream._longest(), stream._block()) == (36, 12) and stream.count == 60
    with pytest.raises(BadInput, match="expected a series that was learned from, got 'b'"):
        naive.stream("b")


def test_what_is_learned_of_a_baseline_by_hand():
    """A season of one: the scale is the mean step, and one without any step has none."""
    y = np.r_[0.0, np.repeat(3.0, 7), np.arange(4.0, 16.0)]
    model = BaselineForecaster("last_value", horizon=2, season=1, valid=0.25).fit(panel([y, np.ones(20)]))
    assert (model.season_, model.before_, model.totals_.shape) == (1, [0, 0], (2, 2, 1))
    rows = np.arange(15, 19)  # of forecasts in the last five rows
    assert len(model.errors_) == 8 and np.isnan(model.scales_[4:]).all()
    np.testing.assert_array_equal(model.errors_[:4, :, 0], np.tile([1.0, 2.0], (4, 1)))
    np.testing.assert_array_equal(model.errors_[4:], 0)
    np.testing.assert_allclose(model.scales_[:4, 0, 0], [(y[row - 1]) / (row - 1) for row in rows])
    assert model.context_ == min(32, 15 - 2 - 1)
    assert BaselineForecaster("last_value", season=1, context=5).fit(y).context_ == 5
    wave = np.tile([0.0, 5.0, 1.0, 7.0, 2.0], 12)
    assert BaselineForecaster("last_value").fit(wave).season_ == 5
    assert BaselineForecaster("last_value", season=3).fit(wave).season_ == 3


def test_a_state_of_a_baseline_that_does_not_fit_is_refused():
    stream = BaselineForecaster("seasonal_naive", horizon=3, season=12).fit(WAVE[:60]).stream("")
    arrays, words = stream.state_of()
    assert words == {} and list(arrays) == ["rows", "filled", "totals"]
    for name in arrays:
        with pytest.raises(ValueError, match=rf"^{name} has the shape \(1, 7\)$"):
            stream.restore({**arrays, name: np.zeros((1, 7))}, {})
    apart = np.abs(WAVE[12:60] - WAVE[:48])
    np.testing.assert_allclose(stream.totals[:, 0], [apart.sum(), 48])
    np.testing.assert_array_equal(stream.rows[:, 0], WAVE[48:60])
