"""A memory that keeps every pattern, and the answer to a whole sequence at once."""

from abc import abstractmethod

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wavetrain.core import Memory, State


class Shelf(Memory):
    """A memory that keeps every key and value, and reads sums of the values, weighted by `weigh`.

    The state is keys (B, S, K), values (B, S, P) and which of the S places are taken (B, S); it grows by one
    place a pattern. `size` is K and `values` is P.
    """

    def __init__(self, size: int, values: int | None = None):
        super().__init__(size, values)

    @abstractmethod
    def weigh(
        self,
        cue: Float[Tensor, "batch cues size"],
        key: Float[Tensor, "batch many size"],
        readable: Bool[Tensor, "batch cues many"] | Bool[Tensor, "batch 1 many"],
    ) -> Float[Tensor, "batch cues many"]:
        """How much of each value is read. The weight of a place that is not readable must be zero."""

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

    def whole(self, state: State, key: Tensor, value: Tensor, cue: Tensor) -> tuple[Tensor, State]:
        state = self.store(state, key, value)
        keys, values, taken = state
        places, time = taken.shape[1], key.shape[1]
        causal = torch.ones(time, places, dtype=torch.bool, device=key.device).tril(places - time)
        return self.weigh(self.prepared(cue), keys, taken[:, None] & causal) @ values, state

    def prepared(self, pattern: Float[Tensor, "batch many size"]) -> Float[Tensor, "batch many size"]:
        """Keys and cues as the memory wants them; raises for those that it cannot take."""
        return pattern
