"""Bins of an arena and rates in them, against a plain loop; what is missing, and boxes that do not fit."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.parts.arena import Path, Units, rate_maps

NAN = float("nan")


def looped(activity, position, shape, low, high):
    """Rates and steps by a loop over all steps."""
    total, steps = np.zeros((activity.shape[2], *shape)), np.zeros((activity.shape[2], *shape))
    for row, place in zip(activity.flatten(0, 1).tolist(), position.flatten(0, 1).tolist(), strict=True):
        if any(np.isnan(place)):
            continue
        at = tuple(
            min(int((x - a) / (b - a) * n), n - 1) for x, a, b, n in zip(place, low, high, shape, strict=True)
        )
        for unit, value in enumerate(row):
            if not np.isnan(value):
                total[unit][at] += value
                steps[unit][at] += 1
    return np.where(steps > 0, total / np.maximum(steps, 1), np.nan), steps


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("sides", [(3.0,), (2.0, 1.0), (1.0, 1.0, 2.0)])
def test_rates_are_those_of_a_loop(sides: tuple[float, ...], missing: bool):
    size = len(sides)
    place = torch.rand(2, 150, size, generator=torch.Generator().manual_seed(1)).double() * torch.tensor(
        sides
    )
    activity = normal(2, 150, 3)
    if missing:
        place[0, 3, -1] = place[1, :20] = NAN
        activity[0, 5, 1] = activity[:, :, 2] = NAN
    shape = tuple(round(6 * side / max(sides)) for side in sides)
    rate, steps = looped(activity, place, shape, [0.0] * size, sides)
    seen = rate_maps(activity, place, 6, 0.0, 0.0, sides)
    np.testing.assert_allclose(seen.rate, rate, atol=1e-12)
    np.testing.assert_array_equal(np.broadcast_to(seen.steps, steps.shape), steps)
    assert seen.dropped.tolist() == ([21, 22, 300] if missing else [0, 0, 0])
    smooth = rate_maps(activity, place, 6, 0.7, 0.0, sides)
    unit = np.nan_to_num(rate[0] * steps[0]), steps[0]
    total, near = (ndimage.gaussian_filter(part, 0.7, mode="constant") for part in unit)
    np.testing.assert_allclose(smooth.rate[0], np.where(steps[0] > 0, total / near, np.nan), atol=1e-12)
    assert np.isnan(smooth.rate[2]).all() == missing


def test_a_flat_rate_is_flat_where_visited_and_nothing_elsewhere():
    """Half of a box is visited, one bin in it ten times as long as the others."""
    middle = (torch.arange(10) + 0.5).double()
    place = torch.cartesian_prod(middle[:5], middle)
    place = torch.cat([place, place[7].expand(9, 2)])[None]
    for smooth in (0.0, 1.0, 3.0):
        rate = rate_maps(torch.full((1, 59, 1), 5.0), place, 10, smooth, 0.0, 10.0).rate[0]
        np.testing.assert_allclose(rate[:5], 5, atol=1e-9)
        assert np.isnan(rate[5:]).all()


def test_the_box_is_that_of_the_places_where_none_is_given():
    place = torch.tensor([[[100.0, 7.0], [140.0, 7.2], [120.0, 27.0]]])
    path = Path(place, 8)
    assert path.shape == (8, 4) and path.bin.tolist() == [[0, 28, 19]]
    assert Path(place, (5, 2)).shape == (5, 2)
    inferred, given = (rate_maps(normal(1, 3, 1), place, 8, 0.0, *box) for box in ((), ((100, 7), (140, 27))))
    np.testing.assert_array_equal(inferred.rate, given.rate)


def test_a_round_arena_has_rates_inside_the_circle_only():
    dice = torch.Generator().manual_seed(2)
    place = 2 * torch.rand(1, 20_000, 2, generator=dice).double() - 1
    place = place[:, (place[0] ** 2).sum(-1) < 1]
    rate = rate_maps(torch.ones(1, place.shape[1], 1), place, 20, 1.0, -1.0, 1.0).rate[0]
    corners = np.arange(21) / 10 - 1
    nearest = np.minimum(np.abs(corners[:-1]), np.abs(corners[1:]))
    farthest = np.maximum(np.abs(corners[:-1]), np.abs(corners[1:]))
    assert np.isnan(rate[np.hypot(*np.meshgrid(nearest, nearest)) >= 1]).all()
    np.testing.assert_allclose(rate[np.hypot(*np.meshgrid(farthest, farthest)) <= 1], 1)


def test_edges_belong_to_the_last_bin_and_rounding_is_forgiven():
    place = torch.tensor([[[-1.0 - 1e-7], [1.0 + 1e-7], [0.0]]])
    assert Path(place, 4, -1, 1).bin.tolist() == [[0, 3, 2]]


@pytest.mark.parametrize(
    ("place", "box", "message"),
    [
        (
            [[0.5, 0.5], [1.5, 0.5]],
            (0.0, 1.0),
            "got 1 of 2 outside, from \\[0.5, 0.5\\] to \\[1.5, 0.5\\]",
        ),
        ([[0.5, 0.5], [1.5, 0.5]], (), "leave out what never changes"),
        ([[0.0, 0.5], [1.0, 0.6]], (1.0, 0.0), "sides above 0"),
        ([[0.0, 0.5], [1.0, 0.6]], (NAN, 1.0), "sides above 0"),
        ([[0.0, 0.5], [1.0, 0.6]], ((0, 0, 0), 1.0), "`low` as one number or 2"),
        ([[NAN, 0.5], [1.0, NAN]], (), "got NaN at every step"),
        ([[0.0, 0.5], [float("inf"), 0.6]], (), "got infinity"),
    ],
)
def test_boxes_that_do_not_fit_are_refused(place, box, message):
    with pytest.raises(BadInput, match=message):
        Path(torch.tensor([place]), 4, *box)


@pytest.mark.parametrize("bins", [0, -3, (4,), (4, 0)])
def test_bins_are_one_number_or_one_for_each_coordinate(bins):
    with pytest.raises(BadInput, match="bins of at least 1 for each of 2 coordinates"):
        Path(normal(1, 9, 2), bins)


def test_activity_must_fit_and_be_real_and_finite():
    path = Path(normal(1, 9, 2), 4)
    for activity, message in (
        (torch.zeros(1, 8, 2), r"\(1, 9\), got \(1, 8, 2\)"),
        (torch.zeros(1, 9, 2, dtype=torch.cfloat), "complex"),
        (torch.full((1, 9, 2), float("inf")), "infinity"),
    ):
        with pytest.raises(BadInput, match=message):
            Units(activity, path)


@pytest.mark.parametrize("beyond", [-0.9e-5, 10 + 0.9e-5])
def test_rounding_is_forgiven_to_a_millionth_of_a_side(beyond: float):
    """Of a side of 10, at either end; of what lies twice as far out the number is said."""
    inside = torch.tensor([[[beyond], [5.0]]], dtype=torch.float64)
    assert Path(inside, 4, 0, 10).bin.tolist() == [[0 if beyond < 0 else 3, 2]]
    outside = inside + torch.tensor([[[-1e-5 if beyond < 0 else 1e-5], [0.0]]])
    with pytest.raises(BadInput, match="got 1 of 2 outside"):
        Path(outside, 4, 0, 10)


def test_a_thin_side_has_one_bin_and_others_the_nearest_number():
    place = torch.tensor([[[0.0, 0.0, 0.0], [100.0, 0.01, 26.0]]])
    assert Path(place, 10).shape == (10, 1, 3)  # 2.6 bins of 10
    assert Path(place[:, :, [0, 2]], 10, 0.0, [100.0, 34.0]).shape == (10, 3)  # 3.4
    with pytest.raises(BadInput, match="`high` as one number or 3"):
        Path(place, 10, 0.0, [[1.0, 1.0, 1.0]])  # type: ignore[list-item]


def test_shares_of_time_and_a_stretch_of_a_path():
    place = torch.tensor([[[0.0], [1.0], [3.0], [NAN]], [[3.0], [3.5], [4.0], [0.5]]])
    path = Path(place, 4)
    assert path.bin.tolist() == [[0, 1, 3, -1], [3, 3, 3, 0]]
    np.testing.assert_allclose(path.occupancy, [2 / 7, 1 / 7, 0, 4 / 7], atol=1e-12)
    one = path.part(1, slice(1, 4))
    assert one.bin.tolist() == [[3, 3, 0]] and one.shape == (4,) and path.bin.shape == (2, 4)
    np.testing.assert_allclose(one.occupancy, [1 / 3, 0, 0, 2 / 3], atol=1e-12)


def test_another_steps_activity_may_be_put_where_the_path_is():
    path = Path(torch.tensor([[[0.0], [1.0], [1.5], [NAN]]]), 2, 0, 2)
    source = np.array([3, 0, 2, 1])
    activity = torch.tensor([[[1.0], [10.0], [100.0], [1000.0]]])
    seen = path.maps(Units(activity, path), source=source)
    assert seen.rate.tolist() == [[1000.0, 50.5]]
    assert seen.steps.tolist() == [[1, 2]] and seen.dropped.tolist() == [1]


def test_places_and_activity_of_another_shape_are_refused():
    for shape in ((9, 2), (1, 9, 0), (0, 9, 2), (1, 0, 2), (1, 1, 9, 2)):
        with pytest.raises(BadInput, match=r"expected places \(batch, time, coordinates\), got "):
            Path(torch.zeros(shape), 4)
    path = Path(normal(2, 9, 2), 4)
    for shape in ((1, 9, 2), (2, 8, 2), (2, 9), (2, 9, 2, 1)):
        with pytest.raises(BadInput, match=r"\(2, 9\), got "):
            Units(torch.zeros(shape), path)
