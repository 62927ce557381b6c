"""How a network that forecasts is trained: on windows drawn from the panel, up to the step that errs least.

The error on the part to choose by is looked at before the first step, too, so a network that only makes
forecasts worse stays as it began: it adds nothing.
"""

import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.estimators._forecast import Forecast, made
from wavetrain.tables.windows import Place, Window, Windows

LOOKS = 10  # at the part to choose by
LARGEST = 1.0  # norm of a gradient


class Held(NamedTuple):
    """The forecasts to choose by."""

    series: np.ndarray  # (N,) places in the panel
    rows: np.ndarray  # (N,) the first row of each


class Course(NamedTuple):
    """What a training is given."""

    steps: int
    batch: int
    rate: float


def learn(
    network: Forecast,
    windows: Windows,
    train: Place,
    held: Held,
    course: Course,
    generator: np.random.Generator,
) -> list[tuple[int, float]]:
    """Train; leaves the weights of the least error, and returns the errors at the steps looked at."""
    best, left = error(network, windows, held), copy.deepcopy(network.state_dict())
    history = [(0, best)]
    optimiser = torch.optim.AdamW(network.parameters(), course.rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(course.steps, 1))
    every = max(1, course.steps // LOOKS)
    for step in range(1, course.steps + 1):
        network.train()
        drawn = generator.integers(len(train.row), size=course.batch)
        window = windows.at(Place(train.series[drawn], train.row[drawn]))
        loss = _loss(network(window), window)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), LARGEST)
        optimiser.step()
        schedule.step()
        if step % every == 0 or step == course.steps:
            history.append((step, error(network, windows, held)))
            if history[-1][1] < best:
                best, left = history[-1][1], copy.deepcopy(network.state_dict())
    network.load_state_dict(left)
    network.eval()
    return history


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
