"""Place fields on units whose map is known: flat, one bin, bumps, and what smoothing keeps."""

import numpy as np
import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.lenses.space.place_fields import _fields, place_fields
from wavetrain.parts import nulls


def lattice(bins: int) -> Tensor:
    """The middle of each bin of [-1, 1]^2 once, (1, bins^2, 2)."""
    middle = (torch.arange(bins) + 0.5) / bins * 2 - 1
    return torch.cartesian_prod(middle, middle)[None]


def bump(place: Tensor, x: float, y: float, width: float = 0.15) -> Tensor:
    return torch.exp(-((place - torch.tensor([x, y])) ** 2).sum(-1) / (2 * width**2))


def test_information_and_sparsity_of_known_units():
    place = lattice(8)
    one_bin = torch.zeros(64)
    one_bin[13] = 3.0
    half = (place[0, :, 0] > 0).float()
    units = torch.stack([torch.full((64,), 0.7), one_bin, half, torch.zeros(64), torch.full((64,), -1.0)], -1)
    seen = place_fields(units[None], place, bins=8, smooth=0.0)
    assert seen.information[:3] == pytest.approx([0.0, 6.0, 1.0])
    assert seen.sparsity[:3] == pytest.approx([1.0, 1 / 64, 0.5])
    assert np.isnan(seen.information[3:]).all() and np.isnan(seen.sparsity[3:]).all()
    assert seen.occupancy == pytest.approx(1 / 64)


@pytest.mark.parametrize("known", [1, 2, 3])
def test_a_unit_that_is_known_at_few_steps_is_judged_by_these(known: int):
    """At one step, in one bin, a rate says nothing; in each of k bins once, fired in one, it says log2 k."""
    place = torch.tensor([[[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]]])
    activity = torch.full((1, 4, 1), torch.nan)
    activity[0, :known, 0] = 0.0
    activity[0, 0, 0] = 2.0
    seen = place_fields(activity, place, bins=2, smooth=0.0, low=-1, high=1, shifts=0)
    assert seen.information == pytest.approx(np.log2(known), abs=1e-12)
    assert seen.sparsity == pytest.approx(1 / known) and seen.dropped == 4 - known


def test_what_is_seen_at_a_peak_is_looked_for_where_the_unit_was():
    """Bins that were never visited have no rate, and are no peak, wherever they lie."""
    place = torch.tensor([[[0.5, 0.5], [-0.5, 0.5], [0.5, 0.5]]])  # (0, 0) and (1, 0) are never visited
    activity = torch.tensor([[[3.0, 1.0], [1.0, 3.0], [3.0, 1.0]]])
    for label, shared in (
        (torch.tensor([[7, 7, 7]]), [True, True]),
        (torch.tensor([[7, 5, 7]]), [False, False]),
    ):
        seen = place_fields(activity, place, bins=2, smooth=0.0, low=-1, high=1, label=label)
        assert seen.shared.tolist() == shared


def test_rate_is_the_mean_over_visits():
    """How often a bin is visited does not change its rate, but its share of time."""
    place = torch.tensor([[[-0.5, -0.5], [-0.5, -0.5], [-0.5, -0.5], [0.5, -0.5]]])
    activity = torch.tensor([[[1.0], [2.0], [3.0], [8.0]]])
    seen = place_fields(activity, place, bins=2, smooth=0.0, low=-1, high=1)
    assert seen.rate[0, :, 0] == pytest.approx([2.0, 8.0])
    assert np.isnan(seen.rate[0, :, 1]).all()
    assert seen.occupancy == pytest.approx(np.array([[0.75, 0.0], [0.25, 0.0]]))
    ratio = np.array([2.0, 8.0]) / 3.5
    assert seen.information[0] == pytest.approx(np.sum([0.75, 0.25] * ratio * np.log2(ratio)))


def test_fields_are_counted_and_lie_where_they_are():
    place = lattice(20)
    two = bump(place, -0.5, -0.5) + 0.9 * bump(place, 0.5, 0.5)
    weak = bump(place, -0.5, 0.5) + 0.3 * bump(place, 0.5, -0.5)
    tiny = bump(place, 0.05, 0.05, width=0.01)
    seen = place_fields(torch.stack([two, weak, tiny], -1), place, smooth=0.0)
    assert seen.fields.tolist() == [2, 1, 0]
    assert seen.label[0, 5, 5] > 0 and seen.label[0, 14, 14] > 0 and seen.label[0, 10, 10] == 0
    assert seen.label[1, 5, 14] == 1 and seen.label[1, 14, 5] == 0
    assert place_fields(weak[..., None], place, smooth=0.0, part=0.2).fields.tolist() == [2]


