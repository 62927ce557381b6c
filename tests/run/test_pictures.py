"""Pictures of a comparison on series: which rows they show, whom, and what the table of forecasts holds."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wavetrain.evidence import picture
from wavetrain.evidence.comparison import Figures, Timings
from wavetrain.evidence.picture import Curve, Points
from wavetrain.run import pictures
from wavetrain.run.contestants import Answers, Question
from wavetrain.run.pictures import draw_standing, write_forecasts
from wavetrain.run.standing import Standing
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.rolling import Metric, Rolled

OFF = {
    "near": 2.0,
    "far": 8.0,
    "beyond": 9.0,
}  # how much a forecast is above the truth, and below with seed 1


def standing(
    series: list[int], rows: list[int], *, horizon: int = 2, names: tuple[str, ...] = ("",), targets: int = 2
) -> Standing:
    """The truth of a window is its first row and 100 for each step and 0.5 for each target behind it."""
    steps, columns = np.arange(horizon)[:, None], np.arange(targets)
    truth = np.array(rows)[:, None, None] + 100.0 * steps + 0.5 * columns
    empty = np.full_like(truth, np.nan)
    rolled = Rolled(
        names=names,
        targets=tuple("yzw"[:targets]),
        season=1,
        series=np.array(series),
        rows=np.array(rows),
        truth=truth,
        forecast=empty,
        scale=np.ones((len(rows), targets)),
    )
    found = Standing(question=Question(horizon=horizon, metric=Metric.MAE), valid=rolled, test=rolled)
    for name, off in OFF.items():
        mine = np.stack([truth + off, truth - off])
        found.add(name, Answers(mine, mine, mine - 1, mine + 3), baseline=name == "near")
    return found


def layer(name: str, score: float | None) -> Figures:
    return Figures(
        layer=name,
        family="f",
        width=4,
        parameters=1,
        rate=0.1,
        scores=(score,),
        score=score,
        spread=None,
        diverged=(),
        state_bytes=1,
        context=None,
    )


def drawn(
    folder: Path,
    found: Standing,
    figures: tuple[Figures, ...] = (),
    chosen: tuple[str, ...] = ("near", "far"),
) -> dict[str, Curve | Points]:
    timings = {
        one.layer: Timings(training_tokens_per_second=1, microseconds_per_step=10.0 + place, routes={})
        for place, one in enumerate(figures)
    }
    paths = draw_standing(folder, found, chosen, figures, timings)
    assert all((folder / path).read_bytes()[:4] == b"\x89PNG" for path in paths.values())
    return {name: picture.load((folder / path).with_suffix(".npz")) for name, path in paths.items()}  # type: ignore


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a picture holds is asked here; how it is drawn is asked elsewhere, and takes long."""
    monkeypatch.setattr("wavetrain.report.draw.draw", lambda one, path: path.write_bytes(b"\x89PNG"))


def test_the_series_with_most_windows_is_shown_as_far_as_a_picture_goes(tmp_path: Path):
    """Series 1 has windows at rows 11, 12, ... and those within 240 rows of the first are shown."""
    rows = list(range(11, 11 + 260))
    found = drawn(tmp_path, standing([0, 0, *[1] * 260], [3, 4, *rows], names=("a", "b"), horizon=3))
    forecast, residuals = found["forecast"], found["residuals"]
    assert isinstance(forecast, Curve) and isinstance(residuals, Curve)
    np.testing.assert_array_equal(residuals.x, np.arange(13, 253))  # the last of three steps ahead
    np.testing.assert_array_equal(forecast.x, np.arange(11, 251))  # every third window: no row is told twice
    assert forecast.ylabel == "y of b" and residuals.ylabel == "y of b, measured less forecast"
    assert forecast.title == "y of b: forecasts up to 3 rows ahead, each behind the one before"
    assert residuals.title == "Residuals 3 rows ahead"
    assert forecast.labels == ("measured", "near", "far", "90 % interval, low", "90 % interval, high")
    truth = (np.arange(11, 251, 3)[:, None] + [0, 100, 200]).ravel()
    np.testing.assert_array_equal(forecast.lines, truth + np.array([[0], [2], [8], [1], [5]]))
    np.testing.assert_array_equal(residuals.lines, np.repeat([[-2.0], [-8.0]], 240, 1))
    assert residuals.labels == ("near", "far")


def test_one_row_ahead_has_no_steps(tmp_path: Path):
    found = drawn(tmp_path, standing([0, 0, 0], [5, 6, 9], horizon=1))
    assert set(found) == {"forecast", "residuals", "cost"}
    assert found["forecast"].title == "y: forecasts one row ahead"
    assert found["residuals"].title == "Residuals 1 row ahead"
    assert found["residuals"].x.tolist() == found["forecast"].x.tolist() == [5, 6, 9]


def test_what_is_no_number_leaves_a_gap(tmp_path: Path):
    one = standing([0, 0], [5, 6], horizon=1)
    one.answers["near"].high[0, 1] = np.inf
    high = drawn(tmp_path, one)["forecast"].lines[-1]  # type: ignore[union-attr]
    assert high[0] == 10 and np.isnan(high[1])


