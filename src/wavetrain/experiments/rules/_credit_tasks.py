"""The two tasks of credit assignment: a copy after a lag, and a pattern that units which fire are to draw."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import Batch, Generated, Objective

SYMBOLS = 8


@dataclass(frozen=True)
class LaggedCopy(Generated):
    """Symbols of 8, and after a lag each of them again, while a cue is given; only the recall counts."""

    symbols: int = 5
    lag: int = 10

    inputs = SYMBOLS + 1
    outputs = SYMBOLS
    tokens = False
    every_step = True
    chance = math.log(SYMBOLS)

    def __post_init__(self) -> None:
        self.set_facts(objective=Objective("nats a symbol", False, self.nats, self.nats))

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        said = torch.randint(SYMBOLS, (batch, self.symbols), generator=generator)
        x = torch.zeros(batch, self.lag + self.symbols, self.inputs)
        x[:, : self.symbols, :SYMBOLS] = F.one_hot(said, SYMBOLS).float()
        x[:, self.lag :, SYMBOLS] = 1.0
        return Batch(x, F.pad(said, (self.lag, 0)))

    def nats(self, outputs: Tensor, answers: Tensor) -> Tensor:
        """The cross-entropy of the recall."""
        return F.cross_entropy(outputs[:, self.lag :].mT, answers[:, self.lag :])


def error(outputs: Tensor, answers: Tensor) -> Tensor:
    """The squared error, as a share of the mean square of the answers."""
    return (outputs - answers).square().mean() / answers.square().mean()


@dataclass(frozen=True)
class Pattern(Generated):
    """One frozen volley of Poisson spikes, and a sum of four sines to draw while it lasts; always the same.

    Periods are those of the authors' 1,000 steps, in their share of the time; the largest value is 1.
    """

    seed: int = 0
    time: int = 300
    trains: int = 100
    rate: float = 0.05  # of each train, spikes a step

    held_out = 1
    inputs = 100
    outputs = 1
    tokens = False
    every_step = True
    objective = Objective("share of the square", False, error, error)
    chance = 1.0

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        draw = torch.Generator().manual_seed(self.seed)
        x = (torch.rand(1, self.time, self.trains, generator=draw) < self.rate).float()
        strength = 0.5 + 1.5 * torch.rand(4, 1, generator=draw)
        phase = 2 * math.pi * torch.rand(4, 1, generator=draw)
        turns = torch.tensor([1.0, 2.0, 3.0, 5.0])[:, None] * torch.arange(self.time) / self.time
        y = (strength * torch.sin(2 * math.pi * turns + phase)).sum(0)
        return Batch(x, (y / y.abs().max())[None, :, None])
