"""Complex span: two items to remember, and after each some other work to do; then find the items again.

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768: an item is an arrow over a 3 x 3 grid (spatial: 8 lines, both
directions) or a pattern of 4 x 4 cells, half of them dark (visual). After each come 0, 1, 3 or 5 distractors:
is this pattern symmetric (spatial), or is this shade red or blue (visual)? They are followed by blanks up
to 5. At the end each item is one of 8 alternatives; those of a pattern differ from it in 6 cells.

    frame    item 1   distractor ... blank   item 2   distractor ... blank   8 to choose   8 to choose
    y          -       1, 2 or 3, 4    -        -      1, 2 or 3, 4    -        5 to 20       5 to 20

Classes: 1 symmetric, 2 not, 3 red, 4 blue, then the slot of an arrow, 5 to 12, or of a pattern, 13 to 20;
0 is not asked. Here an arrow is one frame and one of 16 symbols. Guessing by the step alone gets 1/4 of the
distractors and 1/16 of the items right; with the frame in view, 1/2 and 1/8.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from wavetrain.parts.trials import Trials, TrialTask, lay, one_of
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least, some

SPATIAL, VISUAL = 0, 1
SLOTS, CELLS, ARROWS, DIFFER = 8, 16, 16, 6
CODE = ARROWS + CELLS  # channels of an item
FIRST = 5  # of the classes of recall


@dataclass(frozen=True)
class ComplexSpan(TrialTask):
    """x (B, 2 most + 4, 305): the item (32), the cells (16) and shade (1) of a distractor, 8 items (256).

    Facts: `load`, distractors after an item; `storage` and `processing`, 0 spatial or 1 visual.

    >>> from wavetrain.tasks import ComplexSpan
    >>> x, y, facts = ComplexSpan(loads=(1,)).trials(1, torch.Generator().manual_seed(0))
    >>> y[0].tolist()  # a distractor after each item, then the slots of both items
    [0, 4, 0, 4, 18, 16]
    >>> {name: fact.tolist() for name, fact in facts.items()}
    {'load': [1], 'storage': [1], 'processing': [1]}
    """

    loads: tuple[int, ...] = (0, 1, 3, 5)  # distractors

    # without annotations: facts of the task, not fields
    inputs = CODE + CELLS + 1 + SLOTS * CODE
    outputs = FIRST + 2 * SLOTS
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("complex span", 0, load=min(self.loads))
        work = sum(self.loads) / len(self.loads)  # answers beside that of an item
        self.set_facts(chance=(work / 4 + 1 / (2 * SLOTS)) / (work + 1))

    def trials(self, batch: int, generator: torch.Generator) -> Trials:
        load, storage, processing = (
            one_of(one, batch, generator) for one in (self.loads, (SPATIAL, VISUAL), (SPATIAL, VISUAL))
        )
        most, wide = max(self.loads), (batch, 1, 1, 1)
        items = torch.where(
            storage.view(wide) == VISUAL, _patterns(batch, generator), _arrows(batch, generator)
        )
        slot = torch.rand(batch, 2, SLOTS, generator=generator).argsort(-1)  # item 0 is the right one
        choice = items.gather(2, slot.unsqueeze(-1).expand_as(items)).flatten(2)

        answer = torch.randint(2, (batch, 2, most), generator=generator)
        work = torch.where(processing.view(wide) == VISUAL, _shades(answer), _symmetries(answer, generator))
        done = (torch.arange(most) < load[:, None]).repeat(1, 2)
        item = torch.tensor([0, most + 1])  # steps
        when = (item[:, None] + 1 + torch.arange(most)).flatten().expand(batch, -1)

        x = torch.zeros(batch, 2 * most + 4, self.inputs)
        y = torch.zeros(x.shape[:2], dtype=torch.long)
        x[:, item, :CODE] = items[:, :, 0]
        lay(x[..., CODE : -SLOTS * CODE], when, work.flatten(1, 2), done)
        lay(y, when, 1 + 2 * processing[:, None] + answer.flatten(1), done)
        x[:, -2:, -SLOTS * CODE :] = choice
        y[:, -2:] = FIRST + SLOTS * storage[:, None] + slot.argmin(-1)
        return Trials(x, y, {"load": load, "storage": storage, "processing": processing})


def _arrows(batch: int, generator: torch.Generator) -> Tensor:
    """For each of two items 8 different arrows, (B, 2, 8, CODE)."""
    arrow = some(2 * batch, ARROWS, SLOTS, generator).unflatten(0, (batch, 2))
    return F.one_hot(arrow, CODE).float()


def _patterns(batch: int, generator: torch.Generator) -> Tensor:
    """For each of two items a half-dark pattern and 7 that differ from it in 6 cells, (B, 2, 8, CODE)."""
    dark = torch.rand(batch, 2, 1, CELLS, generator=generator).argsort(-1) < CELLS // 2
    keys = torch.rand(batch, 2, SLOTS - 1, CELLS, generator=generator)
    ranks = [
        (keys + side).argsort(-1).argsort(-1) for side in (dark, ~dark)
    ]  # the light first, the dark first
    moved = (ranks[0] < DIFFER // 2) | (ranks[1] < DIFFER // 2)
    return F.pad(2.0 * torch.cat([dark, dark ^ moved], 2) - 1, (ARROWS, 0))


def _symmetries(answer: Tensor, generator: torch.Generator) -> Tensor:
    """Cells left and right that mirror each other, but for one where the answer is 1: (B, 2, most, 17)."""
    left = 2.0 * torch.randint(2, (*answer.shape, 4, 2), generator=generator) - 1
    odd = F.one_hot(torch.randint(8, answer.shape, generator=generator), 8).unflatten(-1, (4, 2))
    right = left * (1 - 2 * odd * answer[..., None, None])
    return F.pad(torch.cat([left, right.flip(-1)], -1).flatten(-2), (0, 1))


def _shades(answer: Tensor) -> Tensor:
    """A shade that is 1 or -1, (B, 2, most, 17)."""
    return F.pad(1.0 - 2 * answer.unsqueeze(-1), (CELLS, 0))
