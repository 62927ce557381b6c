"""Spikes: what cannot be a train is refused with its place, edges belong to one bin, and none looks ahead."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.parts.spikes import before, checked, counts


def test_times_that_restart_or_are_in_milliseconds_are_refused():
    good = np.array([0.5, 1.0, 1.0, 7.0])
    with pytest.raises(BadInput, match=r"unit b: expected times that rise, got 3 and then 0\.5 s at spike 3"):
        checked([good, np.array([1, 2, 3, 0.5, 1.5])], ["a", "b"])
    with pytest.raises(BadInput, match=r"unit a: .* from 0 to 600 s.*milliseconds\?"):
        checked([1000 * np.linspace(1, 599, 50)], ["a"], seconds=600)
    with pytest.raises(BadInput, match=r"got one at 7 s \(spike 3\)$"):
        checked([good], ["a"], seconds=6)
    with pytest.raises(BadInput, match=r"got one at 0\.5 s"):
        checked([good], ["a"], start=0.75, seconds=10)
    with pytest.raises(BadInput, match="finite times"):
        checked([np.array([1, np.nan])], ["a"])
    kept = checked([good, np.array([])], ["a", "b"], seconds=7)
    assert kept[0].tolist() == good.tolist() and not len(kept[1])


def test_each_spike_falls_into_one_bin():
    """Times on all edges of bins of 0.1 s, which have no exact number: one in each bin, none lost."""
    many = np.arange(100_000) * 0.1
    assert (counts([many], rate=10, start=0, seconds=10_000) == 1).all()
    edges = np.arange(50) * 0.1
    assert counts([edges], rate=10, start=0, seconds=5)[:, 0].tolist() == [1] * 50
    assert counts([edges + 3.7], rate=10, start=3.7, seconds=5)[:, 0].tolist() == [1] * 50
    late = counts([np.array([4.9999, 5.0])], rate=10, start=0, seconds=5)
    assert late.sum() == 2 and late[-1, 0] == 2
    dice = np.random.default_rng(0)
    many = np.sort(dice.uniform(2, 12, 1000))
    found = counts([many, many[:0]], rate=7, start=2, seconds=10)
    assert found.shape == (70, 2) and found.sum(0).tolist() == [1000, 0]
    with pytest.raises(BadInput, match="a bin or more"):
        counts([many], rate=0, start=0, seconds=10)


def test_no_spike_is_tied_to_what_came_later():
    """What is shown changes each second, with spikes 0.4 and 0.6 s after: both belong to what is shown."""
    changes = np.arange(5.0)
    spikes = np.sort(np.concatenate([changes + 0.4, changes + 0.6]))
    assert before(spikes, changes).tolist() == np.repeat(np.arange(5), 2).tolist()
    assert before(np.array([-0.1, 0.0, 9.0]), changes).tolist() == [-1, 0, 4]


@pytest.mark.parametrize(
    ("rate", "seconds"),
    [(np.inf, 1.0), (np.nan, 1.0), (10.0, np.inf), (10.0, np.nan), (-10.0, -1.0), (10.0, 0.0)],
)
def test_bins_that_cannot_be_counted_are_refused(rate: float, seconds: float):
    with pytest.raises(BadInput, match="a rate above 0 bins a second and a bin or more"):
        counts([np.array([0.1])], rate=rate, start=0.0, seconds=seconds)


def test_a_last_bin_may_be_short_and_what_lies_outside_is_in_no_bin():
    """0.55 s in bins of 0.1 s are six; a spike within a millionth of an edge belongs to the bin behind it."""
    train = np.array([-0.05, 0.1 - 0.5e-7, 0.2 - 3e-7, 0.54, 0.72])
    assert counts([train], rate=10, start=0.0, seconds=0.55).ravel().tolist() == [0, 2, 0, 0, 0, 1]
    assert len(counts([train], rate=10, start=0.0, seconds=0.5 + 0.5e-7)) == 5


@pytest.mark.parametrize(("last", "hint"), [(60.0, False), (60.1, True)])
def test_seconds_ten_times_too_long_may_be_milliseconds(last: float, hint: bool):
    """From 10 s on, 5 s long: 50 s behind the start is not yet ten times as long."""
    with pytest.raises(BadInput, match=r"from 10 to 15 s, got one at 16 s \(spike 2\)") as caught:
        checked([np.array([10.0, 15.0, 16.0, last])], ["a"], start=10.0, seconds=5.0)
    assert ("milliseconds" in str(caught.value)) == hint


def test_one_bin_is_enough_and_each_unit_has_a_name():
    assert counts([np.array([0.02, 0.1])], rate=10, start=0.0, seconds=0.1).tolist() == [[2.0]]
    with pytest.raises(ValueError, match="zip"):
        checked([np.array([0.5])], ["a", "b"])
