"""Transient states: a network that is active by itself, and wanders from clique to clique without an end.

Gros 2007, New Journal of Physics 9:109; with input Gros and Kaczor 2010, Logic Journal of the IGPL,
arXiv 0903.1979. Sites i have an activity x and a reservoir p, both from 0 to 1. Sites that are linked excite
each other, all others inhibit, so that the cliques of the links, in which all are linked, hold themselves.
The reservoir of an active site is drained, and the clique gives way to another:

    r_i = sum_j [f(p_i) w_ij - g(p_j) z_ij] x_j + D_i,   D_i = sum_j v_ij y_j   of pixels y
    dx_i/dt = (1 - x_i) r_i where r_i > 0, else x_i r_i
    dp_i/dt = fill (1 - p_i) (1 - x_i / x_c) where x_i < x_c, else -drain p_i

f and g rise from `least` to 1, steeply at the levels of the reservoir at which a site may be excited and may
inhibit. What the pixels say counts where it decides: a signal s rises while D changes the sign of some r, and
opens the learning of v for the sites that are active, and against it for those that are not:

    ds/dt = rise (1 - s) where it decides, less decay s
    dv_ij/dt = learn s (target_i - D_i) (y_j - mean of y)   where s is above a threshold

The equations are recalled from the earlier papers, the rule for v is reconstructed from an abstract, and all
constants are ours. They are touchy: small changes freeze the network in one clique.
"""

import itertools
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Card, Carrying, State, check_width
from wavetrain.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Constants:
    """Numbers of the equations above; times are in units, of which a step is a part."""

    excite: float = 0.15
    inhibit: float = 1.0
    active: float = 0.85  # x_c
    least: float = 0.05
    steep: float = 20.0
    excited_at: float = 0.7  # level of the reservoir
    inhibits_at: float = 0.15
    fill: float = 0.004
    drain: float = 0.009
    step: float = 0.2  # above 0.5 activity leaves its range
    learn: float = 0.0
    target: float = 0.3  # of D, where a site is active
    target_rest: float = -0.05
    rise: float = 0.5
    decay: float = 0.02
    opens: float = 0.2  # the signal above which v is learned


class TransientStates(Carrying):
    """x (B, T, pixels) to activity (B, T, sites); the state is activity, reservoirs, v and the signal.

    >>> from wavetrain.networks import TransientStates
    >>> network = TransientStates([(0, 1, 2), (2, 3, 4)], pixels=3)
    >>> y, (x, reservoir, v, signal) = network.carry(torch.zeros(1, 2000, 3))
    >>> (y[0, -1] > 0.85).nonzero()[:, 0].tolist(), v.shape  # 400 units later
    ([0, 1, 2], torch.Size([1, 5, 3]))
    """

    card = Card(
        title="Semantic learning in autonomously active recurrent neural networks",
        authors="Gros, Claudius and Kaczor, Gregor",
        year=2010,
        source="Logic Journal of the IGPL, arXiv 0903.1979",
        family="attractor",
        topic="Looking inside",
    )

    def __init__(
        self,
        linked: list[tuple[int, ...]],
        pixels: int,
        spread: float = 0.1,
        constants: Constants | None = None,
    ):
        """The sites of each tuple are linked with each other; `spread` is that of v at the start."""
        super().__init__()
        check_width("TransientStates", pixels=pixels)
        named = sorted({site for clique in linked for site in clique})
        if not named or named != list(range(len(named))):
            raise BadInput(f"TransientStates: expected links of sites from 0 on, got those of {named}")
        self.sites, self.inputs, self.constants = len(named), pixels, constants or Constants()
        links = torch.zeros(self.sites, self.sites)
        for clique in linked:
            for one, two in itertools.permutations(clique, 2):
                links[one, two] = 1
        self.cliques = maximal(links)
        self.register_buffer("excites", self.constants.excite * links)
        self.register_buffer("inhibits", self.constants.inhibit * (1 - links - torch.eye(self.sites)))
        self.register_buffer("first", 0.1 + 0.01 * torch.rand(self.sites))  # so that one clique is ahead
        self.see = nn.Parameter(spread * torch.randn(self.sites, pixels))  # v at the start

    excites: Tensor
    inhibits: Tensor
    first: Tensor

    def begin(self, batch: int) -> State:
        x = self.first.expand(batch, -1)
        return x, torch.ones_like(x), self.see.expand(batch, -1, -1), x.new_zeros(batch, 1)

    def step(self, y: Float[Tensor, "batch pixels"], state: State) -> State:
        """The state one step later, under pixels y."""
        x, reservoir, v, signal = state
        c = self.constants
        from_pixels = (v @ y[..., None])[..., 0]
        alone = self._level(reservoir, c.excited_at) * (x @ self.excites)
        alone = alone - (self._level(reservoir, c.inhibits_at) * x) @ self.inhibits  # both are symmetric
        growth = alone + from_pixels
        moved = x + c.step * torch.where(growth > 0, 1 - x, x) * growth
        filled = torch.where(
            x < c.active, c.fill * (1 - reservoir) * (1 - x / c.active), -c.drain * reservoir
        )
        decides = ((growth > 0) & (alone <= 0)).any(1, keepdim=True)
        told = signal + c.step * (decides * c.rise * (1 - signal) - c.decay * signal)
        if c.learn:
            target = torch.where(x > c.active, c.target, c.target_rest)
            open = torch.where(signal > c.opens, signal, 0.0)
            seen = y - y.mean(1, keepdim=True)
            v = v + c.step * c.learn * (open * (target - from_pixels))[..., None] * seen[:, None]
        return moved.clamp(0, 1), (reservoir + c.step * filled).clamp(0, 1), v, told.clamp(0, 1)

    def carry(
        self, x: Float[Tensor, "batch time pixels"], state: State = None
    ) -> tuple[Float[Tensor, "batch time sites"], State]:
        if x.ndim != 3 or x.shape[-1] != self.inputs or x.shape[1] == 0:
            raise BadInput(f"TransientStates: expected x (batch, time, {self.inputs}), got {tuple(x.shape)}")
        state = self.begin(len(x)) if state is None else state
        active = []
        for now in x.unbind(1):
            state = self.step(now, state)
            active.append(state[0])
        return torch.stack(active, 1), state

    def _level(self, reservoir: Tensor, at: float) -> Tensor:
        """How much a reservoir allows, from `least` where it is empty to 1 where it is full."""
        c = self.constants
        low, high = math.atan(-c.steep * at), math.atan(c.steep * (1 - at))
        return c.least + (1 - c.least) * (torch.atan(c.steep * (reservoir - at)) - low) / (high - low)


def maximal(links: Float[Tensor, "sites sites"]) -> list[tuple[int, ...]]:
    """All cliques of two sites or more to which no site can be added, by Bron and Kerbosch.

    >>> from wavetrain.networks.transient_states import maximal
    >>> maximal(torch.tensor([[0.0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 1], [0, 0, 1, 0]]))
    [(0, 1, 2), (2, 3)]
    """
    beside = [set(torch.nonzero(row)[:, 0].tolist()) for row in links]
    found: list[tuple[int, ...]] = []

    def grow(inside: set[int], may: set[int], seen: set[int]) -> None:
        if not may and not seen and len(inside) > 1:
            found.append(tuple(sorted(inside)))
        for site in sorted(may):
            grow(inside | {site}, may & beside[site], seen & beside[site])
            may, seen = may - {site}, seen | {site}

    grow(set(), set(range(len(links))), set())
    return sorted(found)
