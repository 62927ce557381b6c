"""Visual serial recall: items one after another, then all of them in their order.

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768: lists of 2 to 9 items. There an item is a pattern of 6 x 6
cells, and its answer is the slot, of 9, in which the frame of the test shows it. Here an item is one of 16
symbols and is itself the answer: the same demand on memory for order, and none on vision.

    frame    item 1 ... item n   test 1 ... test n   blank
    y             -      -        item 1 ... item n     -     (class 0) is not asked

Guessing gets 1/16 right.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from wavetrain.errors import BadInput
from wavetrain.parts.trials import Trials, TrialTask, lay, one_of
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least, some


@dataclass(frozen=True)
class VisualSerialRecall(TrialTask):
    """x (B, 2 longest, symbols + 1): which symbol, and whether this is a test. y (B, 2 longest).

    Facts: `list`, its length; `position`, the place in the list of the item that is asked, from 1.

    >>> from wavetrain.tasks import VisualSerialRecall
    >>> x, y, facts = VisualSerialRecall(lists=(3,)).trials(1, torch.Generator().manual_seed(0))
    >>> x[0, :3, :16].argmax(-1).tolist()
    [11, 1, 2]
    >>> y.tolist()
    [[0, 0, 0, 12, 2, 3]]
    """

    lists: tuple[int, ...] = tuple(range(2, 10))  # items
    symbols: int = 16

    # without annotations: facts of the task, not fields
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("visual serial recall", 1, list=min(self.lists), symbols=self.symbols)
        if max(self.lists) > self.symbols:
            raise BadInput(
                f"visual serial recall: {self.symbols} symbols do not make a list of {max(self.lists)}"
            )
        self.set_facts(inputs=self.symbols + 1, outputs=self.symbols + 1, chance=1 / self.symbols)

    def trials(self, batch: int, generator: torch.Generator) -> Trials:
        length, longest = one_of(self.lists, batch, generator), max(self.lists)
        place = torch.arange(longest).expand(batch, -1)
        listed, test = place < length[:, None], place + length[:, None]
        item = some(batch, self.symbols, longest, generator)
        x = torch.zeros(batch, 2 * longest, self.inputs)
        y = torch.zeros(batch, 2 * longest, dtype=torch.long)
        position = torch.zeros_like(y)
        lay(x, place, F.one_hot(item, self.inputs), listed)
        lay(y, test, item + 1, listed)
        lay(position, test, place + 1, listed)
        x[..., -1] = y > 0
        return Trials(x, y, {"list": length, "position": position})
