"""A recording: parts of the same length have as many samples, and channels keep what is theirs."""

import dataclasses

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.parts.recording import Recording, laid_out, rate_of


def made(samples: int = 200, channels: int = 3, rate: float = 25_000.0, **more: object) -> Recording:
    signal = np.arange(samples * channels, dtype=float).reshape(samples, channels)
    names = tuple(f"e{at}" for at in range(channels))
    return Recording(signal=signal, rate=rate, channels=names, **more)


@pytest.mark.parametrize("rate", [25_000.0, 29_999.0, 30_000.0, 1250.0])
def test_windows_of_one_length_have_as_many_samples(rate: float) -> None:
    """1.5 ms before and after an event that lies on a sample, wherever that is."""
    whole = made(400_000, 1, rate, start=61.528)
    for sample in np.random.default_rng(0).integers(1000, 390_000, 300):
        time = whole.start + sample / rate
        part = whole.between(time - 0.0015, time + 0.0015)
        assert len(part) == round(0.003 * rate)


def test_a_recording_stays_as_it_is_and_is_like_none_but_itself() -> None:
    """Arrays have no single answer to whether they are equal."""
    one, two = made(), made()
    assert one == one and one != two and len({one, two, one}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.rate = 2.0
    with pytest.raises(TypeError, match="positional"):
        Recording(one.signal, 1.0, one.channels)


def test_as_many_times_as_samples() -> None:
    assert len(made(182, rate=10.0).times) == 182
    assert made(182, rate=10.0, start=4.0).times[[0, -1]].tolist() == [4.0, 4.0 + 181 / 10]


def test_a_part_keeps_its_time_and_events() -> None:
    whole = made(1000, rate=100.0, start=2.0, events=((2.5, "a"), (5.0, "b"), (6.0, "c")))
    part = whole.between(5.0, 6.0)
    assert part.start == 5.0 and len(part) == 100 and part.events == ((5.0, "b"),)
    np.testing.assert_array_equal(part.signal, whole.signal[300:400])
    for first, last in ((1.99, 3.0), (5.0, 12.01), (5.0, 5.0), (6.0, 5.0)):
        with pytest.raises(BadInput, match="expected a part of 2 to 12 s"):
            whole.between(first, last)
    assert len(whole.between(2.0, 12.0)) == 1000


def test_picked_channels_keep_their_positions() -> None:
    places = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    part = made(positions=places).picked(["e2", "e0"])
    assert part.channels == ("e2", "e0")
    np.testing.assert_array_equal(part.positions, places[[2, 0]])
    np.testing.assert_array_equal(part.signal[0], [2, 0])
    with pytest.raises(BadInput, match="no channel is called 'e9'"):
        made().picked(["e9"])


def test_a_stretch_that_follows_at_once_loses_its_first_sample() -> None:
    one = laid_out([np.ones((3, 1)), np.full((2, 1), 2.0)], [5.0, 8.0], 1.0).ravel()
    np.testing.assert_array_equal(one, [1, 1, 1, np.nan, 2])


def test_gaps_are_as_long_as_they_were() -> None:
    found = laid_out([np.ones((3, 2)), np.ones((2, 2))], [0.0, 1.0], 10.0)
    assert found.shape == (12, 2) and np.isnan(found[3:10]).all() and not np.isnan(found[10:]).any()
    with pytest.raises(BadInput, match=r"begins at 0\.2 s before the one from 0 s has ended"):
        laid_out([np.ones((3, 2)), np.ones((2, 2))], [0.0, 0.2], 10.0)
    with pytest.raises(BadInput, match="too long to be kept"):
        laid_out([np.ones((3, 2)), np.ones((2, 2))], [0.0, 1e7], 10.0)


@pytest.mark.parametrize("rate", [30_000.0, 1250.0, 0.5, 160.0])
def test_a_rate_is_found_from_times(rate: float) -> None:
    times = 61.528 + np.arange(5000) / rate
    assert rate_of(times) == pytest.approx(rate, rel=1e-9)
    assert rate_of(np.delete(times, slice(100, 300))) == pytest.approx(rate, rel=1e-9)
    shaken = times + np.random.default_rng(0).uniform(-0.03, 0.03, 5000) / rate
    assert rate_of(shaken) == pytest.approx(rate, rel=1e-4)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"rate": 0.0}, "a rate above 0"),
        ({"rate": np.inf}, "a rate above 0"),
        ({"start": np.nan}, "a finite time"),
        ({"signal": np.zeros((4, 2), dtype=np.float32)}, "float64"),
        ({"signal": np.zeros((0, 2))}, "float64"),
        ({"signal": np.array([[1.0, np.inf]])}, "channel b is infinite at sample 0"),
        ({"signal": np.array([[1, 2], [3, -np.inf], [np.inf, 4]])}, "channel b is infinite at sample 1"),
        ({"channels": ("a", "a")}, "2 different names"),
        ({"channels": ("a",)}, "2 different names"),
        ({"positions": np.zeros((2, 4))}, "for each of 2 channels"),
        ({"positions": np.zeros((3, 2))}, "for each of 2 channels"),
    ],
)
def test_what_does_not_fit_is_refused(more: dict[str, object], told: str) -> None:
    usual: dict[str, object] = {"signal": np.zeros((4, 2)), "rate": 10.0, "channels": ("a", "b")}
    Recording(**usual)
    with pytest.raises(BadInput, match=told):
        Recording(**usual | more)


