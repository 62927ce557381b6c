"""Correlation matrix memory: the sum of outer products of keys and values, read by a product with the cue.

Kohonen 1972, IEEE Transactions on Computers C-21. The linear core of Hopfield's network, and the state of
linear attention without a feature map: written and read once a token it is that attention.

    M <- M + sum_m k_m v_m',    y = M' q

Keys that are orthonormal are read without error, up to K of them. Left out: thresholds and forgetting.
"""

import functools

import torch
from torch import Tensor

from wavetrain import scan
from wavetrain.core import Card, Memory, State, check_width
from wavetrain.core.constants import constant
from wavetrain.core.memory import check_pairs, check_patterns


class CorrelationMatrix(Memory):
    """Any keys (B, M, size) and values (B, M, values); the state is the matrix (B, size, values)."""

    place: Tensor

    card = Card(
        title="Correlation matrix memories",
        authors="Kohonen, Teuvo",
        year=1972,
        source="IEEE Transactions on Computers C-21(4), doi 10.1109/TC.1972.5008975",
        family="associative memory",
        topic="Associative memory",
    )

    def __init__(self, size: int, values: int | None = None):
        super().__init__()
        values = size if values is None else values
        check_width("CorrelationMatrix", size=size, values=values)
        self.size, self.values = size, values
        constant(self, "place", functools.partial(torch.zeros, ()))  # knows type and device

    def empty(self, batch: int) -> State:
        return self.place.new_zeros(batch, self.size, self.values)

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        return state + key.mT @ value

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return cue @ state

    def along(self, state: State, key: Tensor, value: Tensor, cue: Tensor) -> tuple[Tensor, State]:
        """A whole sequence at once: each step writes its pattern and then reads with its cue."""
        check_pairs(self, state, key, value)
        check_patterns(self, state, cue=cue)
        key, value, cue = key.unsqueeze(2), value.unsqueeze(2), cue.unsqueeze(2)  # one head
        none = key.new_zeros(*key.shape[:3], 1)
        mixed, state = scan.chunked(cue, key, value, none, state.unsqueeze(1))
        return mixed.squeeze(2), state.squeeze(1)
