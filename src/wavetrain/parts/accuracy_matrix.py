"""The accuracy matrix of tasks learned one after another, and what it is boiled down to.

Row i, column j: the score on task j after task i was learned. Lopez-Paz and Ranzato 2017, arXiv 1706.08840;
Chaudhry et al. 2018, arXiv 1801.10112, for forgetting. With T tasks, A the matrix and b the scores of the
untrained network:

    average      mean over j of A[T, j]                                                 ACC
    backward     mean over j < T of A[T, j] - A[j, j]: below 0 where tasks are lost       BWT
    forgetting   mean over j < T of max over j <= i < T of A[i, j], less A[T, j]; at least -backward
    forward      mean over j > 1 of A[j - 1, j] - b[j]: what is known before it is learned  FWT
    learned      mean over j of A[j, j]
    anytime      mean over i of the mean over j <= i of A[i, j]
    gap          mean over tasks k > 1 of how far the score on the first task falls, in the first steps on
                 task k, below what it was before: the stability gap

T average = T learned + (T - 1) backward, whatever the matrix. Of one task alone nothing can be lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from wavetrain.errors import BadInput
from wavetrain.parts import forgetting


@dataclass(frozen=True, eq=False)
class AccuracyMatrix:
    """Scores after each task on each task, of the untrained network, and the lowest after each change.

    >>> import numpy as np
    >>> from wavetrain.parts.accuracy_matrix import AccuracyMatrix
    >>> found = AccuracyMatrix(np.array([[0.8, 0.1, 0.1], [0.9, 0.85, 0.1], [0.7, 0.8, 0.95]]))
    >>> round(found.average, 6), round(found.backward, 6), round(found.forgetting, 6)
    (0.816667, -0.075, 0.125)
    """

    after: Float[np.ndarray, "tasks tasks"]
    untrained: Float[np.ndarray, "tasks"] | None = None
    lowest: Float[np.ndarray, "changes"] | None = None  # of the first task, after each change of task

    def __post_init__(self) -> None:
        after = self.after
        if after.ndim != 2 or after.shape[0] != after.shape[1] or not len(after):
            raise BadInput(f"expected a square matrix of scores, a row after each task, got {after.shape}")
        for name, one, size in (
            ("scores of the untrained network", self.untrained, len(after)),
            ("lowest scores after a change of task", self.lowest, len(after) - 1),
        ):
            if one is not None and one.shape != (size,):
                raise BadInput(f"expected {size} {name}, got {one.shape}")

    @property
    def average(self) -> float:
        """The mean score over all tasks, after the last."""
        return forgetting.kept(self._rows)

    @property
    def backward(self) -> float:
        """Backward transfer."""
        return forgetting.backward_transfer(self._rows)

    @property
    def forgetting(self) -> float:
        """From the best score before the last task to that after it."""
        return forgetting.forgetting(self._rows)

    @property
    def forward(self) -> float:
        """Forward transfer; NaN where the untrained network was not asked, 0 of one task."""
        if self.untrained is None:
            return float("nan")
        gains = self.after.diagonal(1) - self.untrained[1:]
        return float(gains.mean()) if len(gains) else 0.0

    @property
    def learned(self) -> float:
        """The mean score on a task at its own end."""
        return float(self.after.diagonal().mean())

    @property
    def anytime(self) -> float:
        """The mean score over the tasks so far, over all ends of tasks."""
        return float(np.mean([row[: place + 1].mean() for place, row in enumerate(self.after)]))

    @property
    def gap(self) -> float:
        """The stability gap; NaN where it was not looked for, 0 of one task."""
        if self.lowest is None:
            return float("nan")
        falls = self.after[:-1, 0] - self.lowest
        return float(falls.mean()) if len(falls) else 0.0

    def frozen(self) -> "AccuracyMatrix":
        """That of the same network, had it learned nothing after the first task."""
        return AccuracyMatrix(np.tile(self.after[0], (len(self.after), 1)), self.untrained)

    def words(self) -> dict[str, Any]:
        """As JSON has it."""
        parts = {"after": self.after, "untrained": self.untrained, "lowest": self.lowest}
        return {name: None if one is None else one.tolist() for name, one in parts.items()}

    @classmethod
    def of_words(cls, words: Mapping[str, Any]) -> "AccuracyMatrix":
        """Back from what `words` gave."""
        untrained, lowest = (
            None if words[name] is None else np.array(words[name], dtype=float)
            for name in ("untrained", "lowest")
        )
        return cls(np.array(words["after"], dtype=float), untrained, lowest)

    @property
    def _rows(self) -> Sequence[Sequence[float]]:
        rows: list[list[float]] = self.after.tolist()
        return rows
