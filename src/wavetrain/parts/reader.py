"""One layer and a read-out of it, at every step or at the last; tokens as one-hot vectors."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Layer
from wavetrain.errors import BadInput


class Reader(nn.Module):
    """One layer and a read-out: x (B, T, inputs) to (B, T, outputs), or (B, outputs) of the last step.

    Tokens (B, T) are taken as one-hot vectors. `hidden` units make the read-out an MLP.
    """

    def __init__(self, layer: Layer, outputs: int, every_step: bool, hidden: int | None = None):
        super().__init__()
        self.layer, self.every_step = layer, every_step
        self.read: nn.Module = nn.Linear(layer.width, outputs)
        if hidden is not None:
            self.read = nn.Sequential(nn.Linear(layer.width, hidden), nn.ReLU(), nn.Linear(hidden, outputs))

    def forward(
        self, x: Float[Tensor, "batch time inputs"] | Int[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time outputs"] | Float[Tensor, "batch outputs"]:
        y, _ = self.layer(one_hot(x, self.layer.inputs, self.read_dtype))
        return self.read(y if self.every_step else scan.final(y))

    @property
    def read_dtype(self) -> torch.dtype:
        return next(self.read.parameters()).dtype


def one_hot(
    x: Float[Tensor, "batch time inputs"] | Int[Tensor, "batch time"], inputs: int, dtype: torch.dtype
) -> Float[Tensor, "batch time inputs"]:
    """Tokens as one-hot vectors; anything else as it is."""
    if x.is_floating_point() or x.is_complex():
        return x
    if x.numel() and (int(x.min()) < 0 or int(x.max()) >= inputs):
        raise BadInput(f"expected tokens from 0 to {inputs - 1}, got {int(x.min())} to {int(x.max())}")
    return nn.functional.one_hot(x.long(), inputs).to(dtype)
