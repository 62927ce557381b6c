"""A network taken apart, for rules that walk it by steps: a layer, what is read from it, and its errors."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

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


def errors_of(
    outputs: Tensor, answers: Tensor, loss: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """The loss, detached, and its gradient by the outputs; raises BadInput where it has none."""
    with torch.enable_grad():
        outputs = outputs.detach().requires_grad_()
        value = loss(outputs, answers)
        if not value.requires_grad:
            raise BadInput("expected a loss of the outputs, got one that no output changes")
        return value.detach(), torch.autograd.grad(value, outputs)[0]
