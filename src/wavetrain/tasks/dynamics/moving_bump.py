"""A moving bump: a spot of light that dances on a closed path; say the next frame of the film.

The film of Benigno, Budzinski, Davis, Reynolds and Muller 2023, Nature Communications 14:3409: a Gaussian of
height 1 on the square from -2 to 2, whose middle at time s is (sin(s / 3), cos(s)), so that it is where it
was after 6 pi, which are `period` frames.

    x  frames t, t + 1, ...      y  the frames after each

Sequences start at any time of the path, between frames too. There is one path, so held-out sequences are
other moments of it and no other films. The score is R²: saying the mean of each pixel scores 0. Frames lie
close, and what tells forecasts apart is how long they last when they are fed back.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import VALUES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class MovingBump(Generated):
    """x (B, time, side * side) in [0, 1], rows of a frame one after another; y alike.

    >>> from wavetrain.tasks import MovingBump
    >>> task = MovingBump(side=10, time=5)
    >>> x, y = task.draw(3, torch.Generator().manual_seed(0))
    >>> x.shape, torch.equal(x[:, 1:], y[:, :-1])  # y is the next frame
    (torch.Size([3, 5, 100]), True)
    """

    side: int = 30  # pixels
    time: int = 50  # frames
    period: int = 100  # frames until it is where it was
    spread: float = 0.2  # deviation of the bump, of a frame that is 4 wide

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = VALUES
    chance = 0.0
    held_out: ClassVar[int] = 20

    def __post_init__(self) -> None:
        at_least("moving bump", 2, side=self.side)
        at_least("moving bump", 1, time=self.time, period=self.period)
        if not 0 < self.spread < math.inf:
            raise BadInput(f"moving bump: expected a spread above 0, got {self.spread}")
        self.set_facts(inputs=self.side**2, outputs=self.side**2)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        start = self.period * torch.rand(batch, generator=generator)
        film = self.film(start, self.time + 1)
        return Batch(film[:, :-1], film[:, 1:])

    def film(self, start: Float[Tensor, "batch"], frames: int) -> Float[Tensor, "batch frames pixels"]:
        """So many frames from each start (B,) on, which is in frames and need not be whole."""
        place = torch.linspace(-2, 2, self.side, dtype=start.dtype)
        moment = 6 * math.pi / self.period * (start[:, None] + torch.arange(frames))
        across, down = torch.sin(moment / 3), torch.cos(moment)
        shade = -0.5 / self.spread**2
        row = torch.exp(shade * (place - across[..., None]) ** 2)  # a Gaussian is a product
        column = torch.exp(shade * (place - down[..., None]) ** 2)
        return (column[..., :, None] * row[..., None, :]).flatten(-2)
