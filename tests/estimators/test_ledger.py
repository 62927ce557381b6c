"""Faults that users of forecasting and classifying libraries report, each as a test of our estimators."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from tests.fresh import python, warm
from wavetrain.errors import BadInput
from wavetrain.estimators import Forecaster, SequenceClassifier, SequenceRegressor
from wavetrain.tables import rolling
from wavetrain.tables.panel import Panel, Series, panel

DICE = np.random.default_rng(0)
WAVE = 10 + np.sin(np.arange(260) * 2 * np.pi / 8) + 0.1 * DICE.normal(size=260)


def small(**words: object) -> Forecaster:
    return Forecaster("elman", **{"horizon": 3, "width": 4, "depth": 1, "steps": 12, **words})  # type: ignore[arg-type]


@functools.cache
def fitted() -> Forecaster:
    """Once, for all who only ask it."""
    return small().fit(WAVE[:160])


def test_later_rows_change_nothing_that_was_learned():
    """1: rows to test on, a thousand times as large, are not seen by units, weights or the first forecast."""
    changed = WAVE.copy()
    changed[170:] *= 1000
    first = np.array([160])
    one, other = (fitted().rolling(panel(y), np.zeros(1, int), first) for y in (WAVE, changed))
    np.testing.assert_array_equal(one, other)


def test_means_of_what_is_known_ahead_are_those_of_training_rows():
    """1: the units of covariates, too."""
    rows = np.stack([WAVE, np.arange(260.0)], 1)
    rows[221:, 1] = 1e6
    told = Panel(columns=("y", "x"), series=(Series(name="", values=rows),), targets=("y",), known=("x",))
    model = small(valid=0.15).fit(told)
    assert model.ends_ == [221] and model.network_.ahead is not None
    assert model.network_.ahead.centre.item() == pytest.approx(np.arange(221).mean())


def test_the_step_is_chosen_in_units_of_the_series():
    """2: a thousand times the series has the same errors, and the same step is taken."""
    other = small().fit(1000 * WAVE[:160])
    assert [step for step, _ in other.history_] == [step for step, _ in fitted().history_]
    np.testing.assert_allclose(
        [error for _, error in other.history_], [error for _, error in fitted().history_], rtol=1e-4
    )
    np.testing.assert_allclose(other.predict().value, 1000 * fitted().predict().value, rtol=1e-4)


@pytest.mark.parametrize("together", [1, 16, 64, 1000])
def test_a_score_does_not_depend_on_how_many_are_forecast_at_once(together: int):
    """9: each window counts once."""
    found = rolling.evaluate(fitted().rolling, panel(WAVE), 88, 3, together=together)
    whole = rolling.evaluate(fitted().rolling, panel(WAVE), 88, 3)
    assert found.mae().windows == 170 and found.mae().value == pytest.approx(whole.mae().value, rel=1e-6)


def test_infinite_numbers_name_their_series_and_row():
    """10."""
    bad = WAVE.copy()
    bad[3] = np.inf
    for call in (small().fit, fitted().predict):
        with pytest.raises(BadInput, match="series '1': row 4 is infinite"):
            call([WAVE, bad])


def test_a_series_of_which_nothing_is_known_lately_has_no_forecast():
    """10, 18: no number out of nothing, and none of a neighbour; this is said, and a stream agrees."""
    hollow = WAVE.copy()
    hollow[-fitted().context_ :] = np.nan
    found = fitted().predict([WAVE, hollow])
    assert np.isnan(found.value[1]).all() and np.isnan(found.low[1]).all()
    np.testing.assert_allclose(found.value[0], fitted().predict(WAVE).value[0], rtol=1e-6)
    assert found.said == (
        f"series '1': nothing of y was measured in the last {fitted().context_} rows, so it has no forecast",
    )
    told = fitted().stream().extend(hollow[:, None])
    one_by_one = fitted().stream()
    pushed = np.stack([one_by_one.push(row) for row in hollow])
    for behind in (told, pushed):
        assert np.isnan(behind[-1]).all() and np.isfinite(behind[:-1]).all()


def test_forecasts_behind_a_gap_are_none_or_right_however_they_are_made():
    """10: rolled, made one at a time, and streamed, in and behind a gap longer than a context."""
    level, first, last = 100 + WAVE, 180, 180 + 3 * fitted().context_
    whole = np.concatenate([level, level[-40:]])
    whole = np.concatenate([whole, whole])
    whole[first:last] = np.nan
    rows = np.arange(first, last + fitted().context_ + fitted().origins_)
    rolled = fitted().rolling(panel(whole), np.zeros(len(rows), int), rows)[..., 0]
    streamed = fitted().stream().extend(whole[: rows[-1], None])[rows - 1, :, 0]
    alone = np.stack([fitted().predict(whole[:row]).value[0, :, 0] for row in rows[::7]])
    np.testing.assert_allclose(streamed, rolled, rtol=1e-5)
    np.testing.assert_allclose(alone, rolled[::7], rtol=1e-5)
    inside = (rows >= first + fitted().context_) & (rows <= last)
    assert np.isnan(rolled[inside]).all() and np.isfinite(rolled[rows < first + 9]).all()
    told = rolled[np.isfinite(rolled)]
    assert len(told) > fitted().context_ and (np.abs(told - 110) < 5).all()


@pytest.mark.parametrize("y", [WAVE, -3 * WAVE + 1e6, np.full(60, 7.0)])
def test_a_series_is_forecast_in_its_own_units(y: np.ndarray):
    """22, 23: the interval, too; of a flat series it is flat."""
    one, other = fitted().predict(y), fitted().predict(1e3 * y - 5)
    for mine, theirs in ((one.value, other.value), (one.low, other.low), (one.high, other.high)):
        np.testing.assert_allclose(theirs, 1e3 * mine - 5, rtol=1e-5)


def test_as_many_come_out_as_go_in():
    """22: also more series than were learned from."""
    found = fitted().predict([WAVE, 2 * WAVE[:90], WAVE[:33]])
    assert found.value.shape == (3, 3, 1) and found.series == ("0", "1", "2")


def test_two_forecasters_have_nothing_in_common():
    """22: no default is shared."""
    one, other = small(), small()
    one.fit(np.arange(60.0))
    other.fit(50 - 10 * np.arange(60.0))
    assert one.predict().value[0, 0, 0] == pytest.approx(60, abs=0.5)
    assert other.predict().value[0, 0, 0] == pytest.approx(-550, abs=5)


def test_a_forecaster_keeps_the_contract_of_estimators():
    """45."""
    model = small()
    given = model.get_params()
    assert clone(model).get_params() == given
    y = WAVE.copy()
    model.fit(y)
    assert (y == WAVE).all() and model.get_params() == given
    facts = {name: value for name, value in vars(model).items() if name.endswith("_")}
    model.predict(WAVE[:90])
    assert all(vars(model)[name] is value for name, value in facts.items())
    both = model.predict([WAVE[:90], WAVE[:70]])
    np.testing.assert_allclose(both.value[1:], model.predict([WAVE[:70]]).value, rtol=1e-6)
    for bad, message in (
        (np.zeros((2, 3, 4)), r"expected a series \(steps,\) or \(steps, columns\), got \(2, 3, 4\)"),
        (np.zeros(0), "expected at least"),
        ([np.zeros(20), np.zeros((20, 2))], "the same number of columns"),
    ):
        with pytest.raises(ValueError, match=message):
            small().fit(bad)


def test_a_kept_model_needs_little_to_start(tmp_path: Path):
    """It loads neither scikit-learn nor pandas nor scipy, whose imports take as long as torch's."""
    fitted().save(tmp_path)
    script = (
        "import sys; from wavetrain.estimators import FittedForecaster as F; "
        f"F.load({str(tmp_path)!r}).predict(); "
        "print([name for name in ('pandas', 'scipy', 'sklearn') if name in sys.modules])"
    )
    assert python(script) == "[]"


