"""One call to fit and one to load: what is handed on, and what is refused, role by role."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.estimators import (
    AnomalyDetector,
    BaselineForecaster,
    Forecaster,
    SequenceClassifier,
    SequenceRegressor,
    door,
)
from wavetrain.estimators._kept_files import MODEL
from wavetrain.tables.panel import Panel, panel
from wavetrain.tables.read.answered import Reading

SMALL: dict[str, Any] = {"width": 2, "depth": 1, "steps": 0}
ROLES = [{"target": "y"}, {"time": "t"}, {"id": "i"}, {"inputs": "x"}, {"known_ahead": "x"}, {"missing": [9]}]


def table() -> pd.DataFrame:
    rows = np.arange(40)
    return pd.DataFrame(
        {
            "day": np.tile(pd.date_range("2024-01-01", periods=20), 2),
            "shop": np.repeat(["a", "b"], 20),
            "sold": np.where(rows == 7, -99, rows % 5),
            "rain": rows * 2.0,
            "sale": rows % 3,
            "other": rows,
        }
    )


def test_each_role_is_read_as_it_is_named():
    model = door.fit(
        table(),
        BaselineForecaster("last_value"),
        target="sold",
        time="day",
        id="shop",
        inputs=["rain"],
        known_ahead="sale",
        missing=[-99],
    )
    whole = model.panel_
    assert isinstance(model, BaselineForecaster) and whole.targets == ("sold",) and whole.known == ("sale",)
    assert set(whole.columns) == {"sold", "rain", "sale"}
    assert [one.name for one in whole.series] == ["a", "b"] and [len(one) for one in whole.series] == [20, 20]
    (sold,) = whole.places(["sold"])
    assert np.isnan(whole.series[0].values[7, sold]) and str(whole.clock) == "day"
    assert np.isnan(np.concatenate([one.values for one in whole.series])).sum() == 1


def test_without_a_model_a_forecaster_learns_and_a_panel_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[dict[str, Any], Panel]] = []
    monkeypatch.setattr(Forecaster, "fit", lambda self, rows: asked.append((self.get_params(), rows)) or self)
    rows = panel(np.arange(30.0))
    assert isinstance(door.fit(rows), Forecaster)
    given = Forecaster("elman", horizon=7)
    assert door.fit(rows, given) is given
    assert [one for one, _ in asked] == [Forecaster().get_params(), given.get_params()]
    assert all(one is rows for _, one in asked)


@pytest.mark.parametrize("role", ROLES, ids=lambda one: next(iter(one)))
def test_a_panel_has_its_roles(role: dict[str, Any]):
    with pytest.raises(BadInput, match=r"^expected a panel alone, for its roles are said already; got roles"):
        door.fit(panel(np.arange(30.0)), BaselineForecaster("last_value"), **role)


def test_whole_sequences_are_read_by_their_roles(monkeypatch: pytest.MonkeyPatch):
    asked: list[Any] = []
    monkeypatch.setattr(door, "learn", lambda *given: asked.append(given) or given[0])
    rows = pd.DataFrame(
        {
            "who": np.repeat(range(4), 3),
            "t": np.tile(range(3), 4),
            "x": np.arange(12) % 5,
            "z": np.arange(12.0),
        }
    )
    rows["kind"] = np.where(rows["who"] % 2, "odd", "even")
    words = {"classes": "kind", "id": "who", "time": "t", "inputs": "x", "missing": [-9, "none"]}
    found = door.fit(rows, **words)
    assert isinstance(found, SequenceClassifier) and found.get_params() == SequenceClassifier().get_params()
    model, read, reading = asked.pop()
    assert model is found and read.labels == ("even", "odd") * 2
    assert reading == Reading(classes="kind", id=("who",), time=("t",), inputs=("x",), missing=("-9", "none"))
    mine = SequenceClassifier("elman", width=3)
    assert door.fit(rows, mine, classes="kind", id="who") is mine
    assert asked.pop()[2] == Reading(classes="kind", id=("who",))


@pytest.mark.parametrize(
    ("model", "words", "got"),
    [
        (SequenceClassifier(), {"target": "x", "classes": "kind"}, "SequenceClassifier"),
        (SequenceRegressor(), {"known_ahead": "x"}, "SequenceRegressor"),
        (None, {"target": "x", "classes": "kind"}, "NoneType"),
        (Forecaster(), {"classes": "kind"}, "Forecaster"),
    ],
)
def test_whole_sequences_have_no_target(model: Any, words: dict[str, Any], got: str):
    message = f"^whole sequences are answered by .*: expected no target, no columns known ahead; got {got}$"
    with pytest.raises(BadInput, match=message):
        door.fit(pd.DataFrame({"x": [1.0], "kind": ["a"]}), model, **words)


def test_a_kept_model_of_any_kind_is_loaded_as_it_was(tmp_path: Path):
    x, wave = np.random.default_rng(0).normal(size=(12, 5)), np.sin(np.arange(60.0))
    models = [
        SequenceClassifier("elman", **SMALL).fit(x, np.arange(12) % 2),
        SequenceRegressor("elman", **SMALL).fit(x, x[:, 0]),
        Forecaster("elman", context=5, season=1, **SMALL).fit(wave),
        BaselineForecaster("last_value").fit(wave),
        AnomalyDetector("last_value", rate=0.2).fit(wave),
    ]
    for place, model in enumerate(models):
        model.save(tmp_path / str(place))
        for folder in (tmp_path / str(place), str(tmp_path / str(place))):
            again = door.load(folder)
            assert type(again) is type(model) and again.get_params() == model.get_params()
    message = (
        r"a: expected a folder of a kept model: model\.safetensors, detector\.safetensors or "
        r"sequences\.safetensors$"
    )
    (tmp_path / "a").mkdir()
    with pytest.raises(BadInput, match=message):
        door.load(tmp_path / "a")
    (tmp_path / "a" / MODEL).mkdir()  # no file
    with pytest.raises(BadInput, match=message):
        door.load(tmp_path / "a")


def walks() -> pd.DataFrame:
    rows = pd.DataFrame({"who": np.repeat(np.arange(20), 6), "x": np.tile(np.arange(6.0), 20)})
    return rows.assign(kind=np.where(rows["who"] % 2, "odd", "even"))


def test_a_baseline_is_named_in_place_of_a_model(tmp_path: Path):
    """Of series and of whole sequences alike, as by the command; it is kept like any other."""
    series = door.fit(table(), baseline="seasonal_naive", target="sold", time="day", id="shop", missing=[-99])
    assert isinstance(series, BaselineForecaster) and series.baseline == "seasonal_naive"
    classes = door.fit(walks(), baseline="most_frequent_class", classes="kind", id="who")
    assert isinstance(classes, SequenceClassifier) and classes.layer == "most frequent class"
    classes.save(tmp_path / "kept")
    assert door.load(tmp_path / "kept").predict(np.zeros((1, 6, 1))).tolist() == ["even"]


@pytest.mark.parametrize(
    "given, said",
    [
        ({"baseline": "ridg"}, r"^no baseline is called 'ridg'; did you mean ridge\?"),
        ({"baseline": "ridge", "classes": "kind"}, "^whole sequences are answered by most_frequent_class, "),
        ({"baseline": "mean", "classes": "kind"}, "^expected a baseline of a class, one of most_frequent_"),
        ({"baseline": "ridge", "model": Forecaster()}, "^expected a model or a baseline, got both: Forecast"),
    ],
)
def test_a_baseline_that_does_not_fit_is_refused(given: dict[str, Any], said: str):
    with pytest.raises(BadInput, match=said):
        door.fit(walks(), **given)
