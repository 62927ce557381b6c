"""Loop closure: the last step of a walk leads to a place that was seen, by a way that was never taken.

The example of Whittington et al. 2020, Cell 183:1249: go north, east, south and west, and say what is there.
On an endless square lattice with new labels for each walk, the last steps are a closed walk that meets no
node twice. Straight steps from outside lead to where it begins, so that all walks are equally long, and the
place to name was seen at one of several times. Of one length all pairs of a closed walk and a straight way
into it are as likely.

    label   7 4 1 3 9 2          a loop of 4 steps behind 2 straight ones
    action  N N N E S W
    y       - - - - - 1          - (class 0) is not asked

Guessing gets one in `labels` right; who knows all but which of the loops it was, one in as many as there are
lengths of loops.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from wavetrain.core import Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least

MOVES = ((0, 1), (1, 0), (0, -1), (-1, 0))  # N, E, S, W


@dataclass(frozen=True)
class LoopClosure(Generated):
    """x (B, T, 1 + labels + 4) label and action, one-hot; y (B, T), asked at the end; T = max(loops).

    >>> from wavetrain.tasks import LoopClosure
    >>> task = LoopClosure(loops=(4,))
    >>> x, y = task.draw(1, torch.Generator().manual_seed(0))
    >>> x[0, :, :21].argmax(-1).tolist(), y[0].tolist()  # the loop closes where it began
    ([14, 1, 4, 20], [0, 0, 0, 14])
    """

    loops: tuple[int, ...] = (4, 6, 8, 12)  # steps
    labels: int = 20

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("loop closure", 2, labels=self.labels)
        if not self.loops or any(loop % 2 or not 4 <= loop <= 14 for loop in self.loops):
            raise BadInput(f"loop closure: expected even lengths of loops from 4 to 14, got {self.loops}")
        self.set_facts(inputs=1 + self.labels + 4, outputs=1 + self.labels, chance=1 / self.labels)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        loop, action = self.ways(batch, generator)
        seen = torch.randint(1, 1 + self.labels, action.shape, generator=generator)
        y = torch.zeros_like(seen)
        y[:, -1] = seen.gather(1, action.shape[1] - loop[:, None])[:, 0]
        return Batch(torch.cat([one_hot(seen, 1 + self.labels), one_hot(action, 4)], -1).float(), y)

    def ways(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The length of each loop (B,), and the actions (B, T) that lead to it and round it."""
        rows = [_closed(loop, max(self.loops)) for loop in self.loops]
        which = torch.randint(len(rows), (batch,), generator=generator)
        place = torch.rand(batch, generator=generator)
        action = torch.stack(
            [
                rows[kind][int(at * len(rows[kind]))]
                for kind, at in zip(which.tolist(), place.tolist(), strict=True)
            ]
        )
        return torch.tensor(self.loops)[which], action


@cache
def _closed(loop: int, length: int) -> Tensor:
    """Every closed walk of `loop` steps, with each straight way into it from outside, (ways, length)."""
    ways = []
    for walk in _round(loop, ((0, 0),), ()):
        x = y = 0
        nodes = []
        for action in walk:
            nodes.append((x, y))
            x, y = x + MOVES[action][0], y + MOVES[action][1]
        for action, (dx, dy) in enumerate(MOVES):
            before = {(-back * dx, -back * dy) for back in range(1, length)}
            if not before & set(nodes):
                ways.append((action,) * (length - loop) + walk)
    return torch.tensor(ways)


def _round(loop: int, nodes: tuple[tuple[int, int], ...], walk: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All walks of `loop` steps that go on from `walk`, end where they began, and meet no node twice."""
    x, y = nodes[-1]
    for action, (dx, dy) in enumerate(MOVES):
        to = (x + dx, y + dy)
        left = loop - len(walk) - 1
        if left == 0 and to == (0, 0):
            yield (*walk, action)
        elif left > 0 and to not in nodes and abs(to[0]) + abs(to[1]) <= left:
            yield from _round(loop, (*nodes, to), (*walk, action))
