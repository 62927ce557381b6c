"""Space-time spectrum of activity that travels, stands, stays, or is noise, and what it must not see."""

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.lenses.dynamics.space_time_spectrum import _lines, _scan, _surrogates, space_time_spectrum

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
    assert found.excess > 3 and found.p == 1 / 201
    assert found.standing < 0.5, "it is taken for a standing wave"
    against = space_time_spectrum(travelling(speed), speed=-speed, slack=0.5)
    assert against.fraction == pytest.approx(found.standing) and against.standing == pytest.approx(1)


def test_one_mode_has_its_power_at_its_frequencies():
    """cos(2 pi (3 x / N + 3 t / N)): temporal and spatial frequency are both +-3 / N."""
    mode = np.cos(2 * np.pi * 3 * (PLACE + STEP) / RING)
    found = space_time_spectrum(mode)
    assert found.speed == pytest.approx(-1) and found.fraction == pytest.approx(1)
    assert found.expected == pytest.approx(0.5) and found.direction == pytest.approx(1)
    assert found.power.sum() == pytest.approx(1) and found.power.shape == (TIME, RING)
    peaks = np.argwhere(found.power > 0.1)
    at = sorted((round(found.temporal[t], 6), round(found.spatial[n], 6)) for t, n in peaks)
    assert at == [(-0.15, -0.15), (0.15, 0.15)]
    assert (np.diff(found.temporal) > 0).all() and (np.diff(found.spatial) > 0).all()
    assert found.temporal[TIME // 2] == found.spatial[RING // 2] == 0


def test_standing_wave_has_two_equal_ridges_and_is_no_wave_that_travels():
    mode = np.cos(2 * np.pi * 3 * PLACE / RING) * np.cos(2 * np.pi * 3 * STEP / RING)
    for speed in (None, -1.0, 1.0):
        found = space_time_spectrum(mode, speed)
        assert found.fraction == pytest.approx(0.5) and found.standing == pytest.approx(0.5)
        assert found.direction == pytest.approx(0) and found.excess == pytest.approx(1)
        assert found.p > 0.05 and abs(found.speed) == pytest.approx(1)
    np.testing.assert_allclose(found.share, found.share[::-1], atol=1e-12)
    scanned = space_time_spectrum(mode)
    np.testing.assert_allclose(scanned.speeds, -scanned.speeds[::-1])
    np.testing.assert_allclose(scanned.share, scanned.share[::-1], atol=1e-12)


def test_no_more_speeds_are_scanned_than_a_thousand_in_each_direction():
    """Long recordings of many units would tell more apart."""
    found = space_time_spectrum(np.random.default_rng(0).normal(size=(1500, 64)), slack=0.0, surrogates=0)
    assert len(found.speeds) == 2 * (500 + 499), "half of them even, half a ratio apart, and one is both"
    assert found.speeds.max() > found.speeds.min() > -np.inf


def test_activity_that_stays_has_no_power():
    """A static bump, a common rhythm, both, or nothing at all: what is left is rounding, and no power."""
    still, rhythm = np.broadcast_to(PATTERN, (TIME, RING)), np.broadcast_to(np.sin(STEP / 3), (TIME, RING))
    for field in (still + rhythm + 7, still, 1e-200 * rhythm, 1e6 + rhythm, np.ones((TIME, RING)), 0 * still):
        for kind in (np.float64, np.float32):
            for speed in (None, -1.0):
                found = space_time_spectrum(field.astype(kind), speed)
                assert found.fraction == found.standing == found.power.sum() == 0 and found.p == 1
                assert np.isnan([found.excess, found.direction]).all()
                assert np.isnan(found.speed) == (speed is None)


def test_a_ring_of_rounding_adds_nothing_to_one_that_travels():
    wave = travelling(-1)
    both = space_time_spectrum(np.stack([wave, np.broadcast_to(1e3 * np.sin(STEP), wave.shape)]), -1)
    assert both.fraction == pytest.approx(1)


def test_bumps_that_grow_in_place_lie_at_low_temporal_frequency():
    """However slow they are: time and space have nothing to do with each other."""
    found = space_time_spectrum(STEP * PATTERN)
    slow = np.abs(found.temporal) <= 3 / TIME
    assert found.power[slow].sum() > 0.8
    assert (
        found.excess == pytest.approx(1) and found.direction == pytest.approx(0, abs=1e-9) and found.p > 0.05
    )


def test_noise_is_no_wave():
    found = space_time_spectrum(np.random.default_rng(1).standard_normal((64, TIME, RING)), -1)
    assert found.excess == pytest.approx(1, abs=0.12)
    bins = 3 * (RING - 1) / ((TIME - 1) * (RING - 1))  # on the line, and one beside it on each side
    assert found.fraction == pytest.approx(bins, rel=0.15) and found.standing == pytest.approx(bins, rel=0.15)


def noise(slow: float, smooth: int, seed: int) -> np.ndarray:
    """Autoregressive in time, a moving average over neighbours on the ring: slow, coarse, and no wave."""
    field = np.random.default_rng(seed).standard_normal((TIME, RING))
    for t in range(1, TIME):
        field[t] = slow * field[t - 1] + np.sqrt(1 - slow**2) * field[t]
    return sum(np.roll(field, shift, 1) for shift in range(smooth))


@pytest.mark.parametrize("speed", [None, -1.0, 0.3])
@pytest.mark.parametrize(("slow", "smooth"), [(0.0, 1), (0.9, 1), (0.99, 1), (0.9, 5)])
def test_slow_and_smooth_noise_pass_as_often_as_the_test_says(slow: float, smooth: int, speed: float | None):
    found = [space_time_spectrum(noise(slow, smooth, seed), speed, surrogates=19) for seed in range(100)]
    passing = sum(one.p <= 0.05 for one in found)
    assert passing <= 13, "0.05 of 100, and what the binomial law leaves to one in a thousand"
    if speed is not None:
        assert np.mean([one.excess for one in found]) == pytest.approx(1, abs=0.15)


def test_a_shuffle_of_time_destroys_the_wave():
    found = space_time_spectrum(DICE.permutation(travelling(-1)), -1)
    assert found.excess == pytest.approx(1, abs=0.4) and found.p > 0.05
    assert found.null.shape == (200,) and len(np.unique(found.null)) == 200


def test_wave_in_noise_counts_by_its_share():
    noise = np.random.default_rng(2).standard_normal((TIME, RING)) * PATTERN.std()
    shares = [
        space_time_spectrum(weight * travelling(-1) + noise, -1).fraction for weight in (0, 0.5, 1, 2, 8)
    ]
    assert shares == sorted(shares) and shares[0] < 0.2 and shares[-1] > 0.95
    assert shares[2] == pytest.approx(0.5, abs=0.15)


def drifting(speed: float) -> np.ndarray:
    """The pattern at any speed, by turning the phase of its waves; without the one that has no phase."""
    wave = np.fft.fft(PATTERN)
    wave[RING // 2] = 0
    return np.fft.ifft(wave * np.exp(-2j * np.pi * np.fft.fftfreq(RING) * speed * STEP)).real


@pytest.mark.parametrize("speed", [0.3, -0.3, 0.72, -1.0, 2.0, -4.0])
def test_the_speed_is_found(speed: float):
    """To within what is told apart, in clear and in as much noise."""
    loud = np.random.default_rng(3).standard_normal((TIME, RING)) * drifting(speed).std()
    for field in (drifting(speed), drifting(speed) + loud):
        found = space_time_spectrum(field)
        assert found.speed == pytest.approx(speed, abs=0.02 * max(1, 2 * abs(speed)))
        assert found.p == 1 / 201 and found.direction > 0.5
    clear = space_time_spectrum(drifting(speed))
    assert clear.fraction > 0.8 and clear.fraction == pytest.approx(clear.share.max())
    assert clear.fraction == pytest.approx(space_time_spectrum(drifting(speed), clear.speed).fraction)


def test_slow_wave_is_found_at_its_speed_alone():
    """Half a position a step."""
    half = np.cos(2 * np.pi * 2 * (PLACE + 0.5 * STEP) / RING)
    assert space_time_spectrum(half, speed=-0.5).fraction == pytest.approx(1)
    assert space_time_spectrum(half, speed=-1.0).fraction < 0.1
    assert space_time_spectrum(half).speed == pytest.approx(-0.5, abs=0.01)


def test_channels_in_any_order_are_read_at_their_positions():
    order = np.random.default_rng(4).permutation(RING)
    field = drifting(0.3)
    right = space_time_spectrum(field)
    lost = space_time_spectrum(field[:, order])
    placed = space_time_spectrum(field[:, order], position=0.4 * order, period=0.4 * RING)
    assert lost.fraction < 0.5 * right.fraction and lost.p > 0.05
    assert placed.fraction == pytest.approx(right.fraction) and placed.speed == pytest.approx(
        0.4 * 0.3, abs=0.01
    )
    np.testing.assert_allclose(placed.power, right.power, atol=1e-12)
    line = space_time_spectrum(field[:, order], position=torch.from_numpy(order) + 5)
    np.testing.assert_allclose(line.power, right.power, atol=1e-12)


def test_uneven_positions_see_a_plane_wave_at_its_frequency():
    place = np.sort(np.random.default_rng(5).random(RING)) * 19
    place[[0, -1]] = 0, 19
    wave = np.cos(2 * np.pi * (0.2 * STEP - 0.1 * place))
    found = space_time_spectrum(wave, speed=2.0, position=place)
    largest = np.unravel_index(found.power.argmax(), found.power.shape)
    assert abs(found.temporal[largest[0]]) == pytest.approx(0.2)
    assert abs(found.spatial[largest[1]]) == pytest.approx(0.1)
    assert found.direction > 0.5


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        (np.full((9, 9), np.nan), {}, "81 of 81 values that are NaN"),
        (np.where(np.eye(9), np.inf, 0.0), {}, "9 of 81 values"),
        (np.ones((9, 9)) * 1j, {}, "complex"),
        (np.ones(9), {}, r"got \(9,\)"),
        (np.ones((9, 2)), {}, "three units"),
        (np.eye(9), {"slack": 3.0}, "slack from 0 to below"),
        (np.eye(9), {"speed": np.nan}, "finite speed"),
        (np.eye(9), {"position": np.zeros(9)}, "all different"),
        (np.eye(9), {"position": np.arange(8)}, "9 positions"),
        (np.eye(9), {"position": np.arange(9), "period": 8.0}, "a period above the largest distance 8"),
    ],
)
def test_what_cannot_be_read_is_refused(field, given, message):
    with pytest.raises(BadInput, match=message):
        space_time_spectrum(field, **given)


