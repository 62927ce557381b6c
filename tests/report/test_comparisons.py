"""The page of a comparison, alone in its folder and in a site."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wavetrain import cli
from wavetrain.evidence import comparison
from wavetrain.report import comparisons, pages
from wavetrain.run import own
from wavetrain.run.forecasts import compare_series
from wavetrain.run.pools import Processes
from wavetrain.run.terms import Terms

TERMS = Terms(parameters=600, steps=3, batch=4, depth=1, rates=(1e-2,), seeds=(0, 1))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs")
    draw = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=120, freq="D")
    wave = 5 + np.sin(np.arange(120) * 2 * np.pi / 7) + 0.1 * draw.normal(size=120)
    frame = pd.DataFrame({"day": days, "<b>load</b>": wave})
    series = own.series(frame, own.Roles(), horizon=2)
    compare_series(
        series, ("elman", "gru"), TERMS, minutes=None, out=out, pool=Processes(1), say=lambda line: None
    )
    return out


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def links(page: Path) -> list[str]:
    return [one for one in re.findall(r'(?:src|href)="([^"#]+)"', text(page)) if not one.startswith("data:")]


def test_it_stands_in_its_folder_and_leads_nowhere_else(runs: Path):
    (folder,) = runs.glob("compare-*")
    page = folder / "index.html"
    assert len(links(page)) >= 10
    for one in links(page):
        assert (folder / one).resolve().is_relative_to(folder.resolve()) and (folder / one).exists(), one
    whole = text(page)
    record = comparison.read_record(folder / "result.json")
    assert record.verdict is not None and record.verdict.says in whole
    for name in ("elman", "gru", "ridge on lags †", "boosted trees on lags †", "seasonal naive (7) †"):
        assert name in whole
    assert "<b>load" not in whole and "&lt;b&gt;load" in whole  # names of a user are no markup
    assert whole.count("<figure>") == 4 + 2


def test_a_site_lists_it(runs: Path, tmp_path: Path):
    index = pages.build(tmp_path / "none", tmp_path / "site", compared=comparisons.found(runs))
    (listed,) = [one for one in links(index) if one.startswith("comparisons/")]
    page = index.parent / listed
    for one in links(page):
        assert (page.parent / one).exists(), one
    assert comparisons.found(runs)[0].title in text(index)
    assert not [one for one in links(page) if "forecasts/" in one]  # tables stay with the comparison


def test_the_command_finds_what_run_and_compare_left(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").symlink_to(runs)
    cli.main(["site"])
    assert "report: " in capsys.readouterr().out and (tmp_path / "site/comparisons").is_dir()


def test_a_damaged_comparison_is_left_out(runs: Path, tmp_path: Path):
    (tmp_path / "compare-x-1").mkdir()
    (tmp_path / "compare-x-1" / "result.json").write_text("{")
    assert comparisons.found(tmp_path) == [] and len(comparisons.found(runs)) == 1


def test_every_forecast_is_in_a_table(runs: Path):
    (folder,) = runs.glob("compare-*")
    record = comparison.read_record(folder / "result.json")
    names = {path.stem for path in (folder / "forecasts").glob("*.csv")}
    assert names >= {"elman", "gru", "last_value", "ridge_on_lags", "boosted_trees_on_lags"}
    for one in record.figures:
        table = pd.read_csv(folder / "forecasts" / f"{one.layer}.csv")
        assert len(table) == 17 * 2  # windows of 18 rows, two steps each
        assert (table.low <= table.forecast).all() and (table.forecast <= table.high).all()
        assert table.time.iloc[0] == "2024-04-12" and table.row.iloc[0] == 102
        records = json.loads((folder / "forecasts" / f"{one.layer}.json").read_text())
        assert {record.pop("series") for record in records} == {""}
        pd.testing.assert_frame_equal(pd.DataFrame(records), table.drop(columns="series"), rtol=1e-6)
    ridge = pd.read_csv(folder / "forecasts" / "ridge_on_lags.csv")
    theirs = next(one for one in record.baselines if one.name == "ridge on lags")
    assert (ridge.measured - ridge.forecast).abs().mean() == pytest.approx(theirs.metrics["MAE"], rel=1e-6)
