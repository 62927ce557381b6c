"""Spatial memory updating: a dot in each box is moved by arrows; where is it in the end?

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768: 1 to 8 boxes of 3 x 3 cells, in each a marked cell. The first
frame shows all of them. Then 8 frames show an arrow each, in one of 8 directions, in one box after the
other, round and round; no arrow leads out of a box. At the end each box is asked once, in random order.

    frame    all boxes   arrow 1 ... arrow 8   box? ... box?   blank
    y            -           -         -       cell ... cell     -     (class 0) is not asked

An arrow is any of those that stay inside, so that dots gather in the centre, which is the best guess.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from wavetrain.parts.trials import Trials, TrialTask, lay, one_of, order
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least

MOVES = torch.tensor([(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right])
CELLS = torch.tensor([(row, column) for row in range(3) for column in range(3)])
AFTER = CELLS[:, None] + MOVES  # (9, 8, 2)
INSIDE = ((AFTER >= 0) & (AFTER < 3)).all(-1)  # (9, 8): whether an arrow stays in the box
MOVED = (3 * AFTER[..., 0] + AFTER[..., 1]).where(INSIDE, -1)  # (9, 8): the cell that it leads to
WALK = F.one_hot(MOVED + 1, 10)[..., 1:].sum(1).double() / INSIDE.sum(1, keepdim=True)  # (9, 9): from, to


@dataclass(frozen=True)
class SpatialMemoryUpdating(TrialTask):
    """x (B, T, 18 most), T = 1 + updates + most: of each box the marked cell (9), arrow (8), whether asked.

    y (B, T): the cell, from 1. Facts: `boxes`, how many.

    >>> from wavetrain.tasks import SpatialMemoryUpdating
    >>> task = SpatialMemoryUpdating(sets=(2,), updates=4)
    >>> x, y, facts = task.trials(1, torch.Generator().manual_seed(0))
    >>> y.tolist()  # in which of 9 cells each dot is in the end, asked box by box
    [[0, 0, 0, 0, 0, 5, 5]]
    """

    sets: tuple[int, ...] = tuple(range(1, 9))  # boxes
    updates: int = 8  # arrows

    # without annotations: facts of the task, not fields
    outputs = 10
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("spatial memory updating", 1, boxes=min(self.sets))
        at_least("spatial memory updating", 0, updates=self.updates)
        moves = [len(range(box, self.updates, boxes)) for boxes in self.sets for box in range(boxes)]
        centre = [float(torch.linalg.matrix_power(WALK, number).mean(0)[4]) for number in moves]
        self.set_facts(inputs=18 * max(self.sets), chance=sum(centre) / len(centre))

    def trials(self, batch: int, generator: torch.Generator) -> Trials:
        boxes, most, trial = one_of(self.sets, batch, generator), max(self.sets), torch.arange(batch)
        there = torch.arange(most) < boxes[:, None]  # (B, boxes)
        cell = torch.randint(9, (batch, most), generator=generator)
        frames = torch.zeros(batch, 1 + self.updates + most, most, 18)
        frames[:, 0, :, :9] = F.one_hot(cell, 9) * there.unsqueeze(-1)
        for update in range(self.updates):
            box = update % boxes
            arrow = INSIDE[cell[trial, box]].double().multinomial(1, generator=generator).squeeze(1)
            frames[trial, 1 + update, box, 9 + arrow] = 1
            cell[trial, box] = MOVED[cell[trial, box], arrow]
        x = frames.flatten(2)
        y = torch.zeros(x.shape[:2], dtype=torch.long)
        when = 1 + self.updates + order(there, generator)
        lay(x, when, F.one_hot(18 * torch.arange(most) + 17, 18 * most).expand(batch, -1, -1), there)
        lay(y, when, cell + 1, there)
        return Trials(x, y, {"boxes": boxes})
