"""The record of speed, and the page that is made of it."""

import dataclasses
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import record
from extension import speed
from history import HISTORY, Comparison, Machine, Rival, Run, add, compared, measured, path, read, read_all
from tests.fresh import warm
from wavetrain.errors import BadInput
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.shape import parsed

BENCHMARKS = Path(record.__file__).parent
NO_SPEED = {
    "own_data",  # asks how well: tests/test_how_well.py
    "timing",
    "history",
    "record",
    "precision",
    "cubins",
    "gpu_cases",
    "pools",  # needs Ray
}  # precision asks how exact, and writes a page of its own
TIMES = {"kernel": [1.0, 2.0, 4.0], "loop": [8.0, 8.0, 40.0]}


def a_run(date: str, times: list[float], load: float = 0.1) -> Run:
    rows = {"kernel": times, "loop": [10.0] * len(times)}
    one = compared(rows, "a walk | forward", Rival.LOOP, ours="kernel", other="loop", beside="a loop")
    return Run(
        date=date,
        commit="0123456789ab",
        changed=False,
        command="python benchmarks/scan_linear.py",
        setting="float32",
        machine=Machine(
            cpu="some cpu",
            cores=2,
            threads=1,
            copy=10.0,
            product=50.0,
            load_before=load,
            load_after=1.5,
        ),
        versions={"torch": "2.13.0"},
        comparisons=(one,),
    )


def test_a_ratio_is_the_median_of_the_ratios_within_a_round():
    one = compared(TIMES, "walk", Rival.LOOP, ours="kernel", other="loop", beside="a loop")
    assert (one.ours, one.other) == (2.0, 8.0)
    assert (one.times, one.low, one.high) == (1 / 8, 1 / 10, 1 / 4)


def test_runs_are_added_behind_each_other(tmp_path: Path):
    first, second = a_run("2026-01-01 10:00", [1.0, 2.0]), a_run("2026-02-01 10:00", [2.0, 4.0])
    for run in (first, second):
        assert add("scan_linear", run, tmp_path) == path("scan_linear", tmp_path)
    assert read(path("scan_linear", tmp_path)).runs == (first, second)
    assert [history.script for history in read_all(tmp_path)] == ["scan_linear"]


def test_a_record_that_does_not_fit_is_refused(tmp_path: Path):
    file = add("scan_linear", a_run("2026-01-01 10:00", [1.0]), tmp_path)
    good = read_json(file)
    write_json(file, good | {"version": 99})
    with pytest.raises(BadInput, match="version 99"):
        read(file)
    run = good["runs"][0]
    write_json(file, good | {"runs": [run | {"comparisons": [run["comparisons"][0] | {"rival": "x"}]}]})
    with pytest.raises(BadInput, match="`rival` must be one of loop, peer"):
        read(file)
    write_json(file, good | {"runs": [run | {"commit": 7}]})
    with pytest.raises(BadInput, match=r"`runs\[0\]\.commit` must be str"):
        read(file)


def test_what_a_script_hands_over_can_be_read_again():
    one = compared(TIMES, "walk", Rival.PEER, ours="kernel", other="loop", beside="another library")
    found = measured("float32", [one], ["mambapy: not installed"])
    assert [parsed(Comparison, each) for each in found["comparisons"]] == [one]
    assert found["skipped"] == ["mambapy: not installed"]


def test_every_script_of_speed_can_be_recorded_and_asks_a_question():
    assert set(record.SCRIPTS) == {script.stem for script in BENCHMARKS.glob("*.py")} - NO_SPEED
    for script in record.SCRIPTS:
        assert re.fullmatch(r"(How|Do|Does) [^?]+\?", speed.question(script)), script


