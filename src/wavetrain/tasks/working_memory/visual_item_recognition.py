"""Visual item recognition: patterns one after another, a delay, then two of which one was among them.

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768: patterns of 6 x 6 cells, half of them dark, in lists of 4,
6, 8 or 10; then 0, 2, 4, 5 or 6 blank frames; then an old pattern and a distractor that differs from it in
4 cells, side by side: which is the old one? A cell is 1 where it is dark and -1 where it is light.

    frame    item 1 ... item n   blank ...   left | right   blank
    y             -      -           -          1 or 2        -     (class 0) is not asked

Guessing gets half right.
"""

from dataclasses import dataclass

import torch

from wavetrain.errors import BadInput
from wavetrain.parts.trials import Trials, TrialTask, one_of, patterns
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class VisualItemRecognition(TrialTask):
    """x (B, T, 3 side²): the item, and left and right of the test. y (B, T): 1 if the left is old, 2 if not.

    Facts: `list`, its length; `retention`, blank frames; `position` in the list of the old item, from 1.

    >>> from wavetrain.tasks import VisualItemRecognition
    >>> task = VisualItemRecognition(lists=(4,), retentions=(2,))
    >>> x, y, facts = task.trials(1, torch.Generator().manual_seed(0))
    >>> y.tolist(), facts["position"].tolist()  # which is the old one, and where it stood in the list
    ([[0, 0, 0, 0, 0, 0, 1]], [4])
    """

    lists: tuple[int, ...] = (4, 6, 8, 10)  # items
    retentions: tuple[int, ...] = (0, 2, 4, 5, 6)  # frames
    side: int = 6  # cells
    differ: int = 4  # cells

    # without annotations: facts of the task, not fields
    outputs = 3
    objective = ASKED
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("visual item recognition", 1, list=min(self.lists))
        at_least("visual item recognition", 0, retention=min(self.retentions))
        at_least("visual item recognition", 3, side=self.side)
        if self.differ not in range(2, self.side**2 + 1, 2):
            raise BadInput(f"visual item recognition: differ must be even and fit, got {self.differ}")
        self.set_facts(inputs=3 * self.side**2)

    def trials(self, batch: int, generator: torch.Generator) -> Trials:
        length, retention = (one_of(one, batch, generator) for one in (self.lists, self.retentions))
        longest, cells, trial = max(self.lists), self.side**2, torch.arange(batch)
        old, new = patterns(longest, cells, torch.full((batch,), self.differ), generator)
        position = (torch.rand(batch, generator=generator) * length).long()
        left = torch.rand(batch, generator=generator) < 0.5
        pair = torch.stack([old[trial, position], new[trial, position]], 1)  # (B, 2, cells)
        pair = torch.where(left[:, None, None], pair, pair.flip(1))
        x = torch.zeros(batch, longest + max(self.retentions) + 1, self.inputs)
        y = torch.zeros(x.shape[:2], dtype=torch.long)
        x[:, :longest, :cells] = old * (torch.arange(longest) < length[:, None]).unsqueeze(-1)
        x[trial, length + retention, cells:] = pair.flatten(1)
        y[trial, length + retention] = 2 - left.long()
        return Trials(x, y, {"list": length, "retention": retention, "position": position + 1})
