"""Stretchy birds: a bird's neck and legs grow at a constant ratio; which landmark will it come to look like?

Constantinescu, O'Reilly and Behrens 2016, Science 352:1464. A bird is a point in the plane of neck and leg
lengths, a morph a straight line in it. The morph is watched for a while, then nothing is shown and it must be
imagined to go on, at the same pace, until it meets one of three landmarks, the birds of three symbols.

    neck  .20 .24 .28 ...  0   0
    leg   .50 .48 .46 ...  0   0
    y     2                          the landmark met at the last step

The start is drawn evenly from the square of lengths from 0 to 1, at least `far` from the landmark, and what
is watched comes with noise. Guessing gets one in three right; to know the direction alone, or the place
alone, is not enough. Left out: pictures of the birds.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.tasks._draws import at_least

LANDMARKS = ((0.2, 0.8), (0.8, 0.8), (0.8, 0.2))  # neck, leg


@dataclass(frozen=True)
class StretchyBirds(Generated):
    """x (B, watched + imagined, 2) lengths of neck and leg, 0 where imagined; y (B,) the landmark, 0 to 2.

    >>> from wavetrain.tasks import StretchyBirds
    >>> task = StretchyBirds(watched=3, imagined=2)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(0))
    >>> [[round(length, 2) for length in step] for step in x[0].tolist()], y.item()
    ([[0.14, 0.31], [0.31, 0.28], [0.46, 0.26], [0.0, 0.0], [0.0, 0.0]], 2)
    """

    watched: int = 8  # steps
    imagined: int = 8  # steps, to the last of which the morph would meet the landmark
    noise: float = 0.01  # standard deviation, in lengths
    far: float = 0.3  # least way to the landmark, in lengths

    # without annotations: facts of the task, not fields
    inputs = 2
    outputs = 3
    tokens = False
    every_step = False
    objective = CLASSES
    chance = 1 / 3

    def __post_init__(self) -> None:
        at_least("stretchy birds", 2, watched=self.watched)
        at_least("stretchy birds", 1, imagined=self.imagined)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        y = torch.randint(3, (batch,), generator=generator)
        goal = torch.tensor(LANDMARKS)[y]  # (B, 2)
        start = torch.rand(batch, 2, generator=generator)
        while (near := (start - goal).norm(dim=1) < self.far).any():
            start[near] = torch.rand(int(near.sum()), 2, generator=generator)
        done = torch.arange(self.watched) / (self.watched + self.imagined - 1)  # share of the way
        way = start[:, None] + done[:, None] * (goal - start)[:, None]  # (B, watched, 2)
        way = way + self.noise * torch.randn(way.shape, generator=generator)
        return Batch(torch.cat([way, torch.zeros(batch, self.imagined, 2)], 1), y)