def test_size_is_the_disc_of_half_height():
    place = lattice(100)
    seen = place_fields(bump(place, 0.09, -0.21, width=0.3)[..., None], place, bins=100, smooth=0.0)
    distance = (place - torch.tensor([0.09, -0.21])).norm(dim=-1)
    assert seen.fields.tolist() == [1]
    assert seen.size.tolist() == [int((distance < 0.3 * np.sqrt(2 * np.log(2))).sum())]


def test_smoothing_leaves_a_flat_rate_flat_and_gaps_empty():
    """However unevenly the arena is visited: activity and time are smoothed alike."""
    place = lattice(10)
    uneven = place[:, torch.randint(100, (300,), generator=torch.Generator().manual_seed(0))]
    flat = torch.full((1, 300, 1), 0.4)
    seen = place_fields(flat, uneven, bins=10)
    empty = seen.occupancy == 0
    assert empty.any() and seen.rate[0, ~empty] == pytest.approx(0.4) and np.isnan(seen.rate[0, empty]).all()
    assert seen.information == pytest.approx(0.0, abs=1e-12) and seen.p.tolist() == [1.0]
    assert not seen.label[0, empty].any()


def test_a_track_has_bins_along_it():
    """Active in two of sixteen bins, at both ends."""
    place = ((torch.arange(64) + 0.5) / 64).reshape(1, 64, 1)
    ends = ((place < 1 / 8) | (place > 15 / 16)).double()
    seen = place_fields(ends, place, bins=16, smooth=0.0, least=1, low=0, high=1)
    assert seen.rate.shape == (1, 16) and seen.fields.tolist() == [2] and seen.size.tolist() == [3]
    assert seen.information == pytest.approx(np.log2(16 / 3)) and seen.sparsity == pytest.approx(3 / 16)


def test_a_box_in_other_units_is_told_as_well():
    """Centimetres, or a box that lies elsewhere: the same fields and the same information."""
    place = lattice(20)
    unit = bump(place, -0.5, 0.2)[..., None]
    one, two = (place_fields(unit, where, shifts=20) for where in (place, 50 * place + 300))
    for part, other in zip(one, two, strict=True):
        np.testing.assert_allclose(part, other, atol=1e-9)
    with pytest.raises(BadInput, match="outside"):
        place_fields(unit, 50 * place + 300, low=-1, high=1)


def test_missing_samples_are_left_out_for_the_units_that_miss_them():
    place = lattice(8)
    units = torch.stack([bump(place, 0.4, 0.4, 0.3)[0], torch.ones(64), torch.ones(64)], -1)[None]
    units[0, 5:9, 1] = units[0, :, 2] = float("nan")
    place[0, 60] = float("nan")
    seen = place_fields(units, place, bins=8, smooth=0.0)
    assert seen.dropped.tolist() == [1, 5, 64]
    assert np.isnan(seen.rate[1].ravel()[[5, 6, 7, 8, 60]]).all() and np.isfinite(seen.rate[1]).sum() == 59
    assert seen.information[1] == pytest.approx(0) and np.isnan(seen.information[2])
    assert seen.fields.tolist() == [1, 1, 0]
    alone = place_fields(units[:, :60, :1], place[:, :60], bins=8, smooth=0.0, shifts=0)
    rest = place_fields(
        units[:, 61:, :1], place[:, 61:], bins=8, smooth=0.0, low=-0.875, high=0.875, shifts=0
    )
    assert np.isnan(seen.rate[0].ravel()[60]) and alone.rate.shape == rest.rate.shape
    np.testing.assert_allclose(seen.rate[0].ravel()[:60], units[0, :60, 0])


def test_units_of_the_place_tell_more_than_the_same_units_shifted_in_time():
    generator = torch.Generator().manual_seed(1)
    place = (0.2 * torch.randn(20, 200, 2, generator=generator)).cumsum(1).sin()
    activity = bump(place, 0.3, -0.2, width=0.3)[..., None]
    true, shifted = (place_fields(one, place).information[0] for one in (activity, activity.roll(100, 1)))
    assert true > 5 * shifted > 0


