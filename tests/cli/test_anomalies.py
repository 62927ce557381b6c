"""From a table to alarms: what was understood, a table of events, a CSV, a picture, a kept model."""

import csv
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wavetrain.cli import anomalies, main
from wavetrain.errors import BadInput

SMALL = ("--layer", "elman", "--width", "4", "--depth", "1", "--steps", "5")


def table(path: Path, rows: int = 1000, spike: int = 700) -> Path:
    """Two pumps by the hour, one of which breaks for one row."""
    dice, lines = np.random.default_rng(0), ["when,pump,litres"]
    hours = np.datetime64("2024-03-01T00", "h") + np.arange(rows)
    for name, level in (("north", 100.0), ("south", 5.0)):
        for place, hour in enumerate(hours):
            value = level + np.sin(2 * np.pi * place / 24) + 0.1 * dice.normal()
            value += 20 * (name == "south" and place == spike)
            lines.append(f"{hour.item():%Y-%m-%d %H:%M},{name},{value:.3f}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("anomalies")


@pytest.fixture(scope="module")
def said(folder: Path) -> str:
    """What the command says; it is run once."""
    out = io.StringIO()
    source, before = str(table(folder / "pumps.csv")), sys.stdout
    sys.stdout = out
    try:
        main(["anomalies", source, "--out", str(folder / "found.csv"), "--model", str(folder / "m"), *SMALL])
    finally:
        sys.stdout = before
    return out.getvalue()


def test_what_was_understood_and_found_is_said(said: str, folder: Path):
    lines = said.splitlines()
    assert lines[0] == "watch litres" and "2 series by pump" in lines[1] and "every hour" in lines[2]
    assert "learned from the first 1,000 rows, of which the last 300 calibrate" in said
    assert "1 % of usual rows may have one" in said
    (event,) = [line for line in lines if "2024-03-30 04:00" in line]
    assert event.split()[0] == "south" and event.rstrip().endswith("4 of 4")
    assert "of these events" in said and "usual error" in said and "seasonal naive (24)" in said
    assert f"model: {folder / 'm'}" in said


def test_all_rows_are_written_with_their_part(said: str, folder: Path):
    rows = list(csv.DictReader(io.StringIO((folder / "found.csv").read_text())))
    assert len(rows) == 2000 and [row["series"] for row in rows].count("south") == 1000
    spike = max(rows, key=lambda row: float(row["score"] or 0))
    assert (spike["series"], spike["time"], spike["alarm"], spike["part"]) == (
        "south",
        "2024-03-30 04:00",
        "1",
        "new",
    )
    assert float(spike["litres"]) - float(spike["litres expected"]) == pytest.approx(20, abs=1)
    assert [row["part"] for row in rows[:1000]] == ["learned"] * 350 + ["calibration"] * 150 + ["new"] * 500


def test_there_is_a_picture_in_both_forms(said: str, folder: Path):
    assert f"picture: {folder / 'found.png'}" in said
    assert (folder / "found.png").read_bytes()[:4] == b"\x89PNG" and (folder / "found.svg").stat().st_size


def test_a_kept_model_takes_up_new_rows_and_learns_nothing(
    said: str, folder: Path, capsys: pytest.CaptureFixture[str]
):
    later = str(table(folder / "later.csv", rows=300, spike=200))
    picture = str(folder / "later.png")
    main(["anomalies", later, "--model", str(folder / "m"), "--picture", picture, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["learned from"] == 0 and found["new rows"] == 600 and found["layer"] == "elman"
    assert found["events"][0]["time"] == "2024-03-09 08:00" and found["rate"] == 0.01
    assert found["picture"] == picture and Path(picture).is_file()


def test_rows_come_from_standard_input_too(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    text = "y\n" + "\n".join(str(one) for one in np.random.default_rng(0).normal(size=800).round(4))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    monkeypatch.chdir(folder)
    main(["anomalies", "-", "--layer", "last_value", "--rate", "0.02"])
    out = capsys.readouterr().out
    assert "last value: " in out and "2 % of usual rows" in out and (folder / "anomalies.png").is_file()


def test_labels_are_scored_by_and_not_learned_from(folder: Path, capsys: pytest.CaptureFixture[str]):
    dice = np.random.default_rng(0)
    values, truth = dice.normal(size=1200), np.zeros(1200, int)
    truth[[700, 900, 1100]] = 1
    values[truth == 1] += 15
    path, bare = folder / "labelled.csv", folder / "bare.csv"
    lines = [f"{value:.4f},{label}" for value, label in zip(values, truth, strict=True)]
    path.write_text("y,odd\n" + "\n".join(lines))
    bare.write_text("y\n" + "\n".join(f"{value:.4f}" for value in values))
    words = ("--picture", str(folder / "labelled.png"), *SMALL)
    main(["anomalies", str(path), "--labels", "odd", *words])
    said = capsys.readouterr().out
    assert said.startswith("watch y; labels odd\n") and "learned from the first 600 rows" in said
    first, second, third = said[said.index("point-wise F1") :].splitlines()[:3]
    assert "recall 1 (600 rows, 3 labelled" in first and second.startswith("point-adjusted F1")
    assert third.startswith("windowed score")
    main(["anomalies", str(bare), "--json", *words])
    without = json.loads(capsys.readouterr().out)
    main(["anomalies", str(path), "--labels", "odd", "--json", *words])
    with_ = json.loads(capsys.readouterr().out)
    assert with_["events"] == without["events"] and len(with_["labels"]) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{}/none.csv"], "there is no such file"),
        (["{}/pumps.csv", "--target", "liters"], "did you mean litres"),
        (["{}/pumps.csv", "--labels", "litres"], "expected a column of numbers to forecast"),
        (["{}/pumps.csv", "--target", "litres", "--labels", "odd"], "litres"),
        (["{}/pumps.csv", "--layer", "gruu"], "did you mean gru"),
        (["{}/pumps.csv", "--layer", "hopfield"], "expected a layer, temporal_memory"),
        (["{}/pumps.csv", "--rate", "2"], "a rate between 0 and 1, got 2.0"),
        (["{}/pumps.csv", "--rate", "0.0001"], "expected at least 9999 rows with a score"),
        (["{}/pumps.csv", "--learn", "0"], "a share of rows to learn from"),
        (["{}/pumps.csv", "--out", "{}/no/where.csv"], "there is no folder"),
        (["{}/pumps.csv", "--picture", "{}/a.jpg"], "ends in .png"),
        (["{}/pumps.csv", "--model", "{}/m", "--layer", "gru"], "keeps a detector with --layer elman"),
        (["{}/pumps.csv", "--model", "{}/m", "--rate", "0.5"], "keeps a detector with --rate 0.01"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    said: str, folder: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    before = {path.name for path in folder.iterdir()}
    with pytest.raises(SystemExit) as left:
        main(["anomalies", *(word.format(folder) for word in words)])
    told = capsys.readouterr().err
    assert left.value.code == 2 and message in told and told.count("\n") == 1
    assert {path.name for path in folder.iterdir()} == before


class Read(Exception):
    """Something was read."""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--layer", "gruu"], "did you mean gru"),
        (["--layer", "hopfield"], "expected a layer, temporal_memory"),
        (["--rate", "2"], "a rate between 0 and 1, got 2.0"),
        (["--learn", "0"], "a share of rows to learn from"),
        (["--width", "0"], "expected width of at least 1, got 0"),
        (["--depth", "0"], "expected depth of at least 1, got 0"),
        (["--context", "0"], "expected context of at least 1, got 0"),
        (["--steps", "-1"], "expected steps of at least 0, got -1"),
        (["--out", "{}/no/where.csv"], "there is no folder"),
        (["--picture", "{}/a.jpg"], "ends in .png"),
        (["--model", "{}/pumps.csv"], "pumps.csv is a file"),
        (["--model", "{}/m", "--layer", "gru"], "keeps a detector with --layer elman"),
    ],
)
def test_flags_are_checked_before_anything_is_read(
    said: str,
    folder: Path,
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    def reading(*given: object, **named: object) -> None:
        raise Read

    monkeypatch.setattr("wavetrain.tables.read.read", reading)
    with pytest.raises(SystemExit) as left:
        main(["anomalies", str(folder / "pumps.csv"), *(word.format(folder) for word in words)])
    told = capsys.readouterr()
    assert left.value.code == 2 and message in told.err and told.err.count("\n") == 1 and not told.out


def seen(events: int, series: int = 1, columns: tuple[str, ...] = ("y",), learned: bool = True) -> Any:
    """What a detector and two rules say of 1200 rows: the events are numbered."""
    first = np.arange(1200) < (600 if learned else 0)
    told = [
        {
            "series": f"s{place % series}",
            "time": f"day {place}",
            "column": columns[place % len(columns)],
            "value": 1234.5678 + place,
            "expected": 0.25,
            "score": 12.345,
            "likelihood": 0.99876,
            "alarms": 3,
            "plain": 1,
        }
        for place in range(events)
    ]
    return SimpleNamespace(
        learned=first,
        calibrated=first & (np.arange(1200) >= 500),
        found=SimpleNamespace(columns=columns),
        plain={"a": None, "b": None},
        layer="gru",
        alarms=lambda found: 1007,
        table=lambda: told,
        rules=lambda: [{"name": "gru", "events": 1234, "alarms": 5678, "error": 0.123456}],
        verdict=lambda: "so it is",
    )


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anomalies.console, "_width", 200)


@pytest.mark.parametrize(
    ("events", "rows", "rest"), [(0, 0, ""), (1, 1, ""), (10, 10, ""), (11, 10, "and 1 more events")]
)
def test_ten_events_are_shown_and_the_others_counted(
    events: int, rows: int, rest: str, wide: None, capsys: pytest.CaptureFixture[str]
) -> None:
    anomalies._say(seen(events), 0.0125)
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0] == "learned from the first 600 rows, of which the last 100 calibrate"
    many = f"{events} event{'s' * (events != 1)}"
    rate = "1.25 % of usual rows may have one"
    assert lines[1] == f"gru: 1,007 alarms in 600 new rows, in {many}; {rate}"
    assert sum("12.3" in line for line in lines) == rows and (rest in lines) is bool(rest)
    assert ("more events" in out) is bool(rest) and ("usual error" in out) is bool(events)
    rule = ["gru", "1,234", "5,678", "0.1235"]
    assert [line.split() for line in lines].count(rule) == bool(events)


@pytest.mark.parametrize("series", [1, 2])
@pytest.mark.parametrize("columns", [("y",), ("y", "z")])
def test_events_are_named_as_far_as_they_differ(
    series: int, columns: tuple[str, ...], wide: None, capsys: pytest.CaptureFixture[str]
) -> None:
    anomalies._say(seen(2, series, columns, learned=False), 0.01)
    out = capsys.readouterr().out
    assert "learned from" not in out and "in 1,200 new rows, in 2 events" in out
    (line,) = (line for line in out.splitlines() if "day 1" in line)
    named = ["s1"] * (series > 1) + ["day", "1"] + ["z"] * (len(columns) > 1)
    assert line.split() == [*named, "1235.6", "0.25", "12.3", "0.9988", "3", "1", "of", "2"]


def test_all_that_is_told_as_json() -> None:
    panel, model = SimpleNamespace(said=("one", "two")), SimpleNamespace(rate=0.01, threshold_=4.5)
    one, watch = seen(1), SimpleNamespace(model=model)
    found = anomalies._told(one, watch, panel, None, Path("a.png"))  # type: ignore[arg-type]
    assert found == {
        "data": ["one", "two"],
        "layer": "gru",
        "rate": 0.01,
        "threshold": 4.5,
        "learned from": 600,
        "new rows": 600,
        "alarms": 1007,
        "events": one.table(),
        "rules": one.rules(),
        "verdict": "so it is",
        "out": None,
        "picture": "a.png",
    }
    found = anomalies._told(one, watch, panel, Path("b.csv"), Path("a.png"))  # type: ignore[arg-type]
    assert found["out"] == "b.csv"


def test_a_picture_lies_beside_the_rows_or_here(tmp_path: Path) -> None:
    assert anomalies._places(None, None) == Path("anomalies.png")
    assert anomalies._places(tmp_path / "a.b.csv", None) == tmp_path / "a.b.png"
    assert anomalies._places(tmp_path / "a.csv", tmp_path / "C.PNG") == tmp_path / "C.PNG"
    for out, picture in ((tmp_path / "no/a.csv", tmp_path / "a.png"), (None, tmp_path / "no/a.png")):
        with pytest.raises(BadInput, match="there is no folder"):
            anomalies._places(out, picture)


def test_what_a_file_was_taken_for_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    panel: Any = SimpleNamespace(said=("forecast y; known ahead odd", "by the hour, forecast or not"))
    anomalies._understood(panel, "odd")
    assert capsys.readouterr().out == "watch y; labels odd\nby the hour, forecast or not\n"
    anomalies._understood(panel, "")
    assert capsys.readouterr().out == "watch y; known ahead odd\nby the hour, forecast or not\n"


def test_later_rows_are_read_as_the_first_were(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Columns and roles that were named go with the model; what is named later counts instead."""
    dice = np.random.default_rng(0)
    rows = [
        f"2024-{1 + day // 28:02d}-{1 + day % 28:02d},{dice.normal():.4f},{day},{-7 if day % 50 == 3 else 5}"
        for day in range(330)
    ]
    path = folder / "roles.csv"
    path.write_text("when,y,stamp,z\n" + "\n".join(rows))
    kept = str(folder / "roles")
    asked = list[tuple[Any, ...]]()
    read = anomalies._read

    def noted(*given: Any) -> Any:
        asked.append(given[1:])
        return read(*given)

    monkeypatch.setattr(anomalies, "_read", noted)
    monkeypatch.setattr("wavetrain.report.draw.draw", lambda one, path: None)
    monkeypatch.setattr(anomalies.console, "_width", 20)
    words = ["anomalies", str(path), "--model", kept, "--picture", str(folder / "roles.png")]
    roles = ["--target", "y", "z", "--time", "when", "--missing", "-7", "none", "--layer", "last_value"]
    main([*words, *roles, "--rate", "0.02", "--context", "9"])
    out = capsys.readouterr().out.splitlines()
    assert f"picture: {folder / 'roles.png'}" in out and f"model: {kept}" in out  # however narrow it is
    assert any(line.startswith("last value: ") and line.endswith("may have one") for line in out)
    main([*words, "--missing", "-9"])
    first = {"time": ["when"], "id": [], "missing": ["-7", "none"]}
    assert asked == [
        (("y", "z"), first, ""),
        (("y", "z"), first | {"missing": ["-9"]}, ""),
    ]
