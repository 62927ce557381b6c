"""How many steps of training fit into a number of minutes, the same for all layers.

Each layer is searched and trained alike: every learning rate for a share of the steps, then every seed for
all of them. What a step costs is measured on this machine before; what a training costs besides (its start,
looks at the part to choose by, the test) is known from there, too.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from wavetrain.errors import BadInput
from wavetrain.evidence.files import read_json, write_json

MOST = 1000  # steps: with more, trainings on tables stop to learn long before
LONGEST = 100_000  # minutes
LEAST = 20  # steps, however few the minutes are
USUAL = 5.0  # minutes, where nothing is asked for
QUICK = 0.75  # minutes
GIVEN = 400  # steps that stand in terms whose steps are still to be planned
SPARE = 0.85  # of the minutes is planned for: the rest is for what is not foreseen


class Cost(NamedTuple):
    """What the trainings of one layer cost, in seconds."""

    fixed: float  # of a training, whatever its steps
    course: Callable[[int], float]  # of its steps


class Budget(NamedTuple):
    """What is planned."""

    steps: int
    minutes: float  # that it takes, as far as can be foreseen


class Plan(NamedTuple):
    """What is asked for."""

    minutes: float | None  # None: the steps are given
    steps: int
    seeds: int
    rates: tuple[float, ...]


def chosen(
    *, minutes: float | None, quick: bool, steps: int | None, seeds: int, rates: Sequence[float]
) -> Plan:
    """Minutes or steps, whichever is given; five minutes where neither is.

    >>> from wavetrain.run.budget import chosen
    >>> chosen(minutes=None, quick=True, steps=None, seeds=3, rates=(1e-3, 3e-3, 1e-2))
    Plan(minutes=0.75, steps=400, seeds=1, rates=(0.003,))
    """
    if sum((minutes is not None, quick, steps is not None)) > 1:
        raise BadInput("expected one of --minutes, --quick and --steps, got more")
    if minutes is not None and not 0 < minutes <= LONGEST:
        raise BadInput(f"expected minutes above 0, at most {LONGEST:,}, got {minutes:g}")
    if quick:
        middle = sorted(rates)[len(rates) // 2] if rates else 0.0
        return Plan(QUICK, GIVEN, 1, (middle,))
    if steps is not None:
        return Plan(None, steps, seeds, tuple(rates))
    return Plan(USUAL if minutes is None else minutes, GIVEN, seeds, tuple(rates))


def planned(
    costs: Sequence[Cost], minutes: float, *, rates: int, search: float, seeds: int, jobs: int
) -> Budget:
    """The most steps that end within `minutes` on `jobs` processes.

    >>> from wavetrain.run.budget import Cost, planned
    >>> ten = [Cost(fixed=1.0, course=lambda steps: 0.02 * steps)] * 10
    >>> planned(ten, 5, rates=3, search=0.25, seeds=3, jobs=2).steps
    600
    >>> planned(ten, 0.01, rates=3, search=0.25, seeds=3, jobs=2).steps
    20
    """

    def needed(steps: int) -> float:
        short = max(1, round(search * steps)) if rates > 1 else 0
        each = [
            (rates * (one.fixed + one.course(short)) if rates > 1 else 0.0)
            + seeds * (one.fixed + one.course(steps))
            for one in costs
        ]
        return max(sum(each) / min(jobs, len(each)), max(each)) / 60

    steps = next((some for some in range(MOST, LEAST, -10) if needed(some) <= SPARE * minutes), LEAST)
    return Budget(steps, needed(steps))


def steps_within(
    folder: Path,
    costs: Callable[[], Sequence[Cost]],
    minutes: float,
    *,
    rates: int,
    search: float,
    seeds: int,
    jobs: int,
    say: Callable[[str], None],
) -> int:
    """The steps that fit into the minutes. Once found they stay, so that what is resumed is the same."""
    path = folder / "steps.json"
    if path.exists():
        return int(read_json(path)["steps"])
    each = costs()
    plan = planned(each, minutes, rates=rates, search=search, seeds=seeds, jobs=jobs)
    write_json(path, {"steps": plan.steps})
    many = f"{len(each)} layer{'s' * (len(each) != 1)}, {seeds} seed{'s' * (seeds != 1)}"
    say(f"{many}, {plan.steps} steps each: about {duration(60 * plan.minutes)}")
    if plan.minutes > minutes:
        say(
            f"{duration(60 * minutes)} are too few: {LEAST} steps are the least that is trained; "
            "fewer layers, learning rates or seeds take less time"
        )
    return plan.steps


class Progress:
    """A line for each layer that is over, with the time that is left."""

    def __init__(self, layers: int, say: Callable[[str], None]):
        self.layers, self.say = layers, say
        self.done, self.begun = 0, time.perf_counter()

    def over(self, layer: str, score: str) -> None:
        """One more is over."""
        self.done += 1
        left = (time.perf_counter() - self.begun) / self.done * (self.layers - self.done)
        rest = f"; about {duration(left)} left" if self.done < self.layers else ""
        self.say(f"{layer}: {score}{rest}")


def duration(seconds: float) -> str:
    """A time in words.

    >>> from wavetrain.run.budget import duration
    >>> duration(40.2), duration(300)
    ('40 s', '5 min')
    """
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"
