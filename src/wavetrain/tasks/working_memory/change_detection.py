"""Change detection: bars in one frame, a delay, and the bars again: has one of them changed?

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768, after Luck and Vogel 1997, doi 10.1038/36846: 2, 4, 6, 8, 10
or 12 bars that differ in size, colour, orientation and whether they have a gap, each of two values; then
0, 6, 12 or 18 blank frames. In half of the trials one feature of one bar is the other one. There are five
variants: the feature is known beforehand (four), or may be any (conjunction).

    frame    bars   blank ...   bars   blank
    y         -        -       1 or 2    -     (class 0) is not asked

Here bars stand in 12 places, and features are 1 or -1: all are as easy to see. Guessing gets half right.
"""

import enum
from dataclasses import dataclass

import torch

from wavetrain.parts.trials import Trials, TrialTask, one_of
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least


class Change(enum.Enum):
    """Which features may change."""

    SIZE = (0,)
    COLOUR = (1,)
    ORIENTATION = (2,)
    GAP = (3,)
    CONJUNCTION = (0, 1, 2, 3)


@dataclass(frozen=True)
class ChangeDetection(TrialTask):
    """x (B, T, 4 places + 1): the features in each place, and whether this is the test. y: 1 same, 2 changed.

    Facts: `bars`, how many; `retention`, blank frames; `changed`, 0 or 1; `feature` that would change.

    >>> from wavetrain.tasks import ChangeDetection
    >>> task = ChangeDetection(sets=(4,), retentions=(2,))
    >>> x, y, facts = task.trials(3, torch.Generator().manual_seed(0))
    >>> y[:, 3].tolist(), facts["changed"].tolist()  # class 2 says that a bar has changed
    ([2, 2, 1], [1, 1, 0])
    """

    sets: tuple[int, ...] = (2, 4, 6, 8, 10, 12)  # bars
    retentions: tuple[int, ...] = (0, 6, 12, 18)  # frames
    change: Change = Change.CONJUNCTION

    # without annotations: facts of the task, not fields
    outputs = 3
    objective = ASKED
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("change detection", 1, bars=min(self.sets))
        at_least("change detection", 0, retention=min(self.retentions))
        self.set_facts(inputs=4 * max(self.sets) + 1)

    def trials(self, batch: int, generator: torch.Generator) -> Trials:
        bars, retention, feature, changed = (
            one_of(one, batch, generator) for one in (self.sets, self.retentions, self.change.value, (0, 1))
        )
        trial, places = torch.arange(batch), max(self.sets)
        rank = torch.rand(batch, places, generator=generator).argsort(1)  # the bar of rank 0 may change
        first = 2.0 * torch.randint(2, (batch, places, 4), generator=generator) - 1
        first *= (rank < bars[:, None]).unsqueeze(-1)
        last = first.clone()
        last[trial, rank.argmin(1), feature] *= 1 - 2 * changed
        x = torch.zeros(batch, 2 + max(self.retentions), self.inputs)
        y = torch.zeros(x.shape[:2], dtype=torch.long)
        x[:, 0, :-1] = first.flatten(1)
        x[trial, 1 + retention, :-1] = last.flatten(1)
        x[trial, 1 + retention, -1] = 1
        y[trial, 1 + retention] = 1 + changed
        facts = {"bars": bars, "retention": retention, "changed": changed, "feature": feature}
        return Trials(x, y, facts)
