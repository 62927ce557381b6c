"""From a table to a model in a folder, and from there to forecasts in the units of the table."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

import wavetrain
from wavetrain.cli import main

SMALL = ("--layer", "elman", "--width", "4", "--depth", "1", "--steps", "5")


def table(path: Path, days: int = 90) -> Path:
    """Two series, with rows out of order, ids with zeros in front, and days first."""
    dice = np.random.default_rng(0)
    lines = []
    for name, level in (("007", 100.0), ("7", 5.0)):
        for day in np.arange("2024-01-01", "2024-06-01", dtype="datetime64[D]")[:days]:
            value = level + np.sin(2 * np.pi * (day.astype(int) % 7) / 7) + 0.1 * dice.normal()
            lines.append(f"{day.item():%d.%m.%Y},{name},{value:.3f}")
    dice.shuffle(lines)
    path.write_text("\n".join(["when,shop,sold", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fit")
    source = str(table(folder / "shops.csv"))
    main(
        [
            "fit",
            source,
            "--target",
            "sold",
            "--horizon",
            "3",
            "--id",
            "shop",
            "--out",
            str(folder / "m"),
            *SMALL,
        ]
    )
    return folder / "m"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_what_was_understood_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = str(table(tmp_path / "shops.csv"))
    main(["fit", source, "--target", "sold", "--id", "shop", "--out", str(tmp_path / "m"), *SMALL])
    said = capsys.readouterr().out
    assert "forecast sold" in said and "2 series" in said and "2024" in said
    assert "a season of 7 rows" in said and f"model: {tmp_path / 'm'}" in said
    main(["fit", source, "--id", "shop", "--out", str(tmp_path / "m"), *SMALL, "--json"])
    assert json.loads(capsys.readouterr().out)["season"] == 7


def test_a_folder_is_shown(model: Path, capsys: pytest.CaptureFixture[str]):
    """As its card says it; a folder that holds none is one line."""
    main(["show", str(model)])
    said = capsys.readouterr().out
    for part in ("forecast: sold", "id: shop", "season: 7 rows", "layers: 1 of elman, 4 wide", "sha256"):
        assert part in said and part in (model / "card.md").read_text()
    assert f"wavetrain stream {model} < rows.csv" in said
    main(["show", str(model), "--json"])
    assert json.loads(capsys.readouterr().out)["Columns"]["time"] == "when"
    with pytest.raises(SystemExit):
        main(["show", str(model.parent)])
    assert "expected a folder with model.safetensors" in capsys.readouterr().err


def test_text_that_is_new_and_large_numbers_are_told_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    lines = [f"{2e9 + 1 + 0.25 * (row % 4)},{('clear', 'rain')[row % 2]}" for row in range(80)]
    for name, last in (("a.csv", "clear"), ("b.csv", "fog")):
        (tmp_path / name).write_text("\n".join(["level,sky", *lines, f"2000000001,{last}"]))
    model = str(tmp_path / "m")
    main(["fit", str(tmp_path / "a.csv"), "--target", "level", "--out", model, *SMALL])
    capsys.readouterr()
    main(["predict", model, str(tmp_path / "b.csv")])
    out, said = capsys.readouterr()
    assert said == "wavetrain: sky 'fog' is new (1 row): it counts as none of clear, rain\n"
    assert float(rows(out)[0]["level"]) == pytest.approx(2e9 + 1.25, abs=0.3)
    main(["stream", model, str(tmp_path / "b.csv")])
    out, said = capsys.readouterr()
    assert "sky 'fog' is new" in said and said.count("\n") == 1
    assert len(rows(out)) == 81 and float(rows(out)[-1]["level +1"]) == pytest.approx(2e9 + 1.25, abs=0.5)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]):
    main(["--version"])
    assert capsys.readouterr().out == f"wavetrain {wavetrain.__version__}\n"


def test_forecasts_go_on_in_the_form_of_the_table(model: Path, capsys: pytest.CaptureFixture[str]):
    main(["predict", str(model)])
    found = rows(capsys.readouterr().out)
    assert [row["time"] for row in found] == 2 * ["31.03.2024", "01.04.2024", "02.04.2024"]
    for name, level in (("007", 100.0), ("7", 5.0)):
        sold = [float(row["sold"]) for row in found if row["series"] == name]
        assert len(sold) == 3 and all(abs(value - level) < 3 for value in sold)
    assert all(float(row["sold low"]) <= float(row["sold"]) <= float(row["sold high"]) for row in found)


def test_a_later_table_is_forecast_from_its_own_end(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    later, out = table(tmp_path / "later.csv", days=120), tmp_path / "forecast.csv"
    main(["predict", str(model), str(later), "--out", str(out)])
    assert "6 rows" in capsys.readouterr().out
    found = rows(out.read_text())
    assert found[0]["time"] == "30.04.2024" and len(found) == 6
    main(["predict", str(model), str(later), "--json"])
    assert json.loads(capsys.readouterr().out)[0]["sold"] == pytest.approx(float(found[0]["sold"]), rel=1e-4)


def test_a_later_table_scores_the_model(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    later = table(tmp_path / "later.csv", days=120)
    main(["evaluate", str(model), str(later), "--json"])
    found = json.loads(capsys.readouterr().out)
    truth = {"windows": found.pop("windows"), "coverage": found.pop("coverage")}
    assert truth["windows"] == 2 * (120 - 32 - 2) and 0.7 < truth["coverage"] <= 1
    assert found["MAE"] < 0.5 and found["MAE"] <= found["RMSE"] and len(found) == 4
    main(["evaluate", str(model), str(later)])
    assert f"MAE {found['MAE']:.4g} (172 windows of 2 series" in capsys.readouterr().out


def test_a_table_shorter_than_two_contexts_is_forecast_from_its_middle(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A context is 32 rows: of 40 the second half is forecast, of 66 what follows 32 rows."""
    for days, first in ((40, 20), (66, 32)):
        main(["evaluate", str(model), str(table(tmp_path / "later.csv", days)), "--json"])
        assert json.loads(capsys.readouterr().out)["windows"] == 2 * (days - first - 2)


