"""What makes the weights of a network from a task's embedding, chunk by chunk: each by itself, or in order.

    Chunked      w_j = H MLP([e; c_j]) + b                              no chunk knows of another
    Recurrent    u_j, m_j = LSTM([e; c_j], u_{j-1}, m_{j-1});  w_j = H u_j + b

e is the task's, c_j the place of a chunk, which all tasks share; both learn. One head makes all chunks. A
recurrent generator that is not `dependent` begins anew at every chunk: it is the control, whose recurrent
weights, through which nothing comes, do not learn.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Layer, check_width
from wavetrain.errors import BadInput
from wavetrain.layers.gate.lstm import LSTM


class Generator(nn.Module, ABC):
    """Task embeddings (T, embedding) to as many numbers each as they are to make.

    A kind of it has `features`, and a `head` that turns them into chunks.
    """

    head: nn.Linear

    def __init__(self, embedding: int, numbers: int, chunk: int, places: int):
        super().__init__()
        check_width("Generator", embedding=embedding, numbers=numbers, chunk=chunk, places=places)
        self.embedding, self.numbers = embedding, numbers
        self.places = nn.Parameter(torch.randn(-(-numbers // chunk), places))

    def forward(self, tasks: Float[Tensor, "tasks embedding"]) -> Float[Tensor, "tasks numbers"]:
        each = tasks.unsqueeze(1).expand(-1, len(self.places), -1)
        told = torch.cat([each, self.places.expand(len(tasks), -1, -1)], -1)
        chunks: Tensor = self.head(self.features(told))
        return chunks.flatten(1)[:, : self.numbers]

    @abstractmethod
    def features(self, told: Float[Tensor, "tasks chunks told"]) -> Float[Tensor, "tasks chunks width"]:
        """What the head reads of each chunk."""

    def grow(self, units: int) -> None:
        """Raise BadInput, but for a recurrent generator of LSTM units."""
        raise BadInput(f"{type(self).__name__}: expected a recurrent generator of LSTM units to grow")


class Chunked(Generator):
    """A perceptron that makes each chunk by itself; `hidden` are its layers.

    >>> from wavetrain.networks._weight_generators import Chunked
    >>> Chunked(8, numbers=100, chunk=30, places=4, hidden=(10,))(torch.randn(2, 8)).shape
    torch.Size([2, 100])
    """

    def __init__(
        self,
        embedding: int,
        numbers: int,
        chunk: int = 1400,
        places: int = 12,
        hidden: Sequence[int] = (100, 75, 50),
        activation: Callable[[], nn.Module] = nn.ReLU,
    ):
        super().__init__(embedding, numbers, chunk, places)
        if not hidden:
            raise BadInput("Chunked: expected at least one hidden layer, got none")
        for size in hidden:
            check_width("Chunked", hidden=size)
        sizes = (embedding + places, *hidden)
        self.net = nn.Sequential(
            *(part for pair in itertools.pairwise(sizes) for part in (nn.Linear(*pair), activation()))
        )
        self.head = nn.Linear(hidden[-1], chunk)

    def features(self, told: Float[Tensor, "tasks chunks told"]) -> Float[Tensor, "tasks chunks width"]:
        y: Tensor = self.net(told)
        return y


class Recurrent(Generator):
    """A recurrent layer that goes through the chunks in order; `make` builds it of a width and inputs.

    >>> from wavetrain.networks._weight_generators import Recurrent
    >>> Recurrent(8, numbers=100, chunk=30, places=4, width=10)(torch.randn(2, 8)).shape
    torch.Size([2, 100])
    """

    def __init__(
        self,
        embedding: int,
        numbers: int,
        chunk: int = 1400,
        places: int = 12,
        width: int = 46,
        dependent: bool = True,
        make: Callable[[int, int], Layer] = LSTM,
    ):
        super().__init__(embedding, numbers, chunk, places)
        check_width("Recurrent", width=width)
        self.dependent, self.make = dependent, make
        self.layer = self._made(width, embedding + places)
        self.head = nn.Linear(width, chunk)

    def _made(self, width: int, inputs: int) -> Layer:
        layer = self.make(width, inputs)
        if isinstance(layer, LSTM) and not self.dependent:
            layer.cell.all_weights[0][1].requires_grad_(False)
        return layer

    def features(self, told: Float[Tensor, "tasks chunks told"]) -> Float[Tensor, "tasks chunks width"]:
        if self.dependent:
            y: Tensor = self.layer(told)[0]
            return y
        alone: Tensor = self.layer(told.flatten(0, 1).unsqueeze(1))[0]
        return alone.squeeze(1).unflatten(0, told.shape[:2])

    def grow(self, units: int) -> None:
        """Add LSTM units, which no old unit and no chunk listens to yet: what is made stays as it is.

        Parameters are new afterwards, so that an optimiser has to begin anew. Raises BadInput for layers
        that are no LSTM, or no number of units.
        """
        check_width("Recurrent.grow", units=units)
        old, head = self.layer, self.head
        if not isinstance(old, LSTM):
            super().grow(units)
            return
        width = old.width + units
        new, wider = self._made(width, old.inputs), nn.Linear(width, head.out_features)
        for part in (new, wider):
            part.to(head.weight)
        with torch.no_grad():
            assert isinstance(new, LSTM)
            pairs = zip(new.cell.all_weights[0], old.cell.all_weights[0], strict=True)
            for place, (fresh, known) in enumerate(pairs):
                rows = fresh.unflatten(0, (4, width))[:, : old.width]  # of the old units, in each gate
                if place == 1:  # recurrent weights: old units do not hear new ones
                    rows.zero_()
                    rows = rows[..., : old.width]
                rows.copy_(known.unflatten(0, (4, old.width)))
            wider.weight.zero_()[:, : old.width] = head.weight
            wider.bias.copy_(head.bias)
        self.layer, self.head = new, wider
