"""Spatial coordination: cells of a grid light up one by one; is the whole symmetric?

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768: a grid of 10 x 10 cells, lists of 10, 12, 14, 16 or 18 cells
in random order, half of them left and half right, then an empty frame that asks. In a symmetric trial each
cell has its mirror image; in the others, half of all, 1 to 4 of the cells on the right are elsewhere on the
right, so that 2, 4, 6 or 8 cells have no image: the offset.

    frame    cell 1 ... cell n   test     blank
    y             -       -     1 or 2      -     (class 0) is not asked

There a cell may be drawn twice; here cells differ, which makes the offset exact. Guessing gets half right.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from wavetrain.errors import BadInput
from wavetrain.parts.trials import Trials, TrialTask, lay, one_of, order
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least, some


@dataclass(frozen=True)
class SpatialCoordination(TrialTask):
    """x (B, longest + 1, side² + 1): the cell, row after row, and whether this is the test.

    y: 1 if symmetric, 2 if not. Facts: `list`, its length; `offset`, cells without an image.

    >>> from wavetrain.tasks import SpatialCoordination
    >>> task = SpatialCoordination(lists=(4,), offsets=(2,), side=4)
    >>> x, y, facts = task.trials(4, torch.Generator().manual_seed(0))
    >>> y[:, 4].tolist(), facts["offset"].tolist()  # 1 is symmetric; the offset counts cells without an image
    ([2, 2, 2, 1], [2, 2, 2, 0])
    """

    lists: tuple[int, ...] = (10, 12, 14, 16, 18)  # cells
    offsets: tuple[int, ...] = (2, 4, 6, 8)  # cells
    side: int = 10  # cells

    # without annotations: facts of the task, not fields
    outputs = 3
    objective = ASKED
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("spatial coordination", 2, side=self.side, list=min(self.lists), offset=min(self.offsets))
        if any(number % 2 for number in (*self.lists, *self.offsets, self.side)):
            raise BadInput("spatial coordination: lists, offsets and side must be even")
        if max(self.offsets) > min(self.lists) or max(self.lists) + max(self.offsets) > self.side**2:
            raise BadInput(
                f"spatial coordination: lists {self.lists} and offsets {self.offsets} do not fit {self.side}²"
            )
        self.set_facts(inputs=self.side**2 + 1)

    def trials(self, batch: int, generator: torch.Generator) -> Trials:
        length, offset = (one_of(one, batch, generator) for one in (self.lists, self.offsets))
        offset = offset * torch.randint(2, (batch,), generator=generator)
        longest, half = max(self.lists), self.side // 2
        pair = torch.arange(longest // 2).expand(batch, -1)
        cell = some(batch, self.side * half, self.side * half, generator)  # of one half of the grid
        row, column = cell // half, cell % half
        left, right = self.side * row + column, self.side * row + self.side - 1 - column
        away = torch.where(pair < offset[:, None] // 2, pair + length[:, None] // 2, pair)
        lit = torch.cat([left[:, : longest // 2], right.gather(1, away)], 1)
        listed = (pair < length[:, None] // 2).repeat(1, 2)
        x = torch.zeros(batch, longest + 1, self.inputs)
        y = torch.zeros(x.shape[:2], dtype=torch.long)
        lay(x, order(listed, generator), F.one_hot(lit, self.inputs), listed)
        x[torch.arange(batch), length, -1] = 1
        y[torch.arange(batch), length] = 1 + (offset > 0).long()
        return Trials(x, y, {"list": length, "offset": offset})