def test_what_is_known_ahead_is_told_by_rows_at_the_end_or_by_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    days = [day.item() for day in np.arange("2024-01-01", "2024-06-01", dtype="datetime64[D]")]
    dice = np.random.default_rng(0)
    sale = dice.random(len(days)) < 0.3
    lines = [
        f"{day},{10 + 5 * on + 0.1 * dice.normal():.2f},{int(on)}" for day, on in zip(days, sale, strict=True)
    ]
    past, whole, ahead = (tmp_path / name for name in ("past.csv", "whole.csv", "ahead.csv"))
    past.write_text("\n".join(["day,sold,sale", *lines[:140]]))
    later = [(day, int(on)) for day, on in zip(days[140:143], (True, False, True), strict=True)]
    whole.write_text("\n".join(["day,sold,sale", *lines[:140], *(f"{day},,{on}" for day, on in later)]))
    ahead.write_text("\n".join(["sale,day", *(f"{on},{day}" for day, on in later)]))
    model = str(tmp_path / "m")
    words = ["--layer", "elman", "--width", "8", "--depth", "1", "--steps", "150", "--rate", "1e-2"]
    roles = ["--target", "sold", "--known-ahead", "sale", "--horizon", "3"]
    main(["fit", str(past), *roles, "--out", model, *words])
    capsys.readouterr()
    main(["predict", model])
    out, said = capsys.readouterr()
    assert "sale is known ahead, but not given" in said and said.count("\n") == 1 and len(rows(out)) == 3
    told = []
    for asked in (
        [model, str(whole)],
        [model, str(past), "--ahead", str(ahead)],
        [model, "--ahead", str(ahead)],
    ):
        main(["predict", *asked])
        out, said = capsys.readouterr()
        assert not said
        told.append([float(row["sold"]) for row in rows(out)])
    assert told[0] == told[1] == told[2] and told[0][1] + 3 < min(told[0][0], told[0][2])


