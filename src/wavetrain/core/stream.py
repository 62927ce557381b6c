"""A stream: something that takes in records one after the other and learns at each, without gradients."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from jaxtyping import Bool
from torch import Tensor

from wavetrain.core.card import Card
from wavetrain.core.state import State


class Stream(ABC):
    """An online learner. All that it has learned is in its state, which is passed in and returned.

    There is no batch: records are bits of one stream, one after the other. A stream gives the same however it
    is cut into calls, and the state that is given stays as it is, so that one may go on from it in several
    ways.

    >>> from wavetrain.core import Stream
    >>> from wavetrain.memories import TemporalMemory
    >>> stream, x = TemporalMemory(64, cells=4), torch.rand(30, 64) < 0.1
    >>> trace, state = stream.forward(x)
    >>> again, state = stream.forward(x[20:], stream.forward(x[:20])[1])  # cut in two, it gives the same
    >>> isinstance(stream, Stream), again.anomaly.equal(trace.anomaly[20:])
    (True, True)
    """

    card: ClassVar[Card]
    inputs: int  # bits of a record

    @abstractmethod
    def empty(self) -> State:
        """The state before the first record, when nothing has been learned."""

    @abstractmethod
    def forward(
        self, x: Bool[Tensor, "time inputs"], state: State = None, learn: bool = True
    ) -> tuple[Any, State]:
        """Records x give what happened at each and the last state."""

    def step(self, x: Bool[Tensor, "inputs"], state: State) -> tuple[Any, State]:
        """One record x and the state give what happened, with T = 1, and the next state."""
        return self.forward(x[None], state)
