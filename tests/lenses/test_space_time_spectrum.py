"""Space-time spectrum of activity that travels, stands, stays, or is noise."""

import numpy as np
import pytest
import torch

from wavetrain.lenses.space_time_spectrum import space_time_spectrum

RING, TIME = 20, 100
DICE = np.random.default_rng(0)
PATTERN = DICE.standard_normal(RING)
STEP, PLACE = np.arange(TIME)[:, None], np.arange(RING)[None]


def travelling(speed: int, pattern: np.ndarray = PATTERN) -> np.ndarray:
    """A pattern that moves by `speed` positions a step along the index, (T, N)."""
    return pattern[(PLACE - speed * STEP) % RING]


@pytest.mark.parametrize("speed", [-1, 1, 2, -3])
def test_travelling_wave_lies_on_its_line(speed: int):
    found = space_time_spectrum(travelling(speed), speed=speed, slack=0.5)
    assert found.fraction == pytest.approx(1)
    assert found.excess > 3 and found.null.max() < 0.5
    assert found.standing < 0.5, "it is taken for a standing wave"
    against = space_time_spectrum(travelling(speed), speed=-speed, slack=0.5)
    assert against.fraction == pytest.approx(found.standing) and against.standing == pytest.approx(1)


def test_one_mode_has_its_power_at_its_frequencies():
    """cos(2 pi (3 x / N + 3 t / N)): temporal and spatial frequency are both +-3 / N."""
    mode = np.cos(2 * np.pi * 3 * (PLACE + STEP) / RING)
    found = space_time_spectrum(mode)
    assert found.power.sum() == pytest.approx(1) and found.power.shape == (TIME, RING)
    peaks = np.argwhere(found.power > 0.1)
    at = sorted((round(found.temporal[t], 6), round(found.spatial[n], 6)) for t, n in peaks)
    assert at == [(-0.15, -0.15), (0.15, 0.15)]
    assert (np.diff(found.temporal) > 0).all() and (np.diff(found.spatial) > 0).all()
    assert found.temporal[TIME // 2] == found.spatial[RING // 2] == 0


def test_standing_wave_has_as_much_on_the_mirror_line():
    mode = np.cos(2 * np.pi * 3 * PLACE / RING) * np.cos(2 * np.pi * 3 * STEP / RING)
    found = space_time_spectrum(mode)
    assert found.fraction == pytest.approx(0.5) and found.standing == pytest.approx(0.5)


def test_activity_that_stays_has_no_wave():
    """A static bump is nothing but its mean over time; with a common rhythm on top it is still none."""
    still = np.broadcast_to(PATTERN, (TIME, RING))
    found = space_time_spectrum(still + np.sin(STEP / 3) + 7)
    assert found.power.max() < 1e-12 or found.fraction < 0.2
    exactly = space_time_spectrum(np.ones((TIME, RING)))
    assert exactly.fraction == exactly.standing == exactly.power.sum() == 0
    assert np.isfinite(exactly.excess)


def test_bumps_that_grow_in_place_lie_at_low_temporal_frequency():
    found = space_time_spectrum(STEP * PATTERN)
    slow = np.abs(found.temporal) <= 3 / TIME
    assert found.power[slow].sum() > 0.8 and found.fraction < 0.3


def test_noise_is_no_wave():
    found = space_time_spectrum(np.random.default_rng(1).standard_normal((64, TIME, RING)))
    assert found.excess == pytest.approx(1, abs=0.12)
    bins = 3 * (RING - 1) / ((TIME - 1) * (RING - 1))  # on the line, and one beside it on each side
    assert found.fraction == pytest.approx(bins, rel=0.15) and found.standing == pytest.approx(bins, rel=0.15)


def test_shuffling_time_destroys_the_wave_and_keeps_the_values():
    shuffled = DICE.permutation(travelling(-1))
    found = space_time_spectrum(shuffled)
    assert found.excess == pytest.approx(1, abs=0.4)
    assert found.null.shape == (20,) and len(np.unique(found.null)) == 20


def test_wave_in_noise_counts_by_its_share():
    noise = np.random.default_rng(2).standard_normal((TIME, RING)) * PATTERN.std()
    shares = [space_time_spectrum(weight * travelling(-1) + noise).fraction for weight in (0, 0.5, 1, 2, 8)]
    assert shares == sorted(shares) and shares[0] < 0.2 and shares[-1] > 0.95
    assert shares[2] == pytest.approx(0.5, abs=0.15)


def test_slow_wave_is_found_at_its_speed():
    """Half a position a step."""
    half = np.cos(2 * np.pi * 2 * (PLACE + 0.5 * STEP) / RING)
    assert space_time_spectrum(half, speed=-0.5).fraction == pytest.approx(1)
    assert space_time_spectrum(half, speed=-1.0).fraction < 0.1


def test_leading_axes_are_averaged_and_tensors_are_taken():
    one, two = travelling(-1), travelling(1)
    both = space_time_spectrum(torch.from_numpy(np.stack([one, two])[:, None]))
    alone = [space_time_spectrum(field).power for field in (one, two)]
    np.testing.assert_allclose(both.power, np.mean(alone, 0), atol=1e-9)


def test_size_does_not_count_and_the_seed_fixes_the_null():
    one = space_time_spectrum(travelling(-1), seed=3)
    two = space_time_spectrum(1e6 * travelling(-1) + 5, seed=3)
    np.testing.assert_allclose(one.null, two.null)
    assert one.fraction == pytest.approx(two.fraction)
    assert not np.array_equal(one.null, space_time_spectrum(travelling(-1), seed=4).null)
    assert len(space_time_spectrum(travelling(-1), shuffles=5).null) == 5
