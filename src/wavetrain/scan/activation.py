"""What is done to a sum before it becomes the state."""

import enum

import torch
from torch import Tensor


class Activation(enum.Enum):
    """What is done to a sum before it becomes the state."""

    RELU = "relu"
    TANH = "tanh"
    IDENTITY = "identity"

    def __call__(self, x: Tensor) -> Tensor:
        return x if self is Activation.IDENTITY else getattr(torch, self.value)(x)
