"""Units that count a value out in spikes up and down: bipolar integrate-and-fire with a tracer.

As in SpikeZIP-TF (Intelligent-Computing-Research-Group). In units of the threshold, from p = 1/2 and n = 0:

    p <- p + I
    up    where p >= 1 and n < high:   p <- p - 1,  n <- n + 1
    down  where p < 0 and n > low:     p <- p + 1,  n <- n - 1

p + n = 1/2 + sum I throughout. A unit that is driven no more falls silent at n = floor(1/2 + sum I), clipped
to the levels, in whatever order the input came; a spike down takes back one that came too early.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.parts.quantised import Levels


class Counted(NamedTuple):
    """What units fired, and how they are after it."""

    spikes: Float[Tensor, "batch inner units"]  # 1 up, -1 down, else 0
    potential: Float[Tensor, "batch units"]  # in units of the threshold
    level: Float[Tensor, "batch units"]  # n: spikes up less spikes down

    def channels(self) -> Float[Tensor, "batch inner 2 units"]:
        """The spikes as 0 and 1: those up on one channel, those down on another."""
        return torch.stack([self.spikes.clamp(min=0), (-self.spikes).clamp(min=0)], 2)


def counted(currents: Float[Tensor, "batch inner units"], levels: Levels) -> Counted:
    """Let units at rest fire, one step for each current, which is in units of the threshold.

    >>> from wavetrain.parts.bipolar import counted
    >>> from wavetrain.parts.quantised import Levels
    >>> found = counted(torch.tensor([2.75, 0.0, -1.5, 0.0]).reshape(1, 4, 1), Levels())
    >>> found.spikes.flatten().tolist()  # 1.25 in all: the second spike up came too early
    [1.0, 1.0, -1.0, 0.0]
    >>> found.potential.item(), found.level.item()
    (0.75, 1.0)
    """
    potential = torch.full_like(currents[:, 0], 0.5)
    level = torch.zeros_like(potential)
    spikes = []
    for current in currents.unbind(1):
        potential = potential + current
        up = (potential >= 1) & (level < levels.high)
        down = (potential < 0) & (level > levels.low)
        fired = up.to(current.dtype) - down.to(current.dtype)
        potential, level = potential - fired, level + fired
        spikes.append(fired)
    return Counted(torch.stack(spikes, 1), potential, level)
