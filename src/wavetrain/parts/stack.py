"""A residual stack of layers, with encoder and read-out.

    Stack    encode, then blocks x + layer(norm(x)), with an MLP or without, then norm and a linear read-out
    MLP      what follows the layer of a block
    Answer   a stack as a network to train: its outputs at every step, or at the last
    Body     a stack without its encoder and read-out

Every layer in a stack has one width, and the stack is a layer itself.
"""

import enum
from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor, nn

from wavetrain.core import Layer, Nonlinear, State
from wavetrain.errors import BadInput
from wavetrain.parts.reader import one_hot


class MLP(enum.Enum):
    """What follows the layer of a block: x + MLP(norm(x)), or nothing."""

    NONE = "none"  # as in published Mamba, AUSSM, S4 and LSTM models
    PLAIN = "plain"  # GELU on twice the width, as behind attention
    GATED = "gated"  # SiLU of one map of the width times another, as in LightNet

    def build(self, width: int) -> list[nn.Module]:
        """The MLP of one block with its norm; no module at all for NONE."""
        norm = nn.RMSNorm(width, eps=1e-6)
        if self is MLP.PLAIN:
            return [nn.Sequential(norm, nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))]
        return [nn.Sequential(norm, GatedLinear(width))] if self is MLP.GATED else []


class GatedLinear(nn.Module):
    """W_o (SiLU(W_g x) * W_v x), on (..., width)."""

    def __init__(self, width: int):
        super().__init__()
        self.enter = nn.Linear(width, 2 * width)  # gate, then value
        self.leave = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "*axes width"]) -> Float[Tensor, "*axes width"]:
        gate, value = self.enter(x).chunk(2, -1)
        return self.leave(nn.functional.silu(gate) * value)


class Stack(Nonlinear):
    """A residual stack of layers of one width: x (B, T, inputs) or tokens (B, T) to (B, T, outputs).

    Each block adds a layer and, where there is one, an MLP, both on a normalised stream. A layer with a
    residual of its own is not added: its output, whose residual is the normalised stream, is the new stream.
    A causal map like the layers in it: it steps, carries a state, and has a tangent.
    """

    mixed = True
    splits = True  # where each of its layers does

    def __init__(self, layers: Sequence[Layer], inputs: int, outputs: int, mlp: MLP):
        super().__init__(outputs, inputs)
        widths = {layer.width for layer in layers} | {layer.inputs for layer in layers}
        if len(widths) != 1:
            raise BadInput(
                f"Stack: expected layers of one width and as many inputs, got widths {sorted(widths)}"
            )
        (width,) = widths
        self.encode = nn.Linear(inputs, width)
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(nn.RMSNorm(width, eps=1e-6) for _ in layers)
        self.mlps = nn.ModuleList(one for _ in layers for one in mlp.build(width))
        self.decode = nn.Sequential(nn.RMSNorm(width, eps=1e-6), nn.Linear(width, outputs))

    def begin(self, batch: int) -> State:
        return tuple(layer.begin(batch) for layer in self._mixers())

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        stream, after = self.through(self.encode(x), state)
        return self.decode(stream), after

    def through(
        self, stream: Float[Tensor, "batch channels"], state: State
    ) -> tuple[Float[Tensor, "batch channels"], State]:
        """One step of the blocks alone, without encoder and read-out, in the channels of a layer."""
        after = []
        for place, (layer, norm, carried) in enumerate(zip(self._mixers(), self.norms, state, strict=True)):
            y, carried = layer.step(norm(stream), carried)
            stream = self._join(place, stream, y)
            after.append(carried)
        return stream, tuple(after)

    def check(self, x: Tensor) -> None:
        if x.ndim != 2 or x.is_floating_point():
            super().check(x)

    def whole(
        self, x: Float[Tensor, "batch time inputs"] | Int[Tensor, "batch time"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        stream, state = self.stream(x, state)
        return self.decode(stream), state

    def stream(
        self, x: Float[Tensor, "batch time inputs"] | Int[Tensor, "batch time"], state: State = None
    ) -> tuple[Float[Tensor, "batch time channels"], State]:
        """What the read-out reads, in the channels of a layer, and the last state."""
        state = self.begin(len(x)) if state is None else state
        stream, after = self.encode(one_hot(x, self.inputs, self.encode.weight.dtype)), []
        for place, (layer, norm, carried) in enumerate(zip(self._mixers(), self.norms, state, strict=True)):
            y, carried = layer(norm(stream), carried)
            stream = self._join(place, stream, y)
            after.append(carried)
        return stream, tuple(after)

    def _join(self, place: int, stream: Tensor, y: Tensor) -> Tensor:
        """The stream behind a block, from the stream before it and what its layer made of that."""
        stream = y if self.layers[place].residual else stream + y
        return stream + self.mlps[place](stream) if self.mlps else stream

    def _mixers(self) -> list[Layer]:
        return list(self.layers)  # type: ignore[arg-type]


class Answer(nn.Module):
    """A stack that answers at every step, (B, T, outputs), or once at the last, (B, outputs)."""

    def __init__(self, stack: Stack, every_step: bool):
        super().__init__()
        self.stack, self.every_step = stack, every_step

    def forward(
        self, x: Float[Tensor, "batch time inputs"] | Int[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time outputs"] | Float[Tensor, "batch outputs"]:
        y, _ = self.stack(x)
        return y if self.every_step else y[:, -1]


class Body(Nonlinear):
    """A stack without encoder and read-out, of the same parameters: the map of the stream (B, T, width).

    Its tangent stands in for that of a stack of many tokens, whose one-hot inputs are too wide to follow.
    """

    mixed = True

    def __init__(self, stack: Stack):
        super().__init__(stack.encode.out_features)
        self.stack = stack

    def begin(self, batch: int) -> State:
        return self.stack.begin(batch)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return self.stack.through(x, state)
