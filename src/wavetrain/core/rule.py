"""A rule: how a network learns from a batch; what it leaves in `.grad` any optimiser may follow."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from torch import Tensor, nn

from wavetrain.core.card import Card
from wavetrain.core.task import Batch
from wavetrain.errors import BadInput


class Rule(ABC):
    """A way to learn: it leaves the update of each parameter in `.grad`, so that any optimiser may follow."""

    card: ClassVar[Card]

    @abstractmethod
    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """One batch through the network; returns the loss, detached."""


def go_back(loss: Tensor) -> None:
    """The gradient of a loss in `.grad` of all that learns; raises where nothing that it comes from does."""
    if not loss.requires_grad:
        raise BadInput("expected a loss of something that learns, got one of frozen parameters alone")
    loss.backward()


@contextmanager
def examined(network: nn.Module) -> Iterator[None]:
    """A network in evaluation mode; afterwards each part of it is in the mode that it was in."""
    modes = {part: part.training for part in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
