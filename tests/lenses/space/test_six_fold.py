"""Six-fold modulation: what is put in comes out, hexagonal codes have it, and bands do not."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.lenses.space.six_fold import six_fold


def path(headings: Tensor, size: float = 0.1) -> Tensor:
    """Moves of one size along headings (B, T), from random places: (B, T + 1, 2)."""
    first = 10 * torch.rand(len(headings), 1, 2, generator=torch.Generator().manual_seed(1)).double()
    moves = size * torch.stack([headings.cos(), headings.sin()], -1)
    return torch.cat([first, first + moves.cumsum(1)], 1)


def uniform(batch: int, time: int) -> Tensor:
    """Headings (B, T) that fill the circle evenly in each half of the time."""
    angle = 2 * math.pi * torch.arange(time // 2).double() / (time // 2)
    return torch.cat([angle, angle]).expand(batch, -1)


@pytest.mark.parametrize("fold", [4, 6, 7])
def test_weight_and_angle_are_those_put_in(fold: int):
    heading, angle = uniform(2, 720), 0.2
    y = 3 + torch.cos(fold * (heading - angle))
    activity = torch.cat([torch.zeros(2, 1).double(), y], 1)[..., None]
    seen = six_fold(activity, path(heading))
    at = seen.fold.tolist().index(fold)
    expected = np.zeros(5)
    expected[at] = 1.0
    np.testing.assert_allclose(seen.weight, expected, atol=1e-9)
    assert seen.angle[at] == pytest.approx(angle) and seen.mean == pytest.approx(3)


def test_activity_is_summed_in_size_over_units():
    heading = uniform(1, 360)
    wave = torch.cat([torch.zeros(1, 1).double(), 2 + torch.cos(6 * heading)], 1)
    seen = six_fold(torch.stack([wave, -wave], -1), path(heading))
    assert seen.weight[2] == pytest.approx(2) and seen.mean == pytest.approx(4)


def test_noise_is_judged_on_the_other_half():
    dice = torch.Generator().manual_seed(2)
    heading = 2 * math.pi * torch.rand(1, 20_000, generator=dice).double()
    seen = six_fold(torch.rand(1, 20_001, 1, generator=dice).double(), path(heading))
    assert np.abs(seen.weight).max() < 5 * math.sqrt(1 / 12 * 2 / 10_000)


def changes(place: Tensor, waves: int) -> Tensor:
    """How much a module of rectified waves, 60 degrees apart and of period 1, changes at each step.

    Its 16 units (B, T, 16) have phases that fill the cell of the lattice evenly.
    """
    angle = torch.tensor([0.0, 60.0, 120.0]).deg2rad().double()
    k = 2 * math.pi * torch.stack([angle.cos(), angle.sin()])  # (2, 3)
    cell = 2 * math.pi * torch.linalg.inv(k[:, :2])  # rows are the sides of the cell
    offsets = torch.cartesian_prod(torch.arange(4), torch.arange(4)).double() / 4 @ cell
    units = [((place - offset) @ k[:, :waves]).cos().sum(-1).relu() for offset in offsets]
    activity = torch.stack(units, -1)
    return activity.diff(dim=1, prepend=activity[:, :1])


def test_a_hexagonal_code_changes_six_fold_and_a_band_code_does_not():
    heading = uniform(100, 720)
    place = path(heading, size=0.8)  # of a lattice of spacing 1.15
    hexagon, bands = (np.abs(six_fold(changes(place, waves), place).weight) for waves in (3, 1))
    assert hexagon[2] > 3 * np.delete(hexagon, 2).max()
    assert bands[2] < bands[0]  # a band is two-fold, and has more of its harmonic 4 than of 6


def test_rests_are_left_out():
    heading = uniform(1, 360)
    place = path(heading).repeat_interleave(2, 1)  # every other step stays
    y = torch.cat([torch.zeros(1, 1).double(), torch.cos(6 * heading) + 3], 1).repeat_interleave(2, 1)
    y[:, 1::2] = 100.0
    assert six_fold(y[..., None], place).weight[2] == pytest.approx(1)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="six fold: expected activity"):
        six_fold(torch.zeros(2, 5, 3), torch.zeros(2, 5, 3))
    with pytest.raises(BadInput, match="three steps or more"):
        six_fold(torch.zeros(1, 2, 3), torch.zeros(1, 2, 2))
    assert np.isnan(six_fold(torch.zeros(1, 3, 3), torch.zeros(1, 3, 2)).mean)  # three are enough to ask


def test_missing_samples_are_left_out_and_counted():
    """A lost place loses two moves, a lost activity one."""
    heading = uniform(2, 720)
    place = path(heading)
    activity = torch.cat([torch.zeros(2, 1).double(), 3 + torch.cos(6 * heading)], 1)[..., None]
    activity[0, 10] = activity[1, 700] = float("nan")
    place[1, 300] = float("nan")
    seen = six_fold(activity, place)
    assert seen.dropped == 4 and seen.weight[2] == pytest.approx(1) and seen.angle[2] == pytest.approx(0)
    nothing = six_fold(activity * float("nan"), place)
    assert nothing.dropped == 1440 and np.isnan(nothing.weight).all() and np.isnan(nothing.mean)
    with pytest.raises(BadInput, match="finite activity"):
        six_fold(activity / 0, place)


def test_all_figures_by_hand():
    """Moves of unequal length, one rest; the phase from the first half, the weight from the second."""
    dice = torch.Generator().manual_seed(4)
    place = torch.randn(2, 12, 2, generator=dice).double()
    place[0, 3] = place[0, 2]
    activity = torch.randn(2, 12, 3, generator=dice).double()
    seen = six_fold(activity, place)
    halves: tuple[list, list] = ([], [])
    for b in range(2):
        for t in range(1, 12):
            dx, dy = (place[b, t] - place[b, t - 1]).tolist()
            if dx or dy:
                halves[t - 1 >= 5].append((math.atan2(dy, dx), float(activity[b, t].abs().sum())))
    (theta, y), (later, z) = (np.array(half).T for half in halves)
    assert len(y) == 9 and len(z) == 12 and seen.dropped == 0 and seen.fold.tolist() == [4, 5, 6, 7, 8]
    assert seen.mean == pytest.approx(np.r_[y, z].mean())
    for at, n in enumerate((4, 5, 6, 7, 8)):
        table = np.stack([np.ones(9), np.cos(n * theta), np.sin(n * theta)], 1)
        b1, b2 = np.linalg.solve(table.T @ table, table.T @ y)[1:]
        phi = math.atan2(b2, b1) / n
        assert seen.angle[at] == pytest.approx(phi)
        wave = np.cos(n * (later - phi))
        assert seen.weight[at] == pytest.approx(np.cov(wave, z)[0, 1] / wave.var(ddof=1))


def test_a_half_of_three_moves_tells_and_one_of_two_does_not():
    heading = torch.tensor([[0.1, 0.9, 2.0, 0.3, 1.0, 2.2]]).double()
    for moves, known in ((6, True), (5, False)):  # of five, two are in the first half and three in the second
        place = path(heading[:, :moves])
        activity = torch.cat([torch.zeros(1, 1), 2 + torch.cos(6 * heading[:, :moves] - 1)], 1)[..., None]
        seen = six_fold(activity, place)
        assert np.isfinite(seen.angle).all() == np.isfinite(seen.weight).all() == known
        if known:
            assert seen.weight[2] == pytest.approx(1) and seen.angle[2] == pytest.approx(1 / 6)
