"""Path integration: where am I, after so many headings and speeds?

As in Huang, Singh, Martinelli and Rajan 2024, arXiv 2410.03972: a start at random in the plane, a heading and
a speed at each step, and the position is asked for, which is kept within 5 of the middle on each axis; in
three dimensions alike. Headings are given as unit vectors, so that nothing jumps at a whole turn, and are
uniform; speeds are uniform from 0 to 1. The start is given with the first step. These are ours, as the paper
does not say them.

    x  heading speed start      then heading speed 0 ...      y  position after each step

The score is R²: saying the middle scores 0.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import VALUES, Batch, Generated
from wavetrain.tasks._draws import at_least

SIDE = 5.0  # from the middle to a wall


@dataclass(frozen=True)
class PathIntegration(Generated):
    """x (B, length, 2 axes + 1): heading, speed, and the start at the first step; y (B, length, axes).

    >>> from wavetrain.tasks import PathIntegration
    >>> x, y = PathIntegration(length=5).draw(1, torch.Generator().manual_seed(0))
    >>> heading, speed, start = x[0].split([2, 1, 2], -1)
    >>> torch.allclose(y[0, 0], start[0] + speed[0] * heading[0])
    True
    """

    length: int = 50
    axes: int = 2

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = VALUES
    chance = 0.0

    def __post_init__(self) -> None:
        at_least("path integration", 1, length=self.length)
        at_least("path integration", 2, axes=self.axes)
        self.set_facts(inputs=2 * self.axes + 1, outputs=self.axes)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        heading = torch.randn(batch, self.length, self.axes, generator=generator)
        heading = heading / heading.norm(dim=-1, keepdim=True)
        speed = torch.rand(batch, self.length, 1, generator=generator)
        place = SIDE * (2 * torch.rand(batch, self.axes, generator=generator) - 1)
        x = torch.cat([heading, speed, torch.zeros(batch, self.length, self.axes)], -1)
        x[:, 0, -self.axes :] = place
        y = []
        for move in (speed * heading).unbind(1):
            place = (place + move).clamp(-SIDE, SIDE)
            y.append(place)
        return Batch(x, torch.stack(y, 1))
