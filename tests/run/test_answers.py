"""Answers as files and as tables: by names and in units of the file, one row a sequence."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from wavetrain.core import CLASSES, VALUES, Batch, Recorded
from wavetrain.run import answers, classes
from wavetrain.run.answers import Answers, Tried, answered, judgement, read, write, write_tables
from wavetrain.tables.verdict import Candidate, Verdict

X = torch.randn(30, 4, 2, generator=torch.Generator().manual_seed(0))


def classed(count: int = 30) -> Recorded:
    y = torch.arange(count) % 3
    part = Batch(X[torch.arange(count) % 30], y)
    return Recorded(
        part,
        part,
        part,
        2,
        3,
        tokens=False,
        every_step=False,
        objective=CLASSES,
        chance=1 / 3,
        names=("a", "b", "c"),
    )


def numbered(width: int) -> Recorded:
    part = Batch(X, torch.arange(30.0 * width).reshape(30, width))
    scale, level = tuple(10.0 + place for place in range(width)), tuple(1.0 + place for place in range(width))
    return Recorded(
        part,
        part,
        part,
        2,
        width,
        tokens=False,
        every_step=False,
        objective=VALUES,
        chance=0.0,
        scale=scale,
        level=level,
    )


def test_classes_stand_by_their_names(tmp_path: Path):
    scores = np.random.default_rng(0).normal(size=(2, 30, 3))
    write_tables(tmp_path / "out", classed(), {"Random Kernels": Answers(scores, scores)})
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "random_kernels.csv",
        "random_kernels.json",
    ]
    rows = json.loads((tmp_path / "out" / "random_kernels.json").read_text())
    assert [row["measured"] for row in rows] == list("abc") * 10
    assert [row["forecast"] for row in rows] == ["abc"[place] for place in scores[0].argmax(-1)]
    assert [row["sequence"] for row in rows] == list(range(30))
    assert [row["score of b"] for row in rows] == pytest.approx(scores[0, :, 1])
    plain = answers._columns(replace(classed(), names=()), scores[0])
    assert plain["measured"].tolist() == list("012") * 10 and "score of 2" in plain


@pytest.mark.parametrize("width", [1, 2])
def test_numbers_stand_in_their_own_units(width: int):
    task, made = numbered(width), np.ones((30, width))
    found = answers._columns(task, made)
    each = [""] if width == 1 else [" 1", " 2"]
    assert list(found) == [f"{side}{name}" for name in each for side in ("measured", "forecast")]
    for place, name in enumerate(each):
        truth = task.test().y[:, place].numpy() * (10.0 + place) + 1.0 + place
        assert found[f"measured{name}"].tolist() == truth.tolist()
        assert found[f"forecast{name}"].tolist() == [11.0 + 2 * place] * 30


def test_a_file_of_answers_comes_back(tmp_path: Path):
    one = Answers(np.arange(6.0).reshape(1, 2, 3), np.zeros((1, 1, 3)))
    write(tmp_path / "gru.npz", one)
    again = read(tmp_path / "gru.npz")
    assert (again.valid == one.valid).all() and again.test.shape == (1, 1, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["gru.npz"]


def test_networks_answer_in_parts_and_are_left_as_they_were():
    """More sequences than are answered at once, and dropout asleep meanwhile."""
    network = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Flatten(), torch.nn.Linear(8, 3)).train()
    task = classed(2 * answers.TOGETHER + 7)
    found = answered([network], task)
    wanted = network[2](task.test().x.flatten(1)).detach().numpy()
    np.testing.assert_allclose(found.test[0], wanted, rtol=1e-5, atol=1e-6)
    assert network.training and found.valid.shape == (1, 507, 3)


def test_few_sequences_are_said_to_be_few():
    assert classes.small(classed(30)) == "" and classes.FEWEST == 30
    assert classes.small(classed(25)) == "only 25 sequences are tested: an accuracy is known to about ±0.20"
    few = replace(numbered(1), held_test=Batch(X[:4], torch.zeros(4, 1)))
    assert classes.small(few) == "only 4 sequences are tested"


def test_what_has_an_answer_for_each_sequence():
    assert classes.is_answered(classed()) and classes.is_answered(numbered(1))
    assert not classes.is_answered(replace(numbered(1), scale=()))
    for change in ({"every_step": True}, {"tokens": True}):
        assert not classes.is_answered(replace(classed(), **change))
        assert not classes.is_answered(replace(numbered(1), **change))


def test_baselines_stand_best_first_and_one_without_a_score_last():
    """A score below 0 is better than none."""
    given = {"poor": -3.0, "none": None, "best": -1.0}
    tried = [Tried(SimpleNamespace(name=name), Answers(X, X), 0.0) for name in given]
    scores = iter(given.values())
    best = Candidate(name="best", baseline=True, valid=(), test=())
    verdict = Verdict(layer=None, baseline=best, difference=None, metric="R2", more=True)
    found = judgement({}, tried, verdict, metrics=lambda _: {}, score=lambda _: next(scores))
    assert [one.name for one in found.baselines] == ["best", "poor", "none"]
