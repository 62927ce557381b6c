"""Wave RNN: activity travels round rings of units, so the state lays the recent past out in space.

Keller, Muller, Sejnowski and Welling 2023, ICLR 2024, arXiv 2309.08045.

    h_t = relu(u * h_{t-1} + b_u + V x_t + b_V),  y_t = h_t,  h_0 = 0

h is c channels of rings of n units (width = c n); `*` is a circular convolution along the ring that mixes
channels. It starts as an exact shift by one unit per step (u[o, o, 2] = 1, else 0), and the encoder V writes
at position 0 of every ring with weight 1 for all inputs. An input that is written once sits at position
(-s) mod n after s steps: for non-negative drive and no bias the last n inputs are all there.

`Start` switches each part of this off, for the paper's ablations. The convolution's bias b_u is left at
its random default in the released code, so that even there the first state is not an exact shift register;
`zero_bias` clears it. `local` unties the convolution over positions (the locally connected variant).
Left out: rings of two dimensions, and noise. The read-out (linear, or an MLP) is `stack.Reader`.
"""

import enum
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State, check_width, divisor
from wavetrain.core.windows import sliding
from wavetrain.errors import BadInput
from wavetrain.scan import Activation


class Recurrent(enum.Enum):
    """How the convolution starts."""

    SHIFT = "shift"  # each ring moves by one unit per step
    STAY = "stay"  # each ring stays as it is
    RANDOM = "random"  # the usual uniform start of a convolution


@dataclass(frozen=True)
class Start:
    """Where the parameters of a wave RNN start; the paper's start by default."""

    recurrent: Recurrent = Recurrent.SHIFT
    source: bool = True  # inputs write at position 0 alone (V-init); else normal with deviation 0.001
    zero_bias: bool = False  # clear the bias of the convolution


PAPER = Start()


class WaveRNN(Nonlinear):
    """x (B, T, inputs) to h (B, T, width), channels after one another; the state is h (B, width).

    `channels` divides `width`; by default rings are about sixteen times as long as there are channels, as
    in the paper's 6 channels of 100 units.

    >>> from wavetrain.layers import WaveRNN
    >>> from wavetrain.layers.wave.wave_rnn import Start
    >>> layer = WaveRNN(6, channels=1, start=Start(zero_bias=True))
    >>> x = torch.zeros(1, 4, 6)
    >>> x[0, 0, 0] = 1  # one pulse, at the first step
    >>> layer(x)[0].int()  # it moves on by one place a step
    tensor([[[1, 0, 0, 0, 0, 0],
             [0, 0, 0, 0, 0, 1],
             [0, 0, 0, 0, 1, 0],
             [0, 0, 0, 1, 0, 0]]], dtype=torch.int32)
    """

    card = Card(
        title="Traveling waves encode the recent past and enhance sequence learning",
        authors="Keller, T. Anderson and Muller, Lyle and Sejnowski, Terrence and Welling, Max",
        year=2023,
        source="ICLR 2024, arXiv 2309.08045",
        family="wave",
        topic="Travelling waves",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        channels: int | None = None,
        kernel: int = 3,
        activation: Activation = Activation.RELU,
        local: bool = False,
        start: Start = PAPER,
    ):
        super().__init__(width, inputs)
        check_width("WaveRNN", kernel=kernel)
        channels = divisor(width, (width / 16) ** 0.5) if channels is None else channels
        check_width("WaveRNN", channels=channels)
        ring = width // channels
        if channels * ring != width:
            raise BadInput(f"WaveRNN: channels must divide width {width}, got {channels}")
        kernel = min(kernel, ring - 1 + ring % 2)  # a ring of one or two units has no two neighbours
        if kernel % 2 == 0:
            raise BadInput(f"WaveRNN: the kernel must be odd, got {kernel}")
        self.channels, self.ring = channels, ring
        self.activation = activation
        self.encode = nn.Linear(self.inputs, width)
        self.kernel = nn.Parameter(torch.empty(channels, channels, *([ring] if local else []), kernel))
        self.bias = nn.Parameter(torch.empty(channels))
        self._initialise(start, bound=(channels * kernel) ** -0.5)

    @torch.no_grad()
    def _initialise(self, start: Start, bound: float) -> None:
        self.kernel.uniform_(-bound, bound)
        self.bias.uniform_(-bound, bound)
        if start.zero_bias:
            self.bias.zero_()
        if start.recurrent is not Recurrent.RANDOM:
            middle = self.kernel.shape[-1] // 2
            tap = middle if start.recurrent is Recurrent.STAY else min(middle + 1, self.kernel.shape[-1] - 1)
            self.kernel.zero_()
            self.kernel[..., tap][range(self.channels), range(self.channels)] = 1.0
        if start.source:
            self.encode.weight.zero_()
            self.encode.weight.view(self.channels, self.ring, self.inputs)[:, 0] = 1.0
            self.encode.bias.zero_()
        else:
            self.encode.weight.normal_(0, 0.001)

    def begin(self, batch: int) -> Float[Tensor, "batch width"]:
        return self.bias.new_zeros(batch, self.width)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        h = self._next(self._drive(x), state.unflatten(-1, (self.channels, self.ring))).flatten(-2)
        return h, h

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        state = state.unflatten(-1, (self.channels, self.ring))
        if self.kernel.ndim == 3:
            h, last = scan.wave(self._drive(x), self.kernel, state, self.activation)
        else:
            h, last = scan.unroll(lambda drive, h: (self._next(drive, h),) * 2, self._drive(x), state)
        return h.flatten(-2), last.flatten(-2)

    def _next(self, drive: Tensor, h: Tensor) -> Tensor:
        """One step on the rings: drive and h (B, channels, ring) give the next h."""
        if self.kernel.ndim == 3:
            return scan.wave_step(drive, self.kernel, h, self.activation)
        half = self.kernel.shape[-1] // 2
        around = torch.cat([h[..., self.ring - half :], h, h[..., :half]], -1)
        windows = sliding(around, 2 * half + 1, -1)  # (B, channels, ring, taps)
        return self.activation(torch.einsum("ocnk,bcnk->bon", self.kernel, windows) + drive)

    def _drive(self, x: Tensor) -> Tensor:
        """What the input adds to the sums, both biases included: (..., channels, ring)."""
        bias = self.encode.bias + self.bias.repeat_interleave(self.ring)
        return scan.affine(x, self.encode.weight, bias).unflatten(-1, (self.channels, self.ring))
