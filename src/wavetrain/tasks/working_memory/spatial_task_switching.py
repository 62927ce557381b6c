"""Spatial task switching: a marker in one of four quadrants; a cue says which of two questions is asked.

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768: 20 frames. The first is a cue: up or down, or left or right?
Each later frame switches with probability 0.2, which is a frame with the cue of the other rule; else a
marker is in one of the quadrants and is answered by the rule of the last cue.

    frame    cue    marker     marker     cue    marker ...
    y         3     1 or 2     1 or 2      3     1 or 2        1 up or left, 2 down or right

The cost of a switch is what the first marker after a new cue loses against those that follow. A cue is
answered as such, so that the best guess by the step alone gets (1 + 19 max(0.2, 0.8 / 2)) / 20 = 0.43 right.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from wavetrain.errors import BadInput
from wavetrain.parts.trials import Trials, TrialTask
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class SpatialTaskSwitching(TrialTask):
    """x (B, frames, 6): which rule, which quadrant. y (B, frames): every frame is asked.

    Facts, for each frame: `since`, frames since the last cue, 0 at the cue itself; `rule`, 0 or 1;
    `switches`, cues of a new rule so far.

    >>> from wavetrain.tasks import SpatialTaskSwitching
    >>> x, y, facts = SpatialTaskSwitching(frames=8).trials(1, torch.Generator().manual_seed(1))
    >>> y[0].tolist()  # 3 is a cue
    [3, 1, 2, 1, 3, 1, 1, 2]
    >>> facts["since"][0].tolist()  # frames since the last cue
    [0, 1, 2, 3, 0, 1, 2, 3]
    """

    frames: int = 20
    switch: float = 0.2  # probability

    # without annotations: facts of the task, not fields
    inputs = 6
    outputs = 4
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("spatial task switching", 1, frames=self.frames)
        if not 0 <= self.switch <= 1:
            raise BadInput(f"spatial task switching: switch is a probability, got {self.switch}")
        later = max(self.switch, (1 - self.switch) / 2)
        self.set_facts(chance=(1 + (self.frames - 1) * later) / self.frames)

    def trials(self, batch: int, generator: torch.Generator) -> Trials:
        cue = torch.rand(batch, self.frames, generator=generator) < self.switch
        cue[:, 0] = True
        switches = cue.cumsum(1) - 1
        rule = (torch.randint(2, (batch, 1), generator=generator) + switches) % 2
        quadrant = torch.randint(4, (batch, self.frames), generator=generator)
        side = torch.where(rule == 0, quadrant // 2, quadrant % 2)  # down, or right
        x = F.one_hot(torch.where(cue, rule, 2 + quadrant), 6).float()
        y = torch.where(cue, 3, 1 + side)
        now = torch.arange(self.frames).expand(batch, -1)
        since = now - torch.where(cue, now, 0).cummax(1).values
        return Trials(x, y, {"since": since, "rule": rule, "switches": switches})
