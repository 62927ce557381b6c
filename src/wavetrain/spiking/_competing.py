"""Layers whose units compete: who fires inhibits the others of its group, and of those that cross in a step
one is let through. What members share; how they learn is `rules/hebbian/minibatch_stdp.py`."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import State
from wavetrain.core.spiking import Spiking
from wavetrain.core.surrogate import Smooth
from wavetrain.errors import BadInput
from wavetrain.parts.competition import Competition
from wavetrain.scan.competition import Rivals, compete
from wavetrain.scan.routes import fast, took

FIRST = 0.3  # weights begin between 0 and this


class Competing(Spiking):
    """Units in `groups` of equal size, one group after another, that inhibit those of their own group.

    `mask` (width, inputs) says which connections there are; all, where it is None. `raised` are the
    thresholds above that of the cell, a parameter as the weights are, so that evaluation moves neither.
    """

    mask: Tensor | None

    def __init__(
        self,
        width: int,
        inputs: int | None,
        *,
        cell: Competition,
        dt: float,
        groups: int = 1,
        mask: Bool[Tensor, "width inputs"] | None = None,
    ):
        super().__init__(
            width,
            inputs,
            dt=dt,
            surrogate=cell.surrogate,
            detached=cell.detached,
            refractory=cell.refractory,
        )
        if groups < 1 or width % groups:
            raise BadInput(f"{type(self).__name__}: expected groups of equal size, got {groups} of {width}")
        if mask is not None and tuple(mask.shape) != (width, self.inputs):
            raise BadInput(
                f"{type(self).__name__}: expected a mask ({width}, {self.inputs}), got {tuple(mask.shape)}"
            )
        self.cell, self.groups = cell, groups
        self.encode = nn.Linear(self.inputs, width, bias=False)
        self.raised = nn.Parameter(torch.zeros(width))
        self.register_buffer("mask", mask)
        nn.init.uniform_(self.encode.weight, 0.0, FIRST)
        if mask is not None:
            self.encode.weight.data.mul_(mask)

    def begin(
        self, batch: int
    ) -> tuple[Float[Tensor, "batch width"], Int[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        zeros = self.encode.weight.new_zeros(batch, self.width)
        return zeros, zeros.to(torch.int32), zeros

    def fades(self) -> tuple[Float[Tensor, "width"] | None, ...]:
        return self.encode.weight.new_tensor(self.rate(self.cell.tau)), None, None

    def weight(self) -> Float[Tensor, "width inputs"]:
        """The weights of the connections that there are."""
        return self.encode.weight if self.mask is None else self.encode.weight * self.mask

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Float[Tensor, "batch width"], Int[Tensor, "batch width"], Float[Tensor, "batch width"]],
    ) -> tuple[Float[Tensor, "batch width"], State]:
        return self.fired(F.linear(x, self.weight()), state)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        weight = self.weight()
        graph = torch.is_grad_enabled() and any(
            part.requires_grad for part in (x, weight, self.raised, state[0], state[2])
        )
        smooth = isinstance(self.surrogate, Smooth)  # a kernel knows spikes alone
        if graph or smooth or not fast(x, weight, self.raised, state[0], state[2], time=x.shape[1]):
            took("competition", "plain")
            return scan.unroll(self.fired, F.linear(x, weight), state)
        return compete(x, state, weight, self.raised, self.rivals())

    def rivals(self) -> Rivals:
        """The numbers of a step."""
        return Rivals(
            kept=self.rate(self.cell.tau),
            threshold=self.cell.threshold,
            reset=self.cell.reset,
            inhibition=self.cell.inhibition,
            silence=self.silence,
            groups=self.groups,
        )

    def fired(self, current: Float[Tensor, "batch width"], state: State) -> tuple[Tensor, State]:
        """One step with the current that comes in: spikes and the next state."""
        spikes, state, _ = self.crossed(current, state, self.raised)
        return spikes, state

    def crossed(
        self, current: Float[Tensor, "batch width"], state: State, raised: Float[Tensor, "width"]
    ) -> tuple[Float[Tensor, "batch width"], State, Float[Tensor, "batch width"]]:
        """One step: the spikes that are let through, the next state, and all units that crossed."""
        v, silent, last = state
        rivals = last.unflatten(-1, (self.groups, -1))
        others = (rivals.sum(-1, keepdim=True) - rivals).flatten(-2)
        moved = self.rate(self.cell.tau) * v + (current - self.cell.inhibition * others)
        v = torch.where(silent > 0, v, moved)
        excess = v - (self.cell.threshold + raised)
        ranks = torch.where(silent > 0, -torch.inf, excess.detach()).unflatten(-1, (self.groups, -1))
        places = torch.arange(ranks.shape[-1], device=ranks.device)
        first = (ranks.argmax(-1, keepdim=True) == places).flatten(-2).to(v.dtype)
        crossed, silent = self.fire(excess, silent)
        felt = self.felt(crossed)
        v = v * (1 - felt) + self.cell.reset * felt
        spikes = crossed * first
        return spikes, (v, silent, spikes), crossed
