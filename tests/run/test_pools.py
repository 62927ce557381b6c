"""Work in several processes: its news, who is killed, who gives up, and where the temporary folder lies."""

import os
import signal
import time
from pathlib import Path

import pytest

from wavetrain.run.pools import pool

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
    for item, result in pool(squared, [3, 5, 7], jobs, heard.append):  # type: ignore[arg-type]
        assert [step for one, step in heard if one == item] == list(range(item))
        results[item] = result
    assert results == {3: 9, 5: 25, 7: 49}


def test_no_work_at_all():
    assert list(pool(squared, [], 2, print)) == []


def test_more_news_than_a_pipe_holds():
    heard: list[object] = []
    results = dict(pool(squared, [MANY, 1], 2, heard.append))
    assert results == {MANY: MANY**2, 1: 1} and len(heard) == MANY + 1


def test_a_killed_worker_is_one_line_and_the_same_again_goes_on(tmp_path: Path):
    marks = [tmp_path / name for name in ("first", "second", "third")]
    with pytest.raises(ChildProcessError, match="the same command goes on") as caught:
        list(pool(killed_once, marks, 2, print))
    assert "\n" not in str(caught.value)
    assert dict(pool(killed_once, marks, 2, print)) == {mark: mark.name for mark in marks}


def test_who_works_for_a_command_that_gave_up_ends():
    begun = time.monotonic()
    with pytest.raises(ValueError, match="of its own"):
        list(pool(fails_or_talks, ["talks", "fails"], 2, lambda news: None))
    assert time.monotonic() - begun < 30


def test_a_long_name_of_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A socket's name is at most 107 bytes; the folder's may be longer."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert dict(pool(squared, [2, 3], 2, lambda news: None)) == {2: 4, 3: 9}
