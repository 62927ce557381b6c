"""Errands: a way to be found in a world, from a start to a goal, where there is a reward.

An action that leads nowhere, as into a wall, leaves one where one is, and takes a step. Who acts sees a node,
chooses an action, and is told of the next node and its reward; at the goal the errand is over.
"""

from collections import deque
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.parts.rewards import between
from wavetrain.parts.worlds import World


@dataclass(frozen=True, eq=False)
class Errand:
    """From a start to a goal of a world, with a reward of 1 there.

    >>> from wavetrain.parts.errands import Errand
    >>> from wavetrain.parts.worlds import square
    >>> errand = Errand(square(5), start=0, goal=24)
    >>> errand.shortest(), round(float(errand.wandering()[0]), 1)  # steps; on average when one wanders
    (8, 106.8)
    >>> errand.after(0, 0), errand.after(23, 1)  # north is a wall; east of 23 is the goal
    ((0, 0.0), (24, 1.0))
    """

    world: World
    start: int
    goal: int

    def __post_init__(self) -> None:
        for name, node in (("start", self.start), ("goal", self.goal)):
            if not 0 <= node < self.world.nodes:
                raise BadInput(f"Errand: expected a {name} from 0 to {self.world.nodes - 1}, got {node}")
        if self.start == self.goal:
            raise BadInput(f"Errand: expected a goal other than the start, got {self.goal} for both")

    def after(self, node: int, action: int) -> tuple[int, float]:
        """The node that an action leads to, and the reward there."""
        behind = int(self.world.successor[node, action])
        reached = node if behind < 0 else behind
        return reached, float(reached == self.goal)

    def shortest(self) -> int:
        """Steps of the shortest way."""
        far, open_ = {self.start: 0}, deque([self.start])
        while self.goal not in far:
            node = open_.popleft()
            for behind in self.world.successor[node].tolist():
                if behind >= 0 and behind not in far:
                    far[behind] = far[node] + 1
                    open_.append(behind)
        return far[self.goal]

    def chances(self) -> Float[Tensor, "nodes nodes"]:
        """P[i, j]: how likely j follows i where all actions are equally likely; nothing follows the goal."""
        nodes, actions = self.world.successor.shape
        here = torch.arange(nodes)[:, None].expand(-1, actions)
        to = torch.where(self.world.successor < 0, here, self.world.successor)
        chances = torch.zeros(nodes, nodes, dtype=torch.float64)
        chances.scatter_add_(1, to, torch.full(to.shape, 1 / actions, dtype=torch.float64))
        chances[self.goal] = 0
        return chances

    def wandering(self) -> Float[Tensor, "nodes"]:
        """The mean number of steps to the goal from each node, when all actions are equally likely."""
        steps = torch.ones(self.world.nodes, dtype=torch.float64)
        steps[self.goal] = 0
        return torch.linalg.solve(torch.eye(len(steps), dtype=torch.float64) - self.chances(), steps)

    def worth(self, discount: float) -> Float[Tensor, "nodes"]:
        """The value of each node for who wanders: V = P (r + discount V), exactly.

        Raises BadInput for a discount that is not from 0 to 1.
        """
        between("Errand", "discount", discount)
        chances = self.chances()
        eye = torch.eye(len(chances), dtype=torch.float64)
        return torch.linalg.solve(eye - discount * chances, chances[:, self.goal])
