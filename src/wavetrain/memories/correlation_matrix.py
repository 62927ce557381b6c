"""Correlation matrix memory: the sum of outer products of keys and values, read by a product with the cue.

Kohonen 1972, IEEE Transactions on Computers C-21. The linear core of Hopfield's network, and the state of
linear attention without a feature map: written and read once a token it is that attention.

    M <- M + sum_m k_m v_m',    y = M' q

Keys that are orthonormal are read without error, up to K of them. Left out: thresholds and forgetting.
"""

from torch import Tensor

from wavetrain import scan
from wavetrain.core import Card, Memory, State


class CorrelationMatrix(Memory):
    """Any keys (B, M, size) and values (B, M, values); the state is the matrix (B, size, values).

    >>> from wavetrain.memories import CorrelationMatrix
    >>> memory = CorrelationMatrix(4, values=2)
    >>> key, value = torch.eye(4)[None], torch.randn(1, 4, 2)
    >>> state = memory.write(memory.empty(1), key, value)
    >>> torch.allclose(memory.read(state, key), value)  # keys that are orthonormal are read without error
    True
    """

    card = Card(
        title="Correlation matrix memories",
        authors="Kohonen, Teuvo",
        year=1972,
        source="IEEE Transactions on Computers C-21(4), doi 10.1109/TC.1972.5008975",
        family="associative memory",
        topic="Associative memory",
    )

    def __init__(self, size: int, values: int | None = None):
        super().__init__(size, values)

    def empty(self, batch: int) -> State:
        return self.place.new_zeros(batch, self.size, self.values)

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        return state + key.mT @ value

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return cue @ state

    def whole(self, state: State, key: Tensor, value: Tensor, cue: Tensor) -> tuple[Tensor, State]:
        key, value, cue = key.unsqueeze(2), value.unsqueeze(2), cue.unsqueeze(2)  # one head
        none = key.new_zeros(*key.shape[:3], 1)
        mixed, state = scan.chunked(cue, key, value, none, state.unsqueeze(1))
        return mixed.squeeze(2), state.squeeze(1)
