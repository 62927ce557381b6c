"""A network in two halves: what carries a state through time, and what reads it."""

from typing import NamedTuple

from torch import nn

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.parts.reader import Reader
from wavetrain.parts.stack import Answer


class Halves(NamedTuple):
    """A layer, what reads it, and whether it is read at every step."""

    layer: Layer
    read: nn.Module
    every_step: bool


def halves(name: str, network: nn.Module) -> Halves:
    """Those of a reader, as a CerebellarReader is one, or of a stack; raises BadInput for any other."""
    if isinstance(network, Reader):
        return Halves(network.layer, network.read, network.every_step)
    if isinstance(network, Answer):
        return Halves(network.stack, nn.Identity(), network.every_step)
    raise BadInput(
        f"{name}: expected a Reader of one layer or a stack that answers, got {type(network).__name__}"
    )
