"""How networks of spikes are driven and read out in claims about what they learn.

strong     input weights larger than a linear map starts with, so that units fire at the start
gained     weights learned before they are multiplied, as where a paper multiplies the current
Leaky      the largest value over time of leaky integrators, which do not fire
Called     the mean of the last steps alone
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from wavetrain import scan
from wavetrain.core import Layer, Task
from wavetrain.spiking._membrane import Membrane
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Plan, Training

STRONG = 3.0  # times the weights of PyTorch's linear map

Units = TypeVar("Units", bound=Membrane)


def strong(layer: Units) -> Units:
    """The same layer with larger input weights."""
    layer.encode.weight.data.mul_(STRONG)
    return layer


class _Gain(nn.Module):
    """A parameter that stands for itself times a number."""

    def __init__(self, gain: float):
        super().__init__()
        self.gain = gain

    def forward(self, given: Tensor) -> Tensor:
        return self.gain * given


def gained(layer: Units, tau: float) -> Units:
    """The same layer, whose current is multiplied by 1 - exp(-dt / tau), as Yin et al. have it.

    What is learned are weights and biases before that, so that a step of Adam has the size that it has there.
    """
    gain = 1 - math.exp(-layer.dt / tau)
    for name in ("weight", "bias"):
        parametrize.register_parametrization(layer.encode, name, _Gain(gain))
    return layer


class Leaky(nn.Module):
    """x (B, T, inputs) to (B, outputs): leaky integrators of a linear map, each at its largest over time."""

    def __init__(self, layer: Layer, outputs: int, tau: float):
        super().__init__()
        self.layer, self.read = layer, nn.Linear(layer.width, outputs)
        self.kept = math.exp(-1 / tau)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch outputs"]:
        given = self.read(self.layer(x)[0])
        return scan.linear(given.new_full(given.shape[-1:], self.kept), given)[0].amax(1)


class Called(nn.Module):
    """x (B, T, inputs) to (B, outputs): a linear map of the mean of the last steps, and of nothing before."""

    def __init__(self, layer: Layer, outputs: int, steps: int):
        super().__init__()
        self.layer, self.read, self.steps = layer, nn.Linear(layer.width, outputs), steps

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch outputs"]:
        return self.read(self.layer(x)[0][:, -self.steps :].mean(1))


def learned(
    lab: Lab, makes: Mapping[str, Callable[[], nn.Module]], task: Task, plan: Plan, rates: Sequence[float]
) -> tuple[dict[str, Training], dict[str, float]]:
    """Each network trained at each rate; of each the training that is best on the validation part.

    And the scores of these on the test part.
    """
    ends = {}
    for name, make in makes.items():
        plans = {f"{rate:g}": replace(plan, rate=rate) for rate in rates}
        ends[name] = lab.best(name, make, task, plans)[1]
    test = task.test()
    return ends, {name: examine(end.network, test, task.objective) for name, end in ends.items()}
