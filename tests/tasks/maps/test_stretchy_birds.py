"""Stretchy birds: straight morphs at one pace that go on to a landmark."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.maps.stretchy_birds import LANDMARKS, StretchyBirds


def test_a_morph_goes_on_to_its_landmark():
    task = StretchyBirds(watched=5, imagined=3, noise=0.0)
    x, y = task.draw(200, torch.Generator().manual_seed(1))
    assert x.shape == (200, 8, 2) and (x[:, 5:] == 0).all()
    step = x[:, 1] - x[:, 0]
    torch.testing.assert_close(x[:, :5].diff(dim=1), step[:, None].expand(-1, 4, -1), rtol=0, atol=1e-6)
    landmark = torch.tensor(LANDMARKS)[y]
    torch.testing.assert_close(x[:, 0] + 7 * step, landmark, rtol=0, atol=1e-5)
    assert ((x[:, 0] - landmark).norm(dim=1) >= 0.3 - 1e-6).all()
    assert ((x[:, 0] >= 0) & (x[:, 0] <= 1)).all()


def test_neither_place_nor_direction_is_enough():
    """Going straight on is right; the nearest landmark and the one in that direction are often not."""
    task = StretchyBirds()
    x, y = task.draw(3000, torch.Generator().manual_seed(2))
    landmarks = torch.tensor(LANDMARKS)
    last, pace = x[:, 7], (x[:, 7] - x[:, 0]) / 7
    nearest = (last[:, None] - landmarks).norm(dim=2).argmin(1)
    ahead = ((last + 8 * pace)[:, None] - landmarks).norm(dim=2).argmin(1)
    turned = torch.nn.functional.cosine_similarity(
        pace[:, None], landmarks - landmarks.mean(0), dim=2
    ).argmax(1)
    assert (ahead == y).double().mean() > 0.99
    assert (nearest == y).double().mean() < 0.85 and (turned == y).double().mean() < 0.85


def test_noise_has_the_size_given():
    still, shaken = (
        StretchyBirds(noise=noise).draw(2000, torch.Generator().manual_seed(3)).x[:, :8]
        for noise in (0.0, 0.1)
    )
    assert float((shaken - still).std()) == pytest.approx(0.1, rel=0.03)


def test_bad_sizes():
    with pytest.raises(BadInput, match="watched must be a whole number of at least 2, got 1"):
        StretchyBirds(watched=1)
