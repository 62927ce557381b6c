"""Izhikevich's simple model: a quadratic potential and a recovery, with the patterns of cortical cells.

Izhikevich 2003, IEEE Transactions on Neural Networks 14(6), 1569-1572, doi 10.1109/TNN.2003.820440.

    dv/dt = 0.04 v^2 + 5 v + 140 - u + I,   du/dt = a (b v - u),   I = W x + b0
    s_t = 1 where v > 30, else 0;   v <- c and u <- u + d where s_t is 1

A step: the potential moves with the recovery and the current held, and the recovery with the potential of
before; units that are silent keep their potential; those above the peak fire and are reset. Potentials v and
u are in mV, times in ms, a in 1 / ms, b has no unit, c and d are in mV, the current is in mV / ms and so
counts by the length of the step. Units are not silent after a spike, unless `silence` is set.

v moves by exponential Euler, v <- v + f (exp(f' dt) - 1) / f' with f = dv/dt and f' = 0.08 v + 5, and the
recovery by its exact decay. The paper takes Euler's rule in half steps of 0.5 ms; with it a strong inhibition
overshoots, and fires. In the paper v fires on 30 mV too. Left out: the paper's networks.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, State
from wavetrain.core.spiking import Spiking
from wavetrain.core.surrogate import Surrogate
from wavetrain.errors import BadInput
from wavetrain.parts.surrogate import Arctan

PEAK = 30.0  # mV
SQUARE, LINE, CONSTANT = 0.04, 5.0, 140.0  # of the potential: 1 / (mV ms), 1 / ms, mV / ms
SMALL = 1e-4  # f' dt below which its series is taken
WIDE = Arctan(0.2)  # a half of its peak at 3.2 mV from the threshold


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """The four numbers of a unit, by default those of a regular spiking cell.

    >>> from wavetrain.spiking.izhikevich import Pattern
    >>> cell = Pattern()
    >>> round(cell.rest(), 6), round(cell.rheobase(), 4)  # mV, and mV / ms
    (-70.0, 3.7975)
    """

    a: float = 0.02  # 1 / ms: how fast the recovery is
    b: float = 0.2  # of the potential, to which the recovery goes
    c: float = -65.0  # mV, after a spike
    d: float = 8.0  # mV that a spike adds to the recovery

    def __post_init__(self) -> None:
        numbers = (self.a, self.b, self.c, self.d)
        if not (self.a > 0 and self.c < PEAK and all(map(math.isfinite, numbers))):
            raise BadInput(f"Pattern: expected a above 0, c below {PEAK:g} mV, all finite, got {numbers}")
        if self._square(0.0) <= 0 or self.slope(self.rest()) >= min(self.a, self.b):
            raise BadInput(
                f"Pattern: expected numbers with a rest, to which small changes decay, got {numbers}"
            )

    def rest(self, current: float = 0.0) -> float:
        """The potential in mV that a constant current holds: the lower zero of the quadratic, with u = b v.

        Where there is none, it is not a number. The upper one is the same distance above (b - 5) / 0.08 mV.
        """
        square = self._square(current)
        return (self.b - LINE - math.sqrt(square)) / (2 * SQUARE) if square >= 0 else math.nan

    def _square(self, current: float) -> float:
        return (LINE - self.b) ** 2 - 4 * SQUARE * (CONSTANT + current)

    def slope(self, v: float) -> float:
        """How fast a small change of the potential grows by itself, in 1 / ms."""
        return 2 * SQUARE * v + LINE

    def rheobase(self) -> float:
        """The constant current in mV / ms above which rest is none.

        There the growth of the potential is the decay a of the recovery (a Hopf bifurcation), or, where b is
        less than a, the two zeros meet (a saddle-node).
        """
        v = (min(self.a, self.b) - LINE) / (2 * SQUARE)
        return self.b * v - (SQUARE * v + LINE) * v - CONSTANT

    def check_step(self, dt: float) -> None:
        """Raise for a step that is not above 0 ms, or above the smallest time constant at rest."""
        least = min(1 / self.a, -1 / self.slope(self.rest()))
        if not 0 < dt <= least:
            raise BadInput(
                f"Izhikevich: expected dt above 0 ms and up to the smallest time constant at rest, "
                f"{least:.3g} ms, got {dt!r}"
            )


REGULAR_SPIKING = Pattern()
FAST_SPIKING = Pattern(a=0.1, d=2.0)
CHATTERING = Pattern(c=-50.0, d=2.0)


class Izhikevich(Spiking):
    """x (B, T, inputs) to spikes (B, T, width); dt in ms; weights and biases in mV / ms.

    The state is the potential v in mV, for how many steps each unit is still silent, and the recovery u in
    mV, (B, width) each. It begins at rest.

    >>> from wavetrain.spiking import Izhikevich
    >>> from wavetrain.spiking.izhikevich import FAST_SPIKING
    >>> layer = Izhikevich(1, pattern=FAST_SPIKING)
    >>> _ = layer.encode.weight.data.fill_(10.0), layer.encode.bias.data.zero_()
    >>> spikes, (v, silent, u) = layer(torch.ones(1, 1000, 1))  # half a second
    >>> bool(spikes.sum() > 20), u.shape
    (True, torch.Size([1, 1]))
    """

    card = Card(
        title="Simple model of spiking neurons",
        authors="Izhikevich, Eugene M.",
        year=2003,
        source="IEEE Transactions on Neural Networks 14(6), doi 10.1109/TNN.2003.820440",
        family="spiking",
        topic="Waves in spiking networks",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        pattern: Pattern = REGULAR_SPIKING,
        surrogate: Surrogate = WIDE,
        detached: bool = False,
        dt: float = 0.5,
    ):
        super().__init__(width, inputs, dt=dt, surrogate=surrogate, detached=detached)
        pattern.check_step(dt)
        self.pattern = pattern
        self.encode = nn.Linear(self.inputs, width)

    def begin(
        self, batch: int
    ) -> tuple[Float[Tensor, "batch width"], Int[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        none, rest = self.encode.weight.new_zeros(batch, self.width), self.pattern.rest()
        return none + rest, none.to(torch.int32), none + self.pattern.b * rest

    def fades(self) -> tuple[Float[Tensor, "*units"] | None, ...]:
        return None, None, None

    def step(
        self, x: Float[Tensor, "batch inputs"], state: State
    ) -> tuple[Float[Tensor, "batch width"], State]:
        return self._next(self.encode(x), state)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        return scan.unroll(self._next, F.linear(x, self.encode.weight, self.encode.bias), state)

    def _next(self, current: Tensor, state: State) -> tuple[Tensor, State]:
        v, silent, u = state
        goal = self.pattern.b * v
        moved = self.moved(v, u, current)
        u = goal + (u - goal) * math.exp(-self.pattern.a * self.dt)
        v = torch.where(silent > 0, v, moved)
        spikes, silent = self.fire(v - PEAK, silent)
        felt = self.felt(spikes)
        return spikes, (v + felt * (self.pattern.c - v), silent, u + self.pattern.d * felt)

    def moved(
        self,
        v: Float[Tensor, "batch width"],
        u: Float[Tensor, "batch width"],
        current: Float[Tensor, "batch width"],
    ) -> Float[Tensor, "batch width"]:
        """The potentials in mV after a step in which recovery and current are held."""
        growth = (2 * SQUARE * v + LINE) * self.dt
        near = growth.abs() < SMALL
        apart = torch.where(near, torch.ones_like(growth), growth)  # so that no gradient is 0 / 0
        factor = torch.where(near, 1 + growth / 2, torch.expm1(apart) / apart)
        return v + self.dt * factor * ((SQUARE * v + LINE) * v + CONSTANT - u + current)
