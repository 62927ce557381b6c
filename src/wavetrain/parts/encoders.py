"""Linear encoders of a stream: what the activity of many cells holds of past inputs when nothing is learned.

    h_t = A h_{t-1} + B x_t,   one column of B for each input

    rings        a wave: each input enters its own open ring, and activity moves on by one cell a step; as a
                 layer it is `Ring`
    shared_ring  one ring with a site for each input, where waves run one way or both, and add up
    leaks        activity stays in its cell and fades, at one rate or at several for each input
    bumps        activity stays round a site and fades, in many cells at one rate
    orthogonal   a random rotation of each input's own cells
    gaussian     a random matrix of independent entries

The wave encoder is how Muller, Churchland and Sejnowski 2024, arXiv 2401.14267, see a sheet of cortex; the
others are its controls. A wave says where and when at once: its pattern is no product of a function of space
and one of time, which `non_separability` measures.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import check_width
from wavetrain.errors import BadInput


@dataclass(frozen=True, eq=False)
class Encoder:
    """How activity goes on by itself, and where inputs enter.

    >>> from wavetrain.parts.encoders import rings
    >>> wave = rings(1, 4)
    >>> wave.states(torch.tensor([[1.0], [2.0], [3.0]]))  # the newest at the first cell
    tensor([[1., 0., 0., 0.],
            [2., 1., 0., 0.],
            [3., 2., 1., 0.]])
    """

    moves: Float[Tensor, "cells cells"]  # A
    enters: Float[Tensor, "cells inputs"]  # B

    def states(self, x: Float[Tensor, "time inputs"]) -> Float[Tensor, "time cells"]:
        """The activity after each step of x (T, inputs), from silence. Raises BadInput for other inputs."""
        if x.ndim != 2 or x.shape[1] != self.enters.shape[1]:
            raise BadInput(f"Encoder: expected x (time, {self.enters.shape[1]}), got {tuple(x.shape)}")
        drive, states = x @ self.enters.T, []
        h = torch.zeros_like(self.enters[:, 0])
        for now in drive.unbind(0):
            h = torch.addmv(now, self.moves, h)
            states.append(h)
        return torch.stack(states) if states else drive

    def echoes(self, ages: int) -> Float[Tensor, "ages cells inputs"]:
        """What a pulse of each input has become 0, 1, 2, ... steps after it came."""
        found = [self.enters]
        for _ in range(ages - 1):
            found.append(self.moves @ found[-1])
        return torch.stack(found)


def rings(inputs: int, cells: int) -> Encoder:
    """An open ring for each input: what reaches its end is gone, so it holds the last `cells` inputs."""
    check_width("rings", inputs=inputs, cells=cells)
    shift = torch.diag(torch.ones(cells - 1), -1)
    return _side_by_side([shift] * inputs, [_first(cells)] * inputs)


def shared_ring(sites: list[int], cells: int, movers: int = 2, closed: bool = True) -> Encoder:
    """One ring with an input at each site; waves run one way, or with two movers both ways.

    A ring that is closed loses nothing, so that a stream adds up in it without end. Raises BadInput for other
    numbers of movers, and for a site that is not on the ring.
    """
    check_width("shared_ring", cells=cells)
    if movers not in (1, 2):
        raise BadInput(f"shared_ring: expected one mover or two, got {movers}")
    there = torch.diag(torch.ones(cells - 1), -1)
    there[0, -1] = float(closed)
    enters = _at(sites, cells, "shared_ring")
    return Encoder(torch.block_diag(*[there, there.T][:movers]), enters.repeat(movers, 1))


def bumps(sites: list[int], cells: int, width: float, kept: float) -> Encoder:
    """On one ring a bump at each site, Gaussian with that deviation in cells, which stays and fades.

    Raises BadInput for a width that is not above 0, a share kept that is not from 0 to 1, and a site that is
    not on the ring.
    """
    check_width("bumps", cells=cells)
    if not (width > 0 and 0 <= kept <= 1):
        raise BadInput(f"bumps: expected a width above 0 and a share from 0 to 1, got {width} and {kept}")
    place = torch.arange(cells, dtype=torch.float32)
    apart = (place[:, None] - place + cells / 2) % cells - cells / 2
    profile = torch.exp(-0.5 * (apart / width) ** 2)
    return Encoder(kept * torch.eye(cells), profile @ _at(sites, cells, "bumps"))


def leaks(inputs: int, kept: Float[Tensor, "rates"]) -> Encoder:
    """A cell for each input and rate, of whose activity the share `kept` is there a step later; 1 is a sum.

    Raises BadInput for shares that are not from 0 to 1.
    """
    check_width("leaks", inputs=inputs)
    if kept.ndim != 1 or not len(kept) or not ((kept >= 0) & (kept <= 1)).all():
        raise BadInput(f"leaks: expected shares from 0 to 1, got {kept.tolist()}")
    return _side_by_side([torch.diag(kept)] * inputs, [torch.ones(len(kept))] * inputs)


def bank(cells: int) -> Float[Tensor, "cells"]:
    """What is kept by cells whose time constants go up from 1 step to `cells`, by equal ratios."""
    check_width("bank", cells=cells)
    return torch.exp(-1 / torch.logspace(0, math.log10(cells), cells))


def orthogonal(inputs: int, cells: int, radius: float, generator: torch.Generator) -> Encoder:
    """For each input a random rotation of its own cells, shrunk by `radius` a step, and a random way in."""
    check_width("orthogonal", inputs=inputs, cells=cells)
    turns = [torch.linalg.qr(torch.randn(cells, cells, generator=generator))[0] for _ in range(inputs)]
    return _side_by_side([radius * one for one in turns], _random(inputs, cells, generator))


def gaussian(inputs: int, cells: int, radius: float, generator: torch.Generator) -> Encoder:
    """For each input a random matrix of its own cells, with that spectral radius, and a random way in."""
    check_width("gaussian", inputs=inputs, cells=cells)
    drawn = [torch.randn(cells, cells, generator=generator) for _ in range(inputs)]
    sizes = [torch.linalg.eigvals(one.double()).abs().max() for one in drawn]
    moves = [(radius / size * one).float() for one, size in zip(drawn, sizes, strict=True)]
    return _side_by_side(moves, _random(inputs, cells, generator))


def non_separability(pattern: Float[Tensor, "space time"]) -> float:
    """1 - s_1^2 / sum s_i^2 of the singular values: 0 for F(x) G(t), near 1 for a wave.

    Raises BadInput for a pattern of nothing.

    >>> from wavetrain.parts.encoders import non_separability
    >>> bump = torch.outer(torch.tensor([1.0, 2, 1]), torch.tensor([4.0, 2, 1, 0.5]))
    >>> round(non_separability(bump), 6), round(non_separability(torch.eye(8)), 6)  # a pulse over 8 cells
    (0.0, 0.875)
    """
    powers = torch.linalg.svdvals(pattern.double()) ** 2
    if not powers.sum() > 0:
        raise BadInput("non_separability: expected a pattern that is not zero everywhere")
    return float(1 - powers[0] / powers.sum())


def _at(sites: list[int], cells: int, about: str) -> Tensor:
    """A column for each site, one at its cell."""
    if not sites or not all(0 <= site < cells for site in sites):
        raise BadInput(f"{about}: expected sites from 0 to {cells - 1}, got {sites}")
    return torch.eye(cells)[:, sites]


def _first(cells: int) -> Tensor:
    return torch.eye(cells)[0]


def _random(inputs: int, cells: int, generator: torch.Generator) -> list[Tensor]:
    """A way in for each input, of length 1."""
    drawn = torch.randn(inputs, cells, generator=generator)
    return list(drawn / drawn.norm(dim=1, keepdim=True))


def _side_by_side(moves: list[Tensor], enters: list[Tensor]) -> Encoder:
    """Cells of one input after those of another, which they do not see."""
    return Encoder(torch.block_diag(*moves), torch.block_diag(*(one[:, None] for one in enters)))
