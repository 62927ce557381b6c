"""What stands on the cards of models, from facts that are given by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from wavetrain.estimators import SequenceClassifier, _sequences_card
from wavetrain.estimators._card import STARTS, card, facts, of_network, season
from wavetrain.estimators.baseline import BaselineForecaster
from wavetrain.estimators.forecaster import Forecaster
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series
from wavetrain.tables.read.answered import Reading

HOUR = 3600 * 10**6
DICE = np.random.default_rng(0)
VERSIONS = {"wavetrain": "9.9"}


def sequences(**words: Any) -> Any:
    """A fitted classifier or regressor, as far as its card reads it."""
    network = torch.nn.Linear(1000, 3)
    plain = {
        "reading_": None,
        "centre_": np.array([1.5, -20000.0]),
        "spread_": np.array([0.25, 3.0]),
        "layer": "gru",
        "depth": 2,
        "width": 8,
        "network_": network,
        "valid_score_": None,
        "held_": 0,
        "history_": [],
    }
    return SimpleNamespace(**{**plain, **words})


def test_a_card_of_sequences_by_hand():
    reading = Reading(classes="kind", id=("who", "day"), time=(), channels=("up", "down"))
    model = sequences(
        reading_=reading,
        learned_={"sequences": "9", "steps": "3"},
        classes_=np.arange(14),
        valid_score_=0.87654,
        held_=12,
        history_=[(3, 0.5), (1200, 0.1234567), (1500, 0.2)],
    )
    assert _sequences_card.facts(model, VERSIONS) == {
        "Data": {
            "sequences": "9",
            "steps": "3",
            "channels": "2: up, down",
            "column of the class": "kind",
            "id": "who, day",
            "classes": "14: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more",
        },
        "Model": {
            "answers by": "gru",
            "layers": "2, 8 wide",
            "parameters": "3,003",
            "scaling": "mean and deviation of each channel: 1.5 and 0.25, -2e+04 and 3",
        },
        "Validation": {
            "accuracy": "0.877 on 12 sequences, held out to choose the step by",
            "least loss": "0.1235, after 1,200 steps",
        },
        "Versions": VERSIONS,
    }
    page = _sequences_card.card(model, VERSIONS)
    assert page.startswith("# A classifier of sequences\n\n## Data\n\n- sequences: 9\n- steps: 3\n")
    assert page.count("## How to use it") == 1 and page.endswith(_sequences_card.USE)
    assert "wavetrain evaluate FOLDER" in page and 'wt.load("FOLDER")' in page


def test_a_card_of_sequences_tells_no_more_than_there_is():
    simple = sequences(
        network_=torch.nn.Identity(),
        layer=SequenceClassifier,
        reading_=Reading(channels=("one",)),
        valid_score_=0.5,
        held_=3,
        centre_=np.zeros(13),
        spread_=np.ones(13),
    )
    found = _sequences_card.facts(simple, VERSIONS)
    assert found["Data"] == {"channels": "13"}  # names of others are none
    scaling = "mean and deviation of each channel: " + ", ".join(["0 and 1"] * 12)
    assert found["Model"] == {"answers by": "SequenceClassifier", "scaling": scaling}
    assert found["Validation"] == {
        "R²": "0.500 on 3 sequences, held out of a first fit; the second was to all"
    }
    bare = sequences()
    assert "Validation" not in _sequences_card.facts(bare, VERSIONS)
    page = _sequences_card.card(bare, VERSIONS)
    assert page.startswith("# A regressor of sequences\n") and page.endswith(_sequences_card.IN_PYTHON)
    assert "wavetrain predict" not in page and _sequences_card.FEW == 12
    assert _sequences_card._some(tuple("abcdefghijkl")) == "a, b, c, d, e, f, g, h, i, j, k, l"


def whole(rows: int = 72) -> Panel:
    values = np.stack([DICE.normal(size=rows).cumsum(), DICE.normal(size=rows), np.arange(rows) % 5.0], 1)
    one = Series(name="", values=values, times=moment("2024-01-01") + np.arange(rows) * HOUR)
    return Panel(
        columns=("y", "rain", "sale"),
        series=(one,),
        targets=("y",),
        known=("sale",),
        clock=Clock(1, "hour"),
        said=("72 rows", "nothing left out"),
    )


def test_a_card_of_a_network_by_hand():
    model = Forecaster("elman", horizon=2, width=3, depth=1, steps=0, context=9, season=1).fit(whole())
    model.history_ = [(0, 0.75), (1000, 0.123456), (2000, 0.123456), (3000, 0.5)]
    model.errors_ = np.array([[[1.0], [2.0]], [[np.nan], [4.0]]])
    count = sum(one.numel() for one in model.network_.parameters())
    found = of_network(model)
    assert found["Model"] == {
        "layers": "1 of elman, 3 wide",
        "parameters": f"{count:,}",
        "starts from": STARTS[model.base_.kind.value],
        "season": "none",
        "context": "9 rows",
        "horizon": "2 rows",
        "scaling": "each window by the mean and the deviation of its context",
    }
    assert found["Validation"] == {
        "forecasts": "2, of the last rows of each series",
        "error of the start": "0.75 deviations",
        "error": "0.1235 deviations, after 2,000 steps",
        "mean error of y": "2.333 deviations of its context",
    }
    model.history_, kept = [(0, np.nan), (5, np.nan)], model.history_
    assert of_network(model)["Validation"]["error"] == "nan deviations, after 0 steps"
    model.history_ = kept
    assert facts(model)["Columns"] == {
        "forecast": "y",
        "read": "rain",
        "known ahead": "sale",
        "phases of the times": "day",
    }
    assert facts(model)["Data"] == {
        "line 1": "72 rows",
        "line 2": "nothing left out",
        "sha256 of the rows": model.digest_,
    }
    assert list(facts(model)) == ["Data", "Columns", "Model", "Validation", "Versions"]
    page = card(model, "mine")
    assert page.startswith("# A forecaster of y\n\n## Data\n\n- 72 rows\n- nothing left out\n- sha256 of")
    assert "\n- layers: 1 of elman, 3 wide\n" in page and "FOLDER" not in page
    assert "wavetrain predict mine " in page and 'wt.load("mine")' in page


def test_a_card_of_a_baseline_by_hand():
    model = BaselineForecaster("seasonal_naive", horizon=2, season=5).fit(whole())
    model.errors_ = np.array([[[1.0], [2.0]], [[np.nan], [4.0]]])
    model.scales_ = np.array([[[2.0]], [[4.0]]])
    assert model.described() == {
        "Model": {"a baseline": model.called, "season": "5 rows", "horizon": "2 rows"},
        "Validation": {
            "forecasts": "2, of the last rows of each series",
            "MASE of y": f"{(0.5 + 1 + 1) / 3:.4g}",
            "fitted": "to the rows before them for these errors, and then again to all rows",
        },
    }
    model.scales_ = np.full((2, 1, 1), np.nan)
    assert "MASE of y" not in model.described()["Validation"]
    assert model._where == "before" and facts(model)["Columns"]["forecast"] == "y"
    ridge = BaselineForecaster("ridge", season=1).fit(whole())
    assert ridge.described()["Model"]["lags"] == str(ridge.baseline_.lags)  # type: ignore[attr-defined]
    assert (season(1), season(2)) == ("none", "2 rows")


def test_the_columns_of_times_and_ids_are_told():
    form = {"time": ["day", "hour"], "id": ["shop"]}
    kept = SimpleNamespace(**form)
    model = BaselineForecaster("last_value", season=1).fit(whole())
    object.__setattr__(model.panel_, "form", kept)
    assert facts(model)["Columns"] == {
        "forecast": "y",
        "read": "rain",
        "known ahead": "sale",
        "time": "day, hour",
        "id": "shop",
    }
