"""Comparisons on series: nothing of the test part is learned from, and all forecast the same windows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wavetrain as wt
from wavetrain.errors import BadInput
from wavetrain.estimators import Forecaster
from wavetrain.evidence.comparison import Record, read_record
from wavetrain.report.tables import costs, scores
from wavetrain.run import contestants, forecasts, own
from wavetrain.run.forecasts import Series, compare_series
from wavetrain.run.pools import Processes
from wavetrain.run.terms import Terms
from wavetrain.tables import metrics
from wavetrain.tables.kept import NAMES
from wavetrain.tables.panel import Panel, panel
from wavetrain.tables.panel import Series as Rows
from wavetrain.tables.ridge import Ridge
from wavetrain.tables.rolling import evaluate
from wavetrain.tables.split import until

TERMS = Terms(parameters=900, steps=8, batch=8, depth=1, rates=(1e-3, 1e-2), search=0.5, seeds=(0, 1))
LAYERS = ("elman", "gru")
WAVE = np.sin(np.arange(240) * 2 * np.pi / 12) + 0.1 * np.random.default_rng(0).normal(size=240)


def data(values: np.ndarray | list[np.ndarray] = WAVE, **asked) -> Series:
    return own.series(panel(values), own.Roles(), **({"horizon": 3} | asked))


def run(series: Series, out: Path, layers=LAYERS, terms=TERMS, minutes=None, jobs=1, say=None) -> Record:
    told = say or (lambda line: None)
    return compare_series(series, layers, terms, minutes=minutes, out=out, pool=Processes(jobs), say=told)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return run(data(), tmp_path_factory.mktemp("runs"))


def test_the_record_holds_all_and_is_read_again(compared: Record):
    folder = Path(compared.folder)
    assert read_record(folder / "result.json") == compared
    json.dumps(json.loads((folder / "result.json").read_text()), allow_nan=False)
    assert [one.layer for one in compared.figures] == sorted(
        LAYERS, key=lambda name: next(one.score for one in compared.figures if one.layer == name)
    )
    names = {one.name for one in compared.baselines}
    assert names == {"last value", "seasonal naive (12)", "ridge on lags", "boosted trees on lags"}
    assert compared.measure == "MASE (season 12)" and not compared.higher
    assert compared.said[-2:] == ("the last 36 rows of each series are tested", "a season of 12 rows")
    for one in compared.figures:
        assert one.score == pytest.approx(np.mean(one.scores)) and len(one.scores) == 2
        assert one.spread == pytest.approx(np.std(one.scores, ddof=1))
        assert one.parameters <= 990 and one.rate in TERMS.rates and one.state_bytes > 0
        assert set(one.metrics) == set(compared.baselines[0].metrics)
        assert (folder / compared.pictures[one.layer]).read_bytes()[:4] == b"\x89PNG"
    assert not (folder / "past.npz").exists()  # the rows are not kept a second time


def test_figures_are_those_of_an_estimator_that_is_fitted_by_hand(compared: Record):
    split = data().split
    gru = next(one for one in compared.figures if one.layer == "gru")
    model = Forecaster(
        "gru", horizon=3, season=12, width=gru.width, depth=1, steps=8, batch=8, rate=gru.rate, random_state=1
    ).fit(split.past)
    found = evaluate(model.rolling, split.test, split.firsts, 3, season=12)
    assert gru.scores[1] == pytest.approx(found.mase().value, rel=1e-6)
    sizes = Forecaster("gru", horizon=3, season=12, depth=1).sizes(split.past)
    assert gru.parameters == sizes(gru.width)


def test_baselines_for_the_test_part_know_all_rows_before_it(compared: Record):
    split = data().split
    ridge = Ridge.fit(split.past, horizon=3, season=12)
    found = evaluate(ridge.rolling, split.test, split.firsts, 3, season=12)
    theirs = next(one for one in compared.baselines if one.name == "ridge on lags")
    assert theirs.score == pytest.approx(found.mase().value)
    assert theirs.metrics["RMSE"] == pytest.approx(found.rmse().value)


def test_behind_a_gap_longer_than_the_context_layers_give_the_last_value(few: None, tmp_path: Path):
    """Never a number out of nothing, and the record says so."""
    holed = WAVE.copy()
    holed[-30:-18] = np.nan
    asked = own.series(holed, own.Roles(), horizon=1, window=8)
    found = run(asked, tmp_path, ("elman",), replace(TERMS, steps=1, rates=(1e-2,), seeds=(0,)))
    answers = pd.read_csv(Path(found.folder) / "forecasts" / "elman.csv")
    last = pd.read_csv(Path(found.folder) / "forecasts" / "last_value.csv")
    hollow = np.isinf(answers["high"])
    assert 1 <= hollow.sum() < len(answers) and answers["forecast"].notna().all()
    assert (answers["forecast"][hollow] == last["forecast"][hollow]).all()
    assert (answers["forecast"][~hollow] != last["forecast"][~hollow]).any()
    told = f"{hollow.sum()} of {len(answers)} forecasts follow 8 rows in which nothing was measured"
    assert found.said[-1].startswith(told)


def test_kept_models_go_on_where_the_comparison_ended(compared: Record):
    one = next(one for one in compared.figures if one.layer == "elman")
    model = Forecaster.load(Path(compared.folder) / one.model)
    split = data().split
    found = evaluate(model.rolling, split.test, split.firsts, 3, season=12)
    assert one.scores[0] == pytest.approx(found.mase().value, rel=1e-6)


def test_kept_baselines_are_those_of_the_table(compared: Record):
    """The same weights and windows: every figure of the table follows from what the folder keeps."""
    split = data().split
    assert len(compared.baselines) == 4
    for one in compared.baselines:
        model = wt.load(Path(compared.folder) / one.model)
        assert model.called == one.name
        found = evaluate(model.rolling, split.test, split.firsts, 3, season=12)
        low, high = model.intervals(split.test, found.series, found.rows)
        inside = metrics.coverage(truth=found.truth, low=low, high=high, series=found.series)
        assert one.score == found.mase().value and one.metrics["RMSE"] == found.rmse().value
        assert one.metrics["coverage of 90 % intervals"] == inside.value
        start = np.append(WAVE[:204], found.forecast[0, :, 0])  # of the first window: what predict says
        np.testing.assert_allclose(model.predict().value[0, :, 0], start[204:], rtol=1e-12)
        plain = NAMES[Path(one.model).name].fit(split.past, horizon=3, season=12)
        np.testing.assert_array_equal(plain.rolling(split.test, found.series, found.rows), found.forecast)


def test_rows_known_ahead_at_the_end_of_what_is_learned_from(few: None, tmp_path: Path):
    """The last row before the test part has no target: it tells only what is known ahead."""
    sale = (np.arange(240) % 5 == 0).astype(float)
    values = WAVE.copy()
    values[203] = np.nan
    one = Panel(
        columns=("y", "sale"),
        series=(Rows(name="", values=np.stack([values, sale], 1)),),
        targets=("y",),
        known=("sale",),
    )
    asked = own.series(one, own.Roles(), horizon=3)
    found = run(asked, tmp_path, ("elman",), replace(TERMS, steps=1, rates=(1e-2,), seeds=(0,)))
    assert found.figures[0].score is not None and all(one.score is not None for one in found.baselines)


def test_kept_models_read_later_tables_as_the_first_was_read(few: None, tmp_path: Path):
    """Which column is what, and how it is written, goes with the rows into the processes and the models."""
    days = [f"{day:02d}.{month:02d}.2024" for month in (1, 2, 3, 4) for day in range(1, 29)]
    rows = [f"{day};{10 + place % 7},5;x" for place, day in enumerate(days)]
    (tmp_path / "mine.csv").write_text("\n".join(["day;sold;note", *rows]))
    asked = own.series(str(tmp_path / "mine.csv"), own.Roles(target="sold"), horizon=2)
    found = run(asked, tmp_path, ("elman",), replace(TERMS, steps=1, rates=(1e-2,), seeds=(0,)))
    model = Forecaster.load(Path(found.folder) / found.figures[0].model)
    assert model.panel_.form == asked.split.past.form and model.panel_.form is not None


def test_a_layer_that_does_not_fit_is_left_out_unless_it_was_named(tmp_path: Path, monkeypatch):
    class Enough(Exception):
        pass

    told = []

    def entries(found, series, terms, named: bool) -> None:
        told.append(named)
        raise Enough

    monkeypatch.setattr(forecasts, "_entries", entries)
    for layers in (None, ["all"], ["gru", "all"], ["gru"]):
        with pytest.raises(Enough):
            run(data(), tmp_path, layers)
    assert told == [False, False, False, True]


def test_the_table_ranks_layers_and_baselines_together(compared: Record):
    table = scores(compared)
    assert len(table[""]) == 6 and sum(name.endswith("†") for name in table[""]) == 4
    values = [float(cell.partition(" ")[0]) for cell in table["MASE"]]
    assert values == sorted(values)
    assert list(table)[:2] == ["", "MASE"] and "coverage" in table
    assert costs(compared)["layer"] == [one.layer for one in compared.figures]


def test_the_verdict_goes_by_the_validation_part(compared: Record):
    verdict = compared.verdict
    assert verdict is not None
    layer, baseline = verdict.chosen
    assert layer in LAYERS and baseline in {one.name for one in compared.baselines}
    assert verdict.advice == (layer if verdict.earns else baseline)
    assert wt.load(Path(compared.folder) / compared.advised).called == verdict.advice
    page = (Path(compared.folder) / "index.html").read_text()
    assert f"wavetrain predict {compared.folder}/{compared.advised} new.csv" in page


def test_a_comparison_that_is_over_is_taken_up_and_says_so(compared: Record):
    said: list[str] = []
    assert run(data(), Path(compared.folder).parent, say=said.append) == compared
    assert said == [f"taken up from {compared.folder}, of {compared.environment['date']}"]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees take the most time."""
    monkeypatch.setattr(contestants, "baselines", lambda question: ["last_value", "ridge"])


