"""Things to learn that are generated, one file each; here is what several of them share.

ASKED        class 0 says that nothing is asked at a step, which is then neither learned nor scored
Mixture      several tasks, one for each batch: training on many lengths
some         different numbers in random order
expression   a random expression with brackets
SIGNS        answers of +1 and -1, 0 where nothing is asked; `bound` makes sequences from their own past
Forecast     trajectories, and what comes next in them
Walking      walks in a world with new labels: say the label of the next node
valid_prediction_time
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from wavetrain import worlds
from wavetrain.core import CLASSES, VALUES, Batch, Generated, Objective, Task
from wavetrain.errors import BadInput


def _asked(output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The steps with an answer, and the classes above 0: (N, outputs - 1) and (N,)."""
    asked = y > 0
    return output[asked][:, 1:], y[asked] - 1


def _loss(output: Tensor, y: Tensor) -> Tensor:
    return CLASSES.loss(*_asked(output, y))


def _score(output: Tensor, y: Tensor) -> Tensor:
    return CLASSES.score(*_asked(output, y))


ASKED = Objective("accuracy", True, _loss, _score)


def _signs_loss(output: Tensor, y: Tensor) -> Tensor:
    return VALUES.loss(output[y != 0], y[y != 0])


def _signs_score(output: Tensor, y: Tensor) -> Tensor:
    return ((output > 0) == (y > 0))[y != 0].double().mean()


SIGNS = Objective("signs", True, _signs_loss, _signs_score)


def bound(boundary: Tensor, batch: int, horizon: int, generator: torch.Generator) -> Batch:
    """Binding variables: s random vectors of +1 and -1 are given, and each later one is made of the last s.

    The boundary F (s d, d) gives u_t = [u_{t-s}, ..., u_{t-1}] F. x (B, s + horizon, d) is u for s steps and
    then 0; y alike is u where x is 0, and 0 before, where nothing is asked.
    """
    size, width = boundary.shape
    history = size // width
    rows = 2.0 * torch.randint(2, (batch, history, width), generator=generator) - 1
    u = list(rows.unbind(1))
    for _ in range(horizon):
        u.append(torch.cat(u[-history:], 1) @ boundary)
    x = torch.cat([rows, rows.new_zeros(batch, horizon, width)], 1)
    return Batch(x, torch.cat([torch.zeros_like(rows), *(one.unsqueeze(1) for one in u[history:])], 1))


@dataclass(frozen=True)
class Mixture(Task):
    """Each batch for training comes from one of several tasks, with equal chances.

    Sequences of one batch have one length, so that training on lengths 1 to 40 is
    `Mixture(tuple(Parity(length) for length in range(1, 41)))`. What is held out is that of the last task.
    """

    parts: tuple[Task, ...]

    def __post_init__(self) -> None:
        kinds = {(part.inputs, part.tokens, part.steps, part.objective) for part in self.parts}
        if len(kinds) != 1:
            raise BadInput(
                f"mixture: expected tasks with the same inputs and objective, got {len(kinds)} kinds"
            )
        last = self.parts[-1]
        vars(self).update(
            inputs=last.inputs,
            outputs=max(part.outputs for part in self.parts),
            tokens=last.tokens,
            steps=last.steps,
            objective=last.objective,
            chance=last.chance,
        )

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        part = int(torch.randint(len(self.parts), (), generator=generator))
        return self.parts[part].draw(batch, generator)

    def valid(self) -> Batch:
        return self.parts[-1].valid()

    def test(self) -> Batch:
        return self.parts[-1].test()


def at_least(task: str, least: int, **sizes: int) -> None:
    """Raise for sizes of a task below the least that makes sense."""
    for size, value in sizes.items():
        if not isinstance(value, int) or value < least:
            raise BadInput(f"{task}: {size} must be a whole number of at least {least}, got {value!r}")


