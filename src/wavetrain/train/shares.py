"""A batch that is learned in shares: by several processes, or in pieces one after another to bound memory.

The loss of a batch is a mean over its answers, or something else that all of them enter. A mean of means over
shares is neither, where shares hold unequal numbers of answers. So no share has a loss of its own:

    an objective with a `count`    each share's mean counts by its part of all answers in the batch; all
                                   processes have drawn the whole batch, so nobody asks for that number
    any other                      the outputs of all processes are put together, each makes the loss of the
                                   whole batch, and goes back through its own rows

Either way gradients add up to those of the whole batch in one process, to rounding.
"""

import torch
from torch import Tensor, nn

from wavetrain.core import Batch, Objective, Rule
from wavetrain.errors import BadInput
from wavetrain.train.ranks import ALONE, Ranks


def learn(
    rule: Rule,
    network: nn.Module,
    batch: Batch,
    objective: Objective,
    together: Ranks = ALONE,
    pieces: int = 1,
) -> Tensor:
    """One batch, of which this process takes its share in so many pieces; returns the loss of the whole.

    Gradients add up to those of the whole batch, and are the same in all processes. Raises BadInput for a
    rule that learns only from whole batches.
    """
    device = next(network.parameters()).device
    if together.alone and pieces == 1:
        return rule.learn(network, batch.to(device), objective.loss)
    if not rule.by_rows:
        raise BadInput(
            f"{type(rule).__name__} learns from whole batches: expected one process and one piece, got "
            f"{together.world} and {pieces}"
        )
    if objective.count is not None:
        loss = _counted(rule, network, batch, objective, together.share(len(batch.x)), pieces)
        return together.sum_gradients(network.parameters(), loss)
    if pieces > 1:
        raise BadInput(
            f"a batch is learned in {pieces} pieces: expected an objective whose loss is a mean over answers "
            f"and that has a `count` of them, got {objective.measure!r} without"
        )
    return _put_together(rule, network, batch, objective, together)


def _counted(
    rule: Rule, network: nn.Module, batch: Batch, objective: Objective, share: slice, pieces: int
) -> Tensor:
    """The part of the loss that a share makes, in pieces."""
    assert objective.count is not None
    device = next(network.parameters()).device
    whole, total = int(objective.count(batch.y)), torch.zeros((), device=device)
    if not whole:  # then the loss is no number, in one process too
        return rule.learn(network, batch.to(device), objective.loss)
    for x, y in zip(*(part[share].tensor_split(pieces) for part in batch), strict=True):
        part = int(objective.count(y)) / whole
        if part:

            def loss(outputs: Tensor, y: Tensor, part: float = part) -> Tensor:
                return objective.loss(outputs, y) * part

            total = total + rule.learn(network, Batch(x, y).to(device), loss)
    return total


def _put_together(
    rule: Rule, network: nn.Module, batch: Batch, objective: Objective, together: Ranks
) -> Tensor:
    """The loss of the whole batch, made of the outputs of all."""
    device, answers = next(network.parameters()).device, batch.y
    rows = together.share(len(answers))
    own = rows.stop - rows.start
    run = rows if own else slice(0, 1)  # for its shape: none of its outputs is counted
    whole = answers.to(device)

    def loss(outputs: Tensor, y: Tensor) -> Tensor:
        return objective.loss(together.whole(outputs[:own], len(answers)), whole)

    found = rule.learn(network, Batch(batch.x[run], answers[run]).to(device), loss)
    together.sum_gradients(network.parameters(), found)
    return found
