"""What a series of tasks leaves: how right a learner is in the end, and what it lost on the way.

Row i of `after` holds the scores after task i, on each task from the first on; of row i the entries from 0 to
i count, so a triangle will do. Lopez-Paz and Ranzato 2017, arXiv 1706.08840, for the backward transfer;
Chaudhry et al. 2018, arXiv 1801.10112, for forgetting, which starts from the best score that a task ever had.
Both are means over all tasks but the last; of one task alone nothing can be lost, and both are 0.
"""

from collections.abc import Sequence

import numpy as np

from wavetrain.errors import BadInput


def kept(after: Sequence[Sequence[float]]) -> float:
    """The mean score over all tasks, after the last.

    >>> from wavetrain.parts.forgetting import kept
    >>> kept([[0.8], [0.9, 0.7]])
    0.8
    """
    return float(np.mean(_triangle(after)[-1]))


def backward_transfer(after: Sequence[Sequence[float]]) -> float:
    """The score after the last task less that after a task's own: below 0 where tasks are forgotten.

    >>> from wavetrain.parts.forgetting import backward_transfer
    >>> round(backward_transfer([[0.8], [0.9, 0.85], [0.7, 0.8, 0.95]]), 6)
    -0.075
    """
    rows = _triangle(after)
    lost = [last - rows[task][task] for task, last in enumerate(rows[-1][:-1])]
    return float(np.mean(lost)) if lost else 0.0


def forgetting(after: Sequence[Sequence[float]]) -> float:
    """The best score that a task had before the last task less that after it.

    >>> from wavetrain.parts.forgetting import forgetting
    >>> round(forgetting([[0.8], [0.9, 0.85], [0.7, 0.8, 0.95]]), 6)  # the first was best after the second
    0.125
    """
    rows = _triangle(after)
    best = [max(row[task] for row in rows[task:-1]) for task in range(len(rows) - 1)]
    lost = [top - last for top, last in zip(best, rows[-1], strict=False)]
    return float(np.mean(lost)) if lost else 0.0


def _triangle(after: Sequence[Sequence[float]]) -> list[list[float]]:
    sizes = [len(row) for row in after]
    if not sizes or any(size <= task for task, size in enumerate(sizes)):
        raise BadInput(f"expected after task i scores on at least i + 1 tasks, got rows of {sizes}")
    return [list(row[: task + 1]) for task, row in enumerate(after)]
