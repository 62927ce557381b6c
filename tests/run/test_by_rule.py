"""Rules on one data set: one network and budget for each, nothing lost when stopped, and clear refusals."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.evidence.comparison import Record, read_record
from wavetrain.evidence.shape import written
from wavetrain.report.tables import comparison
from wavetrain.run.by_rule import compare_rules_on
from wavetrain.run.pools import Processes
from wavetrain.run.terms import Terms
from wavetrain.train.lab import News

module = importlib.import_module("wavetrain.run.by_rule")
TINY = Terms(parameters=150, steps=6, batch=4, rates=(1e-3, 1e-2), search=0.5, seeds=(0, 1))
THREE = ("backpropagation", "snap", "truncated_backpropagation")


def quiet(news: News) -> None:
    pass


def run(source: str, out: Path, rules=THREE, terms: Terms = TINY, tell=quiet, layer: str = "elman") -> Record:
    return compare_rules_on(source, rules, layer, terms, out, "cpu", Processes(1), tell)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Two classes that the mean of a sequence tells."""
    y = np.arange(60) % 2
    x = 0.3 * np.random.default_rng(0).normal(size=(60, 5, 2)) + (2 * y[:, None, None] - 1)
    np.savez(tmp_path / "level.npz", x=x, y=np.array(["down", "up"])[y])
    return str(tmp_path / "level.npz")


@pytest.mark.parametrize("source", ["parity", "copying"])
def test_from_a_task_to_a_table(source: str, tmp_path: Path):
    record = run(source, tmp_path)
    assert {one.layer for one in record.figures} == set(THREE) and record.rivals == "rule"
    assert len({(one.width, one.parameters) for one in record.figures}) == 1
    assert record.figures[0].parameters <= 1.1 * TINY.parameters
    table = comparison(record)
    assert next(iter(table)) == "rule" and table["rule"][-1] == "chance"
    assert not {"mean\nreach", "µs a\nstep"} & set(table)
    page = (Path(record.folder) / "index.html").read_text()
    assert "3 rules and what they are worth" in page and "The same for all rules" in page
    json.dumps(written(record), allow_nan=False)
    assert read_record(Path(record.folder) / "result.json") == record


def test_rules_that_follow_the_loss_learn_a_level(file: str, tmp_path: Path):
    terms = Terms(parameters=150, steps=60, batch=16, rates=(1e-2,), seeds=(0,))
    record = run(file, tmp_path, ("snap", "e_prop", "backpropagation"), terms)
    assert min(one.score for one in record.figures) > 0.9 and record.chance.score < 0.7


def test_a_stopped_one_goes_on_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = run("parity", tmp_path / "whole")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write_page", killed)
    with pytest.raises(KeyboardInterrupt):
        run("parity", tmp_path / "cut")
    monkeypatch.undo()
    again = run("parity", tmp_path / "cut", tell=None)  # nothing is trained any more
    assert again.figures == whole.figures


@pytest.mark.parametrize(
    ("rules", "layer", "says"),
    [
        (("snap", "nothing"), "elman", "nothing"),
        (("full_force",), "elman", "full_force"),
        (("backpropagation",), "nothing", "nothing"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_trained(
    rules: tuple[str, ...], layer: str, says: str, tmp_path: Path
):
    with pytest.raises(BadInput, match=says):
        run("parity", tmp_path, rules, layer=layer)
    assert not list(tmp_path.iterdir())


def test_a_budget_that_is_too_small(tmp_path: Path):
    with pytest.raises(BadInput, match="expected a budget of at least"):
        run("parity", tmp_path, terms=Terms(parameters=2, steps=2))
