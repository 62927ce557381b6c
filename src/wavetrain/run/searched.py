"""One rival under the terms of a comparison: a search on the first seed, then a training for every seed.

Every learning rate is tried for a part of the steps, on the first seed, and chosen on the validation part;
the test part is looked at when all trainings are over.
"""

import dataclasses
import math
import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import nn

from wavetrain.core import Rule, Task
from wavetrain.run.terms import Terms
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Plan, Training

HELD_OUT = 500  # sequences of the validation part that trainings are examined on


class Searched(NamedTuple):
    """What came out of it."""

    plan: Plan  # of all trainings
    trainings: list[Training]  # one a seed
    scores: tuple[float | None, ...]  # of each on the test part; None where it diverged

    @property
    def score(self) -> float | None:
        """The mean over seeds; None where one diverged."""
        whole = [one for one in self.scores if one is not None]
        return statistics.fmean(whole) if len(whole) == len(self.scores) else None

    @property
    def spread(self) -> float | None:
        """The standard deviation over seeds; None where one diverged, and of a single seed."""
        whole = [one for one in self.scores if one is not None]
        return statistics.stdev(whole) if 1 < len(whole) == len(self.scores) else None

    def diverged(self, seeds: Sequence[int]) -> tuple[int, ...]:
        """Which seeds did."""
        return tuple(seed for seed, score in zip(seeds, self.scores, strict=True) if score is None)


def searched(
    labs: Sequence[Lab],
    make: Callable[[], nn.Module],
    task: Task,
    terms: Terms,
    rule: Callable[[], Rule] | None = None,
) -> Searched:
    """Search in the first lab, and train in all of them, by a new rule each time."""
    short = max(1, round(terms.search * terms.steps))
    plans = {
        f"{rate:g}": Plan(short, terms.batch, rate, terms.clip, every=short, held_out=HELD_OUT)
        for rate in terms.rates
    }
    label, _ = labs[0].best("search", make, task, plans, rule=rule)
    plan = dataclasses.replace(plans[label], steps=terms.steps, every=max(1, terms.steps // 5))
    trainings = [lab.fit("train", make, task, plan, None if rule is None else rule()) for lab in labs]
    scores = (
        math.nan if one.diverged else examine(one.network, task.test(), task.objective) for one in trainings
    )
    return Searched(plan, trainings, tuple(score if math.isfinite(score) else None for score in scores))
