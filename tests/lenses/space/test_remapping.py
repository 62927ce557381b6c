"""Remapping of cells whose maps are known: kept, exchanged at random, or moved along with the grid."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.lenses.space.remapping import Remapping, _at_place, _normal, _peak, remapping

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


def score(place: np.ndarray, grid: np.ndarray, peaks: np.ndarray, other: np.ndarray) -> float:
    """Values of all grid cells at the peaks of place maps, and in other maps at `peaks`, correlated."""
    pairs = []
    for environment in range(len(place)):
        standard = [
            (maps - maps.mean(-1, keepdims=True)) / maps.std(-1, keepdims=True)
            for maps in (grid[environment], other[environment])
        ]
        for unit in range(place.shape[1]):
            for cell in range(grid.shape[1]):
                own, moved = place[environment, unit].argmax(), peaks[environment, unit]
                pairs.append((standard[0][cell, own], standard[1][cell, moved]))
    return float(np.corrcoef(np.array(pairs).T)[0, 1])


def test_all_figures_by_hand():
    """Three environments of four bins in a row, each seen once a half; three place and two grid cells."""
    dice = np.random.default_rng(3)
    place = dice.random((3, 2, 4, 3)) * [1, 10, 1e-3]
    grid = dice.random((3, 2, 4, 2)) + 5
    spots = torch.arange(4).double().repeat(2)[None, :, None].expand(3, -1, -1)
    given = torch.from_numpy(place.reshape(3, 8, 3)), spots, torch.from_numpy(grid.reshape(3, 8, 2))
    found = remapping(*given, 4, 0.0, shuffles=6, low=-0.5, high=3.5, seed=2)
    (one, two), (lattice, alike) = (np.moveaxis(maps, 1, 0).swapaxes(2, 3) for maps in (place, grid))
    other, unlike = (np.stack([maps[1], maps[2], maps[0]]) for maps in (two, alike))

    def kept(first: np.ndarray, second: np.ndarray) -> list[float]:
        return [
            np.mean([np.corrcoef(a[unit], b[unit])[0, 1] for a, b in zip(first, second, strict=True)])
            for unit in range(first.shape[1])
        ]

    np.testing.assert_allclose(found.within, kept(one, two))
    np.testing.assert_allclose(found.between, kept(one, other))
    np.testing.assert_allclose(found.grid_within, kept(lattice, alike))
    np.testing.assert_allclose(found.grid_between, kept(lattice, unlike))
    assert found.at_place_within == pytest.approx(score(one, lattice, two.argmax(-1), alike))
    between = score(one, lattice, other.argmax(-1), unlike)
    assert found.at_place_between == pytest.approx(between)
    dice = np.random.default_rng(2)
    null = [score(one, lattice, dice.permuted(other.argmax(-1), axis=1), unlike) for _ in range(6)]
    np.testing.assert_allclose(found.null, null)
    assert found.p == (1 + (np.array(null) >= between - 1e-9).sum()) / 7
    assert found.dropped.tolist() == [0, 0, 0] and found.grid_dropped.tolist() == [0, 0]


def test_three_pairs_of_values_are_enough_and_two_are_not():
    """One environment's place cells, whose peaks are given, and one grid cell."""
    maps = np.eye(4)[None, :3] + 0.0
    grid = np.array([[[1.0, 2, 4, 9]]])
    for units, known in ((3, True), (2, False)):
        found = _at_place(maps[:, :units], grid, np.arange(units)[None], 1000 * grid)
        assert found == pytest.approx(1) if known else np.isnan(found)
    assert np.isnan(_at_place(maps, grid, np.zeros((1, 3), dtype=int), grid)), "one value at three places"
    assert _at_place(maps, grid, np.array([[2, 1, 0]]), grid) < 0
    partly = _at_place(np.eye(4)[None], grid, np.array([[0, 1, 3, -1]]), grid)
    assert partly == pytest.approx(np.corrcoef([1, 2, 4], [1, 2, 9])[0, 1]), (
        "a cell without a peak is left out"
    )


def test_peaks_and_maps_of_units_that_vary_by_little():
    maps = np.array([[[np.nan, 1, 3, 2], [5, 5, np.nan, 5], [-1, -2, -3, np.nan], [0, 0, 0, 1e-9]]])
    assert _peak(maps).tolist() == [[2, -1, 0, 3]]
    there = np.array([True, True, True, False])
    for size in (1e-12, 1.0, 1e6):
        normal = _normal(size * np.array([1.0, 2, 3, 0]), there)
        np.testing.assert_allclose(normal, np.array([-1, 0, 1, 0]) * np.sqrt(1.5))
    for off, flat in ((1e-10, True), (1e-8, False)):
        assert _normal(np.array([1.0, 1, 1 + off, 0]), there).any() != flat


def test_two_environments_of_two_steps_can_be_asked():
    remapping(torch.ones(2, 2, 1), torch.tensor([[[0.0], [1]], [[0], [1]]]), bins=2)
    for shape in ((1, 2), (2, 1)):
        with pytest.raises(BadInput, match="two sequences and two steps or more"):
            remapping(torch.ones(*shape, 1), torch.ones(*shape, 1), bins=2)


def test_grid_cells_that_one_map_does_not_tell_are_left_out():
    """At its third peak the first map of the grid cell was never visited, at its fourth the second."""
    one, two = np.array([[[1.0, 2, np.nan, 4, 7]]]), np.array([[[3.0, 9, 8, np.nan, 4]]])
    found = _at_place(np.eye(5)[None], one, np.arange(5)[None], two)
    assert found == pytest.approx(np.corrcoef([1, 2, 7], [3, 9, 4])[0, 1])
