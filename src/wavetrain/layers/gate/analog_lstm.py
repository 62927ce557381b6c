"""Analog LSTM: a crossbar of memristors multiplies, and the converter that reads it is the activation.

Yang et al. 2025, Nature Communications 16:1136, arXiv 2411.18271. Of the paper we know the abstract, so the
circuit's sizes and errors are our own.

    z = (W + E) [x_t; h_{t-1}; 1],  i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of four blocks of rows
    c_t = f c_{t-1} + i g,   h_t = o tanh(c_t),   y_t = h_t

With `bits`, each sigmoid and tanh is read by a converter of so many bits (the part `ramps`). With RAMP its
ramp bends as the function does, so that counting computes it. With LINEAR steps are equal, from -swing to
swing, and the function is looked up; `calibrate` takes the swings of z and of c from data. Products with
gates are digital. Gradients see the functions themselves and not their staircase. E is what went wrong when
the weights were programmed: Gaussian, of a share of the largest weight. `program` draws it anew, and the
errors of the ramps' cells with it; a network that learns while both change gets used to them.

Without `bits`, as it is trained first, all is read exactly: it is an LSTM, and runs as one. Weights start
uniform in +/- 1 / sqrt(width).
Left out: noise of single readings, levels and drift of conductances, broken cells, offsets of comparators,
and crossbars too small for one product.
"""

import enum
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State
from wavetrain.errors import BadInput
from wavetrain.parts import ramps
from wavetrain.parts.ramps import SIGMOID, TANH, Monotone


class Converter(enum.Enum):
    """How sums are read."""

    RAMP = "ramp"  # by a ramp that is the function
    LINEAR = "linear"  # in equal steps, and the function is looked up


class _Read(NamedTuple):
    """The matrices as they were programmed, (inputs, 4 W), (4 W) and (W, 4 W)."""

    encode: Tensor
    bias: Tensor
    recur: Tensor


class AnalogLSTM(Nonlinear):
    """x (B, T, inputs) to h (B, T, width); the state is h and c, (B, width) each.

    >>> from wavetrain.layers import AnalogLSTM
    >>> layer = AnalogLSTM(8, inputs=3, bits=3)
    >>> y, (h, c) = layer(torch.randn(20, 50, 3))
    >>> len(y.unique()) <= 8 * 8  # a gate of eight values times a tanh of eight
    True
    >>> layer.program(weights=0.1)  # once more, with errors of a tenth of the largest weight
    >>> torch.equal(layer(torch.zeros(1, 9, 3))[0], layer(torch.zeros(1, 9, 3))[0])
    True
    """

    card = Card(
        title="Efficient nonlinear function approximation in analog resistive crossbars for recurrent "
        "neural networks",
        authors="Yang, Junyi and Mao, Ruibin and Jiang, Mingrui and Cheng, Yichuan and "
        "Sun, Pao-Sheng Vincent and Dong, Shuai and Pedretti, Giacomo and Sheng, Xia and Ignowski, Jim and "
        "Li, Haoliang and Li, Can and Basu, Arindam",
        year=2025,
        source="Nature Communications 16:1136, arXiv 2411.18271",
        family="gate",
        topic="Gates",
    )
    error: Tensor
    gate: Tensor
    cell: Tensor
    swing: Tensor

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        bits: int | None = None,
        converter: Converter = Converter.RAMP,
    ):
        super().__init__(width, inputs)
        self.bits, self.converter = bits, converter
        bound = width**-0.5
        size = 4 * width, self.inputs + width + 1
        self.weight = nn.Parameter(torch.empty(size).uniform_(-bound, bound))
        self.register_buffer("error", torch.zeros(size))
        gate, cell = (
            torch.zeros(0) if bits is None else ramps.thresholds(function, bits).float()
            for function in (SIGMOID, TANH)
        )
        self.register_buffer("gate", gate)  # thresholds
        self.register_buffer("cell", cell)
        self.register_buffer("swing", torch.tensor([8.0, 8.0]))  # of z and of c

    def begin(self, batch: int) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        zero = self.weight.new_zeros(batch, self.width)
        return zero, zero

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]],
    ) -> tuple[
        Float[Tensor, "batch width"], tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]
    ]:
        read = self._read()
        return self._move(torch.addmm(read.bias, x, read.encode), state, read.recur)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        read = self._read()
        if self.bits is None and not scan.written_out(x, *state, self.weight):
            one = [part.T.contiguous() for part in (read.encode, read.recur)]
            weights = [*one, read.bias, torch.zeros_like(read.bias)]
            # biases, one layer, no dropout, gradients wanted, one direction, batch first
            y, h, c = torch.lstm(x, [part[None] for part in state], weights, True, 1, 0.0, True, False, True)
            return y, (h[0], c[0])
        drive = x @ read.encode + read.bias
        return scan.unroll(lambda now, state: self._move(now, state, read.recur), drive, state)

    @torch.no_grad()
    def program(self, weights: float = 0.0, ramp: float = 0.0) -> None:
        """Draw the errors anew: a share of the largest weight, and of each cell of the ramps; 0 is none.

        Raises BadInput for a share below 0.
        """
        if not (weights >= 0 and ramp >= 0):
            raise BadInput(f"AnalogLSTM: expected errors of at least 0, got {weights} and {ramp}")
        self.error.copy_(weights * self.weight.abs().max() * torch.randn_like(self.error))
        if self.bits is not None:
            for buffer, function in ((self.gate, SIGMOID), (self.cell, TANH)):
                exact = ramps.thresholds(function, self.bits).to(buffer.device)
                noise = torch.randn(len(exact) - 1, dtype=exact.dtype, device=exact.device)
                buffer.copy_(ramps.programmed(exact, ramp * noise))

    @torch.no_grad()
    def calibrate(self, x: Float[Tensor, "batch time inputs"], share: float = 0.999) -> None:
        """Take as swings what `share` of all |z| and |c| stay below on sequences, read without rounding."""
        self.check(x)
        read, (h, c), seen = self._read(), self.begin(len(x)), []
        for now in x.unbind(1):
            z = now @ read.encode + read.bias + h @ read.recur
            i, f, g, o = z.chunk(4, -1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            seen.append((z.flatten(), c.flatten()))
        for place, parts in enumerate(zip(*seen, strict=True)):
            sizes = torch.cat(parts).abs().sort().values
            self.swing[place] = sizes[min(int(share * len(sizes)), len(sizes) - 1)]

    def _read(self) -> _Read:
        matrix = (self.weight + self.error).T
        return _Read(matrix[: self.inputs], matrix[-1], matrix[self.inputs : -1])

    def _move(self, drive: Tensor, state: State, recur: Tensor) -> tuple[Tensor, State]:
        """One step, from what the input adds to the sums (B, 4 W)."""
        h, c = state
        z = drive + h @ recur
        i, f, g, o = z.chunk(4, -1)
        i, f, o = (self._convert(part, SIGMOID, self.gate, 0) for part in (i, f, o))
        c = f * c + i * self._convert(g, TANH, self.cell, 0)
        h = o * self._convert(c, TANH, self.cell, 1)
        return h, (h, c)

    def _convert(self, v: Tensor, function: Monotone, where: Tensor, swing: int) -> Tensor:
        """A function of voltages as the converter reads it; `swing` is 0 for z and 1 for c."""
        if self.bits is None:
            return function.value(v)
        if self.converter is Converter.RAMP:
            return ramps.straight(v, ramps.rounded(v.detach(), where, function), function)
        return ramps.straight(v, ramps.linear(v.detach(), self.swing[swing], self.bits, function), function)
