"""Grid world: who wanders on a grid, where the goal has a reward, how near is it?

The task of Sutton and Barto's book (2018) in its plainest form. A walk begins at any node but the goal; all
four actions are equally likely, and one that leads into a wall leaves one where one is. The goal has a reward
of 1 and ends the walk, which then stays there. Asked at each node is the return, discount^(steps to the goal
- 1): 0 where the walk ends before the goal, and at the goal. The best that can be said is the value of the
node.

    y      0.81 0.9 1 0 0      the goal is reached in step 3; the discount is 0.9

The loss is that of temporal differences, as in `pavlovian`. To act on the grid, take `errand`.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import Batch, Generated, Objective, explained
from wavetrain.parts import worlds
from wavetrain.parts.errands import Errand
from wavetrain.parts.rewards import OnReturns, between, returns
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class GridWorld(Generated):
    """x (B, length) are nodes of a grid of side x side, rows from the north-west; y (B, length, 1) returns.

    The goal is the last node, in the south-east.

    >>> from wavetrain.tasks import GridWorld
    >>> task = GridWorld(side=2, length=6, discount=0.5)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(2))
    >>> x[0].tolist(), y.flatten().tolist()
    ([0, 0, 2, 3, 3, 3], [0.25, 0.5, 1.0, 0.0, 0.0, 0.0])
    >>> task.errand().shortest(), task.errand().worth(0.5)[0]  # steps from the north-west, and its value
    (2, tensor(0.1176, dtype=torch.float64))
    """

    side: int = 5
    length: int = 100  # steps of a walk
    discount: float = 0.95

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    outputs = 1

    def __post_init__(self) -> None:
        at_least("grid world", 2, side=self.side, length=self.length)
        between("grid world", "discount", self.discount)
        loss = OnReturns(self.discount)
        self.set_facts(
            inputs=self.side**2, objective=Objective("R²", True, loss, explained), chance=self._ignorant()
        )

    def errand(self) -> Errand:
        """From the node in the north-west to the goal."""
        return Errand(worlds.square(self.side), start=0, goal=self.side**2 - 1)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        errand = self.errand()
        to = errand.chances().cumsum(1)
        to[errand.goal] = torch.arange(self.side**2) >= errand.goal  # which it does not leave
        nodes = [torch.randint(errand.goal, (batch,), generator=generator)]
        for dice in torch.rand(self.length - 1, batch, 1, generator=generator, dtype=torch.float64):
            nodes.append((to[nodes[-1]] <= dice).sum(1).clamp(max=errand.goal))
        x = torch.stack(nodes, 1)
        return Batch(x, returns(self.rewards(x), self.discount))

    def rewards(self, x: Tensor) -> Float[Tensor, "batch time 1"]:
        """1 in the step in which the goal is reached, of walks x (B, T)."""
        there = x == self.side**2 - 1
        return (there & ~F.pad(there[:, :-1], (1, 0))).float()[..., None]

    def _ignorant(self) -> float:
        """R² of the mean return of each step, from how likely the goal is reached in which step."""
        errand, reached = self.errand(), []
        chances = errand.chances()
        at = torch.full((1, self.side**2), 1 / errand.goal, dtype=torch.float64)
        at[:, errand.goal] = 0
        for _ in range(self.length - 1):
            at = at @ chances
            reached.append(at[0, errand.goal])
        likely = F.pad(torch.stack(reached), (1, 0)).reshape(1, -1, 1)
        mean, square = (returns(likely, self.discount**power).flatten() for power in (1, 2))
        around = square.mean() - mean.mean() ** 2
        return float((mean.square().mean() - mean.mean() ** 2) / around)