def test_a_baseline_is_used_like_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """From the table to forecasts, scores, a stream and a card."""
    later, model = table(tmp_path / "later.csv", days=120), str(tmp_path / "m")
    head, *lines = later.read_text().splitlines()
    days = sorted(lines, key=lambda line: (line[6:10], line[3:5], line[:2]))
    for name, part in (("shops.csv", days[:180]), ("rest.csv", days[180:])):
        (tmp_path / name).write_text("\n".join([head, *part]) + "\n")
    source = str(tmp_path / "shops.csv")
    roles = ["--target", "sold", "--horizon", "3", "--id", "shop", "--out", model]
    main(["fit", source, *roles, "--baseline", "ridge"])
    said = capsys.readouterr().out
    assert (
        "a season of 7 rows; ridge on lags reads up to" in said and "on the validation rows: MAE 0." in said
    )
    main(["fit", source, *roles, "--baseline", "ridge", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["baseline"] == "ridge" and told["on the validation rows"]["MASE (season 7)"] < 1
    main(["predict", model])
    found = rows(capsys.readouterr().out)
    assert [row["time"] for row in found] == 2 * ["31.03.2024", "01.04.2024", "02.04.2024"]
    assert all(float(row["sold low"]) < float(row["sold"]) < float(row["sold high"]) for row in found)
    main(["evaluate", model, str(later), "--json"])
    scores = json.loads(capsys.readouterr().out)
    assert scores["windows"] == 2 * (120 - 32 - 2) and scores["MAE"] < 0.3 and scores["coverage"] > 0.7
    main(["stream", model, str(tmp_path / "rest.csv")])
    streamed = rows(capsys.readouterr().out)
    main(["predict", model, str(later)])
    for row in rows(capsys.readouterr().out)[::3]:
        last = next(one for one in streamed[::-1] if one["series"] == row["series"])
        for end in ("", " low", " high"):
            assert float(last[f"sold +1{end}"]) == pytest.approx(float(row[f"sold{end}"]), rel=1e-8)
    main(["show", model])
    card = capsys.readouterr().out
    for part in ("a baseline: ridge on lags", "lags: ", "MASE of sold: ", f"wavetrain predict {model}"):
        assert part in card
    assert "layers" not in card


class Read(Exception):
    """Something was read."""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "{}/shops.csv", "--out", "{}/n", "--layer", "gruu"], "did you mean gru"),
        (["fit", "{}/shops.csv", "--out", "{}/n", "--baseline", "rigde"], "did you mean ridge"),
        (["fit", "{}/shops.csv", "--out", "{}/n", "--baseline", "ridge", "--layer", "gru"], "got both"),
        (["fit", "{}/shops.csv", "--out", "{}/shops.csv/n"], "shops.csv is a file"),
        *(
            (["fit", "{}/shops.csv", "--out", "{}/n", f"--{name}", value], said)
            for name, value, said in (
                ("horizon", "0", "horizon of at least 1, got 0"),
                ("width", "0", "width of at least 1, got 0"),
                ("depth", "0", "depth of at least 1, got 0"),
                ("context", "0", "context of at least 1, got 0"),
                ("steps", "-1", "steps of at least 0, got -1"),
                ("rate", "0", "learning rate above 0"),
            )
        ),
        (["predict", "{}/m", "{}/later.csv", "--coverage", "90"], "coverage between 0 and 1, got 90"),
        (["predict", "{}/m", "{}/later.csv", "--out", "{}/no/x.csv"], "there is no folder"),
        (["predict", "{}/m", "{}/later.csv", "--out", "{}"], "it is a folder"),
        (["evaluate", "{}/m", "{}/later.csv", "--coverage", "0"], "coverage between 0 and 1, got 0"),
        (["stream", "{}/m", "{}/later.csv", "--coverage", "1"], "coverage between 0 and 1, got 1"),
        (["stream", "{}/m", "{}/later.csv", "--state", "{}/no/x"], "there is no folder"),
    ],
)
def test_flags_are_checked_before_anything_is_read(
    model: Path,
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    def reading(*given: object, **named: object) -> None:
        raise Read

    for name in ("wavetrain.tables.read.read", "wavetrain.tables.read.read_like"):
        monkeypatch.setattr(name, reading)
    monkeypatch.setattr("wavetrain.estimators._folder.opened", reading)
    with pytest.raises(SystemExit) as left:
        main([word.format(model.parent) for word in words])
    said = capsys.readouterr().err
    assert left.value.code == 2 and message in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["predict", "{}/nothing"], "expected a folder with model.safetensors"),
        (["predict", "{}/m", "{}/none.csv"], "there is no such file"),
        (["predict", "{}/m", "--coverage", "90"], "coverage between 0 and 1"),
        (["fit", "{}/shops.csv", "--out", "{}/n", "--target", "solt"], "did you mean sold"),
        (["fit", "{}/shops.csv", "--out", "{}/n", "--id", "shop", "--layer", "gruu"], "did you mean gru"),
        (["fit", "{}/shops.csv", "--out", "{}/n", "--id", "shop", "--horizon", "0"], "horizon of at least 1"),
        (["fit", "{}/shops.csv", "--out", "{}/n", "--id", "shop", "--horizon", "80"], "expected at least"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    model: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as left:
        main([word.format(model.parent) for word in words])
    said = capsys.readouterr().err
    assert left.value.code == 2 and message in said and said.count("\n") == 1
    assert not (model.parent / "n").exists()  # and nothing is left behind
