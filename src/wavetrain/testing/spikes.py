"""Tools of the promises of spiking layers: numbers on a grid, and input under which units fire.

On the grid all sums of products are exact, so that the order in which a matrix product adds up makes no
difference, and what should be equal is equal to the last bit.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from wavetrain.core.spiking import Spiking
from wavetrain.parts.learned_delays import LearnedDelays
from wavetrain.testing.tools import generic, normal

Make = Callable[..., Any]
GRID = 2.0**-20
WIDTH, INPUTS, BATCH, TIME = 6, 3, 3, 40
SCALES = tuple(4.0**power for power in range(11))
LIVELY = 0.02  # the share of units that fire in a step at the least


def built(make: Make, seed: int = 0) -> Any:
    """A layer in general position, in float64, with its parameters on the grid."""
    layer = generic(make, WIDTH, INPUTS, seed)
    assert isinstance(layer, Spiking), f"expected a class made from Spiking, got {type(layer).__name__}"
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_((parameter / GRID).round() * GRID)
        for part in layer.modules():
            if isinstance(part, LearnedDelays):
                part.hold()  # a bell is on no grid, and at the end of learning there is none
    return layer


@torch.no_grad()
def driven(layer: Spiking, batch: int = BATCH, seed: int = 1) -> Tensor:
    """Input on a grid, (batch, TIME, INPUTS), so strong that units fire and are silent by turns."""
    x = (64 * normal(batch, TIME, INPUTS, seed=seed)).round() / 64
    for scale in SCALES:
        share = float(layer(scale * x)[0].mean())
        if LIVELY <= share < 1:
            return scale * x
    raise AssertionError(f"nobody fires, whatever the input up to {SCALES[-1]:g} times normal")


def exactly(actual: Any, expected: Any, about: str) -> None:
    """Equal to the last bit."""
    torch.testing.assert_close(actual, expected, rtol=0, atol=0, msg=lambda text: f"{about}: {text}")
