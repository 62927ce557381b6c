"""How a stimulus is represented over time, so that a value can depend on how long ago it came.

x (B, T, stimuli) says how strongly each stimulus is there; it begins where x rises, by how much it rises.

    SerialCompound   an element for each stimulus and each time since its beginning: a tapped delay line, or
                     a wave that runs along a row of cells and is read at every cell
    Presence         one element for each stimulus, while it is there
    Microstimuli     a trace that fades from the beginning on, seen through bumps at several heights, which
                     are reached the later the lower they are: broad where long ago (Ludvig, Sutton and
                     Kehoe 2008 and 2012)

A value is a linear read-out of these (`parts.rewards.critic`). All are layers, and none has a parameter.
Elements of one time or height stand beside each other, one for each stimulus: element j is of stimulus
j mod inputs.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import Nonlinear, State
from wavetrain.errors import BadInput


class Stimuli(Nonlinear):
    """What the three share: no parameters, but a device and a type, and where a stimulus begins."""

    here: Tensor

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        if self.width < self.inputs:
            raise BadInput(
                f"{type(self).__name__}: expected an element for each of {self.inputs} stimuli or more, "
                f"got a width of {width}"
            )
        self.register_buffer("here", torch.zeros(()))

    def dealt(self, each: Float[Tensor, "batch stimuli"]) -> Float[Tensor, "batch width"]:
        """What belongs to a stimulus, at each of its elements."""
        return each[:, torch.arange(self.width, device=each.device) % each.shape[1]]


class SerialCompound(Stimuli):
    """x (B, T, inputs) to elements (B, T, width); the state is the line (B, width) and x before.

    The line keeps running after a reward. With `resets` the last input is the reward: it has no elements,
    and clears the line in its own step.

    >>> from wavetrain.parts.stimuli import SerialCompound
    >>> x = torch.tensor([0.0, 1, 1, 1, 0]).reshape(1, 5, 1)
    >>> SerialCompound(3, inputs=1)(x)[0][0].int().tolist()  # it begins in step 1
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    """

    def __init__(self, width: int, inputs: int | None = None, resets: bool = False):
        super().__init__(width, inputs)
        if resets and self.inputs < 2:
            raise BadInput("SerialCompound: expected a stimulus beside the reward that resets, got one input")
        self.resets = resets
        self.stimuli = self.inputs - resets

    def begin(self, batch: int) -> tuple[Tensor, Tensor]:
        return self.here.new_zeros(batch, self.width), self.here.new_zeros(batch, self.stimuli)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: tuple[Tensor, Tensor]
    ) -> tuple[Float[Tensor, "batch width"], tuple[Tensor, Tensor]]:
        line, before = state
        now = x[:, : self.stimuli]
        line = torch.cat([torch.relu(now - before), line], 1)[:, : self.width]
        if self.resets:
            line = torch.where(x[:, -1:] != 0, 0.0, line)
        return line, (line, now)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        if self.resets:
            return super().whole(x, state)
        line, before = state
        ages = math.ceil(self.width / self.inputs)
        old = F.pad(line, (0, ages * self.inputs - self.width)).unflatten(1, (ages, self.inputs))
        begun = torch.relu(x - torch.cat([before[:, None], x[:, :-1]], 1))
        came = torch.cat([old.flip(1), begun], 1)  # in the order of time
        elements = came.unfold(1, ages, 1)[:, 1:].flip(-1).transpose(2, 3).flatten(2)[..., : self.width]
        return elements, (elements[:, -1], x[:, -1])


class Presence(Stimuli):
    """x (B, T, inputs) to elements (B, T, inputs) of size `level` while a stimulus is there; no state.

    With a level of 1 what is there is represented as it is, as the places of a world are.

    >>> from wavetrain.parts.stimuli import Presence
    >>> Presence(1)(torch.tensor([0.0, 1, 1, 0]).reshape(1, 4, 1))[0].flatten()
    tensor([0.0000, 0.2000, 0.2000, 0.0000])
    """

    def __init__(self, width: int, inputs: int | None = None, level: float = 0.2):
        super().__init__(width, inputs)
        if self.width != self.inputs:
            raise BadInput(f"Presence: expected a width of {self.inputs}, one element each, got {width}")
        self.level = level

    def begin(self, batch: int) -> tuple[()]:
        return ()

    def step(
        self, x: Float[Tensor, "batch inputs"], state: tuple[()]
    ) -> tuple[Float[Tensor, "batch width"], tuple[()]]:
        return self.level * x, state

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        return self.level * x, state


class Microstimuli(Stimuli):
    """x (B, T, inputs) to elements (B, T, width); the state is the trace (B, inputs) and x before.

    Of M elements for each stimulus, element m is y exp(-(y - m / M)^2 / (2 sigma^2)) / sqrt(2 pi), y being
    the trace, which is `decay` of what it was a step before.

    >>> from wavetrain.parts.stimuli import Microstimuli
    >>> layer = Microstimuli(6, inputs=1)
    >>> elements, _ = layer(torch.nn.functional.pad(torch.ones(1, 1, 1), (0, 0, 0, 199)))
    >>> elements[0].argmax(0).tolist()  # when each is largest: the lowest bump last
    [107, 69, 44, 26, 11, 0]
    """

    def __init__(self, width: int, inputs: int | None = None, decay: float = 0.985, sigma: float = 0.08):
        super().__init__(width, inputs)
        if not (0 < decay < 1 and sigma > 0):
            raise BadInput(
                f"Microstimuli: expected a decay between 0 and 1 and sigma above 0, got {decay} and {sigma}"
            )
        self.decay, self.sigma = decay, sigma
        many = math.ceil(self.width / self.inputs)
        heights = (1 + torch.arange(self.width) // self.inputs) / many
        self.register_buffer("heights", heights)

    heights: Tensor

    def begin(self, batch: int) -> tuple[Tensor, Tensor]:
        return self.here.new_zeros(batch, self.inputs), self.here.new_zeros(batch, self.inputs)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: tuple[Tensor, Tensor]
    ) -> tuple[Float[Tensor, "batch width"], tuple[Tensor, Tensor]]:
        trace, before = state
        trace = torch.maximum(self.decay * trace, torch.relu(x - before))
        y = self.dealt(trace)
        bump = torch.exp(-((y - self.heights) ** 2) / (2 * self.sigma**2)) / math.sqrt(2 * math.pi)
        return y * bump, (trace, x)
