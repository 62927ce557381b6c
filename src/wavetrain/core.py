"""What every part of Wavetrain promises: Layer, Memory, Rule, Task, Operator, Card.

Shapes: B batch, T time, I channels in, D channels out, H heads, P channels per head. Tensors are batch
first. A state is a tensor or a nested tuple of tensors, batch first; it is passed in and returned, never
kept in a module. A state may grow with time along one axis; zeros put behind its end must then mean
"nothing there", so that states of different age can share a batch.
"""

import functools
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional as F

from wavetrain import precision
from wavetrain.card import Card as Card
from wavetrain.errors import BadInput
from wavetrain.memory import Memory as Memory
from wavetrain.state import State as State
from wavetrain.state import leaves as leaves
from wavetrain.state import map_state as map_state


class Operator(NamedTuple):
    """How much of each past value a layer mixes into each output: row = now, column = then."""

    weight: Tensor  # (B, H, T, T), zero above the diagonal
    value: Tensor  # (B, T, H, P)
    exact: bool = True  # whether read(mix()) is the output; else it is the tangent along the trajectory

    def mix(self) -> Tensor:
        """The mixed values, (B, T, H, P)."""
        return torch.einsum("bhts,bshp->bthp", self.weight, self.value)

    def strength(self) -> Tensor:
        """The size of the influence of each past step on each step, over all heads, (B, T, T)."""
        return self.weight.norm(dim=1)


