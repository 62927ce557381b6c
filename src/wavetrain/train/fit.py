"""One loop that trains, as a generator of steps, and one function that examines."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wavetrain.core import Batch, Objective, Rule, Task, examined
from wavetrain.train.ranks import ALONE, Ranks
from wavetrain.train.shares import learn


class Step(NamedTuple):
    """What one step of training did."""

    done: int  # steps, this one included
    loss: Tensor  # of its batch, before the update; on the device


def fit(
    network: nn.Module,
    task: Task,
    rule: Rule,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    batch: int,
    which: range,
    clip: float | None = None,
    together: Ranks = ALONE,
    pieces: int = 1,
) -> Iterator[Step]:
    """Draw, learn, clip the norm of the gradient, update; yields after each step and may be left at any.

    `which` numbers the steps: a training that goes on begins where it stopped. Each process takes its share
    of every batch, in so many pieces (`shares.py`).
    """
    for index in which:
        optimiser.zero_grad(set_to_none=True)
        loss = learn(rule, network, task.draw(batch, generator), task.objective, together, pieces)
        if clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), clip)
        optimiser.step()
        yield Step(index + 1, loss)


@torch.no_grad()
def examine(
    network: nn.Module, held_out: Batch, objective: Objective, chunk: int = 250, together: Ranks = ALONE
) -> float:
    """The score on a held-out batch, in chunks of sequences to bound memory; each process takes its share."""
    device = next(network.parameters()).device

    def answered(rows: slice) -> Tensor:
        return torch.cat([network(x.to(device)).cpu() for x in held_out.x[rows].split(chunk)])

    with examined(network):
        outputs = together.outputs(answered, len(held_out.x))
    return float(objective.score(outputs, held_out.y))
