"""What is done to a sum before it becomes the state."""

import enum

import torch
from jaxtyping import Inexact
from torch import Tensor


class Activation(enum.Enum):
    """What is done to a sum before it becomes the state.

    >>> from wavetrain.scan import Activation
    >>> Activation.RELU(torch.tensor([-1.0, 2.0])), Activation("tanh")
    (tensor([0., 2.]), <Activation.TANH: 'tanh'>)
    """

    RELU = "relu"
    TANH = "tanh"
    IDENTITY = "identity"

    def __call__(self, x: Inexact[Tensor, "*axes"]) -> Inexact[Tensor, "*axes"]:
        return x if self is Activation.IDENTITY else getattr(torch, self.value)(x)
