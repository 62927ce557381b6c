"""Images that rotate: handwritten digits turn by the same angle each step; say the next frame.

Sejnowski's "learning how to rotate images" with the predictive autoencoder of Chen et al. 2024, Neuron
112:2645, whose data and protocol were not available. The images are the 8 x 8 digits of Alpaydin and Kaynak
1998 that come with scikit-learn, turned about their middle with interpolation between pixels, in [0, 1]. A
sequence is one image from a random angle on, by `turn` degrees a step to the left.

    x  image at angle a, a + turn, a + 2 turn, ...      y  the same `ahead` steps later

The first `images` are there to train on; the next 300, never trained on at any angle, to choose by, and 300
more to report.
`ahead` 0 asks for the image itself. The score is R²: saying the mean of each pixel scores 0.
"""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from sklearn.datasets import load_digits
from torch import Tensor

from wavetrain.core import VALUES, Batch, HeldOut, Task
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least

HELD_OUT = 300  # images of each held-out part


@dataclass(frozen=True)
class RotatingImages(Task):
    """x (B, time, 64), y alike.

    >>> from wavetrain.tasks import RotatingImages
    >>> task = RotatingImages(images=2, time=5)
    >>> x, y = task.draw(3, torch.Generator().manual_seed(0))
    >>> x.shape, torch.equal(x[:, 1:], y[:, :-1])  # y is the next frame
    (torch.Size([3, 5, 64]), True)
    """

    images: int = 40  # to train on
    time: int = 18  # steps
    turn: int = 20  # degrees a step, a divisor of 360
    ahead: int = 1  # steps from what is given to what is asked

    # without annotations: facts of the task, not fields
    inputs = outputs = 64
    tokens = False
    every_step = True
    objective = VALUES
    chance = 0.0

    def __post_init__(self) -> None:
        at_least("rotating images", 1, images=self.images, time=self.time, turn=self.turn)
        at_least("rotating images", 0, ahead=self.ahead)
        if 360 % self.turn:
            raise BadInput(f"rotating images: expected a turn that divides 360 degrees, got {self.turn}")
        if self.images > 1797 - 2 * HELD_OUT:
            raise BadInput(f"rotating images: expected at most {1797 - 2 * HELD_OUT}, got {self.images}")

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return self.rotated(torch.randint(self.images, (batch,), generator=generator), generator)[0]

    def valid(self) -> Batch:
        return self.rotated(self.images + torch.arange(HELD_OUT), HeldOut.VALID.generator())[0]

    def test(self) -> Batch:
        image = self.images + HELD_OUT + torch.arange(HELD_OUT)
        return self.rotated(image, HeldOut.TEST.generator())[0]

    def rotated(self, image: Tensor, generator: torch.Generator) -> tuple[Batch, Tensor]:
        """The images of numbers (B,) from random angles on, and the angle of x in degrees, (B, time)."""
        film = frames(self.turn)
        start = torch.randint(film.shape[1], (len(image), 1), generator=generator)
        angle = (start + torch.arange(self.time + self.ahead)) % film.shape[1]
        x = film[image[:, None], angle]
        return Batch(x[:, : self.time], x[:, self.ahead :]), self.turn * angle[:, : self.time].float()


@functools.cache
def frames(turn: int) -> Tensor:
    """All images in a fixed random order at all angles, (1797, 360 / turn, 64)."""
    images = load_digits().images[np.random.default_rng(0).permutation(1797)] / 16
    film = [
        ndimage.rotate(images, angle, axes=(1, 2), reshape=False, order=1) for angle in range(0, 360, turn)
    ]
    return torch.from_numpy(np.stack(film, 1).reshape(len(images), len(film), -1).astype(np.float32))
