"""What a surrogate promises: a hard threshold on the way forward, and the slope of a smooth one backward.

A spike is 1 where its excess, the potential above the threshold, is above 0, else 0. The slope of that is
zero nearly everywhere, so a surrogate has another one: the `derivative` of its `smooth` threshold. Every
derivative that PyTorch can take is taken of it: forward mode, second derivatives, one for each sequence.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import transforms


class Surrogate(ABC):
    """A threshold that gradients pass; called with the excess it gives the spikes.

    >>> from wavetrain.core.surrogate import Surrogate
    >>> from wavetrain.parts.surrogate import Arctan
    >>> excess = torch.tensor([-1.0, 0.0, 0.5], requires_grad=True)
    >>> spikes = Arctan()(excess)
    >>> spikes.tolist(), isinstance(Arctan(), Surrogate)  # at the threshold there is no spike
    ([0.0, 0.0, 1.0], True)
    >>> torch.autograd.grad(spikes.sum(), excess)[0].equal(Arctan().derivative(excess))
    True
    """

    @property
    @abstractmethod
    def area(self) -> float:
        """The integral of the derivative over all excesses: how far the smooth threshold climbs."""

    @property
    @abstractmethod
    def peak(self) -> float:
        """The largest value of the derivative, which is that at an excess of 0."""

    @abstractmethod
    def derivative(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """The slope that is used in place of the threshold's; even in the excess."""

    @abstractmethod
    def smooth(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """The threshold whose slope it is: from 0 far below to `area` far above."""

    def __call__(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """The spikes: 1 where the excess is above 0, else 0; what is not a number stays so."""
        written = torch.compiler.is_compiling() and not torch.compiler.is_exporting()
        function = _Written if written and not transforms.derived_in_graph() else _Spike
        spikes: Tensor = function.apply(excess, self)
        return spikes


@dataclass(frozen=True)
class Smooth(Surrogate):
    """The smooth threshold itself, so that finite differences can tell whether a gradient is right.

    >>> from wavetrain.core.surrogate import Smooth
    >>> from wavetrain.parts.surrogate import Sigmoid
    >>> Smooth(Sigmoid())(torch.zeros(2))
    tensor([0.5000, 0.5000])
    """

    of: Surrogate

    @property
    def area(self) -> float:
        return self.of.area

    @property
    def peak(self) -> float:
        return self.of.peak

    def derivative(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return self.of.derivative(excess)

    def smooth(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return self.of.smooth(excess)

    def __call__(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return self.of.smooth(excess)


def _spikes(excess: Tensor) -> Tensor:
    # as (excess > 0), except that what is not a number stays so: a training that diverges must be seen
    return excess.clamp(0, 1).ceil()


class _Spike(torch.autograd.Function):
    """The threshold forward, the derivative of the surrogate in all else."""

    generate_vmap_rule = True

    @staticmethod
    def forward(excess: Tensor, surrogate: Surrogate) -> Tensor:
        return _spikes(excess)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Surrogate], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.save_for_forward(inputs[0])
        ctx.surrogate = inputs[1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad * ctx.surrogate.derivative(ctx.saved_tensors[0]), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        moved: Tensor = tangent * ctx.surrogate.derivative(ctx.saved_tensors[0])
        return moved


class _Written(torch.autograd.Function):
    """The same for a graph of torch.compile, which knows no forward mode."""

    @staticmethod
    def forward(ctx: Any, excess: Tensor, surrogate: Surrogate) -> Tensor:
        ctx.save_for_backward(excess)
        ctx.surrogate = surrogate
        return _spikes(excess)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad * ctx.surrogate.derivative(ctx.saved_tensors[0]), None
