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
    device, rows = next(network.parameters()).device, together.share(len(held_out.x))
    own = rows.stop - rows.start
    x = held_out.x if together.alone else held_out.x[rows if own else slice(0, 1)]  # one row for its shape
    with examined(network):
        outputs = torch.cat([network(part.to(device)).cpu() for part in x.split(chunk)])
    if not together.alone:
        outputs = together.whole(outputs[:own], len(held_out.x))
    return float(objective.score(outputs, held_out.y))