def test_tensors_that_want_a_gradient_are_read_and_left_alone():
    field = torch.from_numpy(travelling(-1)).requires_grad_()
    before = field.detach().clone()
    assert space_time_spectrum(field).fraction == space_time_spectrum(before).fraction
    assert torch.equal(field, before) and field.grad is None


def test_leading_axes_are_averaged_and_tensors_are_taken():
    one, two = travelling(-1), travelling(1)
    both = space_time_spectrum(torch.from_numpy(np.stack([one, two])[:, None]))
    alone = [space_time_spectrum(field).power for field in (one, two)]
    np.testing.assert_allclose(both.power, np.mean(alone, 0), atol=1e-9)


def test_the_seed_fixes_the_surrogates():
    one, two, other = (space_time_spectrum(travelling(-1), seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.null, two.null) and not np.array_equal(one.null, other.null)
    assert len(space_time_spectrum(travelling(-1), surrogates=5).null) == 5


def test_surrogates_are_as_gaussian_fields():
    """The spread of the share on the line, over fields of noise and over surrogates of one of them."""
    fields = [space_time_spectrum(noise(0.8, 3, seed), -1, surrogates=1) for seed in range(200)]
    spread = np.std([one.fraction - one.expected for one in fields])
    drawn = [space_time_spectrum(noise(0.8, 3, seed), -1).null.std() for seed in range(10)]
    assert np.mean(drawn) == pytest.approx(spread, rel=0.25)


@pytest.mark.parametrize(("slack", "apart"), [(0.0, 0.5), (0.5, 0.5), (1.0, 1.0), (2.0, 2.0)])
def test_speeds_that_can_be_told_apart(slack: float, apart: float):
    """Even up to 1 position a step, the first two bins of the shortest wave; then a ratio."""
    speeds = _scan(TIME, np.fft.fftfreq(RING), slack)
    assert (speeds[1::2] == -speeds[::2]).all() and (speeds[::2] > 0).all()
    ahead = speeds[::2]
    slow, fast = ahead[ahead <= 1 + 1e-9], ahead[ahead >= 1 - 1e-9]
    np.testing.assert_allclose(np.diff(slow), 2 * apart / TIME)
    assert slow[0] == pytest.approx(2 * 2 * apart / TIME)
    assert fast[-1] == pytest.approx(RING / 2), "the longest wave turns by half a cycle"
    assert len(fast) == int(np.log(RING / 2) / np.log(1 + 2 * apart / TIME)), (
        "as many ratios as there is room"
    )
    np.testing.assert_allclose(np.diff(np.log(fast)), np.log(RING / 2) / (len(fast) - 1))


def test_a_few_units_of_one_length_have_speeds_too():
    """Three steps and three units: two even speeds, the second that of half a cycle, and that once more."""
    assert _scan(3, np.fft.fftfreq(3), 0.5) == pytest.approx([1, -1, 1.5, -1.5, 1.5, -1.5])


def test_bins_on_a_line_and_what_they_count():
    """A quarter of a cycle a unit, at -1, is the second bin of time; the middle one counts twice as much."""
    spatial = np.array([0.0, 0.25])
    on, weighed = (part.toarray().reshape(2, 8, 2) for part in _lines(8, spatial, np.array([-1.0, 1.0]), 1.0))
    wanted = np.zeros((2, 8, 2))
    wanted[:, [7, 0, 1], 0] = wanted[0, [1, 2, 3], 1] = wanted[1, [5, 6, 7], 1] = 0.5, 1, 0.5
    np.testing.assert_allclose(weighed, wanted)
    np.testing.assert_array_equal(on, np.ceil(wanted))


def test_a_wave_above_rounding_is_seen_and_each_ring_has_its_own():
    """A wave of forty units in the last place on 1; and one far below the rounding of another ring."""
    wave = np.cos(2 * np.pi * 3 * (PLACE + STEP) / RING)
    assert space_time_spectrum(1 + 40 * 2.0**-52 * wave, -1, surrogates=1).fraction > 0.9
    still = np.broadcast_to(1e3 * PATTERN, (TIME, RING))
    both = space_time_spectrum(np.stack([still, 1e-15 * wave]), -1, surrogates=1)
    assert both.fraction == pytest.approx(1)


def test_a_spectrum_by_a_plain_sum():
    """Of two rings of six steps and four units at places of their own: power, shares on lines."""
    field = np.random.default_rng(6).normal(size=(2, 6, 4)) * [[[3.0]], [[1.0]]]
    place, period = np.array([0.5, 1.0, 2.5, 3.5]), 4.0
    found = space_time_spectrum(field, speed=-1.0, slack=1.0, position=place, period=period, surrogates=3)
    left = field - field.mean(1, keepdims=True)
    left = left - left.mean(2, keepdims=True)
    temporal, spatial = np.arange(-3, 3) / 6, np.arange(-2, 2) / 4
    power = np.zeros((6, 4))
    for ring in left:
        for i, f in enumerate(temporal):
            for j, k in enumerate(spatial):
                wave = np.exp(-2j * np.pi * (f * np.arange(6)[:, None] + k * place))
                power[i, j] += abs((ring * wave).sum()) ** 2
    power /= power.sum()
    np.testing.assert_allclose(found.power, power, atol=1e-12)
    np.testing.assert_allclose(found.temporal, temporal)
    np.testing.assert_allclose(found.spatial, spatial)
    assert found.speeds.tolist() == [-1, 1] and found.speed == -1
    shares = {}
    for speed in (-1, 1):
        on = np.zeros((6, 4), bool)
        for i, f in enumerate(temporal):
            for j, k in enumerate(spatial):
                off = (f + speed * k) % 1
                on[i, j] = min(off, 1 - off) <= 1 / 6 + 1e-9
        shares[speed] = power[on].sum(), np.outer(power.sum(1), power.sum(0))[on].sum()
    np.testing.assert_allclose(found.share, [shares[-1][0], shares[1][0]])
    assert found.fraction == pytest.approx(shares[-1][0]) and found.standing == pytest.approx(shares[1][0])
    assert found.expected == pytest.approx(shares[-1][1])
    assert found.excess == pytest.approx(shares[-1][0] / shares[-1][1])
    total = shares[-1][0] + shares[1][0]
    assert found.direction == pytest.approx((shares[-1][0] - shares[1][0]) / total)
    beyond = found.fraction - found.expected
    assert found.p == (1 + (found.null >= beyond).sum()) / 4


def test_surrogates_are_real_fields_of_the_power_they_stand_for():
    """The same at opposite frequencies, of sum 1; of many rings it is the power itself."""
    power = np.abs(np.fft.fft2(np.random.default_rng(7).normal(size=(5, 4)))) ** 2
    power /= power.sum()
    opposite = np.roll(power[::-1, ::-1], (1, 1), (0, 1))
    np.testing.assert_allclose(power, opposite)
    for drawn in _surrogates(power, 1, 5, 0):
        np.testing.assert_allclose(drawn, np.roll(drawn[::-1, ::-1], (1, 1), (0, 1)))
        assert drawn.sum() == pytest.approx(1) and np.abs(drawn / power - 1).max() > 0.5
    many = list(_surrogates(power, 10**6, 2, 0))
    assert len(many) == 2
    np.testing.assert_allclose(many, [power] * 2, rtol=0.01)


def test_the_least_that_can_be_read():
    """Three steps of three units, whole numbers too; a slack of nothing, and one just below a quarter."""
    field = np.array([[3, 0, 0], [0, 3, 0], [0, 0, 3]])
    found = space_time_spectrum(field, speed=1.0, slack=0.0, surrogates=2)
    assert found.fraction == pytest.approx(1) and found.standing == pytest.approx(0, abs=1e-12)
    space_time_spectrum(travelling(1)[:12], slack=2.99, surrogates=0)
    for slack in (3.0, -0.01):
        with pytest.raises(BadInput, match=r"slack from 0 to below T / 4 = 3\.0"):
            space_time_spectrum(travelling(1)[:12], slack=slack)
    for few in (np.ones((2, 3)), np.ones((3, 2)), np.ones((0, 3, 3))):
        with pytest.raises(BadInput, match="three steps and three units"):
            space_time_spectrum(few)


def test_a_line_of_units_is_as_long_as_its_places_and_one_more():
    """From 2 to 6.5, four units: 4.5 and a third of it; on a ring, a period that is above 4.5."""
    field = np.random.default_rng(8).normal(size=(9, 4))
    place = np.array([2.0, 3.0, 5.0, 6.5])
    found = space_time_spectrum(field, 1.0, position=place, surrogates=0)
    np.testing.assert_allclose(found.spatial, np.arange(-2, 2) / 6)
    ring = space_time_spectrum(field, 1.0, position=place, period=4.6, surrogates=0)
    np.testing.assert_allclose(ring.spatial, np.arange(-2, 2) / 4.6)
    with pytest.raises(BadInput, match=r"a period above the largest distance 4\.5, got 4\.5"):
        space_time_spectrum(field, 1.0, position=place, period=4.5)
    with pytest.raises(BadInput, match="4 positions"):
        space_time_spectrum(field, position=np.array([0, 1, 2, np.inf]))
