"""The gradient of planted waves is exact, and finds their sources and centres; noise has none."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from wavetrain.errors import BadInput
from wavetrain.lenses.space import _fit
from wavetrain.lenses.space.phase_gradient import phase_gradient

RATE, HERTZ, BAND = 250.0, 12.5, (9.0, 18.0)
TIME = np.arange(1000)[:, None] / RATE
GRID = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)  # x first
TURN = 2 * np.pi


def look(behind: np.ndarray, place: np.ndarray = GRID, loud: float = 0.0, draws: int = 3, **given):
    """Of a wave whose channels are so far behind, in radians, with white noise added."""
    wave = np.exp(1j * (TURN * HERTZ * TIME - behind))
    dice = np.random.default_rng(0)
    noise = dice.standard_normal((2, *wave.shape))
    return phase_gradient(wave + loud * (noise[0] + 1j * noise[1]), RATE, place, BAND, draws=draws, **given)


@pytest.mark.parametrize("degrees", [0, 35, 200])
@pytest.mark.parametrize("length", [3.5, 12.0])
def test_a_plane_wave_has_one_gradient(degrees: int, length: float):
    way = np.deg2rad(degrees)
    k = TURN / length * np.array([np.cos(way), np.sin(way)])
    found = look(GRID @ k)
    np.testing.assert_allclose(found.gradient, np.broadcast_to(k, found.gradient.shape), atol=1e-9)
    np.testing.assert_allclose(found.wavelength, length, rtol=1e-9)
    np.testing.assert_allclose(found.speed, HERTZ * length, rtol=1e-6)
    np.testing.assert_allclose(np.angle(np.exp(1j * (found.heading - way))), 0, atol=1e-9)
    np.testing.assert_allclose(found.divergence, 0, atol=1e-9)
    np.testing.assert_allclose(found.curl, 0, atol=1e-9)
    assert found.mean == pytest.approx(1) and found.steady.min() > 1 - 1e-9


def test_backwards_in_time_is_the_other_way():
    """A conjugate has a negative frequency: its phase gradient turns, and so does its sign."""
    behind = GRID @ [0.5, 0.2]
    wave = np.exp(1j * (TURN * HERTZ * TIME - behind))
    one = phase_gradient(wave, RATE, GRID, BAND, draws=0)
    two = phase_gradient(wave.conj(), RATE, GRID, BAND, draws=0)
    back = phase_gradient(wave[::-1].conj(), RATE, GRID, BAND, draws=0)
    np.testing.assert_allclose(two.gradient, one.gradient, atol=1e-9)  # the same wave
    np.testing.assert_allclose(back.gradient, -one.gradient, atol=1e-9)


@pytest.mark.parametrize("sense", [1, -1])
def test_a_spreading_wave_has_its_source_and_a_rotating_one_its_centre(sense: int):
    distance = np.hypot(GRID[:, 0] - 5, GRID[:, 1] - 2)
    found = look(sense * TURN / 10 * distance, loud=0.1)
    extreme = found.mean_divergence * sense
    assert extreme.argmax() == 2 * 8 + 5 and extreme.max() > 0
    if sense > 0:
        np.testing.assert_allclose(np.median(found.source, 0), [5, 2])
    theta = np.arctan2(GRID[:, 1] - 3.5, GRID[:, 0] - 2.5)
    turning = look(sense * theta, loud=0.1)
    np.testing.assert_allclose(np.median(turning.centre, 0), [2.5, 3.5], atol=0.5)
    inner = np.hypot(*(GRID - [2.5, 3.5]).T) < 1
    outer = np.hypot(*(GRID - [2.5, 3.5]).T) > 2.5
    assert (sense * turning.mean_curl[inner]).min() > 5 * np.abs(turning.mean_curl[outer]).max()


def test_channels_are_found_by_their_place():
    order = np.random.default_rng(1).permutation(64)
    behind = 0.7 * np.hypot(*(GRID - 3.2).T)
    one, two = look(behind), look(behind[order], GRID[order])
    np.testing.assert_allclose(two.gradient, one.gradient[:, order], atol=1e-9)
    np.testing.assert_allclose(two.curl, one.curl[:, order], atol=1e-9)
    np.testing.assert_array_equal(two.source, one.source)


def test_a_missing_channel_is_no_neighbour():
    wave = np.exp(1j * (TURN * HERTZ * TIME - GRID @ [0.5, 0.2]))
    wave[:, 9] = np.nan
    found = phase_gradient(wave, RATE, GRID, BAND, draws=0)
    assert np.isnan(found.gradient[:, 9]).all() and np.isnan(found.heading[9])
    rest = np.delete(found.gradient, 9, 1)
    np.testing.assert_allclose(rest, np.broadcast_to([0.5, 0.2], rest.shape), atol=1e-9)
    corner = GRID[[0, 1, 8, 9, 20, 44, 61, 5]]  # far from each other, but for four
    apart = phase_gradient(wave[:, [0, 1, 8, 10, 20, 44, 61, 5]], RATE, corner, BAND, draws=0)
    assert np.isfinite(apart.gradient[:, :4]).all() and np.isnan(apart.gradient[:, 4:]).all()


def test_what_is_ordered_in_space_is_told_from_exchanged_channels():
    """One point in a hundred of noise; nearly all of a plane wave."""
    for length in (5, 12):
        plane = look(GRID @ [TURN / length, 0], loud=0.1, draws=0)
        assert plane.share > 0.9 and plane.fit.min() > 0.9 and plane.ordered.mean() == plane.share
    none = phase_gradient(np.random.default_rng(2).standard_normal((4000, 64)), RATE, GRID, BAND, draws=0)
    assert 0.005 < none.share < 0.02


def test_a_travelling_wave_is_told_from_its_null_and_smooth_noise_is_not():
    """Twenty fields of smooth noise: at most three are at 0.05, which chance exceeds once in sixty."""
    wander = 0.15 * np.random.default_rng(5).standard_normal((len(TIME), 1)).cumsum(0)
    dice = np.random.default_rng(6)
    wave = np.sin(TURN * HERTZ * TIME + wander - GRID @ [0.5, 0.1]) + dice.standard_normal((len(TIME), 64))
    found = phase_gradient(wave, RATE, GRID, BAND, draws=19)
    assert found.p == 1 / 20 and found.p_steady == 1 / 20
    few = []
    place = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), -1).reshape(-1, 2)
    for seed in range(20):
        raw = np.random.default_rng(seed).standard_normal((500, 5, 5))
        smooth = gaussian_filter(raw, (0, 1, 1)).reshape(500, 25)
        few.append(phase_gradient(smooth, RATE, place, BAND, draws=19, seed=seed).p <= 0.05)
    assert sum(few) <= 3


def test_what_does_not_fit_is_refused():
    wave = np.sin(TURN * HERTZ * TIME - GRID[:, 0])
    with pytest.raises(BadInput, match="0 draws or more"):
        phase_gradient(wave, RATE, GRID, BAND, draws=-1)
    with pytest.raises(BadInput, match="one row for each channel"):
        phase_gradient(wave, RATE, GRID[:9], BAND)
    far = np.array([[0, 0], [1, 0], [10, 10], [11, 10], [20, 0], [21, 0.0]])
    with pytest.raises(BadInput, match="neighbours in two directions"):
        phase_gradient(wave[:, :6], RATE, far, BAND)


def plane(rises: np.ndarray, ways: np.ndarray) -> np.ndarray:
    return np.linalg.lstsq(ways, rises, rcond=None)[0]


def test_all_figures_by_hand():
    """Channels at uneven places and a wave in much noise, by least squares at each channel and moment."""
    dice = np.random.default_rng(3)
    place = 2 * (GRID[(GRID < 4).all(1)] + 0.04 * dice.standard_normal((16, 2)))
    wave = np.exp(1j * (TURN * HERTZ * TIME - place @ [0.4, -0.3] + 0.4 * dice.standard_normal((1000, 16))))
    found = phase_gradient(wave, RATE, place, BAND, draws=4, every=0.4)
    rows = wave[np.rint(found.time * RATE).astype(int)]
    apart = np.linalg.norm(place[:, None] - place, axis=2)
    spacing = np.median(np.sort(apart, 1)[:, 1])
    near = [np.flatnonzero((apart[c] <= 1.5 * spacing) & (np.arange(16) != c)) for c in range(16)]
    ways = [place[near[c]] - place[c] for c in range(16)]

    def gradient(row: np.ndarray) -> np.ndarray:
        return np.array([plane(-np.angle(row[near[c]] / row[c]), ways[c]) for c in range(16)])

    def fitted(row: np.ndarray, field: np.ndarray) -> np.ndarray:
        return np.array(
            [abs((row[near[c]] / row[c] * np.exp(1j * ways[c] @ field[c])).mean()) for c in range(16)]
        )

    plain = np.array([gradient(row) for row in rows])
    sign = np.sign(found.frequency)[:, None, None]
    field = plain * sign
    np.testing.assert_allclose(found.gradient, field, atol=1e-9)
    fit = np.array([fitted(*one) for one in zip(rows, plain, strict=True)])
    np.testing.assert_allclose(found.fit, fit, atol=1e-9)
    orders = _fit.exchanges(16, 25, 0)
    chance = np.array([fitted(row[order], gradient(row[order])) for order in orders for row in rows])
    assert len(chance) == 25 * len(rows)
    np.testing.assert_array_equal(found.ordered, fit > np.percentile(chance, 99, axis=0))
    assert found.share == pytest.approx(found.ordered.mean())
    size = np.linalg.norm(field, axis=2)
    np.testing.assert_allclose(found.wavelength, TURN / size)
    np.testing.assert_allclose(found.speed, np.abs(found.frequency)[:, None] * TURN / size)
    np.testing.assert_allclose(found.direction, np.arctan2(field[..., 1], field[..., 0]))
    across = np.array(
        [[plane(one[near[c]] - one[c], ways[c]) for c in range(16)] for one in field]
    )  # (M, C, place, component)
    divergence, curl = across[..., 0, 0] + across[..., 1, 1], across[..., 0, 1] - across[..., 1, 0]
    np.testing.assert_allclose(found.divergence, divergence, atol=1e-9)
    np.testing.assert_allclose(found.curl, curl, atol=1e-9)
    np.testing.assert_allclose(found.mean_divergence, divergence.mean(0), atol=1e-9)
    np.testing.assert_allclose(found.mean_curl, curl.mean(0), atol=1e-9)
    np.testing.assert_array_equal(found.source, place[divergence.argmax(1)])
    np.testing.assert_array_equal(found.centre, place[np.abs(curl).argmax(1)])
    aligned = np.linalg.norm(field.sum(1), axis=1) / size.sum(1)
    np.testing.assert_allclose(found.aligned, aligned)
    assert found.mean == pytest.approx(aligned.mean())
    turned = np.exp(1j * found.direction).mean(0)
    np.testing.assert_allclose(found.steady, np.abs(turned))
    np.testing.assert_allclose(found.heading, np.angle(turned))
    assert found.p == (1 + (found.null >= found.mean).sum()) / 5 and len(found.null) == 4
