"""A recurrence whose values are rounded to a few levels, and the rounding, through which gradients pass.

    Q(z) = s clip(floor(z / s + 1/2), low, high)      halves are rounded up
    h_t = Q(W x_t + b + U h_{t-1})

The slope is that of the clipping alone: 1 where low <= z / s <= high, else 0. The threshold s is learned by
that of Q with the rounding held still: round(z / s) - z / s inside of the range, low or high outside, times
1 / sqrt(units high). So Esser, McKinstry, Bablani, Appuswamy and Modha 2020, ICLR, arXiv 1902.08153, learned
step size quantisation. Here the logarithm of s is learned, so that s stays above 0.
"""

import copy
import math
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Nonlinear
from wavetrain.errors import BadInput

Q = TypeVar("Q", bound="Quantised")


@dataclass(frozen=True)
class Levels:
    """The whole numbers from `low` to `high`, to which values in units of the threshold are rounded.

    >>> from wavetrain.parts.quantised import Levels
    >>> Levels(-8, 7).most, Levels(0, 15).nearest(torch.tensor([-2.0, 0.5, 1.4, 99.0])).tolist()
    (8, [0.0, 1.0, 1.0, 15.0])
    """

    low: int = -8
    high: int = 7

    def __post_init__(self) -> None:
        whole = all(type(end) is int for end in (self.low, self.high))
        if not (whole and self.low <= 0 < self.high):
            raise BadInput(
                f"Levels: expected whole numbers low <= 0 < high, got {self.low!r} and {self.high!r}"
            )

    @property
    def most(self) -> int:
        """The largest size of a level: how many spikes it takes at the most."""
        return max(-self.low, self.high)

    def inside(self, value: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """Values clipped to the range; what is not a number stays so."""
        return value.clamp(self.low, self.high)

    def nearest(self, value: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """The nearest level of each value; of a half the one above."""
        return (value + 0.5).floor().clamp(self.low, self.high)


SIGNED = Levels()


class Quantised(Nonlinear):
    """What recurrences with rounded values share: W, b, U, the levels and the threshold.

    U starts as `kept` times the identity, and `threshold` is s; None leaves it to `fit_threshold`, and until
    then nothing is a number. Where `rounded` is False there is a clipped recurrence, without rounding.
    """

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        levels: Levels = SIGNED,
        threshold: float | None = 0.3,
        kept: float = 0.9,
    ):
        super().__init__(width, inputs)
        if threshold is not None and not 0 < threshold < math.inf:
            raise BadInput(f"{type(self).__name__}: expected a threshold above 0, got {threshold!r}")
        self.levels, self.rounded = levels, True
        self.encode = nn.Linear(self.inputs, width)
        self.recur = nn.Linear(width, width, bias=False)
        self.log = nn.Parameter(torch.tensor(math.nan if threshold is None else math.log(threshold)))
        with torch.no_grad():
            self.recur.weight.copy_(kept * torch.eye(width))

    def threshold(self) -> Float[Tensor, ""]:
        """s, with its slope made smaller as learned step size quantisation does."""
        s = self.log.exp()
        if not self.rounded:
            return s
        share = (self.width * self.levels.high) ** -0.5
        return s.detach() + share * (s - s.detach())

    @torch.no_grad()
    def fit_threshold(self, x: Float[Tensor, "batch time inputs"]) -> None:
        """Set the threshold from sequences: 2 mean |W x + b| / sqrt(high), as the source starts it.

        Raises BadInput where that is not above 0.
        """
        self.check(x)
        found = float(2 * self.encode(x).abs().mean() / math.sqrt(self.levels.high))
        if not 0 < found < math.inf:
            raise BadInput(
                f"{type(self).__name__}: expected x that drives the units, got a threshold {found}"
            )
        self.log.fill_(math.log(found))

    def smoothed(self: Q) -> Q:
        """A copy without rounding, whose gradients are the true ones."""
        twin = copy.deepcopy(self)
        twin.rounded = False
        return twin


def straight(level: Float[Tensor, "*axes"], clipped: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """The level, to the last bit, with the slope of the clipped value that it is the rounding of.

    >>> from wavetrain.parts.quantised import Levels, straight
    >>> z = torch.tensor([0.6, 9.0], requires_grad=True)
    >>> h = straight(Levels().nearest(z), Levels().inside(z))
    >>> h.tolist(), torch.autograd.grad(h.sum(), z)[0].tolist()
    ([1.0, 7.0], [1.0, 0.0])
    """
    return level.detach() + (clipped - clipped.detach())