def test_nothing_is_learned_from_the_test_part(compared: Record, few: None, tmp_path: Path):
    """Its values are made wild: rates and weights stay as they were, bit by bit."""
    wild = WAVE.copy()
    wild[-36:] *= 1000
    other = run(data(wild), tmp_path)
    assert Path(other.folder).name != Path(compared.folder).name
    for layer in LAYERS:
        one, two = (next(one for one in record.figures if one.layer == layer) for record in (compared, other))
        assert (one.rate, one.width) == (two.rate, two.width)
        models = [Forecaster.load(Path(record.folder) / one.model) for record in (compared, other)]
        weights = [model.network_.state_dict() for model in models]
        assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
        assert one.score != two.score


def test_two_processes_give_the_same_figures(compared: Record, few: None, warm_workers: None, tmp_path: Path):
    """Baselines are chosen in this process; the work is done in others."""
    other = run(data(), tmp_path, jobs=2)
    assert other.figures == compared.figures


class Killed(Exception):
    """As from outside."""


def test_what_is_over_is_read_after_a_kill(compared: Record, few: None, tmp_path: Path, monkeypatch):
    def kill(line: str) -> None:
        if line.startswith("elman"):
            raise Killed

    with pytest.raises(Killed):
        run(data(), tmp_path, say=kill)
    done = next(tmp_path.glob("*/elman.json"))
    before = done.stat().st_mtime_ns
    assert not list(tmp_path.glob("*/result.json"))
    assert run(data(), tmp_path).figures == compared.figures
    assert done.stat().st_mtime_ns == before


