"""Square windows of a square image, and sets of pixels of the same size that are no neighbours.

Pixels are numbered row by row, windows too. Windows overlap where the stride is shorter than their side.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from wavetrain.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Windows of `kernel` by `kernel` pixels, `stride` apart, in an image of `side` by `side`.

    They reach from edge to edge. Raises BadInput where they cannot, or do not fit into the image.

    >>> from wavetrain.parts.windows import Windows
    >>> windows = Windows(side=8, kernel=5, stride=3)
    >>> windows.places, windows.pixels()[1, :6].tolist()  # the one on the right at the top
    (4, [3, 4, 5, 6, 7, 11])
    >>> Windows(side=8, kernel=4, stride=3)
    Traceback (most recent call last):
    wavetrain.errors.BadInput: Windows: expected a stride that divides 8 - 4 pixels, got 3
    """

    side: int
    kernel: int
    stride: int

    def __post_init__(self) -> None:
        if not 1 <= self.kernel <= self.side:
            raise BadInput(
                f"Windows: expected a kernel of 1 to {self.side} pixels, as the side has, got {self.kernel}"
            )
        if self.stride < 1:
            raise BadInput(f"Windows: expected a stride of a pixel or more, got {self.stride}")
        if (self.side - self.kernel) % self.stride:
            raise BadInput(
                f"Windows: expected a stride that divides {self.side} - {self.kernel} pixels, got "
                f"{self.stride}"
            )

    @property
    def across(self) -> int:
        """Windows in a row, and in a column."""
        return (self.side - self.kernel) // self.stride + 1

    @property
    def places(self) -> int:
        """How many windows there are."""
        return self.across**2

    def pixels(self) -> Int[Tensor, "places taps"]:
        """The pixels of each window."""
        corner, offset = self.stride * torch.arange(self.across), torch.arange(self.kernel)
        first = (self.side * corner[:, None] + corner).flatten()
        within = (self.side * offset[:, None] + offset).flatten()
        return first[:, None] + within


def scattered(
    places: int, taps: int, inputs: int, *, generator: torch.Generator
) -> Int[Tensor, "places taps"]:
    """For each place `taps` different inputs, drawn from all: windows without neighbourhood.

    >>> from wavetrain.parts.windows import scattered
    >>> scattered(4, 25, 64, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([4, 25])
    """
    if not 1 <= taps <= inputs:
        raise BadInput(f"scattered: expected 1 to {inputs} inputs for each place, got {taps}")
    drawn = torch.rand(places, inputs, generator=generator).argsort(1)[:, :taps]
    return drawn.sort(1).values


def connected(
    pixels: Int[Tensor, "places taps"], width: int, inputs: int, name: str = "connected"
) -> Bool[Tensor, "width inputs"]:
    """Which input each unit hears: units of one place lie side by side, and hear its pixels alone.

    Raises BadInput, in the name of who asks, for pixels that are not there or twice in a window, and where
    not every place gets as many units.

    >>> from wavetrain.parts.windows import connected
    >>> connected(torch.tensor([[0, 1], [1, 2]]), width=2, inputs=3).int().tolist()
    [[1, 1, 0], [0, 1, 1]]
    """
    if pixels.ndim != 2 or not pixels.numel() or pixels.is_floating_point() or pixels.is_complex():
        raise BadInput(
            f"{name}: expected windows (places, taps) of whole numbers, got {tuple(pixels.shape)} of "
            f"{pixels.dtype}"
        )
    places = len(pixels)
    if width % places:
        raise BadInput(f"{name}: expected as many units for each of {places} windows, got {width} in all")
    if pixels.is_meta:  # sizes alone, without values that could be wrong
        return torch.zeros(width, inputs, dtype=torch.bool, device=pixels.device)
    if int(pixels.min()) < 0 or int(pixels.max()) >= inputs:
        raise BadInput(
            f"{name}: expected windows of inputs 0 to {inputs - 1}, got {int(pixels.min())} to "
            f"{int(pixels.max())}"
        )
    heard = torch.zeros(places, inputs, dtype=torch.bool, device=pixels.device)
    heard.scatter_(1, pixels.long(), True)
    if int(heard.sum()) != pixels.numel():
        raise BadInput(f"{name}: expected each input once in a window, got one twice")
    return heard.repeat_interleave(width // places, 0)