def test_the_command_needs_as_little(tmp_path: Path):
    """It was asked which kind of model the folder keeps, and loaded scikit-learn to know: 1.1 s more."""
    fitted().save(tmp_path)
    script = (
        "import sys; from wavetrain.cli.predict import predict; "
        f"predict({str(tmp_path)!r}); "
        "print([name for name in ('pandas', 'scipy', 'sklearn') if name in sys.modules])"
    )
    assert python(script).splitlines()[-1] == "[]"


def test_row_numbers_go_on_where_rows_were_left_out_of_the_folder(tmp_path: Path):
    """34: the same times before and after."""
    fitted().save(tmp_path)
    again = Forecaster.load(tmp_path)
    assert again.predict().times == fitted().predict().times == (("160", "161", "162"),)
    again.save(tmp_path / "twice")
    assert Forecaster.load(tmp_path / "twice").predict().times == fitted().predict().times


def test_a_folder_tells_nothing_of_this_machine(tmp_path: Path):
    """47: no path; and no pickle in it."""
    fitted().save(tmp_path / "m")
    for path in (tmp_path / "m").iterdir():
        content = path.read_bytes()
        assert str(tmp_path).encode() not in content and str(Path.cwd()).encode() not in content
        assert path.suffix in (".safetensors", ".npz", ".md")


SIDE = DICE.integers(0, 2, 60)
X = DICE.normal(size=(60, 8, 2)) * 0.3 + (2.0 * SIDE - 1)[:, None, None]


def test_a_classifier_is_kept_with_its_labels(tmp_path: Path):
    """32, 34: labels of each type; also in another process."""
    answers = []
    for place, names in enumerate([(5, 7), ("b", "a"), (True, False), (2.0, 1.0)]):
        model = SequenceClassifier("gru", width=4, depth=1, steps=10).fit(X, np.array(names)[SIDE])
        before = model.predict_proba(X)
        model.save(tmp_path / "a")
        again = SequenceClassifier.load((tmp_path / "a").rename(tmp_path / str(place)))
        np.testing.assert_array_equal(again.predict_proba(X), before)
        assert again.classes_.dtype == model.classes_.dtype and (again.classes_ == model.classes_).all()
        assert again.get_params() == model.get_params() and again.history_ == model.history_
        answers.append([before.tolist(), model.predict(X).tolist()])
    script = (
        "import json, numpy as np, wavetrain as wt; "
        f"x = np.array(json.loads({json.dumps(X.tolist())!r})); "
        f"models = [wt.load({str(tmp_path)!r} + '/' + place) for place in '0123']; "
        "print(json.dumps([[one.predict_proba(x).tolist(), one.predict(x).tolist()] for one in models]))"
    )
    done = warm("-c", script)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == answers


def test_a_regressor_is_kept_in_its_units(tmp_path: Path):
    """34."""
    for y in (X.mean((1, 2)) * 1e6, np.stack([X.mean((1, 2)), X[:, -1, 0]], 1)):
        model = SequenceRegressor("elman", width=4, depth=1, steps=5).fit(X, y)
        model.save(tmp_path)
        np.testing.assert_array_equal(SequenceRegressor.load(tmp_path).predict(X), model.predict(X))
    with pytest.raises(BadInput, match="expected a SequenceClassifier of version 2, got SequenceRegressor"):
        SequenceClassifier.load(tmp_path)
    (tmp_path / "sequences.safetensors").write_bytes(b"damaged")
    with pytest.raises(BadInput, match="not a whole"):
        SequenceRegressor.load(tmp_path)