def test_minutes_become_steps_once(few: None, tmp_path: Path):
    said: list[str] = []
    terms = replace(TERMS, rates=(1e-2,), seeds=(0,))
    found = run(data(), tmp_path, ("elman",), terms, minutes=0.02, say=said.append)
    steps = found.terms["steps"]
    assert said[0].startswith(f"1 layer, 1 seed, {steps} steps each: about ")
    assert json.loads((Path(found.folder) / "steps.json").read_text()) == {"steps": steps}
    assert run(data(), tmp_path, ("elman",), terms, minutes=0.02) == found


def test_many_series_columns_and_whole_series_to_test(few: None, tmp_path: Path):
    draw = np.random.default_rng(1)
    shops = [draw.normal(size=(60, 2)).cumsum(0) for _ in range(6)]
    terms = replace(TERMS, steps=2, rates=(1e-2,), seeds=(0,))
    found = run(data(shops, horizon=2, split="group"), tmp_path, ("elman",), terms)
    (elman,) = found.figures
    assert set(elman.columns) == {"y1", "y2"}
    assert elman.score == pytest.approx(np.mean([*elman.columns.values()]))
    assert "1 of 6 series are tested" in found.said


def test_a_later_table_is_tested(few: None, tmp_path: Path):
    np.save(tmp_path / "now.npy", WAVE[:180])
    np.save(tmp_path / "later.npy", WAVE[180:])
    asked = own.series(
        str(tmp_path / "now.npy"), own.Roles(), horizon=3, split=str(tmp_path / "later.npy"), window=24
    )
    assert asked.split.firsts == (24,) and len(asked.split.test.series[0]) == 60
    found = run(asked, tmp_path, ("elman",), replace(TERMS, steps=2, rates=(1e-2,), seeds=(0,)))
    assert "60 rows of another table are tested" in found.said


