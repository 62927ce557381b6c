"""Remapping of cells whose maps are known: kept, exchanged at random, or moved along with the grid."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.lenses.space.remapping import Remapping, remapping

BINS, ENVIRONMENTS, CELLS = 6, 4, 60
SPOTS = torch.cartesian_prod(torch.arange(BINS), torch.arange(BINS)).double()  # (36, 2)
TWICE = SPOTS.repeat(2, 1).expand(ENVIRONMENTS, -1, -1)  # each bin once in each half
WAVES = (SPOTS @ torch.tensor([[0, 1, 1, 2], [1, 0, 1, 1]]).double() * 2 * math.pi / BINS).cos()
GRID = WAVES.repeat(2, 1).expand(ENVIRONMENTS, -1, -1)


def look(field: Tensor, grid: Tensor = GRID) -> Remapping:
    """Place cells that are active in one bin of each environment, field (ENVIRONMENTS, CELLS)."""
    fields = torch.nn.functional.one_hot(field, BINS**2).double().mT.repeat(1, 2, 1)
    return remapping(fields, TWICE, grid, BINS, 0.0, low=-0.5, high=BINS - 0.5)


def test_cells_that_stay():
    field = torch.randint(BINS**2, (CELLS,), generator=torch.Generator().manual_seed(1))
    seen = look(field.expand(ENVIRONMENTS, -1))
    assert seen.within == pytest.approx(1) and seen.between == pytest.approx(1)
    assert seen.grid_within == pytest.approx(1) and seen.grid_between == pytest.approx(1)
    assert seen.at_place_within == pytest.approx(1) and seen.at_place_between == pytest.approx(1)
    assert abs(seen.null).max() < 0.2 and seen.p == 1 / 201


def test_cells_that_move_at_random_leave_the_grid():
    field = torch.randint(BINS**2, (ENVIRONMENTS, CELLS), generator=torch.Generator().manual_seed(1))
    seen = look(field)
    assert seen.within == pytest.approx(1) and abs(seen.between.mean()) < 0.05
    assert seen.at_place_within == pytest.approx(1) and abs(seen.at_place_between) < 0.1
    assert abs(seen.at_place_between) < 3 * seen.null.std() < 0.3 and seen.p > 0.05


def test_cells_that_move_to_where_the_same_grid_cell_is_active():
    """Each belongs to one grid cell, and lies in any bin where that one is active."""
    dice = np.random.default_rng(1)
    home = [np.flatnonzero(WAVES[:, cell % 4].numpy() > 0.4) for cell in range(CELLS)]
    field = torch.tensor([[dice.choice(bins) for bins in home] for _ in range(ENVIRONMENTS)])
    seen = look(field)
    assert np.abs(seen.between).mean() < 0.3  # they remap all the same
    assert 0.05 < np.percentile(seen.null, 95) < seen.at_place_between < 0.6
    unrelated = GRID[:, torch.randperm(len(GRID[0]), generator=torch.Generator().manual_seed(2))]
    lost = look(field, unrelated)
    assert abs(lost.at_place_between) < 0.1


def test_a_grid_that_turns_is_not_kept():
    turned = GRID.clone()
    turned[1::2] = -turned[1::2]
    seen = look(torch.zeros(ENVIRONMENTS, CELLS, dtype=torch.long), turned)
    assert seen.grid_within == pytest.approx(1) and seen.grid_between == pytest.approx(-1)
    assert seen.at_place_between == pytest.approx(-1)


def test_what_is_silent_or_the_same_everywhere_is_left_out():
    silent = torch.zeros(ENVIRONMENTS, 2 * BINS**2, 3).double()
    seen = remapping(silent, TWICE, GRID, BINS, 0.0, low=-0.5, high=BINS - 0.5)
    assert np.isnan(seen.within).all() and np.isnan(seen.at_place_between)
    flat = remapping(GRID, TWICE, torch.ones_like(GRID), BINS, 0.0, low=-0.5, high=BINS - 0.5)
    assert np.isnan(flat.grid_within).all() and np.isnan(flat.at_place_within)
    assert flat.within == pytest.approx(1)


@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_smoothing_brings_in_no_bin_that_one_half_never_visited(smooth: float):
    """What is added to a bin that only one half of each walk has seen moves no score of bins 3 bins off."""
    dice = torch.Generator().manual_seed(1)
    place = torch.randint(4, (2, 60, 2), generator=dice).double()
    place[:, :30, 1] += 6
    place[:, 0] = 0.0  # the one bin that both halves see for sure
    activity = torch.rand(2, 60, 5, generator=dice).double()
    seen = remapping(activity, place, None, 10, smooth, low=-0.5, high=9.5)
    assert np.isnan(seen.within).all(), "one common bin has no correlation"


def test_missing_samples_are_left_out_and_counted():
    place = SPOTS.repeat(4, 1).expand(ENVIRONMENTS, -1, -1).clone()
    cells = torch.rand(ENVIRONMENTS, BINS**2, 5, generator=torch.Generator().manual_seed(1)).double()
    cells = cells.repeat(1, 4, 1)
    whole = remapping(cells, place, None, BINS, 0.0)
    cells[1, :36, 2] = cells[2, 75:80] = float("nan")
    place[3, 40] = float("nan")
    seen = remapping(cells, place, None, BINS, 0.0)
    assert seen.dropped.tolist() == seen.grid_dropped.tolist() == [6, 6, 42, 6, 6]
    for part, other in zip(whole[:7], seen[:7], strict=True):
        np.testing.assert_allclose(part, other)


def test_bins_that_were_never_visited_do_not_count():
    """Half of the arena is seen in one half of the walk only, where the unit is something else."""
    rate = torch.arange(4).double()
    place = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1], [0, 0], [0, 1], [0, 2], [1, 0]])
    activity = torch.cat([rate, rate[:2], torch.tensor([100.0]), rate[2:3]])[None, :, None].expand(2, -1, 1)
    seen = remapping(activity, place.expand(2, -1, -1), None, 3, 0.0, low=-0.5, high=2.5)
    assert seen.within == pytest.approx(1)


def test_bad_shapes():
    with pytest.raises(BadInput, match=r"got \(1, 5, 3\) and \(1, 5, 2\)"):
        remapping(torch.zeros(1, 5, 3), torch.zeros(1, 5, 2))
    with pytest.raises(BadInput, match=r"of batch and time \(2, 5\), got \(2, 4, 3\)"):
        remapping(torch.zeros(2, 5, 3), torch.zeros(2, 5, 2), torch.zeros(2, 4, 3))
