"""What a memory promises: patterns go in under keys, and cues bring them back.

Keys, their values and cues come many at a time, for each sequence of a batch. A member says what is `empty`,
how to `store` and `fetch` and, where a whole sequence can be had faster than pattern by pattern, `whole`.
Everybody else calls `write`, `read` and `along`, which refuse what would go wrong in silence: a value too few
or too many leaves keys with the value of another pair, one sequence written beside many is written to all of
them, and what is not a number spoils every later read.

check_patterns    refuses patterns of another shape, batch or type than the memory's, by name
check_pairs       the same for keys and their values, which must be as many
check_numbers     refuses patterns that are not finite
"""

import functools
from abc import ABC, abstractmethod
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import transforms
from wavetrain.core.card import Card
from wavetrain.core.check import check_width
from wavetrain.core.constants import constant
from wavetrain.core.state import State, leaves
from wavetrain.errors import BadInput


class Memory(nn.Module, ABC):
    """Something that is written and read; built as Name(size, values=size, ...).

    >>> from wavetrain.core import Memory
    >>> from wavetrain.memories import CorrelationMatrix
    >>> memory, key = CorrelationMatrix(4, values=2), torch.eye(4)[None]
    >>> state = memory.write(memory.empty(1), key[:, :1], torch.tensor([[[3.0, 5.0]]]))
    >>> memory.read(state, key[:, :2])[0]  # nothing is under the second key
    tensor([[3., 5.],
            [0., 0.]])
    >>> isinstance(memory, Memory)
    True
    """

    card: ClassVar[Card]
    size: int  # of keys and cues
    values: int
    place: Float[Tensor, ""]  # a zero of the module's type and on its device: `self.place.new_zeros(...)`

    def __init__(self, size: int, values: int | None = None):
        super().__init__()
        self.size, self.values = size, size if values is None else values
        check_width(type(self).__name__, size=self.size, values=self.values)
        constant(self, "place", functools.partial(torch.zeros, ()))

    @abstractmethod
    def empty(self, batch: int) -> State:
        """The memory before the first write."""

    @abstractmethod
    def store(
        self, state: State, key: Float[Tensor, "batch many size"], value: Float[Tensor, "batch many values"]
    ) -> State:
        """How `write` does it, keys (B, S, N) and values (B, S, P); the shapes have been seen to."""

    @abstractmethod
    def fetch(
        self, state: State, cue: Float[Tensor, "batch cues size"]
    ) -> Float[Tensor, "batch cues values"]:
        """How `read` does it: cues (B, M, N) give values (B, M, P); the shapes have been seen to."""

    def whole(
        self,
        state: State,
        key: Float[Tensor, "batch time size"],
        value: Float[Tensor, "batch time values"],
        cue: Float[Tensor, "batch time size"],
    ) -> tuple[Float[Tensor, "batch time values"], State]:
        """How `along` does it, keys and cues (B, T, N), values (B, T, P); the shapes have been seen to.

        By default one pattern after the other.
        """
        read = []
        for t in range(key.shape[1]):
            now = slice(t, t + 1)
            state = self.store(state, key[:, now], value[:, now])
            read.append(self.fetch(state, cue[:, now]))
        return torch.cat(read, 1), state

    @final
    def write(
        self, state: State, key: Float[Tensor, "batch many size"], value: Float[Tensor, "batch many values"]
    ) -> State:
        """Store the values under the keys."""
        check_pairs(self, state, key, value)
        check_numbers(self, key=key, value=value)
        return self.store(state, key, value)

    @final
    def read(self, state: State, cue: Float[Tensor, "batch cues size"]) -> Float[Tensor, "batch cues values"]:
        """What the cues bring back; next to nothing where nothing was written."""
        check_patterns(self, state, cue=cue)
        check_numbers(self, cue=cue)
        return self.fetch(state, cue)

    @final
    def along(
        self,
        state: State,
        key: Float[Tensor, "batch time size"],
        value: Float[Tensor, "batch time values"],
        cue: Float[Tensor, "batch time size"],
    ) -> tuple[Float[Tensor, "batch time values"], State]:
        """A whole sequence: each step writes its pattern and then reads with its cue.

        Unlike `write` and `read` it lets through what is not a number, which goes on in its own sequence.
        """
        check_pairs(self, state, key, value)
        check_patterns(self, state, cue=cue)
        return self.whole(state, key, value, cue)


def check_patterns(
    memory: Memory,
    state: State,
    *,
    key: Tensor | None = None,
    value: Tensor | None = None,
    cue: Tensor | None = None,
    pattern: Tensor | None = None,
) -> None:
    """Raise for patterns that are not (batch, many, size), with the state's batch and type."""
    name, parts = type(memory).__name__, list(leaves(state))
    batch, dtype = len(parts[0]), next((part.dtype for part in parts if part.is_floating_point()), None)
    for what, given in (("key", key), ("value", value), ("cue", cue), ("pattern", pattern)):
        if given is None:
            continue
        size = memory.values if what == "value" else memory.size
        if given.ndim != 3 or given.shape[-1] != size:
            raise BadInput(f"{name}: expected {what} (batch, many, {size}), got {tuple(given.shape)}")
        if len(given) != batch:
            raise BadInput(
                f"{name}: expected {what} ({batch}, many, {size}) for a state of {batch} sequences, "
                f"got {tuple(given.shape)}"
            )
        if dtype is not None and given.dtype != dtype:
            raise BadInput(f"{name}: expected {what} of {dtype}, as the memory is, got {given.dtype}")


def check_pairs(memory: Memory, state: State, key: Tensor, value: Tensor) -> None:
    """Raise for keys and values that cannot be written to this state as pairs."""
    check_patterns(memory, state, key=key, value=value)
    if key.shape[1] != value.shape[1]:
        raise BadInput(
            f"{type(memory).__name__}: expected as many values as keys, "
            f"got key {tuple(key.shape)} and value {tuple(value.shape)}"
        )


def check_numbers(
    memory: Memory, *, key: Tensor | None = None, value: Tensor | None = None, cue: Tensor | None = None
) -> None:
    """Raise for patterns that are not finite, where their numbers can be looked at."""
    for what, given in (("key", key), ("value", value), ("cue", cue)):
        if given is None or _hidden(given):
            continue
        wrong = given[~given.isfinite()]
        if len(wrong):
            raise BadInput(
                f"{type(memory).__name__}: expected finite {what}, got {wrong[0].item():g} "
                f"in {tuple(given.shape)}"
            )


def _hidden(tensor: Tensor) -> bool:
    """Whether there are no numbers yet: on the meta device, while a graph is written down, in torch.func."""
    drawn = torch.compiler.is_compiling() or torch.jit.is_tracing()
    return tensor.is_meta or drawn or transforms.at_work()
