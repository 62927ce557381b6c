"""Line drawing: a cue says which of a few lines to draw, and then a network draws it by itself.

As in Pemberton, Boven, Apps and Costa 2021, arXiv 2110.11501, and the code that they released: at the first
step a number from -0.3 to 0.3 is shown, and from there on nothing, or noise. The answer is a pen that leaves
the origin and moves straight and evenly to one of six places on a circle of radius 10, or stays.

    x  0.3 0 0 0 0 ...      y  (0, 0) (0, 1.1) (0, 2.2) ... (0, 10)

The cue 0 stays, and the others go round the circle in their order. Only every second step, from the first on,
has an error to learn by; the loss is the sum over these steps of the mean square. The score is the mean
squared error of a coordinate over all steps.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from wavetrain.core import Batch, Generated, Objective
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least

CUE = 0.1  # between one line and the next


@dataclass(frozen=True)
class LineDrawing(Generated):
    """x (B, length, 1) the cue, y (B, length, 2) where the pen is.

    `lines` lead to places on a circle of this `radius`; one step in `every` is told; `noise` is the standard
    deviation of what is heard after the cue.

    >>> from wavetrain.tasks import LineDrawing
    >>> x, y = LineDrawing(length=3).all()
    >>> round(x[6, 0, 0].item(), 1), y[6].tolist()  # the largest cue stands for the place on top
    (0.3, [[0.0, 0.0], [0.0, 5.0], [0.0, 10.0]])
    """

    length: int = 10
    lines: int = 6
    radius: float = 10.0
    every: int = 2
    noise: float = 0.0

    # without annotations: facts of the task, not fields
    inputs = 1
    outputs = 2
    tokens = False
    every_step = True

    def __post_init__(self) -> None:
        at_least("line drawing", 2, length=self.length)
        at_least("line drawing", 1, lines=self.lines, every=self.every)
        if not (0 < self.radius < math.inf and 0 <= self.noise < math.inf):
            raise BadInput(
                f"line drawing: expected a radius above 0 and a noise of at least 0, "
                f"got {self.radius} and {self.noise}"
            )
        y = self.all().y
        chance = float((y - y.mean(0)).square().mean())
        self.set_facts(objective=Objective("squared error", False, self.told, _error), chance=chance)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x, y = self.all()
        which = torch.randint(len(x), (batch,), generator=generator)
        x = x[which]
        if self.noise:
            x[:, 1:] = self.noise * torch.randn(batch, self.length - 1, 1, generator=generator)
        return Batch(x, y[which])

    def all(self) -> Batch:
        """Each line once, without noise, in the order of their cues."""
        many, middle = self.lines + 1, self.lines // 2
        x = torch.zeros(many, self.length, 1)
        x[:, 0, 0] = CUE * (torch.arange(many) - middle)
        angle = 2 * math.pi * torch.arange(self.lines).flip(0) / self.lines  # from the top, clockwise
        ends = self.radius * torch.stack([angle.sin(), angle.cos()], 1)
        ends = torch.cat([ends[:middle], torch.zeros(1, 2), ends[middle:]])
        return Batch(x, torch.linspace(0, 1, self.length)[:, None] * ends[:, None])

    def told(self, outputs: Tensor, answers: Tensor) -> Tensor:
        """The sum over the steps that are told of the mean squared error of outputs (B, T, 2)."""
        return (outputs - answers)[:, :: self.every].square().mean((0, 2)).sum()


def _error(outputs: Tensor, answers: Tensor) -> Tensor:
    return (outputs - answers).square().mean()
