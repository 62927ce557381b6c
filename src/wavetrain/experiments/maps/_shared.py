"""What claims about cognitive maps share.

LogShares                         the read-out of a layer whose outputs are shares of what it found in memory
node_agent, edge_agent            what is told by who knows the world, and by who remembers transitions
position_cells, place_cells   which units are grid-, band- or place-like beyond their nulls
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.lenses.space.grid_score import grid_score
from wavetrain.lenses.space.place_fields import place_fields
from wavetrain.parts import nulls, worlds


class LogShares(nn.Module):
    """The logarithm of how much of each class was found, above a learned floor."""

    def __init__(self) -> None:
        super().__init__()
        self.floor = nn.Parameter(torch.tensor(-4.0))

    def forward(self, y: Tensor) -> Tensor:
        return (y.clamp(min=0) + self.floor.exp()).log()


def node_agent(walked: worlds.Walks, seen: worlds.Steps) -> Tensor:
    """The next label by who knows the world and remembers what was seen where, (B, T).

    Of a node that was never seen it says the first label, which is as good a guess as any.
    """
    last = torch.arange(1, walked.node.shape[1]) - seen.since  # when the walk was last there
    return torch.where(seen.visited, walked.label.gather(1, last), 0)


def edge_agent(walked: worlds.Walks, seen: worlds.Steps) -> Tensor:
    """The next label by who remembers what came after each link, and nothing else, (B, T)."""
    return torch.where(seen.new_edge, 0, node_agent(walked, seen))


def hits(told: Tensor, walked: worlds.Walks) -> Tensor:
    """1 where the next label is told, known or not, else 0, (B, T)."""
    return (told == walked.label[:, 1:]).double()


def position_cells(
    code: Tensor, place: Tensor, width: int, shifts: int
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Of code (B, T, U) at places (B, T, 2): the shares of grid and band cells, and the best map of each.

    Places are bins, from 0 to width - 1. A cell counts whose score has a rank of at most 0.05 among those of
    itself shifted in time: by chance 0.05.
    """
    score = grid_score(code, place, width, 0.0, shifts, low=-0.5, high=width - 0.5)
    ranks = {"grid": score.p_grid, "band": score.p_band}
    scores = {"grid": np.nan_to_num(score.grid, nan=-2.0), "band": np.nan_to_num(score.band)}
    shares = {kind: float((p <= nulls.LEVEL).mean()) for kind, p in ranks.items()}
    return shares, {kind: score.rate[one.argmax()] for kind, one in scores.items()}


class PlaceCells(NamedTuple):
    """Of U units in each of B environments; a unit that is silent there has information 0 and no rank."""

    p: np.ndarray  # (B, U) rank of the information among shifts in time
    p_label: np.ndarray  # (B, U) among exchanges of activity between steps at which the same is seen
    shared: np.ndarray  # (B, U) whether the peak looks like another place, so that it can be told
    information: np.ndarray  # (B, U) bits per spike
    rate: np.ndarray  # (B, U, width, width)

    @property
    def above(self) -> np.ndarray:
        """Whether a unit follows the place (B, U): beyond time and beyond what is seen, each at 0.05."""
        return (self.p <= nulls.LEVEL) & (self.p_label <= nulls.LEVEL)

    @property
    def told(self) -> np.ndarray:
        """Units (B, U) that can be told: silent ones, and those whose peak looks like another place."""
        return self.shared | (self.information == 0)


def place_cells(activity: Tensor, place: Tensor, label: Tensor, width: int, shifts: int) -> PlaceCells:
    """Of activity (B, T, U) at places (B, T, 2) where labels (B, T) are seen; each walk is an environment.

    Places are bins, from 0 to width - 1.
    """
    found = []
    for walk, where, look in zip(activity, place, label, strict=True):
        seen = place_fields(
            walk[None],
            where[None],
            width,
            0.0,
            low=-0.5,
            high=width - 0.5,
            shifts=shifts,
            label=look[None],
        )
        found.append((seen.p, seen.p_label, seen.shared, np.nan_to_num(seen.information), seen.rate))
    return PlaceCells(*(np.stack(part) for part in zip(*found, strict=True)))
