"""A rule: how a network learns from a batch; what it leaves in `.grad` any optimiser may follow."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core.card import Card
from wavetrain.core.task import Batch
from wavetrain.errors import BadInput


class Lesson(NamedTuple):
    """What a rule can be tried on.

    >>> from wavetrain.core import CLASSES, Batch, Lesson
    >>> x, y = torch.randn(8, 5, 3), torch.randint(2, (8, 5))
    >>> network, batch, loss = Lesson(torch.nn.Linear(3, 2), Batch(x, y), CLASSES.loss)
    >>> loss(network(batch.x), batch.y).shape
    torch.Size([])
    """

    network: nn.Module
    batch: Batch
    loss: Callable[[Tensor, Tensor], Tensor]  # of outputs and answers


class Rule(ABC):
    """A way to learn: it leaves the update of each parameter in `.grad`, so that any optimiser may follow.

    >>> from wavetrain.core import CLASSES, Batch, Rule
    >>> from wavetrain.rules import Backpropagation
    >>> rule, network = Backpropagation(), torch.nn.Linear(3, 2)
    >>> loss = rule.learn(network, Batch(torch.randn(8, 5, 3), torch.randint(2, (8, 5))), CLASSES.loss)
    >>> isinstance(rule, Rule), network.weight.grad.shape  # now it is the optimiser's turn
    (True, torch.Size([2, 3]))
    """

    card: ClassVar[Card]
    by_rows: ClassVar[bool] = False  # whether it adds to `.grad` what rows give one by one, for a given loss

    @abstractmethod
    def learn(
        self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]
    ) -> Float[Tensor, ""]:
        """One batch through the network; returns its loss, detached, made of outputs and answers (B, ...).

        Raises BadInput for a network that the rule cannot teach.
        """

    def state_dict(self) -> dict[str, Tensor]:
        """What it has learned, counted or drawn beside the network: all that is to be kept to go on.

        Nothing, unless a rule says so. What it was made with does not belong to it.

        >>> from wavetrain.rules import GradientNoise
        >>> GradientNoise().state_dict()
        {'steps': tensor(0)}
        """
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from there; the rule must have been made with the same words. Learned so far is forgotten.

        Raises BadInput, or KeyError or RuntimeError where names or shapes are missing, for a state of
        another rule.
        """
        if state:
            raise BadInput(
                f"{type(self).__name__}: expected no state, since it keeps none, got {', '.join(state)}"
            )

    @classmethod
    def lesson(cls) -> Lesson | None:
        """A small network that it can teach, for the contract; None where it can teach any."""
        return None


def go_back(loss: Float[Tensor, ""]) -> None:
    """The gradient of a loss (a number) in `.grad` of all that learns.

    Raises BadInput where nothing that the loss comes from learns.

    >>> from wavetrain.core import go_back
    >>> w = torch.tensor(3.0, requires_grad=True)
    >>> go_back(w**2)
    >>> w.grad
    tensor(6.)
    """
    if not loss.requires_grad:
        raise BadInput("expected a loss of something that learns, got one of frozen parameters alone")
    loss.backward()


@contextmanager
def examined(network: nn.Module) -> Iterator[None]:
    """A network in evaluation mode; afterwards each part of it is in the mode that it was in.

    >>> from wavetrain.core import examined
    >>> network = torch.nn.Dropout()
    >>> with examined(network):
    ...     print(network.training)
    False
    >>> network.training
    True
    """
    modes = {part: part.training for part in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