def test_bad_shapes():
    with pytest.raises(BadInput, match=r"got \(2, 5, 3\) and \(2, 4, 2\)"):
        place_fields(torch.zeros(2, 5, 3), torch.zeros(2, 4, 2))


def test_steps_that_are_left_out_count_neither_as_time_nor_as_spikes():
    """Half of the time the animal sits in bin 0 and fires 20 Hz; on its way it fires 5 Hz everywhere.

    Its place is NaN where it is slower than a speed that is asked for: then each bin has 5 Hz.
    """
    dice = np.random.default_rng(0)
    moving = np.tile((np.arange(10) + 0.5) / 10, 8000)  # a step of 0.1 s in each bin, around and around
    place = np.concatenate([np.full(len(moving), 0.05), moving])
    slow = np.arange(len(place)) < len(moving)
    spikes = dice.poisson(np.where(slow, 2.0, 0.5))
    kept = torch.from_numpy(np.where(slow, np.nan, place))[None, :, None]
    activity = torch.from_numpy(spikes / 0.1)[None, :, None]
    words = {"bins": 10, "smooth": 0.0, "low": 0.0, "high": 1.0, "shifts": 0}
    seen = place_fields(activity, kept, **words)
    np.testing.assert_allclose(seen.rate[0], 5.0, atol=0.3)
    assert seen.dropped[0] == len(moving)
    both = place_fields(activity, torch.from_numpy(place)[None, :, None], **words)
    assert both.rate[0, 0] > 15  # with the steps at rest


def test_a_field_is_above_a_part_of_the_peak_in_so_many_bins_or_more():
    """Nine bins on a track, of a peak of 4: those above 2, three together or more; NaN parts them."""
    rate = np.array([3.0, 4, 3, 2, 2.1, 2.1, np.nan, 2.1, 0])
    assert _fields(rate, 0.5, 3).tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert _fields(rate, 0.5, 2).tolist() == [1, 1, 1, 0, 2, 2, 0, 0, 0]
    assert _fields(rate, 0.5, 1).tolist() == [1, 1, 1, 0, 2, 2, 0, 3, 0]
    assert _fields(rate, 0.75, 1).tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert not _fields(-rate, 0.5, 1).any() and not _fields(0 * rate, 0.5, 1).any()


def test_information_by_hand_with_its_nulls():
    """Two sequences in four bins; shifts in time, and exchanges of what looks alike. One step is missing."""
    dice = np.random.default_rng(1)
    bins = dice.integers(4, size=(2, 20))
    rate = dice.random((2, 20, 2)) + (bins[..., None] == [1, 2])
    rate[0, 3, 1] = np.nan
    look = bins // 2
    given = torch.from_numpy(rate), torch.from_numpy(bins[..., None] / 4 + 0.125)
    words = {"bins": 4, "smooth": 0.0, "low": 0.0, "high": 1.0, "shifts": 7, "seed": 2}
    found = place_fields(*given, away=3, label=torch.from_numpy(look), **words)

    def bits(order: np.ndarray) -> list[float]:
        told = []
        for unit in range(2):
            at, value = bins.ravel(), rate[..., unit].ravel()[order.ravel()]
            at, value = at[np.isfinite(value)], value[np.isfinite(value)]
            parts = [value[at == one] for one in range(4)]
            told.append(
                sum(
                    len(part) / len(value) * part.mean() / value.mean() * np.log2(part.mean() / value.mean())
                    for part in parts
                )
            )
        return told

    whole = np.array(bits(np.arange(40)))
    np.testing.assert_allclose(found.information, whole)
    null = np.array([bits(source) for source in nulls.shifts(2, 20, 7, 3, 2)])
    np.testing.assert_allclose(found.null, null)
    np.testing.assert_allclose(found.p, (1 + (null >= whole).sum(0)) / 8)
    alike = np.array([bits(source) for source in nulls.exchanges(look, 7, 2)])
    np.testing.assert_allclose(found.p_label, (1 + (alike >= whole - 1e-9).sum(0)) / 8)
    assert found.shared.tolist() == [True, True] and found.dropped.tolist() == [0, 1]
    bare = place_fields(*given, **(words | {"shifts": 0}), label=torch.from_numpy(look))
    assert np.isnan([bare.p, bare.p_label]).all() and bare.null.shape == (0, 2) and bare.shared.all()
    with pytest.raises(BadInput, match=r"labels \(batch, time\) \(2, 20\), got \(20,\)"):
        place_fields(*given, label=torch.from_numpy(look[0]))
