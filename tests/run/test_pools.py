"""Work in several processes: its news, who is killed, who gives up, and where the temporary folder lies."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wavetrain.run.pools import Processes

MANY = 20_000  # pieces of news: more than a pipe holds


def squared(item: int, tell) -> int:
    for step in range(item):
        tell((item, step))
    return item**2


def killed_once(mark: Path, tell) -> str:
    """The first to come is killed, as for want of memory."""
    if mark.name == "first" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return mark.name


def works_on(mark: Path, tell) -> None:
    """Never ends, and hears nothing: it tells no news."""
    mark.write_text(str(os.getpid()))
    while True:
        sum(range(1000))


def fails_or_talks(item: str, tell) -> None:
    """One fails; the other would tell news for a minute."""
    if item == "fails":
        raise ValueError("of its own")
    for _ in range(60 * MANY):
        tell("x" * 100)
        time.sleep(1 / MANY)


@pytest.mark.parametrize("jobs", [1, 2, 50])
def test_all_news_come_in_order_and_before_the_result(jobs: int):
    heard: list[tuple[int, int]] = []
    results = {}
    for item, result in Processes(jobs).each(squared, [3, 5, 7], heard.append):  # type: ignore[arg-type]
        assert [step for one, step in heard if one == item] == list(range(item))
        results[item] = result
    assert results == {3: 9, 5: 25, 7: 49}


def test_no_work_at_all():
    assert list(Processes(2).each(squared, [], print)) == []


def test_more_news_than_a_pipe_holds():
    heard: list[object] = []
    results = dict(Processes(2).each(squared, [MANY, 1], heard.append))
    assert results == {MANY: MANY**2, 1: 1} and len(heard) == MANY + 1


def test_a_killed_worker_is_one_line_and_the_same_again_goes_on(tmp_path: Path):
    marks = [tmp_path / name for name in ("first", "second", "third")]
    with pytest.raises(ChildProcessError, match="the same command goes on") as caught:
        list(Processes(2).each(killed_once, marks, print))
    assert "\n" not in str(caught.value)
    assert dict(Processes(2).each(killed_once, marks, print)) == {mark: mark.name for mark in marks}


def test_who_works_for_a_command_that_gave_up_ends():
    begun = time.monotonic()
    with pytest.raises(ValueError, match="of its own"):
        list(Processes(2).each(fails_or_talks, ["talks", "fails"], lambda news: None))
    assert time.monotonic() - begun < 30


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux how a process does")
def test_workers_end_with_the_command_that_started_them(tmp_path: Path):
    """Else a command that was killed would go on writing where the same command writes again."""
    marks = [tmp_path / name for name in ("first", "second")]
    code = (
        "import pathlib, sys\n"
        "from tests.run.test_pools import works_on\nfrom wavetrain.run.pools import Processes\n"
        "list(Processes(2).each(works_on, [pathlib.Path(one) for one in sys.argv[1:]], print))"
    )
    home = Path(__file__).parents[2]
    command = subprocess.Popen([sys.executable, "-c", code, *map(str, marks)], cwd=home)
    workers: list[int] = []
    try:
        deadline = time.monotonic() + 60
        while len(workers) < 2:  # until both work
            assert command.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
            workers = [int(text) for mark in marks if mark.exists() and (text := mark.read_text())]
        assert len({command.pid, os.getpid(), *workers}) == 4 and all(map(lives, workers))
        command.kill()
        command.wait()
        deadline = time.monotonic() + 20
        while any(map(lives, workers)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not any(map(lives, workers))
    finally:
        for one in (command.pid, *filter(lives, workers)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)


def lives(process: int) -> bool:
    """Whether it runs: what nobody has waited for yet is a zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_long_name_of_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A socket's name is at most 107 bytes; the folder's may be longer."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert dict(Processes(2).each(squared, [2, 3], lambda news: None)) == {2: 4, 3: 9}
