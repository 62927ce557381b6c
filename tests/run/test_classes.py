"""Classes of one's own beside baselines: their scores, the metrics of layers, and the verdict."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from wavetrain.core import CLASSES, VALUES, Batch, Recorded
from wavetrain.run import classes
from wavetrain.run.answers import Answers, read
from wavetrain.run.compare import compare_layers
from wavetrain.run.pools import Processes
from wavetrain.run.terms import Terms
from wavetrain.tables.class_baselines import Majority, RandomKernels
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
    record = compare_layers(source, ("elman",), TERMS, folder / "out", "cpu", Processes(1), lambda news: None)
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


@pytest.mark.parametrize("count", [29, 30])
def test_a_test_part_is_small_below_thirty_sequences(count: int):
    for objective, more in ((CLASSES, ": an accuracy is known to about ±0.19"), (VALUES, "")):
        task = SimpleNamespace(
            test=lambda: Batch(torch.zeros(count, 2), torch.zeros(count)), objective=objective
        )
        wanted = f"only 29 sequences are tested{more}" if count == 29 else ""
        assert classes.small(task) == wanted  # type: ignore[arg-type]


class Rare(Majority):
    """The class that is rarest in training."""

    name = "rarest class"

    def scores(self, x: np.ndarray) -> np.ndarray:
        return -super().scores(x)


def test_every_figure_of_a_few_answers_by_hand(monkeypatch: pytest.MonkeyPatch):
    """Of 5, 3 and 4 sequences: class 0 is most frequent in the first part, class 1 in the first two."""
    labels = torch.tensor([0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1])
    parts = [Batch(torch.zeros(12, 4, 1)[one], labels[one]) for one in (slice(5), slice(5, 8), slice(8, 12))]
    task = Recorded(*parts, 1, 2, tokens=False, every_step=False, objective=CLASSES, chance=0.75)
    monkeypatch.setattr(classes, "RandomKernels", Rare)
    valid = np.array([[[0.1, 0.9]] * 3, [[0.9, 0.1]] * 3])
    right = [[0.2, 0.8], [0.6, 0.4], [0.1, 0.9], [0.3, 0.7]]
    half = [[0.2, 0.8], [0.1, 0.9], [0.4, 0.6], [0.6, 0.4]]  # the second and the last are wrong
    found = classes.judged(task, {"hand": Answers(valid, np.array([right, half]))})
    most, rare = found.baselines
    assert (most.name, rare.name) == ("most frequent class", "rarest class")
    assert (most.score, rare.score) == (0.75, 0.25) and most.columns == {}
    names = ("balanced accuracy", "F1 (mean over classes)", "AUROC")
    wanted = {"most": (1 / 2, 3 / 7, 1 / 2), "rare": (1 / 2, 1 / 5, 1 / 2), "hand": (2 / 3, 2 / 3, 1 / 2)}
    given = {"most": most.metrics, "rare": rare.metrics, "hand": found.metrics["hand"]}
    for name, values in wanted.items():
        assert given[name] == pytest.approx(dict(zip(names, values, strict=True)), abs=1e-9)
    np.testing.assert_allclose(found.answers["most frequent class"].valid, [[[0.6, 0.4]] * 3])
    np.testing.assert_allclose(found.answers["most frequent class"].test, [[[0.375, 0.625]] * 4])
    # by the part to choose by the layer has 1/2 and the rarest class, which is 1 there, has all
    assert found.verdict.chosen == ("hand", "rarest class")
    assert "accuracy 0.75 against 0.25" in found.verdict.says


def test_what_cannot_be_scored_is_none():
    """Where one class alone is tested there is no AUROC."""
    y = torch.zeros(3, dtype=torch.long)
    task = SimpleNamespace(test=lambda: Batch(torch.zeros(3, 2, 1), y))
    found = classes._metrics(Answers(np.zeros((1, 0, 2)), np.array([[[0.9, 0.1]] * 3])), task)  # type: ignore
    assert found == {"balanced accuracy": 1.0, "F1 (mean over classes)": 1.0, "AUROC": None}
