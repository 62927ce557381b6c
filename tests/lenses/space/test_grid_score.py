"""Grid score on maps whose lattice is known, and the null that smooth maps need."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from wavetrain.errors import BadInput
from wavetrain.lenses.space.grid_score import autocorrelogram, band, grid_score, ring, symmetry

Y, X = np.mgrid[:40, :40].astype(float)


def wave(period: float, degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return np.cos(2 * np.pi / period * (X * np.cos(angle) + Y * np.sin(angle)))


HEXAGON = sum(wave(10 * np.sqrt(3) / 2, degrees) for degrees in (0, 60, 120))  # nodes 10 bins apart
MAPS = {
    "hexagon": HEXAGON,
    "rectified": np.maximum(HEXAGON, 0),
    "square": wave(10, 0) + wave(10, 90),
    "band": wave(10, 0),
}


@pytest.mark.parametrize(
    ("name", "grid", "square"),
    [("hexagon", 1.31, None), ("rectified", 1.31, None), ("square", -1.22, 1.06), ("band", -0.02, None)],
)
def test_known_lattices(name: str, grid: float, square: float | None):
    scores = [one[0] for one in symmetry(autocorrelogram(MAPS[name][None]), 5, 15)]
    assert scores[0] == pytest.approx(grid, abs=0.01)
    assert square is None or scores[1] == pytest.approx(square, abs=0.01)


def test_the_ring_holds_the_six_nearest_peaks():
    inner, outer = ring(autocorrelogram(HEXAGON[None]))
    assert 2 < inner < 10 < outer < 10 * np.sqrt(3)  # the next six lie at sqrt(3) times the distance


def test_the_ring_stays_inside_the_autocorrelogram():
    """One wide bump is negative only far out: 3.5 times as far there are corners alone, or nothing."""
    bump = np.exp(-((X - 19.5) ** 2 + (Y - 19.5) ** 2) / 200)[None]
    for maps in (bump, bump[:, 10:30], np.full((1, 40, 40), np.nan)):
        auto = autocorrelogram(maps)
        inner, outer = ring(auto)
        assert inner <= outer == min(min(auto.shape[1:]) // 2, 3.5 * inner)


def test_turned_maps_are_those_of_an_interpolation():
    """Against scipy, map by map and angle by angle."""
    maps = np.random.default_rng(4).standard_normal((3, 9, 7))
    maps[1, 2, 3] = np.nan
    auto = autocorrelogram(maps, shared=5)
    inner, outer = np.array([1.0, 2.0, 0.0]), np.array([6.0, 5.0, 6.0])
    grid, square = symmetry(auto, inner, outer)
    y, x = np.mgrid[:17, :13]
    y, x = y - 8, x - 6
    for one, least, most, *scores in zip(auto, inner, outer, grid, square, strict=True):
        on = (np.hypot(y, x) >= least) & (np.hypot(y, x) <= most)
        r = {}
        for angle in (30, 45, 60, 90, 120, 135, 150):
            c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
            places = np.round([c * y[on] - s * x[on] + 8, s * y[on] + c * x[on] + 6], 9)
            turned = ndimage.map_coordinates(one, places, order=1, cval=np.nan)
            both = np.isfinite(turned) & np.isfinite(one[on])
            r[angle] = np.corrcoef(one[on][both], turned[both])[0, 1]
        assert scores[0] == pytest.approx(min(r[60], r[120]) - max(r[30], r[90], r[150]))
        assert scores[1] == pytest.approx(r[90] - max(r[45], r[135]))


def test_a_score_without_one_of_its_turns_is_none():
    """Whichever it is: the least and the largest of several do not hang on their order."""
    auto = autocorrelogram(HEXAGON[None])
    assert np.isnan(symmetry(auto, 60, 70)).all(), "no bin is on this ring"
    assert np.isnan(symmetry(np.ones((1, 9, 9)), 0, 4)).all(), "nothing varies"


def test_noise_has_no_score_and_smooth_noise_a_wide_one():
    noise = np.random.default_rng(1).standard_normal((100, 40, 40))
    white, smooth = (
        symmetry(autocorrelogram(maps), 5, 15)[0]
        for maps in (noise, ndimage.uniform_filter(noise, (0, 5, 5)))
    )
    assert abs(white.mean() + 0.06) < 0.03
    assert white.std() < 0.1 and smooth.std() > 2 * white.std()


def test_autocorrelogram_is_the_correlation_over_shared_bins():
    one = np.random.default_rng(2).standard_normal((9, 7))
    one[2, 3] = one[8, 0] = np.nan
    auto = autocorrelogram(one[None], shared=5)[0]
    for dy, dx in ((0, 0), (3, -2), (-1, 4), (5, 1)):
        pairs = [
            (one[y + dy, x + dx], one[y, x])
            for y in range(9)
            for x in range(7)
            if 0 <= y + dy < 9 and 0 <= x + dx < 7
        ]
        pairs = np.array([pair for pair in pairs if np.isfinite(pair).all()])
        assert auto[8 + dy, 6 + dx] == pytest.approx(np.corrcoef(pairs.T)[0, 1])
    assert np.isnan(auto[0, 0]) and auto[8, 6] == pytest.approx(1)  # one bin is shared, and all are
    np.testing.assert_allclose(auto, auto[::-1, ::-1], atol=1e-12)


def test_band_is_the_share_of_the_strongest_wave():
    period = 10.0
    square = wave(period, 0) + wave(period, 90)
    three = square + np.cos(2 * np.pi / period * (X + Y))
    checks = np.where((X + Y) % 2, 1.0, -1.0)  # a wave that is its own opposite
    maps = np.stack([wave(period, 0), square, three, checks, np.zeros((40, 40))])
    assert band(maps)[:4] == pytest.approx([1, 1 / 2, 1 / 3, 1])
    assert np.isnan(band(maps)[4])


def walk(steps: int) -> torch.Tensor:
    """A smooth path in [-1, 1]^2 that is reflected at its walls, (1, steps, 2)."""
    dice = np.random.default_rng(3)
    turn = np.cumsum(0.4 * dice.standard_normal(steps))
    free = np.cumsum(0.06 * np.stack([np.cos(turn), np.sin(turn)], 1), 0)
    return torch.from_numpy(np.abs((free + 1) % 4 - 2) - 1)[None]


def test_units_on_a_path_against_their_null():
    place = walk(6000)
    angles = torch.arange(3).double() * np.pi / 3
    k = 2 * np.pi / 0.65 * torch.stack([angles.cos(), angles.sin()])  # (2, 3)
    hexagon = (place @ k).cos().sum(-1).relu()
    bump = torch.exp(-((place - 0.3) ** 2).sum(-1) / 0.1)
    dead = torch.zeros_like(bump)
    seen = grid_score(torch.stack([hexagon, bump, dead], -1), place)
    assert seen.grid[0] > 1.0 and seen.p_grid[0] == 1 / 201
    assert seen.grid[1] < 0.5 and seen.p_grid[1] > 0.05
    assert np.isnan([seen.grid[2], seen.square[2], seen.band[2], seen.p_grid[2], seen.p_band[2]]).all()
    assert seen.rate.shape == (3, 20, 20) and seen.autocorrelogram.shape == (3, 39, 39)
    assert seen.null_grid.shape == seen.null_band.shape == (200, 3)


def test_missing_samples_change_nothing_but_their_own_weight():
    """A unit whose bad samples are NaN scores as it does on the path without them, and they are counted."""
    place = walk(3000)
    angles = torch.arange(3).double() * np.pi / 3
    k = 2 * np.pi / 0.65 * torch.stack([angles.cos(), angles.sin()])
    hexagon = (place @ k).cos().sum(-1).relu()[..., None]
    lost = torch.zeros(3000, dtype=torch.bool)
    lost[::7] = lost[100:400] = True
    clean = grid_score(hexagon[:, ~lost], place[:, ~lost], shifts=1, low=-1, high=1)
    for broken in (hexagon.masked_fill(lost[:, None], np.nan), hexagon):
        there = place if broken is not hexagon else place.masked_fill(lost[:, None], np.nan)
        seen = grid_score(broken, there, shifts=1, low=-1, high=1)
        assert seen.dropped.tolist() == [int(lost.sum())]
        assert seen.grid == pytest.approx(clean.grid) and seen.band == pytest.approx(clean.band)
        np.testing.assert_allclose(seen.rate, clean.rate)


def test_rate_is_the_mean_over_visits():
    place = torch.tensor([[[-0.5, -0.5], [-0.5, -0.5], [-0.5, -0.5], [0.5, -0.5]]])  # of [-1, 1]^2
    activity = torch.tensor([[[1.0], [2.0], [3.0], [8.0]]])
    rate = grid_score(activity, place, bins=2, smooth=0.0, shifts=2, low=-1, high=1).rate
    assert rate[0, :, 0] == pytest.approx([2.0, 8.0]) and np.isnan(rate[0, :, 1]).all()


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match=r"position \(batch, time, 2\)"):
        grid_score(torch.zeros(2, 5, 3), torch.zeros(2, 4, 2))
