"""How far a state is moved against a gradient: as told, by one learned number, or by what the state is."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import check_width
from wavetrain.errors import BadInput


class Fixed(nn.Module):
    """The same for all states; below 0 the gradient is climbed.

    >>> from wavetrain.networks._step_sizes import Fixed
    >>> Fixed(0.1)(torch.zeros(2, 5))
    tensor(0.1000)
    """

    def __init__(self, value: float):
        super().__init__()
        if not math.isfinite(value):
            raise BadInput(f"Fixed: expected a finite step size, got {value}")
        self.value = value

    def forward(self, state: Float[Tensor, "batch width"]) -> Float[Tensor, ""]:
        return state.new_tensor(self.value)


class Learned(nn.Module):
    """softplus(a), with a drawn between 0 and 1 in the beginning.

    >>> from wavetrain.networks._step_sizes import Learned
    >>> size = Learned(5)(torch.zeros(2, 5))
    >>> 0.69 < float(size.detach()) < 1.32
    True
    """

    def __init__(self, width: int):
        super().__init__()
        check_width("Learned", width=width)
        self.a = nn.Parameter(torch.rand(()))

    def forward(self, state: Float[Tensor, "batch width"]) -> Float[Tensor, ""]:
        return F.softplus(self.a)


class Predicted(nn.Module):
    """Of each state its own, above 0: a perceptron of 300 and 100 hidden units.

    >>> from wavetrain.networks._step_sizes import Predicted
    >>> Predicted(5)(torch.zeros(2, 5)).shape
    torch.Size([2, 1])
    """

    def __init__(self, width: int):
        super().__init__()
        check_width("Predicted", width=width)
        self.net = nn.Sequential(
            nn.Linear(width, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 1), nn.Softplus()
        )

    def forward(self, state: Float[Tensor, "batch width"]) -> Float[Tensor, "batch 1"]:
        size: Tensor = self.net(state)
        return size
