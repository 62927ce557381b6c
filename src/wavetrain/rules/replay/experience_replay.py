"""Experience replay: each batch is learned together with some of the sequences that came before.

Robins 1995, Connection Science 7:123, who called it rehearsal; as in Buzzega et al. 2020, arXiv 2004.07211. A
reservoir holds a fair sample of all sequences so far. Of these `replayed` are drawn with each batch, and the
loss is the mean over both together. Afterwards the batch is offered to the reservoir, so that a sequence is
never replayed in the step in which it is new. While nothing is kept this is backpropagation.
Left out: selection of what is kept or drawn, and samples that are balanced between classes.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from wavetrain.core import Batch, Card, check_width, go_back
from wavetrain.core.terms import Stated, Terms, learns
from wavetrain.parts.reservoir import Reservoir


class ExperienceReplay(Stated):
    """Teaches any network; replays as many sequences as a batch has, or so many as are told.

    Sequences and answers must have the shapes of those that came first. The loss that is returned is that of
    the batch. Draws are its own, by `seed`.

    >>> from wavetrain.core import CLASSES, Batch
    >>> from wavetrain.rules import ExperienceReplay
    >>> rule, network = ExperienceReplay(size=50), torch.nn.Linear(3, 2)
    >>> for _ in range(10):
    ...     _ = rule.learn(network, Batch(torch.randn(8, 5, 3), torch.randint(2, (8, 5))), CLASSES.loss)
    >>> len(rule.kept), rule.kept.seen  # of 80 sequences, each with the same chance
    (50, 80)
    """

    card = Card(
        title="Catastrophic forgetting, rehearsal and pseudorehearsal",
        authors="Robins, Anthony",
        year=1995,
        source="Connection Science 7, doi 10.1080/09540099550039318",
        family="replay",
        topic="Learning without forgetting",
    )

    def __init__(self, size: int = 200, replayed: int | None = None, seed: int = 0):
        check_width("ExperienceReplay", size=size, **({} if replayed is None else {"replayed": replayed}))
        self.replayed = replayed
        self.kept = Reservoir(size, seed)  # sequences and answers

    def terms(self, network: nn.Module) -> Terms:
        return Terms(trains=learns(network), passes=2)

    def state_dict(self) -> dict[str, Tensor]:
        return self.kept.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.kept.load_state_dict(state)

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        self.kept.check(*batch)
        x, y = batch
        if len(self.kept):
            old = self.drawn(len(x) if self.replayed is None else self.replayed)
            x, y = torch.cat([x, old.x.to(x)]), torch.cat([y, old.y.to(y)])
        outputs = network(x)
        go_back(loss(outputs, y))
        self.kept.keep(*batch)
        return loss(outputs[: len(batch.x)], batch.y).detach()

    def drawn(self, many: int) -> Batch:
        """So many of those that are kept."""
        return Batch(*self.kept.draw(many))
