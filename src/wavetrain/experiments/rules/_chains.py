"""Chains of linear maps for images, of any depth."""

import itertools

from torch import Tensor, nn

from wavetrain.experiments.rules._perceptrons import DEVIATION, MEAN


class Chain(nn.Sequential):
    """Images (B, T, C), whatever their steps, to scores of ten classes; between maps stand units."""

    def __init__(self, pixels: int, hidden: tuple[int, ...], units: type[nn.Module], bias: bool):
        sizes = (pixels, *hidden, 10)
        maps = [nn.Linear(one, other, bias=bias) for one, other in itertools.pairwise(sizes)]
        parts = [part for one in maps[:-1] for part in (one, units())]
        super().__init__(*parts, maps[-1])

    @property
    def maps(self) -> list[nn.Linear]:
        return [one for one in self if isinstance(one, nn.Linear)]

    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x.flatten(1) - MEAN) / DEVIATION)
