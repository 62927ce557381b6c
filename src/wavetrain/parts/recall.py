"""A memory as a sequence layer: each step writes one pattern and then reads with its own cue.

    k_t, q_t, v_t = W x_t, in H heads of P channels, each with a memory of its own
    state_t = write(state_{t-1}, k_t, v_t),   y_t = W_o read(state_t, q_t)

What kind of layer it is, the memory decides: with `DenseHopfield`, which keeps all patterns and reads them
by a softmax, it is softmax attention; with `CorrelationMatrix`, a sum of outer products, linear attention;
with `SharedNeurons`, what Hamming balls share, attention by sparse distributed memory.

    Recall(64, memory=DenseHopfield)      Recall(64, memory=functools.partial(DenseHopfield, updates=3))

The memory must be linear in the values it is given, each channel like every other, as those in
`wavetrain.memories` are. Then the operator is exact, and found by writing unit vectors for values. A memory
that takes only patterns of +1 and -1 gets no such keys from linear maps, and refuses them. What is not a
number goes on in its own sequence, as in every layer, where `write` and `read` would refuse it for all.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Layer, Memory, Operator, State, check_heads, map_state
from wavetrain.core.memory import check_pairs


class Recall(Layer):
    """x (B, T, inputs) to y (B, T, width). The state is the memory's, with the heads as a second axis.

    `memory` builds one from the channels of a head; `heads` divides `width`, and by default a head has at
    least 32 channels. The heads share what the memory has learned or drawn, but not what is written. Its
    card is `memory.card`.
    """

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        *,
        memory: Callable[[int], Memory],
        heads: int | None = None,
    ):
        super().__init__(width, inputs)
        heads = self.heads = check_heads("Recall", width, heads)
        self.project = nn.Linear(self.inputs, 3 * width)
        self.memory = memory(width // heads)
        self.out = nn.Linear(width, width)

    def begin(self, batch: int) -> State:
        return self._apart(self.memory.empty(batch * self.heads))

    def step(
        self, x: Float[Tensor, "batch inputs"], state: State
    ) -> tuple[Float[Tensor, "batch width"], State]:
        cue, key, value = self._project(x.unsqueeze(1))
        state = _together(state)
        check_pairs(self.memory, state, key, value)
        state = self.memory.store(state, key, value)
        mixed = self.memory.fetch(state, cue)
        return self.read(self._heads_last(mixed)).squeeze(1), self._apart(state)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        cue, key, value = self._project(x)
        mixed, state = self.memory.along(_together(state), key, value, cue)
        return self.read(self._heads_last(mixed)), self._apart(state)

    def operator(self, x: Tensor) -> Operator:
        """Exact. Where the value of step s is the s-th unit vector, step t reads row t of the weights.

        A memory holds P channels at a time, so the unit vectors go in as blocks, each into a memory of its
        own.
        """
        cue, key, value = self._project(x)
        rows, time, channels = value.shape
        blocks = -(-time // channels)
        units = torch.eye(time, blocks * channels, dtype=x.dtype, device=x.device).unflatten(
            1, (blocks, channels)
        )
        units = units.transpose(0, 1).repeat(rows, 1, 1)  # (rows blocks, T, P)
        key, cue = (part.repeat_interleave(blocks, 0) for part in (key, cue))
        weight, _ = self.memory.along(self.memory.empty(rows * blocks), key, units, cue)
        weight = weight.unflatten(0, (rows, blocks)).transpose(1, 2).flatten(2)[..., :time]  # (rows, T, T)
        return Operator(weight.unflatten(0, (-1, self.heads)), self._heads_last(value))

    def read(self, mixed: Tensor) -> Tensor:
        return self.out(mixed.flatten(-2))

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Cues, keys and values of x (B, T, I), each head a row of its own: (B H, T, P)."""
        parts = self.project(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        cue, key, value = parts.flatten(1, 2)
        return cue, key, value

    def _heads_last(self, rows: Tensor) -> Tensor:
        """(B H, T, P) to (B, T, H, P)."""
        return rows.unflatten(0, (-1, self.heads)).transpose(1, 2)

    def _apart(self, state: State) -> State:
        return map_state(lambda part: part.unflatten(0, (-1, self.heads)), state)


def _together(state: State) -> State:
    return map_state(lambda part: part.flatten(0, 1), state)
