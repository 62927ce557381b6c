"""Planted waves are found, with speed, direction and sense; what stands still, or is smooth alone, is not."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from wavetrain.errors import BadInput
from wavetrain.lenses.space import _fit, _montage, _still
from wavetrain.lenses.space.generalized_phase import generalized_phase
from wavetrain.lenses.space.wave_patterns import Null, wave_patterns

RATE, HERTZ, BAND = 250.0, 13.5, (9.0, 18.0)
TIME = np.arange(1500)[:, None] / RATE
GRID = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)  # x first
FOUR = np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0)), -1).reshape(-1, 2)
TURN = 2 * np.pi


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def wave(phase: np.ndarray, loud: float = 1.0, seed: int = 0, time: np.ndarray = TIME) -> np.ndarray:
    """sin(rhythm - phase) at each channel, in white noise of that deviation."""
    return np.sin(rhythm(seed, time) - phase) + loud * noise(len(time), phase.shape[-1], seed=seed)


def rhythm(seed: int = 0, time: np.ndarray = TIME) -> np.ndarray:
    """The phase of an oscillation of 13.5 Hz that wanders, by 0.15 rad a sample."""
    return TURN * HERTZ * time + 0.15 * noise(len(time), seed=seed + 500).cumsum()[:, None]


def plane(way: float, length: float = 12.0, place: np.ndarray = GRID) -> np.ndarray:
    """What a channel is behind, of a wave that travels at an angle to the x axis."""
    return TURN / length * (place @ [np.cos(way), np.sin(way)])


def look(recording: np.ndarray, place: np.ndarray = GRID, draws: int = 19, **given):
    return wave_patterns(recording, RATE, place, BAND, draws=draws, **given)


@pytest.mark.parametrize("degrees", [0, 90, 200])
@pytest.mark.parametrize("loud", [1.0, 2.0])
def test_a_plane_wave_has_its_direction_and_speed(degrees: int, loud: float):
    way = np.deg2rad(degrees)
    found = look(wave(plane(way), loud))
    assert abs(np.angle(np.exp(1j * (found.heading - way)))) < np.deg2rad(2)
    assert np.median(found.speed) == pytest.approx(HERTZ * 12, rel=0.05)
    assert found.p[0] == found.p_directed == 1 / 20 and found.directed > 0.95
    assert found.strength.mean(0).argmax() == 0 and abs(found.rotation.mean()) < 0.15
    assert np.median(found.frequency) == pytest.approx(HERTZ, rel=0.02)


def test_the_error_of_a_speed_is_its_spread():
    """Moments are far apart, so their noise is independent: 0.6 to 1.6 of the deviation over moments."""
    found = look(wave(plane(0.4), 2.0, time=np.arange(5000)[:, None] / RATE), draws=1)
    assert 0.6 < np.median(found.speed_error) / found.speed.std() < 1.6


def test_channels_are_found_by_their_place_and_not_by_their_number():
    order = np.random.default_rng(1).permutation(64)
    field = wave(plane(0.0))
    one, two = look(field), look(field[:, order], GRID[order])
    np.testing.assert_allclose(one.wavevector, two.wavevector, atol=1e-4)
    half = look(field[:, ::2], GRID[::2])
    assert abs(half.heading) < np.deg2rad(3)
    swapped = look(field, GRID[:, ::-1])
    assert swapped.heading == pytest.approx(np.pi / 2, abs=0.04)
    millimetres = look(field, 0.4 * GRID + 7)
    np.testing.assert_allclose(millimetres.speed, 0.4 * one.speed, rtol=1e-3)


@pytest.mark.parametrize("sense", [1, -1])
def test_a_rotating_wave_has_its_sense_and_centre(sense: int):
    """One that travels from x to y has a phase that falls with the angle: winding and rotation are -1."""
    theta = np.arctan2(GRID[:, 1] - 3.5, GRID[:, 0] - 2.5)
    for loud in (1.0, 2.0):
        found = look(wave(sense * theta, loud))
        assert found.p[1] == 1 / 20 and (found.winding == -sense).mean() > 0.8
        assert (sense * found.rotation).mean() < (-0.8 if loud == 1 else -0.6)
        np.testing.assert_allclose(np.median(found.centre, 0), [2.5, 3.5])
        assert found.strength.mean(0).argmax() == 1


@pytest.mark.parametrize("sense", [1, -1])
def test_a_radial_wave_comes_from_its_source_or_goes_into_it(sense: int):
    distance = np.hypot(GRID[:, 0] - 3.5, GRID[:, 1] - 3.5)
    found = look(wave(sense * TURN / 10 * distance))
    assert found.p[2] == 1 / 20 and found.strength.mean(0).argmax() == 2
    np.testing.assert_allclose(np.median(found.source, 0), [3.5, 3.5])
    assert np.median(found.outward) == pytest.approx(sense * TURN / 10, rel=0.2)
    assert (found.winding == 0).mean() > 0.95


def test_events_are_stretches_of_one_kind():
    """A wave from 2 to 4 s in noise that is as loud: the events cover it, and little else."""
    there = (TIME >= 2) & (TIME < 4)
    field = noise(len(TIME), 64) + np.where(there, np.sin(rhythm() - plane(1.0)), 0)
    found = look(field, draws=79)
    inside = (found.time > 2.1) & (found.time < 3.9)
    assert (found.kind[inside] == 1).mean() > 0.9 and (found.kind[~inside] > 0).mean() < 0.25
    long = found.duration > 1
    assert long.sum() >= 1 and (found.event[long] == 1).all()
    assert 1.8 < found.onset[long].min() < 2.4
    runs = sum(np.round(found.duration / (found.time[1] - found.time[0])))
    assert runs == (found.kind > 0).sum(), "each moment of a kind belongs to one event"


def standing(seed: int, place: np.ndarray) -> np.ndarray:
    """One standing wave, in noise."""
    pattern = np.cos(TURN * (place @ [1, 0.5]) / 7)
    return pattern * np.cos(rhythm(seed)) + 0.7 * noise(len(TIME), len(place), seed=seed + 1000)


def several(seed: int, place: np.ndarray) -> np.ndarray:
    """Two standing waves with rhythms of their own, that come and go, in noise."""
    swell = gaussian_filter(noise(2, len(TIME), seed=seed), (0, 10)) * 5
    course = [swell[axis][:, None] * np.cos(rhythm(2 * seed + axis)) for axis in (0, 1)]
    parts = [np.cos(TURN * place[:, axis] / 7) * course[axis] for axis in (0, 1)]
    return parts[0] + parts[1] + 0.7 * noise(len(TIME), len(place), seed=seed + 1000)


def in_step(seed: int, place: np.ndarray) -> np.ndarray:
    """Two standing waves of one rhythm, that come and go: whatever the sum, no channel is behind another."""
    swell = gaussian_filter(noise(2, len(TIME), seed=seed), (0, 10)) * 5
    parts = [np.cos(TURN * place[:, axis] / 7) * swell[axis][:, None] for axis in (0, 1)]
    return (parts[0] + parts[1]) * np.cos(rhythm(seed)) + 0.7 * noise(len(TIME), len(place), seed=seed + 1000)


def smooth(seed: int, place: np.ndarray) -> np.ndarray:
    """White noise, smoothed over neighbours on the grid of four by four."""
    return gaussian_filter(noise(len(TIME), 4, 4, seed=seed), (0, 1, 1)).reshape(-1, 16)


def white(seed: int, place: np.ndarray) -> np.ndarray:
    return noise(len(TIME), len(place), seed=seed)


@pytest.mark.parametrize("field", [standing, several, smooth, white], ids=lambda one: one.__name__)
def test_what_does_not_travel_passes_as_often_as_the_test_says(field):
    """Of 40 fields at most 7 below 0.1 of each pattern: the binomial law leaves more to one in a hundred."""
    found = [look(field(seed, FOUR), FOUR, draws=9) for seed in range(40)]
    for p in (*np.array([one.p for one in found]).T, np.array([one.p_directed for one in found])):
        assert (p <= 0.1).sum() <= 9 and p.mean() > 0.3


def test_patterns_that_share_a_rhythm_are_bound_to_each_other_and_pass_too_often_by_little():
    """The limit that the file names: the travel of such fields is above surrogates by under 0.03."""
    found = [look(in_step(seed, FOUR), FOUR) for seed in range(8)]
    assert abs(np.mean([one.mean[0] - one.null[:, 0].mean() for one in found])) < 0.03
    wave_on_four = look(wave(plane(0.3, 8.0, FOUR)), FOUR)
    assert wave_on_four.mean[0] - wave_on_four.null[:, 0].mean() > 0.2


def test_channels_exchanged_is_a_null_that_any_smooth_field_beats():
    """Which is why it says that phase is ordered in space, and not that it travels."""
    ordered = look(smooth(3, FOUR), FOUR, null=Null.SHUFFLED)
    assert ordered.p[0] == 1 / 20
    p = look(white(4, FOUR), FOUR).p_moment
    assert (p <= 0.05).mean() < 0.1 and abs(p.mean() - 0.525) < 0.06
    assert (look(smooth(3, FOUR), FOUR).p_moment[:, 0] <= 0.05).mean() > 0.3


def sphere(channels: int = 48) -> np.ndarray:
    """Even places on the upper half of a sphere of radius 9."""
    height = 1 - (np.arange(channels) + 0.5) / channels
    angle = np.pi * (3 - np.sqrt(5)) * np.arange(channels)
    flat = np.sqrt(1 - height**2)
    return 9 * np.stack([flat * np.cos(angle), flat * np.sin(angle), height], 1)


def test_a_montage_turned_on_its_sphere_is_a_null_that_keeps_neighbours():
    place = sphere()
    orders = _montage.rotations(place / 9, 5, 0)
    far = np.linalg.norm(place[:, None] - place, axis=-1)
    pairs = np.argwhere((far < 3) & (far > 0))
    for order in orders:
        assert sorted(order) == list(range(48))
        kept = far[order[pairs[:, 0]], order[pairs[:, 1]]]
        assert np.median(kept) < 6 < np.median(far), "neighbours have come apart"
    across = np.sin(rhythm() - TURN / 25 * place[:, 0]) + noise(len(TIME), 48)
    found = look(across, place, null=Null.ROTATED)
    assert (
        found.p[0] == 1 / 20
        and found.null[:, 0].mean() > look(across, place, null=Null.SHUFFLED).null[:, 0].mean()
    )
    assert abs(found.heading) < 0.2
    with pytest.raises(BadInput, match=r"turned on a sphere: expected positions \(C, 3\)"):
        look(wave(plane(0.0)), null=Null.ROTATED)


def test_phases_are_taken_as_they_are():
    """Of the generalized phase of a wide band, and of a filter of one's own."""
    field = wave(plane(0.5), 0.5)
    phase = generalized_phase(field, RATE, (5, 40)).phase
    found = wave_patterns(np.exp(1j * phase), RATE, GRID, (5, 40), draws=19)
    assert found.heading == pytest.approx(0.5, abs=0.05) and found.p[0] == 1 / 20
    assert np.median(found.speed) == pytest.approx(HERTZ * 12, rel=0.1)
    again = wave_patterns(
        torch.from_numpy(np.exp(1j * phase)), RATE, torch.from_numpy(GRID), (5, 40), draws=19
    )
    np.testing.assert_array_equal(again.null, found.null)


