"""Consolidation: cortical columns learn by backpropagation, then write events and rehearse what they forget.

Khadangi 2026, arXiv 2602.22479. The loss of a batch is that of the words to come, and the price of experts
that are used unequally. Chunks of earlier text that are drawn for rehearsal go through the columns alone, and
their loss counts by a weight that rises where it is above the least so far. After the backward pass the
chunks of this batch are kept, and the hippocampus writes the steps that surprised it. How chunks are drawn
and weighed, how events fade, what is ours and what is left out stand with the network, `cortical_columns`.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import TOKENS, Batch, Card, Lesson, Rule, go_back
from wavetrain.errors import BadInput
from wavetrain.networks._rehearsal import Rehearsal
from wavetrain.networks.cortical_columns import BALANCE, CorticalColumns


class Consolidation(Rule):
    """Teaches `CorticalColumns`, and leaves gradients in `.grad`; the loss that is returned is the batch's.

    Raises BadInput for another network.

    >>> from wavetrain.rules import Consolidation
    >>> network, batch, loss = Consolidation.lesson()
    >>> Consolidation().learn(network, batch, loss).shape, int(network.rehearsal.seen)  # chunks kept
    (torch.Size([]), 4)
    """

    card = Card(
        title="Efficient continual learning in language models via thalamically routed cortical columns",
        authors="Khadangi, Afshin",
        year=2026,
        source="arXiv 2602.22479",
        family="gradient",
        topic="Learning without forgetting",
    )

    @classmethod
    def lesson(cls) -> Lesson:
        network = CorticalColumns(5, 8, columns=2, heads=2, slots=4, rehearsal=Rehearsal(7))
        text = torch.arange(32).view(4, 8).remainder(5)
        return Lesson(network, Batch(text[:, :-1], text[:, 1:]), TOKENS.loss)

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        if not isinstance(network, CorticalColumns):
            raise BadInput(f"Consolidation: expected CorticalColumns, got {type(network).__name__}")
        run, rehearsal = network.run(batch.x), network.rehearsal
        value = loss(run.logits, batch.y)
        total = value + BALANCE * run.balance
        if rehearsal is not None and rehearsal.seen:
            which = rehearsal.draw()
            again = rehearsal.chunks[which]
            bare = network.run(again[:, :-1], bare=True)
            losses = F.cross_entropy(bare.logits.mT, again[:, 1:], reduction="none").mean(1)
            total = total + rehearsal.weight.clone() * (losses.mean() + BALANCE * bare.balance)
        go_back(total)
        if rehearsal is not None:
            if rehearsal.seen:
                rehearsal.told(which, losses.detach())
            rehearsal.keep(batch)
        if network.hippocampus is not None:
            each = F.cross_entropy(run.logits.detach().mT, batch.y, reduction="none")
            network.hippocampus.write(run.stream, each)
        return value.detach()
