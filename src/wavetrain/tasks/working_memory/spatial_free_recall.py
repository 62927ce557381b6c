"""Spatial free recall: cells of a grid light up one by one; which ones, in any order?

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768: a grid of 10 x 10 cells, lists of 1, 2, 3, 4, 5, 6, 7, 8,
10, 12, 15 or 18 of them, one a frame, then an empty frame that asks for all at once.

    frame    cell 1 ... cell n   test    blank
    y             -       -      cells     -

The answer says yes (1) or no (-1) of each cell; 0 is not asked. The score is the share of the list among as
many cells as it has, those of the largest outputs, so that guessing gets list / cells. Left out: that only
30 of the cells, drawn anew for each trial, are there to be seen.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import Objective
from wavetrain.errors import BadInput
from wavetrain.parts.trials import Trials, TrialTask, lay, one_of
from wavetrain.tasks._draws import at_least, some


def _loss(output: Tensor, y: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(output[y != 0], (y[y != 0] + 1) / 2)


def recalled(output: Tensor, y: Tensor) -> Tensor:
    """The share of each list that is recalled, (trials,): the list is as many cells as were shown."""
    asked = (y != 0).any(-1)
    output, shown = output[asked], y[asked] > 0
    rank = output.argsort(-1, descending=True).argsort(-1)
    length = shown.sum(-1)
    return ((rank < length[:, None]) & shown).sum(-1).double() / length


CELLS = Objective("share recalled", True, _loss, lambda output, y: recalled(output, y).mean())


@dataclass(frozen=True)
class SpatialFreeRecall(TrialTask):
    """x (B, longest + 1, side² + 1): the cell, and whether this is the test. y (B, longest + 1, side²).

    Facts: `list`, its length.

    >>> from wavetrain.tasks import SpatialFreeRecall
    >>> task = SpatialFreeRecall(lists=(2,), side=3)
    >>> x, y, facts = task.trials(1, torch.Generator().manual_seed(0))
    >>> x[0, :2, :9].argmax(-1).tolist()  # the cells that light up
    [1, 2]
    >>> y[0, -1].int().tolist()  # which of the nine they were
    [-1, 1, 1, -1, -1, -1, -1, -1, -1]
    """

    lists: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18)  # cells
    side: int = 10  # cells

    # without annotations: facts of the task, not fields
    objective = CELLS

    def __post_init__(self) -> None:
        at_least("spatial free recall", 1, list=min(self.lists), side=self.side)
        cells = self.side**2
        if max(self.lists) >= cells:
            raise BadInput(
                f"spatial free recall: expected lists of fewer than {cells} cells, got {self.lists}"
            )
        chance = sum(self.lists) / len(self.lists) / cells
        self.set_facts(inputs=cells + 1, outputs=cells, chance=chance)

    def trials(self, batch: int, generator: torch.Generator) -> Trials:
        length, longest = one_of(self.lists, batch, generator), max(self.lists)
        place = torch.arange(longest).expand(batch, -1)
        listed, trial = place < length[:, None], torch.arange(batch)
        cell = some(batch, self.outputs, longest, generator)
        x = torch.zeros(batch, longest + 1, self.inputs)
        y = torch.zeros(batch, longest + 1, self.outputs)
        lay(x, place, F.one_hot(cell, self.inputs), listed)
        x[trial, length, -1] = 1
        y[trial, length] = 2 * x[..., :-1].sum(1) - 1
        return Trials(x, y, {"list": length})
