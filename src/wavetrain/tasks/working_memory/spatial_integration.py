"""Spatial integration: a pattern of lines is shown in parts; is the whole pattern the same?

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768: 12 lines between neighbours of 5 x 5 points, shown in
parts of 1, 2, 3, 4, 6 or 12 lines, one part a frame, in random order; then a whole pattern. In half of the
trials it is the same; in the others 1 to 4 of its lines are elsewhere.

    frame    part 1 ... part n   pattern   blank
    y             -       -      1 or 2      -     (class 0) is not asked

Here the lines are any 12 of the 40; left out is the path that they form there. Guessing gets half right.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from wavetrain.errors import BadInput
from wavetrain.parts.trials import Trials, TrialTask, lay, one_of
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least, some


@dataclass(frozen=True)
class SpatialIntegration(TrialTask):
    """x (B, 1 + most parts, lines + 1): which lines, and whether this is the test. y: 1 same, 2 changed.

    Facts: `parts`, how many; `moved`, lines that are elsewhere in the test.

    >>> from wavetrain.tasks import SpatialIntegration
    >>> task = SpatialIntegration(sizes=(3,))
    >>> x, y, facts = task.trials(4, torch.Generator().manual_seed(0))
    >>> y[:, 4].tolist(), facts["moved"].tolist()  # the pattern is the same, 1, or changed, 2
    ([2, 2, 2, 1], [4, 4, 4, 0])
    """

    sizes: tuple[int, ...] = (1, 2, 3, 4, 6, 12)  # lines in a part
    pattern: int = 12  # lines
    most_moved: int = 4  # lines
    side: int = 5  # points

    # without annotations: facts of the task, not fields
    outputs = 3
    objective = ASKED
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("spatial integration", 1, size=min(self.sizes), most_moved=self.most_moved)
        lines = 2 * self.side * (self.side - 1)
        if any(self.pattern % size for size in self.sizes) or self.most_moved > self.pattern:
            raise BadInput(
                f"spatial integration: sizes must divide a pattern of {self.pattern} lines, got {self.sizes}"
            )
        if self.pattern + self.most_moved > lines:
            raise BadInput(f"spatial integration: {self.pattern + self.most_moved} lines do not fit {lines}")
        self.set_facts(inputs=lines + 1)

    def trials(self, batch: int, generator: torch.Generator) -> Trials:
        size, trial = one_of(self.sizes, batch, generator), torch.arange(batch)
        moved = one_of(range(1, self.most_moved + 1), batch, generator)
        moved = moved * torch.randint(2, (batch,), generator=generator)
        parts, most = self.pattern // size, self.pattern // min(self.sizes)
        line = some(batch, self.inputs - 1, self.pattern + self.most_moved, generator)
        line = F.one_hot(line, self.inputs)  # (B, pattern + most moved, lines + 1)
        place = torch.arange(self.pattern).expand(batch, -1)
        there = torch.ones_like(place, dtype=torch.bool)
        x = torch.zeros(batch, 1 + most, self.inputs)
        y = torch.zeros(x.shape[:2], dtype=torch.long)
        lay(x, place // size[:, None], line[:, : self.pattern], there)
        x[trial, parts] = line[trial[:, None], place + moved[:, None]].sum(1).float()
        x[trial, parts, -1] = 1
        y[trial, parts] = 1 + (moved > 0).long()
        return Trials(x, y, {"parts": parts, "moved": moved})
