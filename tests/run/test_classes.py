"""Classes of one's own beside baselines: their scores, the metrics of layers, and the verdict."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wavetrain.run import classes
from wavetrain.run.answers import read
from wavetrain.run.compare import compare_layers
from wavetrain.run.terms import Terms
from wavetrain.tables.class_baselines import RandomKernels
from wavetrain.tables.load import load

TERMS = Terms(parameters=600, steps=30, batch=16, depth=1, rates=(1e-2,), seeds=(0, 1))


def file(folder: Path, count: int = 240) -> str:
    """Two classes that differ in level, of unequal share."""
    draw = np.random.default_rng(0)
    y = (np.arange(count) % 3 == 0).astype(int)
    x = draw.normal(size=(count, 12, 1)) + 2.0 * y[:, None, None]
    np.savez(folder / "mine.npz", x=x, y=np.array(["low", "high"])[y])
    return str(folder / "mine.npz")


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("classes")
    source = file(folder)
    record = compare_layers(source, ("elman",), TERMS, folder / "out", "cpu", 1, lambda news: None)
    return source, record


def test_baselines_stand_beside_the_layers(compared):
    source, record = compared
    names = {one.name: one for one in record.baselines}
    assert set(names) == {"most frequent class", "random kernels"}
    assert names["most frequent class"].score == pytest.approx(record.chance.score)
    assert names["most frequent class"].metrics["balanced accuracy"] == pytest.approx(0.5)
    task = load(source).task
    learn, valid, test = task.train, task.valid(), task.test()
    both = [np.concatenate([a.numpy(), b.numpy()]) for a, b in zip(learn, valid, strict=True)]
    right = RandomKernels.fit(*both).predict(test.x.numpy()) == test.y.numpy()
    assert names["random kernels"].score == pytest.approx(right.mean())
    assert [one.score for one in record.baselines] == sorted(
        (one.score for one in record.baselines), reverse=True
    )


def test_metrics_and_verdict_are_of_the_same_answers(compared):
    _, record = compared
    (elman,) = record.figures
    assert set(elman.metrics) == {"balanced accuracy", "F1 (mean over classes)", "AUROC"}
    answers = read(Path(record.folder) / "elman.npz")
    truth = load(record.data.source).task.test().y.numpy()
    assert elman.scores == pytest.approx([(one.argmax(-1) == truth).mean() for one in answers.test])
    assert record.verdict is not None and record.verdict.chosen[0] == "elman"
    assert record.verdict.advice in ("elman", *(one.name for one in record.baselines))
    assert "accuracy" in record.verdict.says


def test_a_small_test_part_is_said(tmp_path: Path):
    assert classes.small(load(file(tmp_path, 240)).task) == ""
    few = load(file(tmp_path, 90)).task
    count = len(few.test().y)
    assert count < 30
    assert (
        classes.small(few)
        == f"only {count} sequences are tested: an accuracy is known to about ±{count**-0.5:.2f}"
    )


def test_every_answer_is_in_a_table(compared):
    source, record = compared
    folder, task = Path(record.folder) / "forecasts", load(source).task
    assert {path.name for path in folder.iterdir()} == {
        f"{name}.{ending}"
        for name in ("elman", "most_frequent_class", "random_kernels")
        for ending in ("csv", "json")
    }
    table = pd.read_csv(folder / "elman.csv")
    assert list(table) == ["sequence", "measured", "forecast", "score of high", "score of low"]
    assert table.measured.tolist() == [("high", "low")[place] for place in task.test().y]
    (elman,) = record.figures
    assert (table.measured == table.forecast).mean() == pytest.approx(elman.scores[0])
    higher = table["score of high"] > table["score of low"]
    assert (higher == (table.forecast == "high")).all()
    records = json.loads((folder / "elman.json").read_text())
    pd.testing.assert_frame_equal(pd.DataFrame(records), table, rtol=1e-5)


def test_only_answers_for_whole_sequences_have_baselines(tmp_path: Path):
    x = np.random.default_rng(0).normal(size=(60, 9, 2))
    np.savez(tmp_path / "values.npz", x=x, y=x[:, 0, 0])
    np.savez(tmp_path / "steps.npz", x=x, y=(x[..., 0] > 0).astype(int))
    np.savez(tmp_path / "paths.npz", x=x, y=x[..., 0])
    assert classes.is_answered(load(str(tmp_path / "values.npz")).task)
    for name in ("steps", "paths"):
        assert not classes.is_answered(load(str(tmp_path / f"{name}.npz")).task)
    assert not classes.is_answered(load("copying").task)
