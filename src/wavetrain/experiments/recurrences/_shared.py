"""Several starts of one network: the first that solves its task counts, else the best."""

import functools
from collections.abc import Callable

from wavetrain.core import Layer, Task
from wavetrain.experiments._layers import built
from wavetrain.parts.reader import Reader
from wavetrain.train.lab import Lab, Mark, Plan


def first_solved(
    lab: Lab, name: str, make: Callable[[], Layer], task: Task, plan: Plan, starts: int
) -> tuple[Reader, int]:
    """A layer read at its last step, after training from one start after another, and how many were tried.

    A start that `plan.until` stops ends the search; without one the best on the held-out words is taken.
    """
    trained = []
    for start in range(starts):
        build = functools.partial(_reader, make, task.outputs, 1000 * lab.seed + start)
        trained.append(lab.fit(f"{name}-{start}", build, task, plan))
        if trained[-1].stopped:
            break
    best = max(trained, key=lambda one: -1.0 if one.diverged else one.score)
    assert isinstance(best.network, Reader)
    return best.network, len(trained)


def solved(mark: Mark) -> bool:
    """Whether every held-out word is decided rightly."""
    return mark.score == 1


def _reader(make: Callable[[], Layer], outputs: int, seed: int) -> Reader:
    # a Reader is a network and no layer; `built` asks nothing of a layer
    return built(lambda: Reader(make(), outputs, every_step=False), seed).float()  # type: ignore[type-var]
