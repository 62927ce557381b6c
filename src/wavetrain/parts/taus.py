"""Time constants of units, in ms: one for all, drawn for each, or learned."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.errors import BadInput


class Taus(nn.Module):
    """The time constants of so many units; learned, or drawn with a `spread`, by their logarithms.

    So they stay above 0 whatever is learned. Drawn from a normal distribution, none is below `least`.

    >>> from wavetrain.parts.taus import Taus
    >>> Taus(3, 20.0)(torch.zeros(()))
    tensor([20., 20., 20.])
    >>> Taus(3, 20.0, learned=True).log.shape
    torch.Size([3])
    """

    log: Tensor | None

    def __init__(
        self, units: int, mean: float, *, spread: float = 0.0, least: float = 1.0, learned: bool = False
    ):
        super().__init__()
        each = learned or spread > 0
        if not (mean > 0 and (mean < math.inf or not each)):
            raise BadInput(f"expected tau above 0 ms, got {mean!r}")
        if not (0 <= spread < math.inf and 0 < least < math.inf):
            raise BadInput(f"expected a spread of tau of 0 ms or more, got {spread!r}, none below {least!r}")
        self.units, self.mean = units, mean
        log = (mean + spread * torch.randn(units)).clamp(min=least).log() if spread > 0 else None
        log = torch.full((units,), math.log(mean)) if learned and log is None else log
        if learned:
            assert log is not None
            self.log = nn.Parameter(log)
        else:
            self.register_buffer("log", log)

    def forward(self, like: Float[Tensor, "*axes"]) -> Float[Tensor, "units"]:
        """The time constant of each unit in ms, of the type of a tensor and on its device."""
        return like.new_full((self.units,), self.mean) if self.log is None else self.log.exp()
