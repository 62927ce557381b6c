"""Folders of models: what is written comes back, no row too many is left out, and what is none is told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.estimators import _baseline_kept, _detector_kept, _kept, _sequences_kept, _series_kept
from wavetrain.estimators._baseline import FittedBaseline
from wavetrain.estimators._folder import load_series_model
from wavetrain.estimators._kept import left_out, name_of
from wavetrain.estimators._series_kept import FolderKind, check_kind, digest, digest_of, opened
from wavetrain.estimators.baseline import BaselineForecaster
from wavetrain.estimators.classifier import SequenceClassifier
from wavetrain.estimators.detector import AnomalyDetector
from wavetrain.estimators.forecaster import Forecaster
from wavetrain.estimators.regressor import SequenceRegressor
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.memories.temporal_memory import Dendrites, TemporalMemory
from wavetrain.parts import saved
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series

DICE = np.random.default_rng(0)
HOUR = 3600 * 10**6
BEGIN = moment("2024-01-01")
NAN = np.nan


def panel(rows: int = 90, promised: int = 3) -> Panel:
    """Two series in time, with what is known ahead of them."""
    series = []
    for name, drop in (("a", 0), ("b", 20)):
        values = DICE.normal(size=(rows - drop + promised, 3)).cumsum(0)
        values[rows - drop :, :2] = NAN
        times = BEGIN + np.arange(len(values)) * HOUR
        series.append(Series(name=name, values=values, times=times))
    return Panel(
        columns=("y", "x", "sale"),
        series=tuple(series),
        targets=("y",),
        known=("sale",),
        clock=Clock(1, "hour", zone="UTC"),
        said=("so it was read",),
    )


def models() -> list[Any]:
    network = Forecaster("elman", horizon=3, width=2, depth=1, steps=0, context=8, origins=4)
    return [network.fit(panel()), BaselineForecaster("ridge", horizon=3, season=2, valid=0.2).fit(panel())]


@pytest.mark.parametrize("place", [0, 1], ids=["network", "baseline"])
def test_all_that_is_known_comes_back(place: int, tmp_path: Path):
    model = models()[place]
    model.save(tmp_path)
    again = type(model).load(tmp_path)
    assert again.get_params() == model.get_params()
    for name in ("season_", "context_", "digest_", "versions_", "cycles_", "errors_"):
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name), err_msg=name)
    mine, theirs = model.panel_, again.panel_
    for name in ("columns", "targets", "known", "clock", "said", "form"):
        assert getattr(theirs, name) == getattr(mine, name), name
    assert [one.name for one in theirs.series] == ["a", "b"]
    for one, other, before in zip(theirs.series, mine.series, again.before_, strict=True):
        assert before > 0 and len(one) + before == len(other)
        np.testing.assert_array_equal(one.values, other.values[before:])
        np.testing.assert_array_equal(one.times, other.times[before:])
    for one, other in zip(again.ahead_, model.ahead_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert digest(again) == digest(model) and again.described() == model.described()
    for name in ("value", "low", "high"):
        np.testing.assert_array_equal(getattr(again.predict(), name), getattr(model.predict(), name))
    assert again.predict().times == model.predict().times and again.predict().said == ()
    model.save(tmp_path, rows=False)
    bare = load_series_model(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["card.md", "model.safetensors"]
    (empty,) = bare.panel_.series
    assert empty.values.shape == (0, len(mine.columns)) and bare.before_ == [0] and empty.name == ""
    assert [one.shape for one in bare.ahead_] == [(0, 1)]
    if isinstance(bare, FittedBaseline):
        assert bare.totals_.shape == (1, 2, 1) and (bare.totals_ == 0).all()
    model.save(tmp_path / "new" / "er", rows=False)  # where no rows lie
    assert not (tmp_path / "new" / "er" / "rows.npz").exists()


def test_numbers_of_rows_come_back_where_there_are_no_times(tmp_path: Path):
    y = [DICE.normal(size=60), DICE.normal(size=50)]
    model = BaselineForecaster("last_value", season=1).fit(y)
    model.save(tmp_path)
    again = BaselineForecaster.load(tmp_path)
    assert again.before_ == [59, 49] and again.panel_.series[0].times is None
    assert [one.shape for one in again.ahead_] == [(0, 0)] * 2
    assert again.predict().times == (("60",), ("50",))


def test_what_no_forecast_reads_is_left_out_in_whole_blocks():
    """Two contexts and a block are kept at least."""
    assert [left_out(rows, 30, 16) for rows in (0, 76, 91, 92, 93, 107, 108)] == [0, 0, 0, 16, 16, 16, 32]
    assert [left_out(rows, 1, 1) for rows in (3, 4, 9)] == [0, 1, 6]


@pytest.mark.parametrize(
    ("name", "season", "holes", "left"),
    [
        ("last_value", 1, [], 19),
        ("last_value", 1, [19], 18),  # the last one that was measured
        ("last_value", 1, [15, 16, 17, 18, 19], 14),
        ("last_value", 5, [], 15),  # rows of a season are the scale's
        ("seasonal_naive", 5, [], 11),  # of each phase the last one up to row 15, whatever is missing behind
        ("seasonal_naive", 5, [17], 11),
        ("seasonal_naive", 5, [11], 6),
        ("seasonal_naive", 5, [15, 10], 5),
        ("seasonal_naive", 5, [19, 14, 9, 4], 11),  # a phase of which nothing was ever measured
        ("seasonal_naive", 5, list(range(11, 20)), 6),
    ],
)
def test_rows_of_a_baseline_that_are_still_read_are_kept(name: str, season: int, holes: list[int], left: int):
    y = np.arange(20.0) ** 2
    model = BaselineForecaster(name, horizon=1, season=season).fit(y)
    model.panel_.series[0].values[holes] = NAN
    found = _baseline_kept._left_out(model, 0)
    assert found == left
    rest = replace(model.panel_, series=(Series(name="", values=model.panel_.series[0].values[left:]),))
    one, other = (
        model.baseline_.rolling(part, np.zeros(1, int), np.array([len(part.series[0])]))
        for part in (model.panel_, rest)
    )
    np.testing.assert_array_equal(one, other)


def test_the_scale_of_rows_that_are_left_out_is_kept():
    """Sums of the pairs that end before the rows which are kept tell any."""
    y = np.arange(20.0) ** 2
    model = BaselineForecaster("last_value", season=5).fit(y)
    found = _baseline_kept._totals(model, [15])
    assert found.shape == (1, 2, 1) and found[0, 1, 0] == 15
    assert found[0, 0, 0] == pytest.approx(np.abs(y[5:] - y[:-5]).sum())
    assert (_baseline_kept._totals(model, [0]) == 0).all()
    model.totals_[0] = [[100.0], [7.0]]
    assert _baseline_kept._totals(model, [15])[0, :, 0] == pytest.approx(
        [100 + np.abs(y[5:] - y[:-5]).sum(), 22]
    )


def test_a_digest_is_of_rows_times_columns_and_names():
    whole = panel(30)
    told = digest_of(whole)
    assert told == digest_of(whole.cut()) and len(told) == 64
    one, other = whole.series
    moved = replace(one, times=one.times + 1)
    for changed in (
        replace(whole, columns=("y", "z", "sale")),
        replace(whole, series=(replace(one, name="c"), other)),
        replace(whole, series=(moved, other)),
        replace(whole, series=(replace(one, times=None), other)),
        replace(whole, series=(replace(one, values=one.values + 1), other)),
        replace(whole, series=(other, one)),
    ):
        assert digest_of(changed) != told
    one, other = (BaselineForecaster("ridge", season=1).fit(panel(40)) for _ in range(2))
    other.digest_ = one.digest_
    assert digest(one) != digest(other)  # of the weights, too
    again = replace(one.baseline_)
    other.baseline_ = again
    assert digest(one) == digest(other)


def test_folders_that_hold_something_else_are_told(tmp_path: Path):
    with pytest.raises(BadInput, match=r"expected a folder with model\.safetensors, as `save` writes it$"):
        opened(tmp_path)
    with pytest.raises(BadInput, match=r"got wavetrain baseline of version 1$"):  # which no fit makes new
        check_kind(tmp_path, _baseline_kept.KIND, _kept.KIND)
    place = tmp_path / "model.safetensors"
    saved.save(place, {}, {"other": 1})
    assert opened(tmp_path)[0] == FolderKind("", 0)
    for wanted in (_kept.KIND, _baseline_kept.KIND):
        with pytest.raises(
            BadInput, match=f"expected a {wanted.name} of version {wanted.version}, got something else$"
        ):
            check_kind(tmp_path, opened(tmp_path)[0], wanted)
        check_kind(tmp_path, wanted, wanted)
    with pytest.raises(BadInput, match=r"got wavetrain forecaster of version 1; fit it again .*again$"):
        check_kind(tmp_path, FolderKind("wavetrain forecaster", 1), _kept.KIND)
    assert (_kept.KIND, _baseline_kept.KIND) == (("wavetrain forecaster", 2), ("wavetrain baseline", 1))
    saved.save(place, {}, {"kind": "wavetrain baseline", "version": 1})
    with pytest.raises(
        BadInput, match=r"model\.safetensors is not a whole baseline \('settings'\); fit it again .*again$"
    ):
        load_series_model(tmp_path)
    saved.save(place, {}, {"kind": "wavetrain forecaster", "version": 2})
    with pytest.raises(BadInput, match=r"model\.safetensors is not a whole forecaster \('settings'\)$"):
        load_series_model(tmp_path)
    for name, what in (("sequences", "answers whole sequences"), ("detector", "finds unusual rows")):
        (tmp_path / f"{name}.safetensors").write_bytes(b"")
        with pytest.raises(BadInput, match=f"expected a model that forecasts series, got one that {what}: "):
            opened(tmp_path)
        (tmp_path / f"{name}.safetensors").unlink()


def test_a_layer_is_kept_by_the_name_that_finds_it():
    assert name_of("mine.py:Mine") == "mine.py:Mine" and name_of(Elman) == "elman"
    assert _kept.layer_of(Elman) is Elman and _kept.layer_of("elman") is Elman
    assert sorted(_kept.SETTINGS) == sorted(Forecaster().get_params())
    assert sorted(_baseline_kept.SETTINGS) == sorted(BaselineForecaster().get_params())


def test_a_table_of_sequences_comes_back_with_the_names_of_its_columns(tmp_path: Path):
    frame = pd.DataFrame(DICE.normal(size=(12, 3)), columns=["p", "q", "r"])
    model = SequenceClassifier("elman", width=2, depth=1, steps=0, random_state=np.random.RandomState(0))
    model.fit(frame, ["no", "yes"] * 6).save(tmp_path / "deep" / "er")
    again = SequenceClassifier.load(tmp_path / "deep" / "er")
    assert again.feature_names_in_.tolist() == ["p", "q", "r"] and again.random_state is None
    assert again.n_features_in_ == 3 and again.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))
    assert (again.held_, again.valid_score_, again.history_) == (0, None, []) and again.reading_ is None
    seeded = SequenceRegressor("elman", width=2, depth=1, steps=0, random_state=7).fit(frame, np.arange(12.0))
    seeded.save(tmp_path)
    assert SequenceRegressor.load(tmp_path).random_state == 7
    assert not hasattr(SequenceRegressor.load(tmp_path), "classes_")


def test_folders_that_hold_no_sequences_are_told(tmp_path: Path):
    place = tmp_path / "sequences.safetensors"
    with pytest.raises(
        BadInput, match=r"expected a folder with sequences\.safetensors, as `save` writes it$"
    ):
        SequenceClassifier.load(tmp_path)
    assert (_sequences_kept.KIND, _sequences_kept.VERSION) == ("wavetrain sequences", 2)
    whole = {"kind": "wavetrain sequences", "version": 2, "class": "SequenceClassifier"}
    for changed in ({"kind": "x"}, {"version": 1}, {"class": "SequenceRegressor"}):
        saved.save(place, {}, {**whole, **changed})
        got = f"{changed.get('class', 'SequenceClassifier')} of version {changed.get('version', 2)}"
        with pytest.raises(BadInput, match=f"expected a SequenceClassifier of version 2, got {got}$"):
            SequenceClassifier.load(tmp_path)
    saved.save(place, {}, whole)
    with pytest.raises(BadInput, match=r"is not a whole SequenceClassifier \('settings'\)$"):
        SequenceClassifier.load(tmp_path)


@pytest.mark.parametrize("layer", ["last_value", "ridge", "elman", "temporal_memory"])
def test_a_detector_comes_back_as_it_was(layer: str, tmp_path: Path):
    memory = TemporalMemory(64, 3, Dendrites(activation=2, matching=2, grow=4), seed=5)
    model = AnomalyDetector(
        memory if layer == "temporal_memory" else layer,
        rate=0.1,
        season=1,
        width=2,
        depth=1,
        steps=0,
        context=6,
        random_state=np.random.RandomState(0) if layer == "ridge" else 3,
    )
    model.fit(panel(90, 0))
    model.asked_ = {"target": ["y"]}
    model.save(tmp_path / "deep" / "er")
    words = saved.load(tmp_path / "deep" / "er" / "detector.safetensors")[1]
    told = _series_kept.versions()
    assert words["made by"] == {name: told[name] for name in ("wavetrain", "torch")}
    again = AnomalyDetector.load(tmp_path / "deep" / "er")
    for name in ("columns_", "targets_", "known_", "series_", "clock_", "asked_", "threshold_", "offset_"):
        assert getattr(again, name) == getattr(model, name), name
    for name in ("centre_", "spread_", "held_", "history_"):
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name))
    assert again.n_features_in_ == 3 and again.random_state == (None if layer == "ridge" else 3)
    assert again.foresight_.name == model.foresight_.name
    assert not list(tmp_path.rglob("*.npz"))  # no row is kept
    inside = {"ridge": ["ridge"], "elman": ["forecaster"]}.get(layer, [])
    assert [one.name for one in (tmp_path / "deep" / "er").iterdir() if one.is_dir()] == inside
    one, other = model.detect(panel(90, 0)), again.detect(panel(90, 0))
    assert len(one) == len(other) and again.foresight_.__class__ is model.foresight_.__class__
    if layer == "temporal_memory":
        mine = again.foresight_.memory  # type: ignore[attr-defined]
        assert (mine.columns, mine.cells, mine.dendrites, mine.seed) == (64, 3, memory.dendrites, 5)


def test_folders_that_hold_no_detector_are_told(tmp_path: Path):
    place = tmp_path / "detector.safetensors"
    assert (_detector_kept.KIND, _detector_kept.VERSION) == ("wavetrain anomaly detector", 1)
    for changed in ({"kind": "x"}, {"version": 2}):
        words = {"kind": "wavetrain anomaly detector", "version": 1, **changed}
        saved.save(place, {}, words)
        with pytest.raises(
            BadInput, match=f"expected a wavetrain anomaly detector of version 1, got {words['kind']}$"
        ):
            AnomalyDetector.load(tmp_path)
    saved.save(place, {}, {"kind": "wavetrain anomaly detector", "version": 1})
    with pytest.raises(BadInput, match=r"is not a whole detector \('settings'\)$"):
        AnomalyDetector.load(tmp_path)


def test_versions_are_those_of_this_machine():
    told = _series_kept.versions()
    assert told["torch"] == torch.__version__.split("+")[0] and told["numpy"] == np.__version__
    assert list(told) == ["wavetrain", "torch", "numpy"] and json.dumps(told)
