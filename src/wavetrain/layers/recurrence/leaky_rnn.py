"""Leaky RNN: each unit has a time constant of its own, which is trained with the weights.

Khajehabdollahi, Zeraati, Giannakakis, Schäfer, Martius and Levina 2024, ICLR 2024, arXiv 2309.12927.

    s_t = W h_{t-1} + b + V x_t + d,   phi(z) = z above 0, 0.01 z below
    INSIDE    h_t = phi((1 - 1 / tau) h_{t-1} + s_t / tau)
    OUTSIDE   h_t = (1 - 1 / tau) h_{t-1} + phi(s_t) / tau
    y_t = h_t,   tau = 1 + |w| with w learned, so that tau never falls below 1

The diagonal of W is 0, so that a unit remembers by itself through tau alone. With tau = 1 both are a plain
recurrent network; the longer tau, the longer a unit holds what it has. Inside phi only a positive state is
held, since a negative one shrinks to a hundredth at each step.

At the start tau is uniform from 1 to 2, both maps are as PyTorch starts them, and h_0 is uniform from 0 to
0.1 in each unit, drawn once and saved. The authors cut tau off at 1 after each update; here it turns back.
"""

import enum
import functools

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State
from wavetrain.core.constants import constant
from wavetrain.errors import BadInput

SLOPE, FIRST = 0.01, 0.1  # of phi below 0; the largest entry of the first state


class Leak(enum.Enum):
    """Whether what a unit holds goes through phi again at each step."""

    INSIDE = "inside"
    OUTSIDE = "outside"


class LeakyRNN(Nonlinear):
    """x (B, T, inputs) to h (B, T, width); the state is h (B, width).

    With `tau`, all units have that time constant, in steps, and it is not learned.

    >>> from wavetrain.layers import LeakyRNN
    >>> layer = LeakyRNN(8, inputs=1)
    >>> y, state = layer(torch.randn(2, 50, 1))
    >>> y.shape, bool((layer.taus() >= 1).all())
    (torch.Size([2, 50, 8]), True)
    >>> LeakyRNN(3, tau=2.0).taus()
    tensor([2., 2., 2.])
    """

    card = Card(
        title="Emergent mechanisms for long timescales depend on training curriculum and affect performance "
        "in memory tasks",
        authors="Khajehabdollahi, Sina and Zeraati, Roxana and Giannakakis, Emmanouil and "
        "Schäfer, Tim Jakob and Martius, Georg and Levina, Anna",
        year=2024,
        source="ICLR 2024, arXiv 2309.12927",
        family="recurrence",
        topic="Single neurons",
    )
    beyond: Tensor  # how far each tau is beyond 1, with any sign
    others: Tensor  # 0 on the diagonal, else 1
    first: Tensor

    def __init__(
        self, width: int, inputs: int | None = None, leak: Leak = Leak.INSIDE, tau: float | None = None
    ):
        super().__init__(width, inputs)
        if tau is not None and not tau >= 1:
            raise BadInput(f"LeakyRNN: expected a time constant of at least 1 step, got {tau}")
        self.leak = leak
        self.encode = nn.Linear(self.inputs, width)
        self.recur = nn.Linear(width, width)
        constant(self, "others", functools.partial(_others, width))
        if tau is None:
            self.beyond = nn.Parameter(torch.rand(width))
        else:
            self.register_buffer("beyond", torch.full((width,), tau - 1.0))
        self.register_buffer("first", FIRST * torch.rand(width))
        with torch.no_grad():
            self.recur.weight.mul_(self.others)

    def taus(self) -> Float[Tensor, "width"]:
        """The time constant of each unit, in steps."""
        return 1 + self.beyond.abs()

    def begin(self, batch: int) -> Float[Tensor, "batch width"]:
        return self.first.to(self.recur.weight.dtype).repeat(batch, 1)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        share = 1 / self.taus()
        kept, total = (1 - share) * state, self.encode(x) + self._between(state)
        if self.leak is Leak.INSIDE:
            h = F.leaky_relu(kept + share * total, SLOPE)
        else:
            h = kept + share * F.leaky_relu(total, SLOPE)
        return h, h

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        """All inputs at once; with the leak inside, one matrix product and phi are left for each step."""
        share = 1 / self.taus()
        drive, recur = self.encode(x) + self.recur.bias, self.recur.weight * self.others
        if self.leak is Leak.OUTSIDE:

            def outside(now: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
                return ((1 - share) * h + share * F.leaky_relu(now + h @ recur.T, SLOPE),) * 2

            return scan.unroll(outside, drive, state)
        moved = (torch.diag(1 - share) + share[:, None] * recur).T

        def inside(now: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
            return (F.leaky_relu(torch.addmm(now, h, moved), SLOPE),) * 2

        return scan.unroll(inside, share * drive, state)

    def _between(self, h: Tensor) -> Tensor:
        """What units give each other: W h + b."""
        return F.linear(h, self.recur.weight * self.others, self.recur.bias)


def _others(width: int) -> Tensor:
    return 1 - torch.eye(width)
