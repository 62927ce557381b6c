"""How a network that forecasts is trained: on windows drawn from the panel, up to the step that errs least.

The error on the part to choose by is looked at before the first step, too, so a network that only makes
forecasts worse stays as it began: it adds nothing.
"""

import copy
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.estimators._forecast import Forecast, made
from wavetrain.tables.windows import Place, Window, Windows

LOOKS = 10  # at the part to choose by
LARGEST = 1.0  # norm of a gradient
TIMED = 5  # steps, after one to warm up


class Held(NamedTuple):
    """The forecasts to choose by."""

    series: np.ndarray  # (N,) places in the panel
    rows: np.ndarray  # (N,) the first row of each


class Course(NamedTuple):
    """What a training is given."""

    steps: int
    batch: int
    rate: float


class Look(NamedTuple):
    """How a training stands where the part to choose by is looked at."""

    step: int
    loss: float  # the mean since the last look
    error: float  # on the part to choose by
    speed: float  # steps a second since the last look, that look included


class Speed(NamedTuple):
    """What training costs on this machine."""

    step: float  # seconds of one step
    look: float  # seconds of one look at the part to choose by

    def course(self, steps: int) -> float:
        """The seconds that `learn` takes for so many steps."""
        every = _every(steps)
        return steps * self.step + (1 + -(-steps // every)) * self.look


def _every(steps: int) -> int:
    """After how many steps the part to choose by is looked at."""
    return max(1, steps // LOOKS)


def learn(
    network: Forecast,
    windows: Windows,
    train: Place,
    held: Held,
    course: Course,
    generator: np.random.Generator,
    tell: Callable[[Look], None],
) -> list[tuple[int, float]]:
    """Train; leaves the weights of the least error, and returns the errors at the steps looked at."""
    best, left = error(network, windows, held), copy.deepcopy(network.state_dict())
    history = [(0, best)]
    optimiser = torch.optim.AdamW(network.parameters(), course.rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(course.steps, 1))
    every = _every(course.steps)
    losses: list[Tensor] = []
    begun = time.perf_counter()
    for step in range(1, course.steps + 1):
        losses.append(_step(network, windows, train, course.batch, generator, optimiser))
        schedule.step()
        if step % every == 0 or step == course.steps:
            history.append((step, error(network, windows, held)))
            if history[-1][1] < best:
                best, left = history[-1][1], copy.deepcopy(network.state_dict())
            now = time.perf_counter()
            loss = float(torch.stack(losses).mean())
            tell(Look(step, loss, history[-1][1], len(losses) / max(now - begun, 1e-9)))
            losses, begun = [], now
    network.load_state_dict(left)
    network.eval()
    return history


def _step(
    network: Forecast,
    windows: Windows,
    train: Place,
    batch: int,
    generator: np.random.Generator,
    optimiser: torch.optim.Optimizer,
) -> Tensor:
    network.train()
    drawn = generator.integers(len(train.row), size=batch)
    window = windows.at(Place(train.series[drawn], train.row[drawn]))
    loss = _loss(network(window), window)
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), LARGEST)
    optimiser.step()
    return loss.detach()


def speed(network: Forecast, windows: Windows, train: Place, held: Held, batch: int) -> Speed:
    """Medians over a few steps, after one to warm up; weights stay as they are."""
    optimiser = torch.optim.AdamW(network.parameters(), 0.0, weight_decay=0.0)
    generator = np.random.default_rng(0)

    def timed(work: Callable[[], object]) -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    steps = [
        timed(lambda: _step(network, windows, train, batch, generator, optimiser)) for _ in range(1 + TIMED)
    ]
    return Speed(statistics.median(steps[1:]), timed(lambda: error(network, windows, held)))


def error(network: Forecast, windows: Windows, held: Held) -> float:
    """The mean absolute error, weighed as the windows say."""
    network.eval()
    here = made(network, windows, *held)
    return float(((here.value - here.wanted).abs() / here.scale * here.weight).nanmean())


def _loss(forecast: Tensor, window: Window) -> Tensor:
    """Huber's loss in weighed units, over what was measured."""
    apart = (forecast - window.wanted) * window.weight[:, None, None]
    there = ~apart.isnan()
    return nn.functional.huber_loss(apart[there].float(), apart.new_zeros(int(there.sum())).float())
