"""Whether a sequence layer earns its keep: the best layer against the best baseline, in words.

Both are chosen by their scores on the part to choose by, never by those on the test part, so that the best of
many is not best by luck. A layer earns its keep if the whole interval of its difference from the baseline on
the test part says that it is better. If not, the baseline is the advice: it costs less.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.paired import Difference, difference
from wavetrain.tables.score import Score


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidate:
    """What was tried, with a score for each seed."""

    name: str
    baseline: bool
    valid: tuple[Score, ...]  # on the part to choose by
    test: tuple[Score, ...]  # on the test part, the same windows for all

    @property
    def whole(self) -> bool:
        """Whether it has a forecast for each window."""
        return all(one.whole for one in (*self.valid, *self.test))

    @property
    def chosen_by(self) -> float:
        """The mean score on the part to choose by."""
        return float(np.mean([one.value for one in self.valid]))

    @property
    def tested(self) -> float:
        """The mean score on the test part."""
        return float(np.mean([one.value for one in self.test]))


@dataclass(frozen=True, eq=False, kw_only=True)
class Verdict:
    """What came out."""

    layer: Candidate | None  # the best one; None where none has a whole forecast
    baseline: Candidate
    difference: Difference | None  # of the layer from the baseline
    metric: str
    more: bool  # whether more is better
    unscored: tuple[str, ...] = ()  # candidates that have no forecast for some windows

    @property
    def earns(self) -> bool:
        """Whether the layer is better by more than chance."""
        return self.difference is not None and self._better(self.difference.low, self.difference.high)

    def _better(self, low: float, high: float) -> bool:
        return low > 0 if self.more else high < 0

    @property
    def advice(self) -> str:
        """What to use."""
        return self.layer.name if self.layer is not None and self.earns else self.baseline.name

    def __str__(self) -> str:
        lines = [f"{name} does not forecast each window and is not ranked" for name in self.unscored]
        if self.layer is None or self.difference is None:
            return ". ".join([f"No layer earns its keep here: use {self.baseline.name}", *lines])
        score = f"{self.metric} {self.layer.tested:.3g} against {self.baseline.tested:.3g}"
        told = f"{score} ({self.difference})"
        lines = ["Both were chosen on the validation part", *lines]
        if self.earns:
            words = f"{self.layer.name} earns its keep over {self.baseline.name}: {told}"
            return ". ".join([words, *lines])
        low, high = self.difference.low, self.difference.high
        if not np.isfinite(high):
            found = "cannot be told apart from it"
        else:
            found = "is worse" if self._better(-high, -low) else "is not told apart from it"
        words = f"No layer earns its keep here: use {self.baseline.name}. {self.layer.name} {found}: {told}"
        return ". ".join([words, *lines])


def verdict(
    candidates: Sequence[Candidate],
    units: dict[str, np.ndarray],
    *,
    more: bool = False,
    level: float = 0.95,
) -> Verdict:
    """The best layer against the best baseline; `more` where more is better, as of accuracy.

    `units` are those of the windows of the test part (`paired.units`).
    """
    for one in candidates:
        if not one.valid or not one.test:
            raise BadInput(f"{one.name}: expected a score on the part to choose by and on the test part")
    sign = -1 if more else 1
    ranked = sorted((one for one in candidates if one.whole), key=lambda one: sign * one.chosen_by)
    baseline = next((one for one in ranked if one.baseline), None)
    layer = next((one for one in ranked if not one.baseline), None)
    if baseline is None:
        raise BadInput("expected a baseline that has a score for each window, got none")
    apart = difference(layer.test, _mean(baseline.test), units, level=level) if layer is not None else None
    return Verdict(
        layer=layer,
        baseline=baseline,
        difference=apart,
        metric=baseline.test[0].name,
        more=more,
        unscored=tuple(one.name for one in candidates if not one.whole),
    )


def _mean(scores: Sequence[Score]) -> Score:
    """One score for all seeds of a baseline."""
    parts = [one.parts for one in scores if one.parts is not None]
    return replace(scores[0], parts=np.mean(parts, 0) if len(parts) == len(scores) else None)
