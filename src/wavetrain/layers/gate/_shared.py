"""Gated units whose channels meet only in the input, which the parallel cells share."""

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn

from wavetrain.core import Nonlinear, State, check_width, divisor
from wavetrain.errors import BadInput
from wavetrain.scan import Info, Newton


class ChannelCell(Nonlinear):
    """A unit of three sums whose channels meet only in the input, as in ParaRNN, arXiv 2510.21450.

    What its members share: the input's part of the sums, block-diagonal over heads, the start of the
    parameters, and the two ways to a whole sequence. Each writes its cell as `scan.newton` wants it, and
    `_run`. The sums are encode x + recur h + bias, with one recurrent weight a sum and channel.
    """

    def __init__(
        self, width: int, inputs: int | None = None, heads: int | None = None, newton: Newton | None = None
    ):
        super().__init__(width, inputs)
        name, inputs = type(self).__name__, self.inputs
        heads = divisor(math.gcd(width, inputs), 2) if heads is None else heads
        check_width(name, heads=heads)
        if width % heads or inputs % heads:
            raise BadInput(f"{name}: heads must divide width {width} and inputs {inputs}, got {heads}")
        self.heads, self.newton = heads, newton
        self.encode = nn.Parameter(torch.empty(heads, 3, width // heads, inputs // heads))
        self.recur = nn.Parameter(torch.empty(3, width))
        self.bias = nn.Parameter(torch.zeros(3, width))
        bound = (6 / (inputs // heads + self._fan_out())) ** 0.5
        nn.init.uniform_(self.encode, -bound, bound)
        nn.init.normal_(self.recur, std=2 / (5 * width) ** 0.5)
        with torch.no_grad():
            self.bias[0] = -torch.linspace(0, 1, width)

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, last, _ = self._run(x, state, self.newton)
        return y, last

    def solve(self, x: Tensor, state: State = None) -> tuple[Tensor, State, Info]:
        """As `forward`, by Newton's method at any length, and how each sequence was found."""
        self.check(x)
        return self._run(x, self.begin(len(x)) if state is None else state, self.newton or Newton())

    @abstractmethod
    def _run(self, x: Tensor, state: State, newton: Newton | None) -> tuple[Tensor, State, Info]:
        """The whole sequence by `scan.newton`: output, last state, and how each sequence was found."""

    def _fan_out(self) -> int:
        """The outputs that Xavier's start of `encode` counts: those of a head."""
        return self.width // self.heads

    def _drive(self, x: Tensor) -> Tensor:
        """What the input x (..., I) adds to the sums, biases included: (..., 3, D)."""
        parts = x.unflatten(-1, (self.heads, -1))
        return torch.einsum("...hi,hgoi->...gho", parts, self.encode).flatten(-2) + self.bias
