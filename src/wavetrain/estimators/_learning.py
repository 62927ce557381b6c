"""How a network that forecasts is trained: on windows drawn from the panel, up to the step that errs least.

The error on the part to choose by is looked at before the first step, too, so a network that only makes
forecasts worse stays as it began: it adds nothing.

Of several processes each makes the forecasts of its share of every batch; the loss is of all of them.
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
from wavetrain.train.ranks import ALONE, Ranks
from wavetrain.train.sharded import optimiser_of

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
    together: Ranks = ALONE,
) -> list[tuple[int, float]]:
    """Train; leaves the weights of the least error, and returns the errors at the steps looked at."""
    together.check_same(network)
    best, left = error(network, windows, held, together), copy.deepcopy(network.state_dict())
    history = [(0, best)]
    settings = {"lr": course.rate, "betas": (0.9, 0.999), "weight_decay": 1e-2}
    optimiser = optimiser_of(network.parameters(), torch.optim.AdamW, settings, together)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(course.steps, 1))
    every = _every(course.steps)
    losses: list[Tensor] = []
    begun = time.perf_counter()
    for step in range(1, course.steps + 1):
        losses.append(_step(network, windows, train, course.batch, generator, optimiser, together))
        schedule.step()
        if step % every == 0 or step == course.steps:
            together.check_same(network)
            history.append((step, error(network, windows, held, together)))
            if history[-1][1] < best:
                best, left = history[-1][1], copy.deepcopy(network.state_dict())
            now = time.perf_counter()
            loss = float(torch.stack(losses).mean())
            if together.first:
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
    together: Ranks,
) -> Tensor:
    network.train()
    drawn = generator.integers(len(train.row), size=batch)
    window = windows.at(Place(train.series[drawn], train.row[drawn]))

    def forecast(rows: slice) -> Tensor:
        found: Tensor = network(Window(*(part[rows] for part in window)))
        return found

    loss = _loss(together.outputs(forecast, batch), window)
    optimiser.zero_grad()
    loss.backward()
    together.sum_gradients(network.parameters(), loss)
    nn.utils.clip_grad_norm_(network.parameters(), LARGEST)
    optimiser.step()
    return loss.detach()


def speed(
    network: Forecast, windows: Windows, train: Place, held: Held, batch: int, together: Ranks = ALONE
) -> Speed:
    """Medians over a few steps, after one to warm up; weights stay as they are."""
    optimiser = torch.optim.AdamW(network.parameters(), 0.0, weight_decay=0.0)
    generator = np.random.default_rng(0)

    def timed(work: Callable[[], object]) -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    steps = [
        timed(lambda: _step(network, windows, train, batch, generator, optimiser, together))
        for _ in range(1 + TIMED)
    ]
    return Speed(statistics.median(steps[1:]), timed(lambda: error(network, windows, held, together)))


def error(network: Forecast, windows: Windows, held: Held, together: Ranks = ALONE) -> float:
    """The mean absolute error, weighed as the windows say."""
    network.eval()

    def errors(rows: slice) -> Tensor:
        here = made(network, windows, held.series[rows], held.rows[rows])
        return (here.value - here.wanted).abs() / here.scale * here.weight

    return together.agreed(float(together.outputs(errors, len(held.rows)).nanmean()))


def _loss(forecast: Tensor, window: Window) -> Tensor:
    """Huber's loss in weighed units, over what was measured."""
    apart = (forecast - window.wanted) * window.weight[:, None, None]
    there = ~apart.isnan()
    return nn.functional.huber_loss(apart[there].float(), apart.new_zeros(int(there.sum())).float())
