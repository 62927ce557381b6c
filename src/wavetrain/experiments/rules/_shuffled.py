"""The control of signal propagation: the stream of targets hears the labels of other sequences."""

import torch
from torch import Tensor

from wavetrain.rules.signal_propagation import SignalPropagation


class Shuffled(SignalPropagation):
    """Its read-out hears its own labels. Draws from the shared generator."""

    def tells(self, y: Tensor) -> Tensor:
        return y[torch.randperm(len(y))]
