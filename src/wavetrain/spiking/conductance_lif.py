"""Conductance-based units: input opens channels, and the potential moves toward where they draw it.

The cell of Davis, Benigno, Fletterman, Desbordes, Steward, Sejnowski, Reynolds and Muller 2021, Nature
Communications 12:6057, doi 10.1038/s41467-021-26175-1, by exponential Euler; the inputs are ours.

    g_e <- exp(-dt / tau_e) g_e + max(0, W x_t + b),   g_i <- exp(-dt / tau_i) g_i + max(0, -(W x_t + b))
    C dv/dt = g_e (E_e - v) + g_i (E_i - v) + g_l (E_l - v),   g_l = C / tau
    v <- v_inf + (v - v_inf) exp(-dt g / C),   g = g_e + g_i + g_l
    v_inf = (g_e E_e + g_i E_i + g_l E_l) / g
    s_t = 1 where v > threshold, else 0,   v <- reset where s_t is 1

A step: the conductances decay and what comes in is added; units that are silent keep their potential, those
of the others move with the conductances held; those above the threshold fire, are reset, and are silent for
the refractory time. Potentials are in mV, times in ms, conductances in nS, capacities in pF.

With conductances that are held the step is exact, so that v never leaves what lies between E_i and E_e,
however strong the input; by Euler's rule, which the paper takes, it does. There each cell that sends is
excitatory or inhibitory; here each weight has its own sign.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, State
from wavetrain.core.spiking import Spiking
from wavetrain.core.surrogate import Surrogate
from wavetrain.parts.conductances import Conductances
from wavetrain.parts.surrogate import Arctan

CELL = Conductances()
WIDE = Arctan(0.2)  # a half of its peak at 3.2 mV from the threshold


class ConductanceLIF(Spiking):
    """x (B, T, inputs) to spikes (B, T, width); dt in ms; weights and biases in nS.

    The state is the potential v in mV, for how many steps each unit is still silent, and the conductances g_e
    and g_i in nS, (B, width) each.

    >>> from wavetrain.spiking import ConductanceLIF
    >>> layer = ConductanceLIF(2, inputs=1)
    >>> _ = layer.encode.weight.data.copy_(torch.tensor([[9.0], [-9.0]])), layer.encode.bias.data.zero_()
    >>> spikes, (v, silent, excited, inhibited) = layer(torch.ones(1, 60, 1))
    >>> spikes.sum(1).tolist(), bool(v[0, 1] > -80)
    ([[9.0, 0.0]], True)
    """

    card = Card(
        title="Spontaneous traveling waves naturally emerge from horizontal fiber time delays and travel "
        "through locally asynchronous-irregular states",
        authors="Davis, Zachary W. and Benigno, Gabriel B. and Fletterman, Charlee and Desbordes, Theo and "
        "Steward, Christopher and Sejnowski, Terrence J. and Reynolds, John H. and Muller, Lyle",
        year=2021,
        source="Nature Communications 12:6057, doi 10.1038/s41467-021-26175-1",
        family="spiking",
        topic="Waves in spiking networks",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        cell: Conductances = CELL,
        surrogate: Surrogate = WIDE,
        detached: bool = False,
        dt: float = 1.0,
    ):
        super().__init__(
            width, inputs, dt=dt, surrogate=surrogate, detached=detached, refractory=cell.refractory
        )
        self.cell = cell
        self.encode = nn.Linear(self.inputs, width)

    def begin(
        self, batch: int
    ) -> tuple[
        Float[Tensor, "batch width"],
        Int[Tensor, "batch width"],
        Float[Tensor, "batch width"],
        Float[Tensor, "batch width"],
    ]:
        none = self.encode.weight.new_zeros(batch, self.width)
        return none + self.cell.rest, none.to(torch.int32), none, none.clone()

    def fades(self) -> tuple[Float[Tensor, "width"] | None, ...]:
        one = self.encode.bias.new_ones(self.width)
        v, excited, inhibited = (self.rate(tau) for tau in (self.cell.tau, self.cell.tau_e, self.cell.tau_i))
        return v * one, None, excited * one, inhibited * one

    def step(
        self, x: Float[Tensor, "batch inputs"], state: State
    ) -> tuple[Float[Tensor, "batch width"], State]:
        return self._next(self.encode(x), state)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        return scan.unroll(self._next, F.linear(x, self.encode.weight, self.encode.bias), state)

    def _next(self, given: Tensor, state: State) -> tuple[Tensor, State]:
        v, silent, excited, inhibited = state
        excited = self.rate(self.cell.tau_e) * excited + given.clamp(min=0)
        inhibited = self.rate(self.cell.tau_i) * inhibited + (-given).clamp(min=0)
        v = torch.where(silent > 0, v, self.moved(v, excited, inhibited))
        spikes, silent = self.fire(v - self.cell.threshold, silent)
        v = v + self.felt(spikes) * (self.cell.reset - v)
        return spikes, (v, silent, excited, inhibited)

    def moved(
        self,
        v: Float[Tensor, "batch width"],
        excited: Float[Tensor, "batch width"],
        inhibited: Float[Tensor, "batch width"],
    ) -> Float[Tensor, "batch width"]:
        """The potentials in mV after a step in which the conductances, in nS, are held."""
        cell, total = self.cell, excited + inhibited + self.cell.leak
        # of how far it is from rest, so that a potential at rest is left as it is to the last bit
        drawn = excited * (cell.draw_e - cell.rest) + inhibited * (cell.draw_i - cell.rest)
        end = drawn / total
        return cell.rest + end + (v - cell.rest - end) * torch.exp(-self.dt * total / cell.capacity)
