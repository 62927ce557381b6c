"""Compose copy: each new vector takes one component from each of the vectors before it.

Karuvally, Sejnowski and Siegelmann 2024, arXiv 2402.10163: `size` vectors of `size` components, +1 and -1,
are given; then the input is 0, and component j of each output is component j of the j-th oldest of the last
`size` vectors, given or said, so that it repeats after size - j steps (j from 0), and the whole after lcm(1,
..., size).

    x  (a A) (b B) 0 0 0      y  - - (a B) (b B) (a B)      size 2; - (0) is not asked

With an `order`, output j takes component order[j] of vector order[j]; outputs that are `flipped` change the
sign. The other tasks of the paper are of this kind. The linear network that does it has size (size + 1) / 2
eigenvalues of modulus 1, and else 0. Guessing gets half of the signs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from wavetrain.core import Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._answers import SIGNS, bound
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class ComposeCopy(Generated):
    """x (B, size + horizon, size), y alike; the last `horizon` steps are asked.

    >>> from wavetrain.tasks import ComposeCopy
    >>> x, y = ComposeCopy(size=2, horizon=4).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].int().tolist()
    [[-1, 1], [1, -1], [0, 0], [0, 0], [0, 0], [0, 0]]
    >>> y[0].int().tolist()
    [[0, 0], [0, 0], [-1, -1], [1, -1], [-1, -1], [1, -1]]
    """

    size: int = 8
    horizon: int = 20
    order: tuple[int, ...] = ()  # as they are, where left out
    flipped: tuple[int, ...] = ()

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = SIGNS
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("compose copy", 1, size=self.size, horizon=self.horizon)
        if self.order and sorted(self.order) != list(range(self.size)):
            raise BadInput(f"compose copy: expected an order of 0 to {self.size - 1}, got {self.order}")
        if not set(self.flipped) <= set(range(self.size)):
            raise BadInput(f"compose copy: expected outputs 0 to {self.size - 1} to flip, got {self.flipped}")
        self.set_facts(inputs=self.size, outputs=self.size)

    def boundary(self) -> Tensor:
        """F (size size, size): what the next vector is made of, oldest vector first."""
        boundary = torch.zeros(self.size, self.size, self.size)  # vector, component, output
        for output, source in enumerate(self.order or range(self.size)):
            boundary[source, source, output] = -1.0 if output in self.flipped else 1.0
        return boundary.flatten(0, 1)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return bound(self.boundary(), batch, self.horizon, generator)
