"""What a layer of spiking neurons promises: all that a layer does, with outputs that are spikes.

Time goes in steps of `dt` ms; time constants, delays and refractory times are given in ms. All members keep
these conventions, on which libraries differ; a member says in its docstring, after "A step:", in which order
it does what.

    threshold     a spike is 1 where the potential is above the threshold, 0 where it is on it or below
    reset         acts in the step of the spike: the potential in the state is that after the reset
    decay         exact, by exp(-dt / tau) a step, whatever dt is
    input         a current is added as it is, not multiplied by dt / tau
    refractory    r steps in which a unit is silent and its potential is held, so that it fires every r + 1
                  steps at the most
    delay         what is sent in step t with a delay of d steps arrives in step t + d; between the units of
                  a layer d is at least 1, and what comes into a layer may have d = 0
    first part    of a state is the potential

The slope of a spike is that of a `Surrogate`. Where the layer is `detached`, no gradient passes the reset.
"""

import copy
import functools
import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.core.layer import Nonlinear
from wavetrain.core.state import State, leaves
from wavetrain.core.surrogate import Smooth, Surrogate
from wavetrain.errors import BadInput

WHOLE = 1e-6  # of a step: how far from a whole number of steps a time may be

S = TypeVar("S", bound="Spiking")


def whole_steps(ms: float, dt: float, about: str) -> int:
    """A time in ms as a whole number of steps of `dt` ms; raises BadInput where it is none.

    >>> from wavetrain.core.spiking import whole_steps
    >>> whole_steps(0.3, 0.1, "delay")  # 0.3 / 0.1 is 2.9999999999999996
    3
    >>> whole_steps(0.25, 0.1, "delay")
    Traceback (most recent call last):
    wavetrain.errors.BadInput: expected delay in whole steps of 0.1 ms, from 0 on, got 0.25 ms
    """
    steps = ms / dt
    if not (math.isfinite(steps) and round(steps) >= 0 and abs(steps - round(steps)) <= WHOLE):
        raise BadInput(f"expected {about} in whole steps of {dt:g} ms, from 0 on, got {ms!r} ms")
    return round(steps)


def _same_batch(method: Callable[[S, Tensor, State], Any]) -> Callable[[S, Tensor, State], Any]:
    """A `step` or `whole` that refuses the state of another batch: one row would be spread over all."""

    @functools.wraps(method)
    def run(self: S, x: Tensor, state: State) -> Any:
        for part in leaves(state):
            if len(part) != len(x):
                raise BadInput(
                    f"{type(self).__name__}: expected a state of {len(x)} sequences, as x has, got one of "
                    f"{len(part)}; begin({len(x)}) makes a new one"
                )
        return method(self, x, state)

    return run


class Spiking(Nonlinear):
    """A layer whose outputs are spikes; built as Name(width, inputs=width, ...).

    A member writes its parameters, `begin`, `step` and `fades`, and `whole` where the sequence can be had
    faster. In its step `fire` turns the excess over the threshold into spikes and keeps units silent, and
    `felt` gives the spikes as the reset feels them.

    >>> from wavetrain.core.spiking import Spiking
    >>> from wavetrain.spiking import LIF
    >>> layer = LIF(8, inputs=3)
    >>> y, state = layer(5 * torch.randn(2, 50, 3))
    >>> isinstance(layer, Spiking), y.unique().tolist(), layer.dt
    (True, [0.0, 1.0], 1.0)
    """

    dt: float  # ms of a step
    surrogate: Surrogate
    detached: bool  # whether no gradient passes the reset
    silence: int  # steps in which a unit is silent after a spike

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in ("step", "whole"):
            if name in vars(cls):
                setattr(cls, name, _same_batch(vars(cls)[name]))

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        *,
        dt: float = 1.0,
        surrogate: Surrogate,
        detached: bool = False,
        refractory: float = 0.0,
    ):
        super().__init__(width, inputs)
        if not 0 < dt < math.inf:
            raise BadInput(f"{type(self).__name__}: expected dt above 0 ms, got {dt!r}")
        self.dt, self.surrogate, self.detached = dt, surrogate, detached
        self.silence = whole_steps(refractory, dt, "a refractory time")

    @abstractmethod
    def fades(self) -> tuple[Float[Tensor, "*units"] | None, ...]:
        """For each tensor of the state, in their order, what one step leaves of a change of it.

        Without input and spikes; None for a tensor that does not decay exponentially by itself.
        """

    def quiet(self, batch: int) -> State:
        """A state at rest, by default the first: without input nobody fires, and what fades stays."""
        return self.begin(batch)

    def rate(self, tau: float | Tensor) -> Any:
        """What one step leaves of what decays with the time constant `tau` ms: exp(-dt / tau)."""
        return torch.exp(-self.dt / tau) if isinstance(tau, Tensor) else math.exp(-self.dt / tau)

    def fire(
        self, excess: Float[Tensor, "batch units"], silent: Int[Tensor, "batch units"]
    ) -> tuple[Float[Tensor, "batch units"], Int[Tensor, "batch units"]]:
        """The spikes, and for how many steps from the next on each unit is silent.

        `silent` tells the same before this step: where it is above 0 there is no spike.
        """
        spikes = self.surrogate(excess)
        if not self.silence:
            return spikes, silent
        over = (excess > 0) & (silent == 0)  # not of the spikes: a smooth threshold has some everywhere
        left = torch.where(over, silent.new_tensor(self.silence), (silent - 1).clamp(min=0))
        return torch.where(silent > 0, torch.zeros_like(spikes), spikes), left

    def felt(self, spikes: Float[Tensor, "batch units"]) -> Float[Tensor, "batch units"]:
        """The spikes as the reset feels them: without gradient where the layer is `detached`."""
        return spikes.detach() if self.detached else spikes

    def potential(self, state: State) -> Float[Tensor, "batch width"]:
        """The potential in a state: its first part."""
        return leaves(state)[0]

    def smoothed(self: S) -> S:
        """A copy whose threshold is smooth and whose reset is not detached.

        It has the surrogate's gradients, and for it they are the true ones.
        """
        twin = copy.deepcopy(self)
        twin.surrogate, twin.detached = Smooth(self.surrogate), False
        return twin
