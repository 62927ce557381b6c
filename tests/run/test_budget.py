"""Minutes become steps, the same for all, and never more than there is time for."""

from pathlib import Path

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.run import looks
from wavetrain.run.budget import (
    GIVEN,
    LEAST,
    MOST,
    QUICK,
    SPARE,
    USUAL,
    Cost,
    Progress,
    chosen,
    duration,
    planned,
    steps_within,
)

RATES = (1e-3, 3e-3, 1e-2)
USE = {"rates": 3, "search": 0.25, "seeds": 3}


def cost(step: float, fixed: float = 0.0) -> Cost:
    return Cost(fixed, lambda steps: steps * step)


def test_by_hand():
    """Two layers of 10 and 30 ms a step: 3.75 courses of 0.04 s a step on one process."""
    plan = planned([cost(0.01), cost(0.03)], 1, **USE, jobs=1)
    assert plan.steps == 340  # 0.15 s for each step, 51 s
    assert plan.minutes == pytest.approx(0.15 * 340 / 60)
    fixed = planned([cost(0.01, 2.0), cost(0.03, 2.0)], 1, **USE, jobs=1)
    assert fixed.steps == 180  # 24 s go before the first step
    assert fixed.minutes == pytest.approx((24 + 0.15 * 180) / 60, rel=1e-9)


def test_processes_share_the_work_but_not_one_layer():
    four = planned([cost(0.01)] * 4, 1, **USE, jobs=4)
    assert four == planned([cost(0.01)], 1, **USE, jobs=1)
    assert planned([cost(0.01)], 1, **USE, jobs=8) == planned([cost(0.01)], 1, **USE, jobs=1)


def test_without_a_search_there_is_none():
    one = planned([cost(0.06)], 1, rates=1, search=0.25, seeds=1, jobs=1)
    assert one.minutes == pytest.approx(one.steps * 0.06 / 60)


def test_bounds():
    assert planned([cost(1e-6)], 5, **USE, jobs=1).steps == MOST
    slow = planned([cost(10.0)], 0.1, **USE, jobs=1)
    assert slow.steps == LEAST and slow.minutes > 0.1  # it says so before it starts
    for minutes in (0.5, 2, 7):
        plan = planned([cost(0.02, 0.1)] * 7, minutes, **USE, jobs=2)
        assert plan.minutes <= SPARE * minutes


def test_what_is_asked_for():
    assert chosen(minutes=None, quick=False, steps=None, seeds=3, rates=RATES) == (USUAL, GIVEN, 3, RATES)
    assert chosen(minutes=2, quick=False, steps=None, seeds=3, rates=RATES) == (2, GIVEN, 3, RATES)
    assert chosen(minutes=None, quick=False, steps=70, seeds=3, rates=RATES) == (None, 70, 3, RATES)
    assert chosen(minutes=None, quick=True, steps=None, seeds=3, rates=RATES) == (QUICK, GIVEN, 1, (3e-3,))


@pytest.mark.parametrize("more", [{"minutes": 2, "steps": 3}, {"quick": True, "minutes": 2}])
def test_one_of_three(more):
    words = {"minutes": None, "quick": False, "steps": None} | more
    with pytest.raises(BadInput, match="one of --minutes, --quick and --steps"):
        chosen(**words, seeds=3, rates=RATES)


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf")])
def test_minutes_are_some(minutes: float):
    with pytest.raises(BadInput, match="expected minutes above 0"):
        chosen(minutes=minutes, quick=False, steps=None, seeds=3, rates=RATES)


def test_steps_that_are_found_stay(tmp_path: Path):
    """A killed comparison goes on with the same steps, though the machine may be slower by then."""
    said: list[str] = []
    again = [
        steps_within(tmp_path, lambda one=one: [cost(one)], 1, **USE, jobs=1, say=said.append)
        for one in (0.01, 0.1)
    ]
    assert again[0] == again[1]
    assert said == [f"1 layer, 3 seeds, {again[0]} steps each: about {duration(again[0] * 0.0375)}"]


@pytest.mark.parametrize("step, short", [(0.79, False), (0.81, True)])
def test_minutes_that_are_too_few_are_said_to_be(step: float, short: bool, tmp_path: Path):
    """The least, 20 steps of 3.75 courses in all, take a minute at 0.8 s a step."""
    said: list[str] = []
    found = steps_within(tmp_path, lambda: [cost(step)], 1, **USE, jobs=1, say=said.append)
    assert found == LEAST
    assert [one.partition(":")[0] for one in said[1:]] == ["60 s are too few"] * short


def test_a_line_for_each_layer():
    said: list[str] = []
    told = Progress(2, said.append)
    told.over("gru", "MASE 0.5")
    told.over("lstm", "MASE 0.6")
    assert said == ["gru: MASE 0.5; about 1 s left", "lstm: MASE 0.6"]


@pytest.mark.parametrize(("kind", "waits"), [("cuda", True), ("cpu", False)])
def test_a_gpu_is_waited_for_before_and_after(kind: str, waits: bool, monkeypatch: pytest.MonkeyPatch):
    """Its work goes on when a call has returned; else what a budget is planned by would be far too short."""
    done: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: done.append(f"wait for {device}"))
    device = torch.device(kind)
    assert looks.elapsed(lambda: done.append("work"), device) >= 0
    assert done == (["wait for cuda", "work", "wait for cuda"] if waits else ["work"])
    done.clear()
    looks.seconds(iter(range(3)), device)
    assert done == ["wait for cuda"] * 3 * waits
