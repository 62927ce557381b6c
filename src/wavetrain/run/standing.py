"""Where contestants stand: the forecasts of all on the same windows, their scores, and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from wavetrain.run.contestants import COVERAGE, Answers, Question, ends, rolled
from wavetrain.tables import metrics
from wavetrain.tables.baselines import LastValue
from wavetrain.tables.paired import units
from wavetrain.tables.rolling import Rolled
from wavetrain.tables.score import Score
from wavetrain.tables.split import Split
from wavetrain.tables.verdict import Candidate, Verdict, verdict

TAILS = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)  # levels of the quantiles at the ends of the intervals


@dataclass(frozen=True, eq=False, kw_only=True)
class Standing:
    """All contestants so far."""

    question: Question
    valid: Rolled  # the windows of the validation part, with their truth
    test: Rolled  # the windows of the test part
    answers: dict[str, Answers] = field(default_factory=dict)
    candidates: dict[str, Candidate] = field(default_factory=dict)

    @classmethod
    def of(cls, split: Split, question: Question) -> Self:
        """With nobody in it."""
        last = LastValue(horizon=question.horizon).rolling
        starts = ends(split.past, question.horizon)
        return cls(
            question=question,
            valid=rolled(last, split.past, starts, question),
            test=rolled(last, split.test, split.firsts, question),
        )

    def add(self, name: str, answers: Answers, *, baseline: bool) -> None:
        """One more."""
        of = self.question.metric.of
        self.answers[name] = answers
        self.candidates[name] = Candidate(
            name=name,
            baseline=baseline,
            valid=tuple(of(replace(self.valid, forecast=one)) for one in answers.valid),
            test=tuple(of(replace(self.test, forecast=one)) for one in answers.test),
        )

    def scores(self, name: str) -> tuple[Score, ...]:
        """On the test part, one for each seed."""
        return self.candidates[name].test

    def told(self, name: str) -> str:
        """The score in words."""
        score = self.scores(name)[0]
        mean = self.candidates[name].tested
        return f"{score.name} {mean:.3g}" if np.isfinite(mean) else "no forecast for some of the test part"

    def metrics(self, name: str) -> Mapping[str, float | None]:
        """All metrics on the test part, means over the seeds; None where one has no value."""
        answers = self.answers[name]
        seeds = [self._of_seed(*one) for one in zip(answers.test, answers.low, answers.high, strict=True)]
        return {one[0].name: _mean(one) for one in zip(*seeds, strict=True)}

    def columns(self, name: str) -> Mapping[str, float | None]:
        """The score of each target by itself; empty where there is one target."""
        targets = self.test.targets
        if len(targets) == 1:
            return {}
        each = np.mean([one.targets for one in self.scores(name)], 0)
        return {target: _number(value) for target, value in zip(targets, each, strict=True)}

    def verdict(self) -> Verdict:
        """Whether a layer earns its keep."""
        return verdict(list(self.candidates.values()), units(self.test))

    def _of_seed(self, forecast: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[Score]:
        mine, sides = replace(self.test, forecast=forecast), {"low": low, "high": high}
        truth, series = self.test.truth, self.test.series
        inside = metrics.coverage(truth=truth, series=series, **sides)
        tails = [
            metrics.quantile_loss(truth=truth, forecast=side, level=level, series=series)
            for side, level in zip((low, high), TAILS, strict=True)
        ]
        named = replace(inside, name=f"coverage of {100 * COVERAGE:g} % intervals")
        return [*mine.scores(), named, *tails]


def _mean(scores: tuple[Score, ...]) -> float | None:
    return _number(float(np.mean([one.value for one in scores])))


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