def test_channels_that_are_missing_or_flat_are_left_out():
    field = wave(plane(0.5))
    field[:, 7], field[:, 20], field[300:400, 5] = 3.0, np.nan, np.nan
    found = look(field)
    assert set(found.known) == {61, 62} and found.heading == pytest.approx(0.5, abs=0.03)
    assert np.median(found.speed) == pytest.approx(HERTZ * 12, rel=0.05)
    field[400:800] = np.nan
    gap = look(field)
    assert not ((gap.time > 1.5) & (gap.time < 3.3)).any() and gap.heading == pytest.approx(0.5, abs=0.03)


def test_trials_are_moments_of_one_recording():
    field = np.stack([wave(plane(0.5), seed=seed) for seed in range(2)])
    both, one = look(field), look(field[1])
    assert set(both.trial) == {0, 1} and len(both.time) == 2 * len(one.time)
    np.testing.assert_allclose(both.strength[both.trial == 1], one.strength, atol=1e-6)
    assert set(both.event_trial) <= {0, 1}


def test_still_fields_keep_what_is_smooth_and_slow_and_lose_the_lag():
    """Of a wave along x: the real part of its covariance, its amplitude over time, and no imaginary part."""
    moments = 4000
    swell = 1 + 0.5 * np.sin(np.arange(moments) / 30)[:, None]
    wander = np.exp(0.3j * noise(moments).cumsum())[:, None]
    field = swell * wander * np.exp(-1j * plane(0.0, 6.0, FOUR))
    drawn = next(_still.still(field[None], 1, 0))[0]

    def covariance(part: np.ndarray) -> np.ndarray:
        return part.T @ part.conj() / moments

    one, two = covariance(_still.phasors(field)), covariance(drawn)
    np.testing.assert_allclose(two.real, one.real, atol=0.35)
    assert np.abs(one.imag).max() > 0.8 and np.abs(two.imag).max() < 0.25
    slow = [np.abs(np.mean(part[1:] * part[:-1].conj())) for part in (_still.phasors(field), drawn)]
    assert slow[1] == pytest.approx(slow[0], abs=0.15)
    field[:100, 3] = 0
    assert (next(_still.still(field[None], 1, 0))[0][:100, 3] == 0).all()


