"""A layer and a leaky read-out of it: what the layer gives is averaged over the last steps, linearly.

    o_t = k o_{t-1} + (1 - k) R y_t,   o_{-1} = 0,   k = exp(-dt / tau)

A network of spikes is read so: R is the weight without a bias, and `tau` the time over which spikes count.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Layer
from wavetrain.errors import BadInput


class LeakyReader(nn.Module):
    """One layer and its leaky read-out: x (B, T, inputs) to (B, T, outputs); tau and dt in one unit.

    >>> from wavetrain.layers import Elman
    >>> from wavetrain.parts.leaky_reader import LeakyReader
    >>> network = LeakyReader(Elman(6, inputs=3), outputs=2, tau=10.0)
    >>> round(network.kept, 6), network(torch.randn(4, 7, 3)).shape
    (0.904837, torch.Size([4, 7, 2]))
    """

    every_step = True

    def __init__(self, layer: Layer, outputs: int, tau: float, dt: float = 1.0):
        super().__init__()
        if not (0 < tau < math.inf and 0 < dt < math.inf):
            raise BadInput(f"LeakyReader: expected tau and dt above 0, got {tau!r} and {dt!r}")
        self.layer, self.kept = layer, math.exp(-dt / tau)
        self.read = nn.Linear(layer.width, outputs, bias=False)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time outputs"]:
        return leaky((1 - self.kept) * self.read(self.layer(x)[0]), self.kept)


def leaky(x: Float[Tensor, "batch time channels"], kept: float) -> Float[Tensor, "batch time channels"]:
    """o_t = kept o_{t-1} + x_t, by one product with the T x T matrix of powers.

    >>> from wavetrain.parts.leaky_reader import leaky
    >>> leaky(torch.tensor([[[8.0], [0.0], [4.0]]]), 0.5).flatten().tolist()
    [8.0, 4.0, 6.0]
    """
    lag = torch.arange(x.shape[1], device=x.device)
    lag = lag[:, None] - lag
    weight = torch.where(lag >= 0, torch.as_tensor(kept, dtype=x.dtype) ** lag.clamp(min=0), 0.0)
    return torch.einsum("ts,bsc->btc", weight, x)
