"""By chunks of time: how the Tolman-Eichenbaum machine learns, on losses of its own beside the task's.

Whittington et al. 2020, Cell 183, 1249-1263. A walk is cut into chunks. Inside one the gradient of all losses
goes back through time, and at its end it stops: the state is handed on without it. To the task's loss, which
asks what is seen next, come what the codes of place and of the inferred place tell of it, how far these codes
lie apart, and the prices of cells (`TolmanEichenbaum.losses`). Only steps at nodes that were seen before
count. Each batch counts one iteration, by which the schedules of the machine run.
Left out: updates inside a walk; gradients of all its chunks are summed.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Batch, Card, Lesson, Rule, check_width, go_back, map_state
from wavetrain.errors import BadInput
from wavetrain.networks.tolman_eichenbaum import TolmanEichenbaum


class ByChunks(Rule):
    """Teaches `TolmanEichenbaum` in chunks of so many steps, and leaves gradients in `.grad`.

    The task asks at each step for the next observation, and class 0 where it cannot be known. The loss that
    is returned is that of the task alone, summed over chunks. Raises BadInput for another network.

    >>> from wavetrain.rules import ByChunks
    >>> network, batch, loss = ByChunks.lesson()
    >>> ByChunks(chunk=4).learn(network, batch, loss).shape, int(network.iteration)
    (torch.Size([]), 1)
    """

    card = Card(
        title="The Tolman-Eichenbaum machine: Unifying space and relational memory through generalization "
        "in the hippocampal formation",
        authors="Whittington, James C. R. and Muller, Timothy H. and Mark, Shirley and Chen, Guifen "
        "and Barry, Caswell and Burgess, Neil and Behrens, Timothy E. J.",
        year=2020,
        source="Cell 183, doi 10.1016/j.cell.2020.10.024",
        family="gradient",
        topic="Cognitive maps",
    )

    def __init__(self, chunk: int = 20):
        check_width("ByChunks", chunk=chunk)
        self.chunk = chunk

    @classmethod
    def lesson(cls) -> Lesson:
        seen = torch.arange(24).view(3, 8).remainder(5)
        x = torch.cat([F.one_hot(1 + seen, 6), F.one_hot(seen.remainder(4), 4)], -1).float()
        y = F.pad(1 + seen[:, 1:], (0, 1))

        def loss(outputs: Tensor, answers: Tensor) -> Tensor:
            return F.cross_entropy(outputs.mT, answers, ignore_index=0)

        return Lesson(TolmanEichenbaum(5, 4, modules=(3, 2)), Batch(x, y), loss)

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        if not isinstance(network, TolmanEichenbaum):
            raise BadInput(f"ByChunks: expected a TolmanEichenbaum, got {type(network).__name__}")
        known = F.pad(batch.y[:, :-1] > 0, (1, 0))
        total, state = batch.x.new_zeros(()), None
        for x, y, at in zip(*(part.split(self.chunk, 1) for part in (batch.x, batch.y, known)), strict=True):
            walk, state = network.walk(x, state)
            state = map_state(torch.Tensor.detach, state)
            if at.any() and (y > 0).any():
                asked = loss(walk.predicted, y)
                go_back(asked + network.losses(walk, x, at))
                total += asked.detach()
        network.iteration += 1
        return total