@pytest.mark.parametrize("part", [(np.nan, 1.0), (0.0, np.nan), (-np.inf, 1.0), (0.0, np.inf)])
def test_a_part_without_an_end_is_refused(part: tuple[float, float]) -> None:
    with pytest.raises(BadInput, match="expected a part of 0 to 20 s, got"):
        made(200, rate=10.0).between(*part)


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([0.0, 1.0], r"three finite times or more, got \(2,\)"),
        ([0.0, 1.0, np.nan], r"three finite times or more, got \(3,\)"),
        ([[0.0, 1.0, 2.0]], r"three finite times or more, got \(1, 3\)"),
        ([0.0, 1.0, 1.0, 2.0], "times that rise, got 1 and then 1 at sample 2"),
        ([0.0, 3.0, 4.0, 2.0, 1.0], "times that rise, got 4 and then 2 at sample 3"),
        ([0.0, 1.0, 2.0, 3.25, 4.0], r"a step of 1 s apart, got steps from 0\.75 to 1\.25 s"),
    ],
)
def test_times_without_a_rate_are_refused(times: list, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        rate_of(np.array(times))


def test_a_tenth_of_a_step_is_even_enough() -> None:
    assert rate_of(np.array([0.0, 1.0, 2.0])) == 1
    assert rate_of(np.array([0.0, 1.09, 2.0, 3.0])) == pytest.approx(1)
    with pytest.raises(BadInput, match="resample them first"):
        rate_of(np.array([0.0, 1.11, 2.0, 3.0]))


def test_the_gap_that_is_too_long_is_named() -> None:
    """Ten million samples of nothing beside a few are kept, one more is not; then the longest gap is told."""
    pieces = [np.ones((2, 1)), np.ones((2, 1)), np.ones((2, 1))]
    with pytest.raises(BadInput, match=r"6 samples lie in 1e\+07 s: the gap after 5 s is too long"):
        laid_out(pieces, [0.0, 5.0, 1e7 + 5], 1.0)
    with pytest.raises(BadInput, match="the gap after 2 s is too long"):
        laid_out(pieces, [2.0, 1e7 + 3, 1e7 + 9], 1.0)


def test_stretches_begin_where_the_first_does() -> None:
    found = laid_out([np.ones((2, 1)), np.full((1, 1), 2.0), np.full((2, 1), 3.0)], [7.5, 9.0, 10.0], 2.0)
    np.testing.assert_array_equal(found.ravel(), [1, 1, np.nan, 2, np.nan, 3, 3])
