"""Commands that torchrun starts several times: figures of one process, one voice, one end."""

import contextlib
import io
import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch

import wavetrain as wt
from tests.together import Together, together
from wavetrain.cli import main
from wavetrain.estimators import Forecaster, SequenceClassifier
from wavetrain.parts import saved


class Ended(NamedTuple):
    code: int
    output: str
    errors: str


def command(*words: str) -> Ended:
    """What a command prints and says, and how it leaves."""
    output, errors, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            main(words)
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
    return Ended(code, output.getvalue(), errors.getvalue())


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    t = np.arange(160)
    noise = np.random.default_rng(0).normal(size=160)
    pd.DataFrame({"x": np.sin(2 * np.pi * t / 12) + 0.1 * noise}).to_csv(path, index=False)
    return path


def _close(one: Path, two: Path, atol: float) -> None:
    """Two kept models: the same weights to rounding."""
    (ours,), (theirs,) = (sorted(folder.rglob("*.safetensors")) for folder in (one, two))
    first, second = saved_of(ours), saved_of(theirs)
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=0, atol=atol)


def saved_of(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


@pytest.mark.parametrize("sharded", [False, True])
def test_fit_of_series(rows: Path, tmp_path: Path, sharded: bool) -> None:
    words = ["fit", str(rows), "--horizon", "2", "--width", "6", "--steps", "8", "--json", "--out"]
    one = command(*words, str(tmp_path / "one"))
    more = ["--sharded"] if sharded else []
    found = together(2, command, *words, str(tmp_path / "two"), *more)
    assert one.code == 0 and [each.code for each in found] == [0, 0], found
    assert [each.output for each in found[1:]] == [""] and not found[1].errors
    ours, theirs = json.loads(one.output), json.loads(found[0].output)
    assert theirs["error"] == pytest.approx(ours["error"], rel=1e-5)
    _close(tmp_path / "one", tmp_path / "two", 1e-5)
    assert Forecaster.load(tmp_path / "two").predict().value.shape == (1, 2, 1)


@pytest.fixture
def waves(tmp_path: Path) -> Path:
    """Sixty sequences of unequal length, of two classes that differ in their pace."""
    generator = np.random.default_rng(1)
    table = []
    for one in range(60):
        steps = int(generator.integers(5, 12))
        pace = 0.5 if one % 2 else 1.5
        values = np.sin(pace * np.arange(steps) + generator.normal())
        table.append(pd.DataFrame({"who": one, "x": values, "kind": "fast" if one % 2 == 0 else "slow"}))
    path = tmp_path / "waves.csv"
    pd.concat(table).to_csv(path, index=False)
    return path


def test_fit_of_classes(waves: Path, tmp_path: Path) -> None:
    words = ["fit", str(waves), "--classes", "kind", "--id", "who", "--width", "6", "--steps", "8", "--out"]
    one = command(*words, str(tmp_path / "one"))
    found = together(3, command, *words, str(tmp_path / "three"))
    assert one.code == 0 and [each.code for each in found] == [0, 0, 0], found
    assert not any((each.output, each.errors) != ("", "") for each in found[1:])
    assert found[0].output.replace("three", "one") == one.output
    _close(tmp_path / "one", tmp_path / "three", 1e-5)
    assert isinstance(SequenceClassifier.load(tmp_path / "three"), SequenceClassifier)


COMPARE = ("--layers", "elman", "gru", "--seeds", "1", "--steps", "6", "--parameters", "900", "--depth", "1")


def _scores(folder: Path) -> dict[str, float]:
    (path,) = folder.glob("compare-*/result.json")
    return {one["layer"]: one["score"] for one in json.loads(path.read_text())["figures"]}


def test_compare_of_a_task(tmp_path: Path, undrawn: None) -> None:
    one = command("compare", "parity", *COMPARE, "--jobs", "1", "--out", str(tmp_path / "one"))
    words = ("compare", "parity", *COMPARE, "--out", str(tmp_path / "two"))
    found = together(2, command, *words)
    assert one.code == 0 and [each.code for each in found] == [0, 0], found
    assert found[1] == Ended(0, "", "")
    assert _scores(tmp_path / "two") == pytest.approx(_scores(tmp_path / "one"), rel=1e-4)
    again = together(2, command, *words)  # it is over, and is read
    assert "taken up from" in again[0].output and again[1] == Ended(0, "", "")
    (path,) = (tmp_path / "two").glob("compare-*/result.json")
    assert json.loads(path.read_text())["environment"]["processes"] == 2


def test_compare_of_series(rows: Path, tmp_path: Path, undrawn: None) -> None:
    one = command("compare", str(rows), *COMPARE, "--jobs", "1", "--out", str(tmp_path / "one"))
    found = together(2, command, "compare", str(rows), *COMPARE, "--out", str(tmp_path / "two"))
    assert one.code == 0 and [each.code for each in found] == [0, 0], found
    assert found[1] == Ended(0, "", "")
    assert _scores(tmp_path / "two") == pytest.approx(_scores(tmp_path / "one"), rel=1e-4)


def _compared(out: str) -> tuple[str, dict[str, float | None]]:
    found = wt.compare("parity", ["elman"], parameters=200, depth=1, steps=4, rates=[0.01], seeds=1, out=out)
    return found.measure, {one.layer: one.score for one in found.rows}


def test_compare_from_python(tmp_path: Path, undrawn: None) -> None:
    first, second = together(2, _compared, str(tmp_path / "two"))
    assert first == second == _compared(str(tmp_path / "one"))


def test_minutes_are_planned_by_what_they_take_together(tmp_path: Path, undrawn: None) -> None:
    words = ("compare", "parity", "--layers", "elman", "--seeds", "1", "--rates", "0.01", "--minutes", "0.01")
    found = together(2, command, *words, "--parameters", "300", "--depth", "1", "--out", str(tmp_path))
    assert [each.code for each in found] == [0, 0], found


def test_a_claim_is_run(tmp_path: Path, undrawn: None) -> None:
    words = ("run", "wave_rnn_copy", "--scale", "smoke", "--seeds", "1", "--json", "--out")
    one = command(*words, str(tmp_path / "one"))
    found = together(2, command, *words, str(tmp_path / "two"))
    assert one.code == 0 and [each.code for each in found] == [0, 0], found
    assert found[1] == Ended(0, "", "")
    ours, theirs = (json.loads(text)[0]["figures"][0] for text in (one.output, found[0].output))
    assert theirs == pytest.approx(ours, rel=1e-3)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("fit", "nothing.csv", "--out", "model"), "nothing.csv"),
        (("fit", "-", "--out", "model"), "one process reads standard input"),
        (("compare", "adding", "--layers", "no_such_layer"), "no layer is called 'no_such_layer'"),
        (("compare", "adding", "--rules", "backpropagation"), "rules learn in one process each"),
        (("compare", "adding", "--jobs", "2", "--steps", "2"), "expected no --on and no --jobs"),
        (("list", "layers"), "expected fit, compare or run under torchrun, got list"),
        (("fti",), "no command is called 'fti'; did you mean fit"),
        (("fit", "rows.csv", "--out", "model", "--no-such-flag"), "no-such-flag"),
    ],
)
def test_bad_input_is_one_line_of_one_process(
    tmp_path: Path, words: tuple[str, ...], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = Together(2, command, *words).results()
    assert [each.code for each in found] == [2, 2], found
    assert not found[1].output  # the first has said what the data is, where that was understood
    assert found[0].errors.count("\n") == 1 and why in found[0].errors and not found[1].errors, found


def _elsewhere(rows: str, out: str) -> Ended:
    """The second process does not find the rows."""
    import os

    second = os.environ["RANK"] == "1"
    return command("fit", rows + "x" * second, "--out", out, "--steps", "2", "--width", "4")


def test_where_another_fails_it_says_why_and_all_end(rows: Path, tmp_path: Path) -> None:
    first, second = Together(2, _elsewhere, str(rows), str(tmp_path / "out")).results()
    assert (first.code, second.code) == (2, 2)
    assert not first.errors and second.errors.startswith("wavetrain: process 1 of 2, counted from 0: ")
    assert second.errors.count("\n") == 1 and not (tmp_path / "out").exists()


def test_a_comparison_that_loses_a_process_ends_and_goes_on(tmp_path: Path, undrawn: None) -> None:
    steps = ("--steps", "60", "--rates", "0.01", "--parameters", "300")
    words = ("compare", "parity", "--layers", "elman", "--seeds", "1", *steps, "--depth", "1", "--out")
    group = Together(2, command, *words, str(tmp_path / "cut"))
    end = time.monotonic() + 30
    while not list((tmp_path / "cut").glob("compare-*/elman-seed0/metrics/*.jsonl")):
        assert time.monotonic() < end
        time.sleep(0.02)
    group.kill(1)
    first, killed = group.results(30)
    assert killed is None and first.code == 2
    told = "one of the 2 processes has ended; the same command goes on from here"
    assert first.errors == f"wavetrain: {told}\n"
    later = together(2, command, *words, str(tmp_path / "cut"))
    assert [each.code for each in later] == [0, 0]
    whole = together(2, command, *words, str(tmp_path / "whole"))
    assert [each.code for each in whole] == [0, 0]
    assert _scores(tmp_path / "cut") == _scores(tmp_path / "whole")
    (one,), (two,) = (
        (tmp_path / name).glob("compare-*/elman-seed0/checkpoints/train.safetensors")
        for name in ("cut", "whole")
    )
    ours, theirs = saved.load(one)[0], saved.load(two)[0]
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
