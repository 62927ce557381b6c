"""Work is done by as many threads as asked for, those of PyTorch where it lends them, and errors come out."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from tests.fresh import python
from wavetrain.scan.cpu import team


@pytest.fixture(params=["of PyTorch", "a pool of our own"])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds of threads."""
    if request.param == "a pool of our own":
        monkeypatch.setattr(team, "_openmp", lambda: None)
    elif team._openmp() is None:
        pytest.skip("PyTorch has no team of OpenMP threads here")


@pytest.mark.parametrize("count", [1, 2, 4, 3])
def test_all_are_there_at_once(threads: None, count: int) -> None:
    """Each waits for all others: fewer would wait in vain."""
    meeting, seen = threading.Barrier(count), []

    def work() -> None:
        meeting.wait(20)
        seen.append(threading.get_ident())

    team.together(work, count)
    assert len(set(seen)) == count


def test_an_error_on_any_thread_is_raised_when_all_are_done(threads: None) -> None:
    turn, done = threading.Barrier(3), []

    def work() -> None:
        place = turn.wait(20)
        if place == 1:
            raise ValueError("the second of three")
        done.append(place)

    with pytest.raises(ValueError, match="the second of three"):
        team.together(work, 3)
    assert sorted(done) == [0, 2]


def test_two_callers_each_have_their_work_done(threads: None) -> None:
    done: list[str] = []
    with ThreadPoolExecutor(2) as callers:
        both = [callers.submit(team.together, lambda who=who: done.append(who), 2) for who in "ab" * 20]
        for one in both:
            one.result()
    assert sorted(done) == ["a"] * 40 + ["b"] * 40


def test_work_may_compute_with_pytorch(threads: None) -> None:
    x, found = torch.randn(300, 300), []
    team.together(lambda: found.append(x @ x), 2)
    assert all(torch.allclose(one, x @ x) for one in found) and len(found) == 2


def test_the_team_of_pytorch_is_used_where_it_has_one() -> None:
    if "ATen parallel backend: OpenMP" in torch.__config__.parallel_info() and os.name == "posix":
        assert isinstance(team._openmp(), Callable)  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_does_not_wait_for_threads_that_it_does_not_have() -> None:
    code = """
import os, signal, threading, torch
from wavetrain.scan.cpu import team
torch.set_num_threads(2)
torch.ones(1000, 1000) @ torch.ones(1000, 1000)
team.together(lambda: None, 2)
child = os.fork()
if child == 0:
    signal.alarm(20)  # ends a process that waits for ever
    seen = set()
    meeting = threading.Barrier(2)
    team.together(lambda: (meeting.wait(10), seen.add(threading.get_ident())), 2)
    os._exit(0 if len(seen) == 2 else 1)
print(os.waitpid(child, 0)[1])
"""
    assert python(code) == "0"
