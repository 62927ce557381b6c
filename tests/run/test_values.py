"""Numbers of one's own for whole sequences: baselines, metrics in their own units, answers, the verdict."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from wavetrain.core import VALUES, Batch, Recorded, explained
from wavetrain.run import classes, values
from wavetrain.run.answers import Answers, read
from wavetrain.run.compare import compare_layers
from wavetrain.run.pools import Processes
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
    record = compare_layers(source, ("elman",), TERMS, folder / "out", "cpu", Processes(1), lambda news: None)
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


@pytest.mark.parametrize("several", [False, True])
def test_every_figure_of_a_few_answers_by_hand(several: bool, monkeypatch: pytest.MonkeyPatch):
    """In units of 2 around 10 where one number is asked for, in deviations where there are two."""
    y = torch.tensor([0.0, 2.0, 1.0, 4.0, 3.0, 1.0, 3.0, 5.0])[:, None]
    y = torch.cat([y, -y], 1) if several else y
    parts = [Batch(torch.zeros(8, 4, 1)[one], y[one]) for one in (slice(3), slice(3, 5), slice(5, 8))]
    units = {"scale": (2.0,), "level": (10.0,)}
    if several:
        units = {"scale": (2.0, 5.0), "level": (10.0, -10.0)}
    task = Recorded(*parts, 1, y.shape[1], False, False, VALUES, 0.0, **units)  # type: ignore[misc, arg-type]
    for name in ("Summaries", "KernelRidge"):
        monkeypatch.setattr(values, name, Mean)
    valid = np.stack([y[3:5].numpy() + 1.0, y[3:5].numpy() - 1.0])
    off = np.array([[1.0, -1.0, 2.0], [0.0, 0.0, 3.0]])[..., None]
    test = y[5:].numpy() + off
    found = values.judged(task, {"hand": Answers(valid, test)})
    unit, word = (1.0, " (deviations)") if several else (2.0, "")
    root = (6 / 3) ** 0.5 / 2 + 3**0.5 / 2
    assert found.metrics == {
        "hand": pytest.approx({f"MAE{word}": unit * (4 / 3 + 1) / 2, f"RMSE{word}": unit * root}, abs=1e-9)
    }
    mean = found.baselines[0]  # of the first two parts, 2, under the truth 1, 3, 5
    apart = {f"MAE{word}": unit * 5 / 3, f"RMSE{word}": unit * (11 / 3) ** 0.5}
    assert mean.metrics == pytest.approx(apart, abs=1e-9) and mean.columns == {}
    assert mean.score == pytest.approx(1 - 11 / 8)
    np.testing.assert_allclose(
        np.abs(found.answers["mean"].valid), np.ones((1, 2, y.shape[1]))
    )  # of the first
    np.testing.assert_allclose(np.abs(found.answers["mean"].test), np.full((1, 3, y.shape[1]), 2.0))
    assert found.verdict.chosen == ("hand", "mean")
    wanted = [[[10.0 + 2 * 3, -10.0 + 5 * 4]]] if several else [[[16.0]]]
    np.testing.assert_allclose(values.in_units(np.array([[[3.0, 4.0][: y.shape[1]]]]), task), wanted)


def test_what_cannot_be_explained_is_none():
    """The truth does not vary."""
    part = Batch(torch.zeros(3, 2, 1), torch.ones(3, 1))
    assert values._explained(np.zeros((3, 1)), part) is None
