"""Numbers of one's own for whole sequences: baselines, metrics in their own units, answers, the verdict."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from wavetrain.core import explained
from wavetrain.run import classes
from wavetrain.run.answers import read
from wavetrain.run.compare import compare_layers
from wavetrain.run.terms import Terms
from wavetrain.tables.load import load
from wavetrain.tables.parts import shuffled
from wavetrain.tables.value_baselines import Mean, Summaries

TERMS = Terms(parameters=600, steps=30, batch=16, depth=1, rates=(1e-2,), seeds=(0, 1))
NAMES = {"mean", "ridge on summaries", "ridge on random kernels"}


def rows(count: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """What is asked is the largest value, in units of its own."""
    x = np.random.default_rng(0).normal(size=(count, 12, 1))
    return x, 500 + 40 * x.max((1, 2))


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("values")
    x, y = rows()
    np.savez(folder / "mine.npz", x=x, y=y)
    source = str(folder / "mine.npz")
    record = compare_layers(source, ("elman",), TERMS, folder / "out", "cpu", 1, lambda news: None)
    return source, record


def test_baselines_stand_beside_the_layers(compared):
    _, record = compared
    found = {one.name: one for one in record.baselines}
    assert set(found) == NAMES and record.measure == "R²"
    assert found["ridge on summaries"].score > 0.999 > found["mean"].score
    scores = [one.score for one in record.baselines]
    assert scores == sorted(scores, reverse=True)


def test_errors_are_in_the_units_of_the_file(compared):
    """By hand, from the rows of the file and the same split."""
    _, record = compared
    x, y = rows()
    learn, valid, test = shuffled(len(y))
    before = np.concatenate([learn, valid])
    mean = next(one for one in record.baselines if one.name == "mean")
    apart = y[test] - y[before].mean()
    assert mean.metrics == pytest.approx(
        {"MAE": np.abs(apart).mean(), "RMSE": np.sqrt((apart**2).mean())}, rel=1e-5
    )
    assert Mean.fit(x[before], y[before, None]).mean == pytest.approx(y[before].mean())


def test_scores_metrics_and_verdict_are_of_the_same_answers(compared):
    source, record = compared
    (elman,) = record.figures
    answers, test = read(Path(record.folder) / "elman.npz"), load(source).task.test()
    wanted = [float(explained(torch.from_numpy(one), test.y)) for one in answers.test]
    assert elman.scores == pytest.approx(wanted)
    scale = rows()[1][shuffled(240)[0]].std()
    apart = np.abs(answers.test - test.y.numpy()).mean() * scale
    assert elman.metrics["MAE"] == pytest.approx(apart, rel=1e-5)
    assert record.verdict.chosen[1] == "ridge on summaries" == record.verdict.advice
    assert "No layer earns its keep here: use ridge on summaries. elman is worse: MAE" in record.verdict.says


def test_every_answer_is_in_a_table_in_its_own_units(compared):
    _, record = compared
    folder = Path(record.folder) / "forecasts"
    table = pd.read_csv(folder / "ridge_on_summaries.csv")
    _, y = rows()
    np.testing.assert_allclose(table.measured, y[shuffled(240)[2]], rtol=1e-6)
    np.testing.assert_allclose(table.forecast, table.measured, rtol=1e-3)
    assert len(json.loads((folder / "elman.json").read_text())) == len(table) == 36


def test_several_numbers_have_errors_in_deviations(tmp_path: Path):
    x, y = rows()
    both = np.stack([y, 1e6 * x.mean((1, 2))], 1)
    np.savez(tmp_path / "mine.npz", x=x, y=both)
    task = load(str(tmp_path / "mine.npz")).task
    wanted = both[shuffled(240)[2]]
    found = classes.judged(task, {})
    assert set(found.metrics) == set() and found.verdict.chosen == ("ridge on summaries",)
    assert set(found.baselines[0].metrics) == {"MAE (deviations)", "RMSE (deviations)"}
    assert found.baselines[-1].metrics["RMSE (deviations)"] == pytest.approx(1, abs=0.2)
    assert Summaries.fit(x, both).predict(x[shuffled(240)[2]]) == pytest.approx(wanted, rel=1e-2, abs=1e4)


def test_a_series_of_unequal_length_with_a_number_is_asked_too(tmp_path: Path):
    lines = [",".join(map(str, range(place % 5 + 3))) + f":{place % 5}" for place in range(60)]
    (tmp_path / "mine.ts").write_text("\n".join(["@targetLabel true", "@data", *lines]))
    data = load(str(tmp_path / "mine.ts"))
    assert classes.is_answered(data.task) and data.chance == "the mean"
    assert classes.small(data.task) == "only 9 sequences are tested"
    best = classes.judged(data.task, {}).baselines[0]
    assert best.score is not None and best.score > 0.9
