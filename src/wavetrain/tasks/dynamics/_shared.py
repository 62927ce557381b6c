"""Trajectories, and what comes next in them.

valid_prediction_time   how long a forecast stays near the truth
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import VALUES, Batch, Task
from wavetrain.errors import BadInput


@dataclass(frozen=True, eq=False)
class Forecast(Task):
    """Trajectories to predict one sample ahead, in windows; each part is (N, samples, channels), scaled.

    Training windows start anywhere; those held out lie one after another. The trajectories themselves serve
    for longer forecasts, where predictions are fed back.
    """

    train: Tensor = field(repr=False)
    held_valid: Tensor = field(repr=False)
    held_test: Tensor = field(repr=False)
    window: int

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = VALUES
    chance = 0.0

    def __post_init__(self) -> None:
        channels = self.train.shape[-1]
        self.set_facts(inputs=channels, outputs=channels)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        count, samples, _ = self.train.shape
        row = torch.randint(count, (batch, 1), generator=generator)
        start = torch.randint(samples - self.window, (batch, 1), generator=generator)
        part = self.train[row, start + torch.arange(self.window + 1)]
        return Batch(part[:, :-1], part[:, 1:])

    def valid(self) -> Batch:
        return self._cut(self.held_valid)

    def test(self) -> Batch:
        return self._cut(self.held_test)

    def _cut(self, part: Tensor) -> Batch:
        windows = part.unfold(1, self.window + 1, self.window).flatten(0, 1).mT  # (., window + 1, C)
        return Batch(windows[:, :-1], windows[:, 1:])


def check_times(name: str, *, step: float, transient: float) -> None:
    """The time between samples is above 0, that before them is not below."""
    if not (0 < step < np.inf and 0 <= transient < np.inf):
        raise BadInput(
            f"{name}: expected a step above 0 and a transient of at least 0 time units, got {step} and "
            f"{transient}"
        )


def forecast(series: np.ndarray, window: int) -> Forecast:
    """Trajectories (N, samples, channels) as a task: split 70/15/15, scaled to mean 0 and deviation 1.

    Mean and deviation of each channel are those of the training part.
    """
    count, samples, _ = series.shape
    held = round(0.15 * count)
    if held < 1 or not 0 < window < samples:
        raise BadInput(
            f"forecast: expected 4 trajectories or more and a window below their {samples} samples, "
            f"got {count} trajectories and a window of {window}"
        )
    train = series[: count - 2 * held]
    scaled = (series - train.mean((0, 1))) / train.std((0, 1))
    rows = torch.from_numpy(scaled.astype(np.float32))  # integrated in float64, learned in float32
    learn, valid, test = rows.split((count - 2 * held, held, held))
    return Forecast(learn, valid, test, window)


def valid_prediction_time(
    predicted: Tensor,
    true: Tensor,
    step: float,
    lyapunov: float,
    deviation: Tensor | float = 1.0,
    most: float = 0.5,
) -> Tensor:
    """How long a forecast (B, T, C) stays valid, in Lyapunov times, (B,).

    The time before the root mean square over channels of (predicted - true) / deviation first exceeds
    `most`, or is no number. `step` is the time between samples, `lyapunov` the largest exponent per unit of
    the same time, `deviation` that of each channel (C,), 1 where series are scaled.
    """
    error = (((predicted - true) / deviation) ** 2).mean(-1).sqrt()  # (B, T)
    steps = (error <= most).long().cumprod(1).sum(1)  # a comparison with NaN is false
    return steps * step * lyapunov
