"""Structural similarity: window by window, and in closed form where images are flat or scaled."""

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.structural_similarity import structural_similarity


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_it_is_the_mean_over_windows():
    one, other = images(9, 11), images(9, 11, seed=1)
    found = []
    for row in range(9 - 5 + 1):
        for column in range(11 - 5 + 1):
            x, y = (im[row : row + 5, column : column + 5].numpy().ravel() for im in (one, other))
            ((v, c), (_, w)), small, less = np.cov(x, y), (0.01 * 2) ** 2, (0.03 * 2) ** 2
            light = (2 * x.mean() * y.mean() + small) / (x.mean() ** 2 + y.mean() ** 2 + small)
            found.append(light * (2 * c + less) / (v + w + less))
    inside = structural_similarity(one, other, span=2.0, window=5, inside=True)
    assert inside.item() == pytest.approx(np.mean(found), rel=1e-10)


def test_edges_are_carried_on():
    one, other = images(6, 6), images(6, 6, seed=1)
    wide = [torch.from_numpy(np.pad(im.numpy(), 3, mode="edge")) for im in (one, other)]
    torch.testing.assert_close(
        structural_similarity(one, other), structural_similarity(*wide, window=7, inside=True)
    )


def test_an_image_is_like_itself_and_less_like_others():
    one = images(4, 3, 12, 12)
    torch.testing.assert_close(structural_similarity(one, one), torch.ones(4, 3).double())
    other = images(4, 3, 12, 12, seed=1)
    both = structural_similarity(one, other)
    torch.testing.assert_close(both, structural_similarity(other, one))
    assert both.shape == (4, 3) and (both.abs() < 0.5).all()


def test_flat_images_differ_in_light_alone():
    one, other = torch.full((8, 8), 0.2).double(), torch.full((8, 8), 0.6).double()
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert structural_similarity(one, other).item() == pytest.approx(expected)
    assert structural_similarity(0 * one, 0 * other).item() == 1


def test_a_pattern_of_half_the_contrast():
    """A chequered window of mean 0 has a variance of 1, near enough, and half of it 1/4."""
    board = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).double().repeat(8, 8)
    found = structural_similarity(board, board / 2, inside=True, span=1e-6).item()
    mean = 1 / 49  # of a window, in which one kind of field is one more
    light = 2 * mean * mean / 2 / (mean**2 + mean**2 / 4)
    assert found == pytest.approx(light * 2 / 2 / (1 + 1 / 4), rel=1e-6)
    assert structural_similarity(board, -board, inside=True, span=1e-6).item() == pytest.approx(1, rel=1e-6)
    flat = torch.zeros(3, 3).double()
    assert structural_similarity(flat, flat + 1, span=1e3, window=3).item() == pytest.approx(100 / 101)


def test_what_does_not_fit_is_refused():
    one = images(2, 8, 8)
    for other in (images(8, 8), images(2, 8, 9)):
        with pytest.raises(BadInput, match="alike"):
            structural_similarity(one, other)
    with pytest.raises(BadInput, match="alike"):
        structural_similarity(images(2, 8, 0), images(2, 8, 0))
    for window in (1, 6, -3):
        with pytest.raises(BadInput, match="odd"):
            structural_similarity(one, one, window=window)
    structural_similarity(one, one, window=9)
    with pytest.raises(BadInput, match="fits into"):
        structural_similarity(one, one, window=9, inside=True)
    for span in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(BadInput, match="span"):
            structural_similarity(one, one, span=span)
