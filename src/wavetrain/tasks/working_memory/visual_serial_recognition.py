"""Visual serial recognition: patterns one after another, then each in turn beside one that was not there.

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768: lists of 2 to 9 patterns of 6 x 6 cells, half of them dark;
then a frame for each, in the same order, with the old pattern and a distractor side by side. In a trial all
distractors differ from their patterns in 2, 4, 6, 8 or 10 cells. A cell is 1 where dark and -1 where light.

    frame    item 1 ... item n   left | right 1 ... left | right n   blank
    y             -      -          1 or 2    ...      1 or 2          -     (class 0) is not asked

Guessing gets half right.
"""

from dataclasses import dataclass

import torch

from wavetrain.errors import BadInput
from wavetrain.parts.trials import Trials, TrialTask, lay, one_of, patterns
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class VisualSerialRecognition(TrialTask):
    """x (B, 2 longest, 3 side²): the item, and left and right of the test. y: 1 if the left is old, 2 if not.

    Facts: `list`, its length; `differ`, cells; `position` in the list of the item that is asked, from 1.

    >>> from wavetrain.tasks import VisualSerialRecognition
    >>> task = VisualSerialRecognition(lists=(3,))
    >>> x, y, facts = task.trials(1, torch.Generator().manual_seed(0))
    >>> y.tolist(), facts["position"].tolist()  # 1 where the left pattern is the old one
    ([[0, 0, 0, 1, 2, 1]], [[0, 0, 0, 1, 2, 3]])
    """

    lists: tuple[int, ...] = tuple(range(2, 10))  # items
    differ: tuple[int, ...] = (2, 4, 6, 8, 10)  # cells
    side: int = 6  # cells

    # without annotations: facts of the task, not fields
    outputs = 3
    objective = ASKED
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("visual serial recognition", 1, list=min(self.lists))
        at_least("visual serial recognition", 3, side=self.side)
        if not set(self.differ) <= set(range(2, self.side**2 + 1, 2)):
            raise BadInput(f"visual serial recognition: differ must be even and fit, got {self.differ}")
        self.set_facts(inputs=3 * self.side**2)

    def trials(self, batch: int, generator: torch.Generator) -> Trials:
        length, differ = (one_of(one, batch, generator) for one in (self.lists, self.differ))
        longest, cells = max(self.lists), self.side**2
        place = torch.arange(longest).expand(batch, -1)
        listed, test = place < length[:, None], place + length[:, None]
        old, new = patterns(longest, cells, differ, generator)
        left = torch.rand(batch, longest, generator=generator) < 0.5
        pair = torch.where(left.unsqueeze(-1), torch.cat([old, new], -1), torch.cat([new, old], -1))
        x = torch.zeros(batch, 2 * longest, self.inputs)
        y = torch.zeros(x.shape[:2], dtype=torch.long)
        position = torch.zeros_like(y)
        lay(x[..., :cells], place, old, listed)
        lay(x[..., cells:], test, pair, listed)
        lay(y, test, 2 - left.long(), listed)
        lay(position, test, place + 1, listed)
        return Trials(x, y, {"list": length, "differ": differ, "position": position})