class Layer(nn.Module, ABC):
    """A causal map from (B, T, inputs) to (B, T, width); built as Name(width, inputs=width, ...).

    `step` is the definition; `forward` is the same map over a whole sequence; `operator` is the T x T
    matrix of what is mixed into what, and `read` leads from mixed values to the output.

    In half precision, or under autocast, a layer runs in float32 all through and rounds its output once. A
    layer that is `mixed` has its large products in half precision instead, and sees to the rest itself;
    `roundings` bounds what this costs.
    """

    card: ClassVar[Card]
    residual: ClassVar[bool] = False  # whether the output holds the input already, so that no stack adds it
    mixed: ClassVar[bool] = False
    roundings: ClassVar[float] = 1.2  # the error in half precision, next to that of rounding the output once
    width: int
    inputs: int

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in ("operator",) if cls.mixed else ("begin", "step", "forward", "operator", "read"):
            if name in vars(cls):
                setattr(cls, name, precision.method(vars(cls)[name]))

    @abstractmethod
    def begin(self, batch: int) -> State:
        """The state before the first token."""

    @abstractmethod
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One token: x (B, I) and a state give y (B, D) and the next state."""

    @abstractmethod
    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        """The whole sequence: x (B, T, I) gives y (B, T, D) and the last state."""

    @abstractmethod
    def operator(self, x: Tensor) -> Operator:
        """The T x T interaction on the sequence x (B, T, I), from the first state."""

    @abstractmethod
    def read(self, mixed: Tensor) -> Tensor:
        """From mixed values (B, T, H, P) to the output (B, T, D)."""


class Nonlinear(Layer):
    """A layer whose output is not linear in any values: its operator is its tangent.

    One head for each pair of output and input channel, with weight d y[t, d] / d x[s, i] and value x[s, i],
    so that `read(operator(x).mix())` is the derivative of the output along x itself.
    """

    def operator(self, x: Tensor) -> Operator:
        check_input(self, x)
        weight = tangent(self.step, x, self.begin(len(x)))  # (B, T, D, T, I)
        width, inputs = weight.shape[2], weight.shape[4]
        weight = weight.permute(0, 2, 4, 1, 3).flatten(1, 2)  # (B, D I, T, T)
        value = x[:, :, None, :].expand(-1, -1, width, -1).reshape(*x.shape[:2], width * inputs, 1)
        return Operator(weight, value, exact=False)

    def read(self, mixed: Tensor) -> Tensor:
        return mixed.squeeze(-1).unflatten(-1, (self.width, -1)).sum(-1)


class Batch(NamedTuple):
    """Sequences and their answers."""

    x: Tensor  # (B, T, inputs), or (B, T) integer tokens
    y: Tensor  # (B, ...) an answer per sequence, or (B, T, ...) one per step

    def to(self, device: torch.device) -> "Batch":
        return Batch(self.x.to(device), self.y.to(device))


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


@dataclass(frozen=True)
class Objective:
    """What is asked of the output: a loss to train by and a score to report."""

    measure: str  # the score's name and unit, as in a table
    higher: bool  # whether a higher score is better
    loss: Callable[[Tensor, Tensor], Tensor]
    score: Callable[[Tensor, Tensor], Tensor]


def _cross_entropy(output: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(output.flatten(0, -2), y.flatten())


def accuracy(output: Tensor, y: Tensor) -> Tensor:
    """The fraction of answers whose largest output is the right class."""
    return (output.argmax(-1) == y).double().mean()


def explained(output: Tensor, y: Tensor) -> Tensor:
    """The fraction of the variance of y that is explained, R²; guessing the mean gives 0."""
    y = y.double().flatten(0, -2)
    return 1 - ((output.double().flatten(0, -2) - y) ** 2).sum() / ((y - y.mean(0)) ** 2).sum()


CLASSES = Objective("accuracy", True, _cross_entropy, accuracy)
VALUES = Objective("R²", True, F.mse_loss, explained)
TOKENS = Objective("nats per token", False, _cross_entropy, _cross_entropy)


class Task(ABC):
    """Something to learn. `draw` gives training batches; `valid` and `test` are fixed and never drawn."""

    inputs: int  # channels of a step, or the size of the vocabulary where x holds tokens
    outputs: int  # channels of the answer
    tokens: bool  # whether x is (B, T) integers
    steps: bool  # whether every step is answered, or the whole sequence once
    objective: Objective
    chance: float  # the score of the best answer that ignores x

    @abstractmethod
    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        """A batch for training, the same for the same state of the generator."""

    @abstractmethod
    def valid(self) -> Batch:
        """The held-out batch to choose by."""

    @abstractmethod
    def test(self) -> Batch:
        """The held-out batch to report."""


class Generated(Task):
    """A task that is made up as it goes: its held-out batches are drawn with generators of their own."""

    held_out: ClassVar[int] = 1000  # sequences in each held-out batch

    def valid(self) -> Batch:
        return self.draw(self.held_out, torch.Generator().manual_seed(2**32 - 1))  # torch keeps 32 bits of it

    def test(self) -> Batch:
        return self.draw(self.held_out, torch.Generator().manual_seed(2**32 - 2))


@dataclass(frozen=True, eq=False)
class Recorded(Task):
    """A task made of recordings in three parts; training batches are drawn with replacement."""

    train: Batch
    held_valid: Batch
    held_test: Batch
    inputs: int
    outputs: int
    tokens: bool
    steps: bool
    objective: Objective
    chance: float

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        rows = torch.randint(len(self.train.x), (batch,), generator=generator)
        return Batch(self.train.x[rows], self.train.y[rows])

    def valid(self) -> Batch:
        return self.held_valid

    def test(self) -> Batch:
        return self.held_test


def majority(y: Tensor) -> float:
    """The accuracy of always naming the commonest class: the chance level of a classification."""
    return float(y.flatten().bincount().max() / y.numel())


def divisor(number: int, limit: float) -> int:
    """The largest divisor of `number` that is no larger than `limit`, and at least 1."""
    return next(size for size in range(max(1, min(number, int(limit))), 0, -1) if number % size == 0)


def check_width(name: str, **sizes: int) -> None:
    """Raise for sizes of a layer that are not whole numbers above zero."""
    for size, value in sizes.items():
        if not isinstance(value, int) or value < 1:
            raise BadInput(f"{name}: {size} must be a whole number of at least 1, not {value!r}")


def check_input(layer: Layer, x: Tensor) -> None:
    """Raise for a sequence that the layer cannot take: wrong axes, channels, or no step at all."""
    name = type(layer).__name__
    if x.ndim != 3 or x.shape[-1] != layer.inputs:
        raise BadInput(f"{name}: expected x (batch, time, {layer.inputs}), got {tuple(x.shape)}")
    if x.shape[1] == 0:
        raise BadInput(f"{name}: expected at least one step, got x {tuple(x.shape)}")


def tangent(step: Callable[[Tensor, State], tuple[Tensor, State]], x: Tensor, state: State) -> Tensor:
    """The blocks d y_t / d x_s of a causal map given by its step, (B, T, D, T, I); zero for s > t.

    Forward mode: one tangent for each past step and channel is pushed through time beside the trajectory,
    so the cost is T steps with up to T I tangents each and no Jacobian of the state is ever formed.
    """
    _begin_forward_mode()
    batch, time, inputs = x.shape
    basis = torch.eye(inputs, dtype=x.dtype, device=x.device)[:, None].expand(-1, batch, -1)  # (I, B, I)
    blocks: list[Tensor] = []
    moving = [part.new_zeros(0, *part.shape) for part in leaves(state) if _moves(part)]  # (s I, B, ...) each
    for t in range(time):
        dx = torch.cat([basis.new_zeros(t * inputs, batch, inputs), basis])
        moving = [torch.cat([old, old.new_zeros(inputs, *old.shape[1:])]) for old in moving]
        dy, state, moving = _push(step, x[:, t], dx, state, moving)
        dy = dy.unflatten(0, (t + 1, inputs)).permute(2, 3, 0, 1)  # (B, D, t + 1, I)
        blocks.append(F.pad(dy, (0, 0, 0, time - t - 1)))
    return torch.stack(blocks, 1)


@functools.cache
def _begin_forward_mode() -> None:
    """Load PyTorch's formulas for it, some of them by a call of its own that it deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with forward_ad.dual_level():
            forward_ad.make_dual(torch.zeros(()), torch.zeros(()))


def _moves(part: Tensor) -> bool:
    """Whether a part of a state has a tangent: masks and counters have none."""
    return part.is_floating_point() or part.is_complex()


def _push(
    step: Callable[[Tensor, State], tuple[Tensor, State]],
    x: Tensor,
    dx: Tensor,
    state: State,
    moving: list[Tensor],
) -> tuple[Tensor, State, list[Tensor]]:
    """One step with a batch of tangents along the first axis of `dx` and of each part of `moving`."""

    def function(x: Tensor, parts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        given = iter(parts)
        y, after = step(x, map_state(lambda part: next(given) if _moves(part) else part, state))
        return y, [part for part in leaves(after) if _moves(part)]

    def one(dx: Tensor, dparts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        still = [part for part in leaves(state) if _moves(part)]
        return torch.func.jvp(function, (x, still), (dx, dparts))[1]

    dy, moving = torch.func.vmap(one)(dx, moving)
    return dy, step(x, state)[1], moving
