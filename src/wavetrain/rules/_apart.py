"""A network taken apart, for rules that walk it step by step: a layer, and what is read from it linearly."""

from typing import NamedTuple

from torch import nn

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.parts.reader import Reader


class Apart(NamedTuple):
    """The outputs are o_t = kept o_{t-1} + (1 - kept) read(y_t), y being what the layer gives."""

    layer: Layer
    read: nn.Linear
    kept: float
    every_step: bool  # whether there is an output for each step, or that of the last alone


def apart(name: str, network: nn.Module) -> Apart:
    """The parts of a network of one layer with a linear read-out; raises BadInput for any other."""
    if isinstance(network, LeakyReader):
        return Apart(network.layer, network.read, network.kept, every_step=True)
    if not (isinstance(network, Reader) and isinstance(network.read, nn.Linear)):
        raise BadInput(
            f"{name}: expected a Reader or LeakyReader of one layer with a linear read-out, "
            f"got {type(network).__name__}"
        )
    return Apart(network.layer, network.read, 0.0, network.every_step)
