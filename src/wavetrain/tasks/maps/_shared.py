"""Walks in a world with new labels: say the label of the next node."""

from dataclasses import dataclass

import torch
from torch.nn.functional import one_hot

from wavetrain.core import Batch, Generated, HeldOut
from wavetrain.parts import worlds
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least


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
    every_step = True
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("walking", 2, length=self.length, labels=self.labels)
        self.set_facts(
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
        return self.walks(self.held_out, HeldOut.TEST.generator())
