"""A network: a whole model, from a batch of sequences to the answers that a task asks for."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from jaxtyping import Float, Int
from torch import Tensor, nn

from wavetrain.core.card import Card
from wavetrain.core.state import State


class Network(nn.Module, ABC):
    """A whole model: x (B, T, inputs), or tokens (B, T), to answers for each step or for each sequence.

    Unlike a layer it need not be causal, nor stand in a stack. What it is built from is its own affair.
    Sequences of a batch know nothing of each other.

    >>> from wavetrain.core import Network
    >>> from wavetrain.networks import Translator
    >>> issubclass(Translator, Network)
    True
    """

    card: ClassVar[Card]

    @abstractmethod
    def forward(self, x: Float[Tensor, "batch time inputs"] | Int[Tensor, "batch time"]) -> Any:
        """The answers to x (B, T, inputs), or tokens (B, T): what the objective of a task takes."""


class Carrying(Network):
    """A network that goes on from where it was: its state is passed in and returned, as that of a layer.

    >>> from wavetrain.core import Carrying
    >>> from wavetrain.networks import PredictiveAutoencoder
    >>> network = PredictiveAutoencoder(hidden=4, inputs=3)
    >>> y, state = network.carry(torch.rand(2, 5, 3))
    >>> isinstance(network, Carrying), tuple(state.shape)
    (True, (2, 4))
    """

    @abstractmethod
    def begin(self, batch: int) -> State:
        """The state before the first step."""

    @abstractmethod
    def carry(
        self, x: Float[Tensor, "batch time inputs"] | Int[Tensor, "batch time"], state: State = None
    ) -> tuple[Float[Tensor, "batch *answers"], State]:
        """The answers (B, T, ...) to x (B, T, inputs) or tokens (B, T), after a state, and the last state.

        Raises BadInput for an input of another shape.
        """

    def forward(self, x: Float[Tensor, "batch time inputs"] | Int[Tensor, "batch time"]) -> Any:
        return self.carry(x)[0]
