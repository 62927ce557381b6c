"""Networks around a layer: a read-out, and a residual stack with encoder and read-out; save and load.

    Reader   one layer, then a linear read-out or an MLP, at every step or at the last
    Stack    encode, then blocks x + layer(norm(x)), with an MLP or without, then norm and a linear read-out
    MLP      what follows the layer of a block
    Answer   a stack as a network to train: its outputs at every step, or at the last
    Body     a stack without its encoder and read-out

A checkpoint is one safetensors file: the tensors, and beside them JSON in the file's header.
"""

import enum
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Layer, Nonlinear, State
from wavetrain.errors import BadInput


class Reader(nn.Module):
    """One layer and a read-out: x (B, T, inputs) to (B, T, outputs), or (B, outputs) of the last step.

    Tokens (B, T) are taken as one-hot vectors. `hidden` units make the read-out an MLP.
    """

    def __init__(self, layer: Layer, outputs: int, steps: bool, hidden: int | None = None):
        super().__init__()
        self.layer, self.steps = layer, steps
        self.read: nn.Module = nn.Linear(layer.width, outputs)
        if hidden is not None:
            self.read = nn.Sequential(nn.Linear(layer.width, hidden), nn.ReLU(), nn.Linear(hidden, outputs))

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.layer(one_hot(x, self.layer.inputs, self.read_dtype))
        return self.read(y if self.steps else scan.final(y))

    @property
    def read_dtype(self) -> torch.dtype:
        return next(self.read.parameters()).dtype


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

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.enter(x).chunk(2, -1)
        return self.leave(nn.functional.silu(gate) * value)


class Stack(Nonlinear):
    """A residual stack of layers of one width: x (B, T, inputs) or tokens (B, T) to (B, T, outputs).

    Each block adds a layer and, where there is one, an MLP, both on a normalised stream. A layer with a
    residual of its own is not added: its output, whose residual is the normalised stream, is the new stream.
    A causal map like the layers in it: it steps, carries a state, and has a tangent.
    """

    mixed = True

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

    def through(self, stream: Tensor, state: State) -> tuple[Tensor, State]:
        """One step of the blocks alone, without encoder and read-out: the stream is (B, width of a layer)."""
        after = []
        for place, (layer, norm, carried) in enumerate(zip(self._mixers(), self.norms, state, strict=True)):
            y, carried = layer.step(norm(stream), carried)
            stream = self._join(place, stream, y)
            after.append(carried)
        return stream, tuple(after)

    def check(self, x: Tensor) -> None:
        if x.ndim != 2 or x.is_floating_point():
            super().check(x)

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        stream, state = self.stream(x, state)
        return self.decode(stream), state

    def stream(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        """What the read-out reads, (B, T, width of a layer), and the last state."""
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

    def __init__(self, stack: Stack, steps: bool):
        super().__init__()
        self.stack, self.steps = stack, steps

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.stack(x)
        return y if self.steps else y[:, -1]


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


def one_hot(x: Tensor, inputs: int, dtype: torch.dtype) -> Tensor:
    """Tokens (B, T) as one-hot vectors (B, T, inputs); anything else as it is."""
    if x.is_floating_point() or x.is_complex():
        return x
    if x.numel() and (int(x.min()) < 0 or int(x.max()) >= inputs):
        raise BadInput(f"expected tokens from 0 to {inputs - 1}, got {int(x.min())} to {int(x.max())}")
    return nn.functional.one_hot(x.long(), inputs).to(dtype)


def save(path: Path, tensors: dict[str, Tensor], words: dict[str, Any]) -> None:
    """Write tensors and JSON as one safetensors file, whole or not at all."""
    new = path.with_name(path.name + ".new")
    whole = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(whole, new, {"json": json.dumps(words)})
    except SafetensorError as error:  # a full disk, for example
        raise OSError(f"{path} could not be written: {error}") from error
    new.replace(path)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save` wrote; a damaged file raises BadInput."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            words = json.loads((file.metadata() or {})["json"])
            if not isinstance(words, dict):
                raise TypeError(f"expected names and values, got {type(words).__name__}")
            return tensors, words
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"{path} is not a whole checkpoint ({error}); delete it to start again") from error
