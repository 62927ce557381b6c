"""The command `compare`: what it hands on of its flags, and what it prints of a record."""

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wavetrain.cli import main
from wavetrain.errors import BadInput
from wavetrain.run import own
from wavetrain.run.forecasts import _rank, _season
from wavetrain.run.pools import Processes
from wavetrain.run.terms import Terms
from wavetrain.tables.rolling import Metric

command, look = (importlib.import_module(f"wavetrain.cli.{name}") for name in ("compare", "look"))


class Begun(Exception):
    """The work began."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the work is given, in order; nothing is read or trained."""
    found = list[Any]()

    def noted(name: str, answer: Any) -> Any:
        def note(*given: Any, **named: Any) -> Any:
            found.append((name, given, named))
            if answer is Begun:
                raise Begun
            return answer

        return note

    past = SimpleNamespace(said=("forecast y",))
    series = SimpleNamespace(split=SimpleNamespace(past=past, said="36 rows are tested"))
    loaded = SimpleNamespace(task="a task", what="60 sequences")
    monkeypatch.setattr(own, "series", noted("series", series))
    monkeypatch.setattr(own, "answered", noted("answered", (loaded, ["two classes"])))
    monkeypatch.setattr("wavetrain.run.classes.is_answered", lambda task: task == "a task")
    monkeypatch.setattr("wavetrain.run.classes.small", lambda task: "only a few")
    monkeypatch.setattr("wavetrain.run.forecasts.compare_series", noted("compare_series", Begun))
    monkeypatch.setattr("wavetrain.run.compare.compare_layers", noted("compare_layers", Begun))
    monkeypatch.setattr("wavetrain.run.in_turn.compare_rules", noted("compare_rules", Begun))
    monkeypatch.setattr("wavetrain.run.by_rule.compare_rules_on", noted("compare_rules_on", Begun))
    monkeypatch.setattr("os.cpu_count", lambda: 5)
    return found


def test_series_are_compared_as_they_are_asked_for(
    asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words = "a.csv --target y --time t --id i --inputs x --known-ahead k --missing -999 --resample 1h"
    words += " --horizon 4 --window 7 --metric mae --split group --minutes 2 --parameters 500 --batch 3"
    words += " --depth 1 --rates 0.1 0.2 --seeds 2 --out here --layers elman gru"
    with pytest.raises(Begun):
        main(["compare", *words.split()])
    roles = own.Roles(("y",), ("t",), ("i",), ("x",), ("k",), ("-999",), "1h")
    (_, given, named), (_, work, how) = asked
    assert given == ("a.csv", roles)
    assert named == {"horizon": 4, "window": 7, "metric": Metric.MAE, "split": "group"}
    assert work[1:] == (("elman", "gru"), Terms(500, 400, 3, 1, (0.1, 0.2), seeds=(0, 1)))
    assert (how["minutes"], how["out"], how["pool"].jobs) == (2.0, Path("here"), 5)
    assert capsys.readouterr().out.splitlines() == ["forecast y", "36 rows are tested"]


def test_series_with_nothing_else_said(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Begun):
        main(["compare", "a.csv", "--jobs", "2", "--json"])
    (_, given, named), (_, work, how) = asked
    assert given == ("a.csv", own.Roles()) and named["metric"] is Metric.MASE
    assert work[1:] == (None, Terms()) and (how["minutes"], how["pool"].jobs) == (5.0, 2)
    assert capsys.readouterr().out == ""


def test_sequences_are_compared_with_the_steps_that_are_asked_for(
    asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words = "compare a.csv --classes kind --steps 9 --seeds 1 --window 6 --horizon 2 --split group --out here"
    with pytest.raises(Begun):
        main(words.split())
    (_, given, named), (_, work, how) = asked
    assert given == ("a.csv", own.Roles(), "kind", Path("here"))
    assert named == {"horizon": 2, "window": 6, "split": "group"}
    assert (
        work[1:6] == (None, Terms(steps=9, seeds=(0,)), Path("here"), "cpu", Processes(5))
        and how["minutes"] is None
    )
    assert capsys.readouterr().out.splitlines() == ["two classes", "60 sequences", "only a few"]


def test_a_stream_is_learned_as_it_is_asked_for(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    words = "compare --stream a.npz b.npz --rules hebb experience_replay --layers lstm --steps 7 --seeds 2"
    with pytest.raises(Begun):
        main([*words.split(), "--parameters", "500", "--rates", "0.1", "--out", "here", "--jobs", "3"])
    ((name, given, _),) = asked
    assert name == "compare_rules"
    files, rules, layer, terms, *rest = given
    assert (files, rules, layer) == (("a.npz", "b.npz"), ("hebb", "experience_replay"), "lstm")
    assert terms == Terms(500, 7, rates=(0.1,), seeds=(0, 1)) and rest[:3] == [
        Path("here"),
        "cpu",
        Processes(3),
    ]
    with pytest.raises(Begun):
        main(["compare", "--stream", "a.npz"])
    assert asked[1][1][1:3] == ((), "gru")


def test_rules_are_compared_on_one_file(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "is_series", lambda data, roles: False)
    words = "compare a.npz --rules hebb snap --layers lstm --steps 7 --seeds 2 --parameters 500 --rates 0.1"
    with pytest.raises(Begun):
        main([*words.split(), "--out", "here", "--jobs", "3"])
    name, given, _ = asked[-1]
    assert name == "compare_rules_on"
    assert given[:3] == ("a.npz", ("hebb", "snap"), "lstm")
    assert given[3:7] == (Terms(500, 7, rates=(0.1,), seeds=(0, 1)), Path("here"), "cpu", Processes(3))


def test_rules_on_a_table_are_refused(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["compare", "a.csv", "--rules", "snap"])
    assert left.value.code == 2 and "got a table: a.csv" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "expected a file or a name to compare layers on, or --stream and files"),
        ("a.npz --stream b.npz", "got both: a.npz"),
        ("a.npz --rules hebb --layers gru lstm", "several rules teach one layer, got layers gru, lstm"),
        ("a.npz --rules hebb --minutes 2", "rules teach for a number of --steps"),
        ("a.npz --rules hebb --horizon 2", "expected no columns, --classes, --horizon, --window or --split"),
        ("--stream a.npz --horizon 2", "expected no columns, --classes, --horizon, --window or --split"),
        ("--stream a.npz --classes kind", "expected no columns, --classes, --horizon, --window or --split"),
        ("--stream a.npz --target y", "expected no columns, --classes, --horizon, --window or --split"),
        ("--stream a.npz --minutes 2", "expected no --minutes or --quick"),
        ("--stream a.npz --layers gru lstm", "by one layer and several rules"),
    ],
)
def test_what_a_stream_does_not_go_with_is_said_in_one_line(
    asked: list[Any], words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["compare", *words.split()])
    error = capsys.readouterr().err
    assert left.value.code == 2
    assert said in " ".join(error.split()) and not asked