def some(batch: int, among: int, count: int, generator: torch.Generator) -> Tensor:
    """`count` different numbers from 0 to `among` - 1 in random order, (batch, count)."""
    return torch.rand(batch, among, generator=generator).argsort(1)[:, :count]


def expression(length: int, modulus: int, operators: int, random: Iterator[float]) -> tuple[list[int], int]:
    """A random expression of exactly `length` tokens, and its value modulo `modulus`.

    Up to 4 tokens: d, -d, (d) and (-d), of a digit d; else (left operator right), split at random. Tokens:
    the digits from 0 to modulus - 1, then + - * ( ). `operators` is 2 for + and -, 3 for * as well; `random`
    gives numbers in [0, 1), of which at most `length` are taken.
    """
    minus, opening, closing = modulus + 1, modulus + 3, modulus + 4
    if length < 5:
        digit = int(next(random) * modulus)
        value = digit if length % 2 else -digit % modulus
        bare = [digit] if length % 2 else [minus, digit]
        return (bare, value) if length < 3 else ([opening, *bare, closing], value)
    split = 1 + int(next(random) * (length - 4))  # tokens on the left; 3 go to brackets and operator
    operator = int(next(random) * operators)
    left, a = expression(split, modulus, operators, random)
    right, b = expression(length - 3 - split, modulus, operators, random)
    value = (a + b, a - b, a * b)[operator] % modulus
    return [opening, *left, modulus + operator, *right, closing], value


@dataclass(frozen=True, eq=False)
class Forecast(Task):
    """Trajectories to predict one sample ahead, in windows; each part is (N, samples, channels), scaled.

    Training windows start anywhere; those held out lie one after another. The trajectories themselves serve
    for longer forecasts, where predictions are fed back.
    """

    train: Tensor
    held_valid: Tensor
    held_test: Tensor
    window: int

    # without annotations: facts of the task, not fields
    tokens = False
    steps = True
    objective = VALUES
    chance = 0.0

    def __post_init__(self) -> None:
        channels = self.train.shape[-1]
        vars(self).update(inputs=channels, outputs=channels)

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


@dataclass(frozen=True, eq=False)
class Walking(Generated):
    """Random walks in a world with new labels for each: say the label of the node that the action leads to.

    x (B, length, 1 + labels + A) is the label seen and the action then taken, both one-hot; y (B, length) is
    the label of the next node. Labels count from 1, 0 is nothing: not asked is what lies at a node that was
    never seen before, which nobody can know, but where `everywhere`.
    """

    world: worlds.World
    length: int  # steps of a walk
    labels: int
    straight: float = 1.0  # how many times as likely the last action is as another
    unique: bool = False  # whether no two nodes of a world share a label
    everywhere: bool = False

    # without annotations: facts of the task, not fields
    tokens = False
    steps = True
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("walking", 2, length=self.length, labels=self.labels)
        vars(self).update(
            inputs=1 + self.labels + len(self.world.actions), outputs=1 + self.labels, chance=1 / self.labels
        )

    def walks(self, batch: int, generator: torch.Generator) -> worlds.Walks:
        """The walks that `draw` makes of the same generator."""
        return worlds.walks(
            self.world, batch, self.length, self.labels, generator, self.straight, self.unique
        )

    def encode(self, walked: worlds.Walks) -> Batch:
        """Walks as sequences and answers."""
        seen = one_hot(1 + walked.label[:, :-1], 1 + self.labels)
        x = torch.cat([seen, one_hot(walked.action, len(self.world.actions))], -1).float()
        asked = self.everywhere | worlds.steps(self.world, walked).visited
        return Batch(x, torch.where(asked, 1 + walked.label[:, 1:], 0))

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return self.encode(self.walks(batch, generator))

    def test_walks(self) -> worlds.Walks:
        """The walks behind `test`."""
        return self.walks(self.held_out, torch.Generator().manual_seed(2**32 - 2))


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
