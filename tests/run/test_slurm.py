"""A job array: a script that bash can read, whose tasks do a piece each and end in what a plain run finds."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wavetrain.cli import main
from wavetrain.run.pools.slurm import Elsewhere, Piece, Slurm, script, without_pool

RUN = "run wave_rnn_waves --scale smoke --seeds 2 --out"


def printed(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    main(words.split())
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refused(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        main(words.split())
    out, err = capsys.readouterr()
    assert left.value.code == 2 and out == "" and err.count("\n") == 1
    return err


def pieces(text: str) -> list[str]:
    (listed,) = re.findall(r"pieces=\(\n(.*?)\n\)", text, flags=re.DOTALL)
    return listed.split()


def test_names_of_any_kind_are_said_to_bash_as_they_are(tmp_path: Path, monkeypatch: Any) -> None:
    """Bash finds the piece of a task by its number, and the words of the command, whatever is in them."""
    monkeypatch.setenv("WAVETRAIN_DATA", "a b'c")
    names, words = ["a", "b c", "$(false)", "it's"], ["run", "x y", '"', "--out", "$HOME"]
    text = script(names, words, "cuda", tmp_path / "o o")
    assert "#SBATCH --array=0-3\n" in text and "#SBATCH --gpus-per-task=1\n" in text
    told = tmp_path / "told.sh"
    told.write_text(text.replace("exec ", "printf '%s\\n' \"$WAVETRAIN_DATA\" "))
    assert subprocess.run(["bash", "-n", str(told)]).returncode == 0
    for task, name in enumerate([*names, None]):
        env = {**os.environ, "SLURM_ARRAY_TASK_ID": str(task)}
        out = subprocess.run(["bash", str(told)], env=env, capture_output=True, text=True, check=True).stdout
        lines = out.splitlines()[: 4 + len(words) + (0 if name is None else 2)]
        assert lines[0] == "a b'c" and lines[4 : 4 + len(words)] == words
        assert name is None or lines[-2:] == ["--piece", name]
    bare = {name: value for name, value in os.environ.items() if name != "SLURM_ARRAY_TASK_ID"}
    alone = subprocess.run(["bash", str(told)], env=bare, capture_output=True, text=True)
    assert alone.returncode != 0 and "expected a task of a job array" in alone.stderr


def test_words_without_the_pool() -> None:
    assert without_pool(["run", "--on=slurm", "a", "--on", "slurm"]) == ("run", "a")


class Item:
    def __init__(self, name: str):
        self.name = name


def test_a_piece_is_done_alone() -> None:
    done = list[str]()

    def work(item: Item, tell: Any) -> None:
        done.append(item.name)

    items = [Item("a"), Item("b")]
    with pytest.raises(Elsewhere, match="b is over"):
        list(Piece("b").each(work, items, print))
    with pytest.raises(Elsewhere, match="nothing to do: c was over, or is no piece of this command"):
        list(Piece("c").each(work, items, print))
    assert done == ["b"]
    pool = Slurm(("run",), "cpu", Path("o"))
    with pytest.raises(Elsewhere, match=r"    a\n    b\n"):
        list(pool.each(work, items, print))
    assert list(pool.each(work, [], print)) == [] and done == ["b"]


@pytest.mark.slow
def test_a_run_by_hand_ends_in_the_results_of_a_plain_one(
    tmp_path: Path, undrawn: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = printed(f"{RUN} array --on slurm", capsys)
    names = pieces(text)
    assert names == ["wave_rnn_waves-smoke-seed0", "wave_rnn_waves-smoke-seed1"]
    assert not list(Path("array").glob("wave*"))  # nothing is done yet
    for name in names:
        assert printed(f"{RUN} array --piece {name}", capsys) == f"{name} is over\n"
        assert not (tmp_path / "array" / "results" / "wave_rnn_waves-smoke.json").exists()
    assert printed(f"{RUN} array --piece {names[0]}", capsys).startswith("nothing to do: ")
    found = json.loads(printed(f"{RUN} array --jobs 1 --json", capsys))
    plain = json.loads(printed(f"{RUN} plain --jobs 1 --json", capsys))
    for one in (*found, *plain):
        del one["seconds"]
        one["witness"].pop("seconds", None)
    assert found == plain


@pytest.mark.slow
def test_bash_does_a_task_and_collects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Task 1 by hand, as SLURM would call it; the last task then finds it over and does the other itself."""
    monkeypatch.chdir(tmp_path)
    Path("runs.sh").write_text(printed(f"{RUN} array --jobs 1 --on slurm", capsys))
    assert subprocess.run(["bash", "-n", "runs.sh"]).returncode == 0
    told = []
    for task in ("1", "2"):
        env = {**os.environ, "SLURM_ARRAY_TASK_ID": task}
        done = subprocess.run(["bash", "runs.sh"], env=env, capture_output=True, text=True, check=True)
        told.append(done.stdout)
    assert told[0] == "wave_rnn_waves-smoke-seed1 is over\n" and "report: " in told[1]
    plain = json.loads(printed(f"{RUN} plain --jobs 1 --json", capsys))[0]
    found = json.loads((tmp_path / "array" / "results" / "wave_rnn_waves-smoke.json").read_text())
    assert found["figures"] == plain["figures"] and found["seeds"] == plain["seeds"]


@pytest.mark.slow
def test_a_comparison_by_hand_is_a_plain_one(
    tmp_path: Path, undrawn: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = 5 + np.sin(np.arange(120) * 2 * np.pi / 7) + 0.1 * np.random.default_rng(0).normal(size=120)
    Path("load.csv").write_text("load\n" + "".join(f"{row:.3f}\n" for row in rows))
    words = "compare load.csv --layers elman --steps 2 --seeds 1 --rates 0.01 --batch 4 --depth 1"
    words += " --parameters 600"
    names = pieces(printed(f"{words} --out array --on slurm", capsys))
    assert "elman" in names and "ridge" in names
    for name in names:
        assert printed(f"{words} --out array --piece {name}", capsys).endswith(f"{name} is over\n")
    found, plain = (
        json.loads(printed(f"{words} --out {out} --jobs 1 --json", capsys)) for out in ("array", "plain")
    )
    for one in (found, plain):
        for what in ("timings", "folder", "environment"):
            del one[what]
        for each in one["baselines"]:
            del each["seconds"]
    assert found == plain


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run wave_rnn_waves --confirm --on slurm", "a job array is of runs: expected no --calibrate and no"),
        (
            "run wave_rnn_waves --calibrate --piece a",
            "a job array is of runs: expected no --calibrate and no",
        ),
        ("run wave_rnn_waves --on slurm --piece a", "--piece is done in this process: expected it without"),
        ("compare a.csv --on slurm", "a job array has given steps: expected --steps"),
        ("compare - --steps 3 --on slurm", "tasks of a job array read by themselves: expected a file"),
        ("compare --stream a.npz --steps 3 --on slurm", "files in turn are no job array"),
        ("run wave_rnn_waves --on slrum", "slurm"),
    ],
)
def test_what_is_no_job_array(
    words: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refused(words, capsys)
