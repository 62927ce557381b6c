"""Temporal convolution: a hierarchy of causal filters, each level looking back further than the one below.

Bai, Kolter and Koltun 2018, arXiv 1803.01271 (the temporal convolutional network); in cortex, windows of
time grow in the same way from sensory to association areas.

    x_0 = W x,   x_l(t) = x_{l-1}(t) + act(b_l + sum over k < K of W_{l,k} x_{l-1}(t - k r^(l-1))),   y = x_L

Level l has taps r^(l-1) steps apart, so L levels see 1 + (K - 1) (r^L - 1) / (r - 1) steps (with r = 1,
1 + (K - 1) L) and the state is a window of constant size for each level. Without an activation the whole is
one convolution, whose kernel is that of the levels convolved with each other; their mean lags add.
Left out: the second convolution of each block, weight normalisation and dropout.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State, check_width
from wavetrain.scan import Activation


class TemporalConvolution(Nonlinear):
    """x (B, T, inputs) to y (B, T, width).

    The state is for each level its last (taps - 1) dilation inputs (B, S, width), oldest first. The dilation
    of a level is `ratio` times that of the level below.

    >>> from wavetrain.layers import TemporalConvolution
    >>> layer = TemporalConvolution(8, levels=4, taps=3, ratio=2)
    >>> layer.reach  # steps, doubling from level to level
    31
    >>> layer(torch.randn(2, 50, 8))[0].shape
    torch.Size([2, 50, 8])
    """

    splits = True
    card = Card(
        title="An empirical evaluation of generic convolutional and recurrent networks for sequence modeling",
        authors="Bai, Shaojie and Kolter, J. Zico and Koltun, Vladlen",
        year=2018,
        source="arXiv 1803.01271",
        family="convolution",
        topic="Temporal convolutions",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        levels: int = 4,
        taps: int = 3,
        ratio: int = 2,
        activation: Activation = Activation.RELU,
    ):
        super().__init__(width, inputs)
        check_width("TemporalConvolution", levels=levels, taps=taps, ratio=ratio)
        self.taps, self.activation = taps, activation
        self.dilations = [ratio**level for level in range(levels)]
        self.encode = nn.Linear(self.inputs, width)
        bound = (width * taps) ** -0.5
        self.kernel = nn.Parameter(torch.empty(levels, width, width, taps).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(levels, width).uniform_(-bound, bound))

    @property
    def reach(self) -> int:
        """How many steps an output depends on, its own included."""
        return 1 + (self.taps - 1) * sum(self.dilations)

    def begin(self, batch: int) -> tuple[Float[Tensor, "batch _ width"], ...]:
        return tuple(
            self.bias.new_zeros(batch, (self.taps - 1) * dilation, self.width) for dilation in self.dilations
        )

    def step(
        self, x: Float[Tensor, "batch inputs"], state: tuple[Float[Tensor, "batch _ width"], ...]
    ) -> tuple[Float[Tensor, "batch width"], tuple[Float[Tensor, "batch _ width"], ...]]:
        y, after = self.encode(x), []
        for kernel, bias, dilation, past in zip(self.kernel, self.bias, self.dilations, state, strict=True):
            window = torch.cat([past, y.unsqueeze(1)], 1)  # (B, S + 1, D)
            seen = window.flip(1)[:, ::dilation]  # (B, K, D), the present first
            y = y + self.activation(torch.einsum("oik,bki->bo", kernel, seen) + bias)
            after.append(window[:, 1:])
        return y, tuple(after)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        y, after = self.encode(x), []
        for kernel, bias, dilation, past in zip(self.kernel, self.bias, self.dilations, state, strict=True):
            sums, past = scan.dilated(y, past, kernel, dilation)
            y = y + self.activation(sums + bias)
            after.append(past)
        return y, tuple(after)