def test_validation_parts_are_those_of_the_estimator():
    whole = panel([WAVE, WAVE[:100]])
    model = Forecaster("elman", horizon=3, steps=0, valid=contestants.VALID).fit(whole)
    assert model.ends_ == contestants.ends(whole, 3)
    early = until(whole, model.ends_)
    assert own.season(whole, 3) == model.season_ and [len(one) for one in early.series] == model.ends_


def test_a_budget_for_layers_that_are_hardly_wide_is_refused_with_the_least(tmp_path: Path):
    with pytest.raises(
        BadInput, match=r"elman: expected a budget of at least .* got 3; name fewer"
    ) as caught:
        run(data(), tmp_path, ("elman",), replace(TERMS, parameters=3))
    least = int(str(caught.value).split("at least ")[1].split()[0])
    assert run(data(), tmp_path, ("elman",), replace(TERMS, parameters=least)).figures[0].width == 4
    with pytest.raises(BadInput, match="expected a budget"):
        run(data(), tmp_path, ("elman",), replace(TERMS, parameters=least - 1))


def test_a_table_of_very_many_columns_is_refused_before_work(tmp_path: Path):
    wide = data(np.random.default_rng(0).normal(size=(80, 4000)), horizon=1)
    with pytest.raises(BadInput, match=r"for 4,000 columns and a horizon of 1, got 900; name fewer columns"):
        run(wide, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"split": "random"}, "not dealt out at random"),
        ({"split": "nowhere.csv"}, "expected --split time, group or a file to test on"),
        ({"horizon": 0}, "horizon and a window of at least 1"),
        ({"window": 0}, "horizon and a window of at least 1"),
        ({"horizon": 240}, "expected more rows than a horizon of 240, got 240"),
    ],
)
def test_questions_that_make_no_sense(asked, said: str):
    with pytest.raises(BadInput, match=said):
        data(**asked)


def test_what_is_series_and_what_is_not(tmp_path: Path):
    np.savez(tmp_path / "both.npz", x=WAVE, y=WAVE)
    np.savez(tmp_path / "one.npz", values=WAVE)
    plain = own.Roles()
    assert not own.is_series(str(tmp_path / "both.npz"), plain)
    assert own.is_series(str(tmp_path / "one.npz"), plain)
    assert own.is_series(WAVE, plain) and own.is_series("taxi.csv.gz", plain)
    assert own.is_series("a.txt", own.Roles(target="demand")) and not own.is_series("a.txt", plain)
    assert not own.is_series("copying", plain) and not own.is_series("mine.py:MyTask", plain)


class Read(Exception):
    """Something was read."""


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"layers": ["gruu"]}, "did you mean gru"),
        ({"horizon": 0}, "horizon and a window of at least 1"),
        ({"window": 0}, "horizon and a window of at least 1"),
        ({"split": "random"}, "not dealt out at random"),
        ({"split": "nowhere.csv"}, "a file to test on, got 'nowhere.csv'"),
        ({"minutes": -1}, "expected minutes above 0"),
        ({"batch": 0}, "expected batch above 0"),
        ({"rates": [2.0]}, "expected learning rates in"),
        ({"device": "cuda"}, "expected --device cpu, got cuda"),
        ({"metric": "mse"}, "expected a metric mase, mae, rmse or smape, got 'mse'"),
    ],
)
def test_what_is_asked_is_checked_before_anything_is_read(asked, said: str, monkeypatch: pytest.MonkeyPatch):
    def reading(*given: object, **named: object) -> None:
        raise Read

    monkeypatch.setattr(own, "read", reading)
    with pytest.raises(BadInput, match=said):
        wt.compare("mine.csv", **asked)
