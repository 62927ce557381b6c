"""Layers one after another, without residuals, and a linear read-out of each step or of their mean.

The plainest deep network of sequence layers: what one gives is all that the next one hears. Of units that
fire the mean over steps is their rate.
"""

import itertools
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Layer
from wavetrain.errors import BadInput


class Chain(nn.Module):
    """x (B, T, inputs) to (B, outputs), read from the mean over steps, or to (B, T, outputs), from each.

    Raises BadInput for no layer, and for a layer that does not take what the one before it gives.

    >>> from wavetrain.parts.chain import Chain
    >>> from wavetrain.spiking import LIF
    >>> network = Chain([LIF(8, inputs=3), LIF(6, inputs=8)], outputs=2)
    >>> network(torch.randn(4, 7, 3)).shape
    torch.Size([4, 2])
    """

    def __init__(self, layers: Sequence[Layer], outputs: int, every_step: bool = False):
        super().__init__()
        if not layers:
            raise BadInput("Chain: expected at least one layer, got none")
        for one, other in itertools.pairwise(layers):
            if one.width != other.inputs:
                raise BadInput(
                    f"Chain: expected a layer of {one.width} inputs behind {type(one).__name__}, "
                    f"got {type(other).__name__} of {other.inputs}"
                )
        self.layers, self.every_step = nn.ModuleList(layers), every_step
        self.read = nn.Linear(layers[-1].width, outputs)

    def forward(
        self, x: Float[Tensor, "batch time inputs"]
    ) -> Float[Tensor, "batch time outputs"] | Float[Tensor, "batch outputs"]:
        for layer in self.layers:
            x, _ = layer(x)
        return self.read(x if self.every_step else x.mean(1))