def test_the_committed_record_is_of_scripts_that_there_are():
    histories = read_all(HISTORY)
    assert {history.script for history in histories} <= set(record.SCRIPTS)
    for history in histories:
        assert path(history.script).exists() and history.runs
        dates = [run.date for run in history.runs]
        assert dates == sorted(dates), f"{history.script}: runs are added at the end"
        for run in history.runs:
            assert run.comparisons and all(one.low <= one.times <= one.high for one in run.comparisons)
    assert speed.page().count("\n## ") == len(histories)


@pytest.mark.slow
def test_a_script_is_run_and_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """In a process that has PyTorch loaded."""
    begun = subprocess.run

    def forked(command: Sequence[str], **more: Any) -> subprocess.CompletedProcess[str]:
        python, script, *words = command
        if python != sys.executable:
            return begun(command, **more)
        code = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
        code += "runpy.run_path(sys.argv.pop(1), run_name='__main__')"
        done = warm("-c", code, str(BENCHMARKS), script, *words)
        done.check_returncode()
        return done

    monkeypatch.setattr(record.subprocess, "run", forked)
    monkeypatch.setitem(record.SCRIPTS, "torch_layers", ("--repeats", "2"))
    run = record.run("torch_layers", tmp_path)
    assert re.fullmatch(r"[0-9a-f]{12}", run.commit) and run.machine.copy > 0
    assert [one.name for one in run.comparisons] == ["lstm layer, forward", "gru layer, forward"]
    assert all(one.ours > 0 and one.rival == Rival.PEER for one in run.comparisons)


@pytest.mark.parametrize(
    ("rival", "times", "words"),
    [
        (Rival.LOOP, 0.1, "runs **10** times as fast as (5 to 20)"),
        (Rival.LOOP, 2.0, "takes **2** times as long as (0.05 to 0.2)"),
        (Rival.PEER, 1.02, "takes as long as (0.05 to 0.2 times)"),
        (Rival.FLOOR, 1.7, "takes **1.7** times as long as (0.05 to 0.2)"),
        (Rival.FLOOR, 0.5, "takes **0.5** times as long as (0.05 to 0.2)"),
    ],
)
def test_ratios_are_words(rival: Rival, times: float, words: str):
    one = compared(TIMES, "walk", rival, ours="kernel", other="loop", beside="a loop")
    assert speed.said(dataclasses.replace(one, times=times, low=0.05, high=0.2)) == words


@pytest.mark.parametrize(("seconds", "words"), [(2.5, "2.5 s"), (0.1234, "123 ms"), (4.2e-6, "4.2 µs")])
def test_times_have_a_unit(seconds: float, words: str):
    assert speed.duration(seconds) == words.replace(" ", "\N{NO-BREAK SPACE}")


def test_the_page_says_what_came_out_and_on_which_machine(tmp_path: Path):
    assert speed.EMPTY in speed.page(tmp_path)
    add("scan_linear", a_run("2026-01-01 10:00", [1.0, 1.0], load=6.0), tmp_path)
    page = speed.page(tmp_path)
    assert "## How fast is the linear recurrence on this machine?" in page
    assert "**Beside plain PyTorch**" in page and "runs **10** times as fast as (10)" in page
    assert "**The machine was busy**: 6 programs wanted its 2 cores" in page
    assert "copied 10 GB/s" in page and "first run on record" in page
    assert "<svg" not in page, "one run has no course"


def test_two_runs_are_a_line(tmp_path: Path):
    for date, seconds in (("2026-01-01 10:00", 2.0), ("2026-02-01 10:00", 1.0)):
        add("scan_linear", a_run(date, [seconds]), tmp_path)
    page = speed.page(tmp_path)
    assert page.count("<svg") == 1 and "There are 2 runs on record" in page
    assert 'aria-label="a walk | forward, times as fast, 2026-01-01: 5, 2026-02-01: 10"' in page
    (points,) = re.findall(r'points="([^"]+)"', page)
    (_, before), (_, after) = (map(float, point.split(",")) for point in points.split())
    assert after < before, "the newer run is faster, so the line rises"