def record(**facts: Any) -> Any:
    usual: dict[str, Any] = {
        "folder": "here",
        "baselines": (),
        "terms": {"seeds": [0]},
        "left_out": {},
        "verdict": None,
        "advised": "",
        "figures": (SimpleNamespace(model=""),),
        "chance": SimpleNamespace(answer="the mean"),
    }
    return SimpleNamespace(**(usual | facts))


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is its name."""
    for name in ("scores", "costs", "comparison"):
        monkeypatch.setattr(f"wavetrain.report.tables.{name}", lambda record, name=name: f"the {name}")
    monkeypatch.setattr("wavetrain.report.tables.columns_table", str)


def test_what_is_printed_of_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    command._print(record(left_out={"s4": "s4: too wide"}))
    assert capsys.readouterr().out.splitlines() == [
        "the comparison",
        "chance: the mean",
        "left out: s4: too wide",
        "page: here/index.html",
    ]
    whole = {
        "baselines": (SimpleNamespace(metrics={"MAE": 1.0, "RMSE": 2.0}),),
        "verdict": SimpleNamespace(says="No layer earns its keep."),
        "advised": "models/gru",
        "figures": (SimpleNamespace(model=""), SimpleNamespace(model="models/gru")),
    }
    for seeds, more in (([0], {"horizon": 3}), ([0, 1], {})):
        command._print(record(**whole, terms={"seeds": seeds, **more}))
        many = "1 seed" if len(seeds) == 1 else "2 seeds"
        assert capsys.readouterr().out.splitlines() == [
            "the scores",
            f"† a baseline. On the test part, {many}: MAE, RMSE",
            "the costs",
            "No layer earns its keep.",
            f"to use it: wavetrain predict here/models/gru{'' if more else ' NEW'}",
            "models: here/models",
            "page: here/index.html",
        ]


def test_a_season_is_more_than_a_row_and_no_score_comes_last() -> None:
    assert [_season(rows) for rows in (1, 2, 24)] == [
        "no season",
        "a season of 2 rows",
        "a season of 24 rows",
    ]
    some = [SimpleNamespace(score=score) for score in (0.5, None, -1.0)]
    assert [one.score for one in sorted(some, key=_rank)] == [-1.0, 0.5, None]  # type: ignore[arg-type]


def test_positions_are_rows_of_numbers(tmp_path: Path) -> None:
    places = np.array([[0.0, 1.5], [2.0, -3.0]])
    with (tmp_path / "a.NPY").open("wb") as file:
        np.save(file, places)
    (tmp_path / "a.csv").write_text("0,1.5\n\n2,-3\n")
    for name in ("a.NPY", "a.csv"):
        np.testing.assert_array_equal(look._places(str(tmp_path / name)), places)
    (tmp_path / "b.csv").write_text("x,y\n")
    with pytest.raises(BadInput, match=r"b\.csv: expected rows of two or three numbers \("):
        look._places(str(tmp_path / "b.csv"))


def test_a_target_is_a_file_or_a_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer is eight wide, with an input for each channel of the data."""
    monkeypatch.chdir(tmp_path)
    assert look._target("none.npz", None) == "none.npz"
    (tmp_path / "gru").touch()
    assert look._target("gru", None) == "gru"
    layer = look._target("elman", None)
    assert (layer.width, layer.inputs) == (8, 8)
    np.savez(tmp_path / "wave.npz", signal=np.zeros((50, 3)), rate=10)
    layer = look._target("elman", str(tmp_path / "wave.npz"))
    assert (layer.width, layer.inputs) == (8, 3)


def test_figures_and_what_is_left_out_stand_apart() -> None:
    told: list[dict[str, Any]] = [
        {"lens": "a", "figures": {"x": 1}},
        {"lens": "b", "why": "no layer"},
        {"lens": "c", "figures": {}, "why": "in part"},
    ]
    assert look._plain(told) == {
        "lenses": {"a": {"x": 1}, "c": {}},
        "left out": {"b": "no layer", "c": "in part"},
    }