def test_steps_ahead_leave_out_those_that_are_far_off_and_all_above_seven(tmp_path: Path):
    """Four times the least error is still shown; at each step the error is the mean over windows."""
    one = standing([0, 0], [5, 6])
    one.answers["far"].test[0, 1, 1] += 8  # the candidate is scored already; a mean of two seeds and windows
    steps = drawn(tmp_path, one)["steps"]
    assert isinstance(steps, Curve) and steps.labels == ("near", "far")
    np.testing.assert_array_equal(steps.x, [1, 2])
    np.testing.assert_array_equal(steps.lines, [[2, 2], [8, 10]])
    for place in range(7):
        mine = one.test.truth[None] + 2 + place / 10
        one.add(f"more{place}", Answers(mine, mine, mine, mine), baseline=False)
    assert drawn(tmp_path, one)["steps"].labels == ("near", *[f"more{place}" for place in range(6)])


def test_steps_ahead_of_those_without_an_answer_are_not_shown(tmp_path: Path):
    """Whoever has no forecast for some windows has no score, wherever it stands."""
    whole = standing([0, 0], [5, 6])
    one = Standing(question=whole.question, valid=whole.valid, test=whole.test)
    hollow = whole.answers["near"].test.copy()
    hollow[0, 0] = np.nan
    one.add("hollow", Answers(hollow, hollow, hollow, hollow), baseline=True)
    for name, answers in whole.answers.items():
        one.add(name, answers, baseline=False)
    assert drawn(tmp_path, one)["steps"].labels == ("near", "far")
    nobody = Standing(question=whole.question, valid=whole.valid, test=whole.test)
    nobody.add("hollow", Answers(hollow, hollow, hollow, hollow), baseline=True)
    assert "steps" not in drawn(tmp_path, nobody, chosen=("hollow",))


def test_costs_are_those_of_layers_with_a_score(tmp_path: Path):
    layers = [layer("lost", None), *[layer(f"layer{place}", place + 0.5) for place in range(8)]]
    cost = drawn(tmp_path, standing([0], [5]), ())["cost"]
    assert cost.x.size == 0 and cost.ylabel == "score"
    one = standing([0], [5])
    for figures in layers[1:]:
        one.add(figures.layer, one.answers["far"], baseline=False)
    assert drawn(tmp_path, one, tuple(layers[:2]))["cost"].ylabel == "MAE"
    cost = drawn(tmp_path, one, tuple(layers))["cost"]
    assert isinstance(cost, Points) and cost.ylabel == "MAE"
    assert cost.labels == tuple(f"layer{place}" for place in range(7))
    assert cost.x.tolist() == [11.0 + place for place in range(7)]
    assert cost.y.tolist() == [0.5 + place for place in range(7)] and cost.group.tolist() == list(range(7))


def test_the_table_of_forecasts_has_a_line_for_each_value(tmp_path: Path):
    """By window, step and column; twice, and a row of one series has the time that it has there."""
    one = standing([0, 1], [1, 0], names=("a", "b"), targets=2)
    days = [np.array([moment(f"{year}-01-0{day}") for day in (1, 2, 3)]) for year in (2001, 2002)]
    path = tmp_path / "far.csv"
    assert write_forecasts(path, one, "far", days, Clock(1, "day")) == 2
    table = pd.read_csv(path)
    assert list(table)[:5] == ["series", "time", "first row", "row", "column"]
    assert list(table)[5:] == ["measured", "forecast", "low", "high"]
    assert table["series"].tolist() == ["a"] * 4 + ["b"] * 4
    assert table["time"].tolist() == [f"{when}" for when in ("2001-01-02", "2001-01-03") for _ in "yz"] + [
        f"{when}" for when in ("2002-01-01", "2002-01-02") for _ in "yz"
    ]
    assert table["first row"].tolist() == [1] * 4 + [0] * 4
    assert table["row"].tolist() == [1, 1, 2, 2, 0, 0, 1, 1]
    assert table["column"].tolist() == ["y", "z"] * 4
    assert table["measured"].tolist() == [1, 1.5, 101, 101.5, 0, 0.5, 100, 100.5]
    for name, off in {"forecast": 8, "low": 7, "high": 11}.items():
        assert (table[name] - table["measured"] == off).all()
    records = json.loads(path.with_suffix(".json").read_text())
    assert pd.DataFrame(records).equals(table.astype({"measured": float}))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["far.csv", "far.json"]


@pytest.mark.parametrize(
    ("most", "firsts"),
    [
        (40, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),  # ten windows of two steps and two columns: all fit
        (39, [0, 1, 2, 3, 4, 6, 7, 8, 9]),  # nine: steps of 9/8, and 4.5 is rounded to even
        (15, [0, 4, 9]),  # three
        (3, [0]),  # not even one fits, and one is written
    ],
)
def test_long_tables_are_thinned_evenly(
    most: int, firsts: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pictures, "MOST", most)
    one = standing([0] * 10, list(range(10)), targets=2)
    assert write_forecasts(tmp_path / "near.csv", one, "near", [None], None) == len(firsts)
    table = pd.read_csv(tmp_path / "near.csv")
    assert table["first row"].drop_duplicates().tolist() == firsts and "time" not in table


def test_a_table_has_a_hundred_thousand_lines_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 21 windows of 2500 steps and two columns, twenty."""
    lengths = list[int]()
    for name in ("to_json", "to_csv"):
        monkeypatch.setattr(
            pd.DataFrame, name, lambda self, path, **named: lengths.append(path.touch() or len(self))
        )
    one = standing([0] * 21, list(range(21)), horizon=2500)
    assert write_forecasts(tmp_path / "near.csv", one, "near", [None], None) == 20
    assert lengths == [100_000] * 2 and pictures.MOST == 100_000
