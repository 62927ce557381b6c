"""Grid score on maps whose lattice is known, and the null that smooth maps need."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from wavetrain.errors import BadInput
from wavetrain.lenses.grid_score import autocorrelogram, band, grid_score, ring, symmetry

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
    scores = symmetry(autocorrelogram(MAPS[name][None])[0], 5, 15)
    assert scores[0] == pytest.approx(grid, abs=0.01)
    assert square is None or scores[1] == pytest.approx(square, abs=0.01)


def test_the_ring_holds_the_six_nearest_peaks():
    inner, outer = ring(autocorrelogram(HEXAGON[None])[0])
    assert 2 < inner < 10 < outer < 10 * np.sqrt(3)  # the next six lie at sqrt(3) times the distance


def test_noise_has_no_score_and_smooth_noise_a_wide_one():
    noise = np.random.default_rng(1).standard_normal((100, 40, 40))
    white, smooth = (
        np.array([symmetry(one, 5, 15)[0] for one in autocorrelogram(maps)])
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
    assert seen.grid[0] > 1.0 > seen.threshold[0] and seen.grid[0] > seen.null[:, 0].max()
    assert seen.grid[1] < 0.5
    assert np.isnan([seen.grid[2], seen.square[2], seen.band[2], seen.threshold[2]]).all()
    assert seen.rate.shape == (3, 20, 20) and seen.autocorrelogram.shape == (3, 39, 39)
    assert seen.null.shape == (20, 3)


def test_rate_is_the_mean_over_visits():
    place = torch.tensor([[[-0.5, -0.5], [-0.5, -0.5], [-0.5, -0.5], [0.5, -0.5]]])
    activity = torch.tensor([[[1.0], [2.0], [3.0], [8.0]]])
    rate = grid_score(activity, place, bins=2, smooth=0.0, shifts=2).rate
    assert rate[0, :, 0] == pytest.approx([2.0, 8.0]) and np.isnan(rate[0, :, 1]).all()


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match=r"position \(batch, time, 2\)"):
        grid_score(torch.zeros(2, 5, 3), torch.zeros(2, 4, 2))
