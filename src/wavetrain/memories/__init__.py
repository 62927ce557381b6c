"""Associative memories, one file each: patterns go in, and part of one brings the rest back.

All of them store values under keys and are written and read many patterns at a time: keys (B, M, K), values
(B, M, P), cues (B, M, K). What is read is linear in the values, so a memory that settles on a pattern of +1
and -1 gives the sum that its value units receive; the sign of it is the pattern. Here is what they share.

Shelf                     a memory that keeps every pattern, and the answer to a whole sequence at once
check_signs, unit         refuse patterns that are not +1 and -1, or cannot be normalised
shares, log_sum           of fields over the patterns that are there, which may be none
warn_beyond               says when there is more in a memory than it can hold
signed, settled           units take the signs of their fields, at once, or one by one until none changes
"""

import functools
import warnings
from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from wavetrain.constants import constant
from wavetrain.core import Memory, State, check_width
from wavetrain.errors import BadInput
from wavetrain.memory import check_pairs, check_patterns


class Shelf(Memory):
    """A memory that keeps every key and value, and reads sums of the values, weighted by `weigh`.

    The state is keys (B, S, K), values (B, S, P) and which of the S places are taken (B, S); it grows by one
    place a pattern. `size` is K and `values` is P.
    """

    place: Tensor

    def __init__(self, size: int, values: int | None = None):
        super().__init__()
        values = size if values is None else values
        check_width(type(self).__name__, size=size, values=values)
        self.size, self.values = size, values
        constant(self, "place", functools.partial(torch.zeros, ()))  # knows type and device

    @abstractmethod
    def weigh(self, cue: Tensor, key: Tensor, readable: Tensor) -> Tensor:
        """How much of each value is read, (B, M, S).

        From cues (B, M, K), keys (B, S, K) and a mask (B, 1 or M, S). The weight of a place that is not
        readable must be zero.
        """

    def empty(self, batch: int) -> State:
        zeros = self.place.new_zeros
        return (
            zeros(batch, 0, self.size),
            zeros(batch, 0, self.values),
            zeros(batch, 0, dtype=torch.bool),
        )

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        key, (keys, values, taken) = self.prepared(key), state
        taken = torch.cat([taken, taken.new_ones(key.shape[:2])], 1)
        return torch.cat([keys, key], 1), torch.cat([values, value], 1), taken

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        keys, values, taken = state
        return self.weigh(self.prepared(cue), keys, taken[:, None]) @ values

    def along(self, state: State, key: Tensor, value: Tensor, cue: Tensor) -> tuple[Tensor, State]:
        """A whole sequence at once: each step writes its pattern and then reads with its cue."""
        check_pairs(self, state, key, value)
        check_patterns(self, state, cue=cue)
        state = self.store(state, key, value)
        keys, values, taken = state
        places, time = taken.shape[1], key.shape[1]
        causal = torch.ones(time, places, dtype=torch.bool, device=key.device).tril(places - time)
        return self.weigh(self.prepared(cue), keys, taken[:, None] & causal) @ values, state

    def prepared(self, pattern: Tensor) -> Tensor:
        """Keys and cues as the memory wants them; raises for those that it cannot take."""
        return pattern


def shares(field: Tensor, readable: Tensor) -> Tensor:
    """The softmax of fields (B, M, S) over the places that are readable; zeros where none is."""
    least = torch.finfo(field.dtype).min  # and not infinity, whose softmax alone is not a number
    return field.masked_fill(~readable, least).softmax(-1) * readable


def log_sum(field: Tensor, readable: Tensor) -> Tensor:
    """log sum exp of fields (B, M, S) over the places that are readable, (B, M); 0 where none is."""
    least = torch.finfo(field.dtype).min
    return torch.where(readable.any(-1), field.masked_fill(~readable, least).logsumexp(-1), 0.0)


def check_signs(memory: Memory, pattern: Tensor) -> Tensor:
    """The patterns as they are; raises where they are not all +1 and -1."""
    wrong = pattern[pattern.abs() != 1]
    if len(wrong):
        raise BadInput(
            f"{type(memory).__name__}: expected patterns of +1 and -1, got {wrong[0].item():g} "
            f"in {tuple(pattern.shape)}"
        )
    return pattern


def unit(memory: Memory, pattern: Tensor) -> Tensor:
    """The patterns divided by their norms; raises where one is all zeros."""
    norm = pattern.norm(dim=-1, keepdim=True)
    if (norm == 0).any():
        raise BadInput(
            f"{type(memory).__name__}: expected patterns that can be normalised, got one of zeros "
            f"in {tuple(pattern.shape)}"
        )
    return pattern / norm


def warn_beyond(memory: Memory, stored: Tensor, added: int, capacity: float, theory: str) -> None:
    """Warn when a write takes a memory past the number of patterns that theory says it can bring back.

    `stored` (B,) counts what each sequence has written, the `added` last ones included.
    """
    if stored.is_meta or not len(stored):
        return
    most = int(stored.max())
    if most > capacity >= most - added:
        warnings.warn(
            f"{type(memory).__name__}: {most} patterns are more than the {int(capacity)} that it can hold "
            f"({theory}); what is read will be wrong",
            stacklevel=4,
        )


def signed(field: Tensor, before: Tensor, tie: float = 0.0) -> Tensor:
    """The signs of fields; what was there before, where a field is no larger than `tie`."""
    return torch.where(field.abs() <= tie, before, field.sign())


def settled(
    pattern: Tensor,
    field: Callable[[Tensor, int], Tensor],
    sweeps: int,
    generator: torch.Generator | None,
    tie: float = 0.0,
) -> Tensor:
    """Unit after unit takes the sign of its field (B, M), in a random order drawn for each sweep.

    A unit whose field is no larger than `tie` stays as it is: above 0 where rounding enters the fields. Ends
    when a sweep changes nothing, or after `sweeps`. Without a generator the orders are the same in every
    call.
    """
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    pattern = pattern.clone()
    for _ in range(sweeps):
        before = pattern.clone()
        for i in torch.randperm(pattern.shape[-1], generator=generator).tolist():
            pattern[..., i] = signed(field(pattern, i), pattern[..., i], tie)
        if torch.equal(before, pattern):
            break
    return pattern