def test_a_rhythm_that_never_varies_is_one_observation():
    """A perfect sine keeps its lag in surrogates: it cannot beat more than they do by chance."""
    clean = np.sin(TURN * HERTZ * TIME - plane(0.3)) + 0.01 * noise(len(TIME), 64)
    found = look(clean)
    assert found.null[:, 0].max() > 0.6 and found.null[:, 0].std() > 0.1


def test_fisher_and_lee_of_a_perfect_turn_is_one_and_of_a_plane_wave_nothing():
    montage = _montage.montage("test", GRID, 64)
    theta = _montage.polar(GRID, np.array([[3.5, 3.5]]))[:, 0]
    rows = np.exp(1j * np.stack([theta, -theta + 2, plane(0.7)]))
    correlation, winding, _ = _fit.rotation(rows, _fit.fitted(rows, montage), montage)
    assert correlation[:2] == pytest.approx([1, -1], abs=1e-6) and abs(correlation[2]) < 0.3
    assert winding.tolist() == [1, -1, 0]


LINE = np.stack([np.arange(64.0), np.zeros(64)], 1)
FIELD = wave(plane(0.0))
FLAT = np.concatenate([sphere(), sphere()[:16]])[:, [0, 1, 1]]


@pytest.mark.parametrize(
    ("field", "place", "given", "message"),
    [
        (FIELD, LINE, {}, "on one line"),
        (FIELD, GRID[:63], {}, r"positions \(64, 2\), or \(64, 3\) on a sphere"),
        (FIELD, np.zeros((64, 2)), {}, "two channels at one place"),
        (
            FIELD,
            np.where(np.arange(64)[:, None] == 9, np.nan, GRID),
            {},
            "none for 1 of 64, the first of them channel 9",
        ),
        (FIELD, FLAT, {}, "sphere around"),
        (FIELD[:, :5], GRID[:5], {}, "6 channels or more, got 5"),
        (FIELD[:100], GRID, {}, "wants .* without a gap, got 100"),
        (FIELD, GRID, {"every": 3.0}, "from one sample to a third of the 1500 samples"),
        (FIELD, GRID, {"every": np.nan}, "from one sample"),
        (FIELD, GRID, {"draws": -1}, "0 draws or more"),
        (np.full((1500, 64), np.nan), GRID, {}, "without a gap, got 0"),
        (
            np.where(np.arange(64) < 20, FIELD, np.nan),
            GRID,
            {},
            "half of the 64 channels are known, got none",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(field, place, given, message):
    with pytest.raises(BadInput, match=message) as error:
        look(field, place, **given)
    assert "\n" not in str(error.value)
