"""Random walks in a square: straight lines from wall to wall, told by what an animal would sense of them.

Chen, Zhang, Cameron and Sejnowski 2024, Neuron 112:2645, in the form of the released script. The square is
[-1, 1] x [-1, 1]; a walk goes straight in steps of 0.1 and takes a new direction at random within half a
step of a wall. Three things are known at each step: the path s since the last wall, the
direction phi of the place as seen from the middle, and the heading theta against the inward normal of that
wall. Each cell is a random threshold unit of the six features (W standard normal, drawn once):

    x_t = [W (cos, sin) of (2 pi s / sqrt(8), phi, 2 theta) > 0]

    x  what is sensed at t, 0 or 1 for each cell      y  the same `ahead` steps later

With `ahead` 0 the answer is the input itself. What is sensed tells the place only in part: which of the walls
was the last is not in it. The score is R²: saying the mean of each cell scores 0. `code` makes inputs of any
path, that of a real animal for example.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from wavetrain.core import VALUES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least

SIDE = 2.0  # of the square
NORMALS = (0.0, math.pi / 2, math.pi, -math.pi / 2)  # into the square, at its left, lower, right, upper wall


@dataclass(frozen=True)
class RandomWalks(Generated):
    """x (B, time, cells) of 0 and 1, y alike.

    >>> from wavetrain.tasks import RandomWalks
    >>> task = RandomWalks(time=10, ahead=1)
    >>> x, y = task.draw(2, torch.Generator().manual_seed(0))
    >>> x.shape, torch.equal(x[:, 1:], y[:, :-1])  # y is what is sensed one step later
    (torch.Size([2, 10, 50]), True)
    """

    time: int = 50  # steps
    cells: int = 50
    ahead: int = 1  # steps from what is given to what is asked
    step: float = 0.1  # length; the square has side 2
    seed: int = 0  # of the cells' weights: another seed is another environment

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = VALUES
    chance = 0.0
    held_out = 200

    def __post_init__(self) -> None:
        at_least("random walks", 1, time=self.time, cells=self.cells)
        at_least("random walks", 0, ahead=self.ahead)
        if not 0 < self.step <= 1:
            raise BadInput(f"random walks: expected a step above 0 and at most 1, got {self.step}")
        self.set_facts(inputs=self.cells, outputs=self.cells)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x, _ = self.walk(batch, generator)
        return Batch(x[:, : self.time], x[:, self.ahead :])

    def walk(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """What is sensed (B, time + ahead, cells) and where (B, time + ahead, 2), in the midst of a walk."""
        lead = math.ceil(SIDE * math.sqrt(2) / self.step)  # the longest line: after it a wall was met
        place = SIDE * torch.rand(batch, 2, generator=generator) - SIDE / 2
        heading = 2 * math.pi * torch.rand(batch, generator=generator)
        places = []
        for _ in range(lead + self.time + self.ahead + 1):
            turn = _wall(place)[0] <= self.step / 2
            while turn.any():
                heading = torch.where(turn, 2 * math.pi * torch.rand(batch, generator=generator), heading)
                turn &= (place + self._move(heading)).abs().amax(-1) > SIDE / 2
            places.append(place)
            place = (place + self._move(heading)).clamp(-SIDE / 2, SIDE / 2)
        path = torch.stack(places, 1)
        return self.code(path)[:, lead:], path[:, lead:-1]

    def code(self, place: Tensor) -> Tensor:
        """What the cells sense along paths (B, T, 2), (B, T - 1, cells): the last step has no heading.

        A wall is met within half a step of it. Before that, the path counts from its start, and the heading
        is against the nearest wall there. One that does not move keeps the heading of its last move.
        """
        move = place.diff(dim=1)
        length = move.norm(dim=-1)  # (B, T - 1)
        distance, normal = _wall(place[:, :-1])
        met = _latest(distance <= self.step / 2)
        travelled = length.cumsum(1) - length  # up to each step
        heading = torch.atan2(move[..., 1], move[..., 0]).gather(1, _latest(length > 0))
        x, y = place[:, :-1].unbind(-1)
        angles = (
            (travelled - travelled.gather(1, met)) * 2 * math.pi / (SIDE * math.sqrt(2)),
            torch.atan2(y, x),
            2 * (heading - normal.gather(1, met)),
        )
        features = torch.stack([turn(angle) for angle in angles for turn in (torch.cos, torch.sin)], -1)
        weight = torch.randn(6, self.cells, generator=torch.Generator().manual_seed(self.seed))
        return (features @ weight > 0).float()

    def _move(self, heading: Tensor) -> Tensor:
        return self.step * torch.stack([heading.cos(), heading.sin()], -1)


def _wall(place: Tensor) -> tuple[Tensor, Tensor]:
    """How far the nearest wall is from places (..., 2), and its normal into the square, both (...)."""
    x, y = place.unbind(-1)
    distance, wall = (SIDE / 2 + torch.stack([x, y, -x, -y], -1)).min(-1)
    return distance, torch.tensor(NORMALS, dtype=place.dtype)[wall]


def _latest(event: Tensor) -> Tensor:
    """The step of the last event up to each step, 0 before the first: (B, T) bool to (B, T) long."""
    return (event.long() * torch.arange(event.shape[1])).cummax(1).values
