"""Rotating images: quarter turns are exact, frames follow one another, held-out images are others."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.dynamics.rotating_images import HELD_OUT, RotatingImages, frames


def dice(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_quarter_turns_move_pixels_to_the_left():
    film = frames(30).unflatten(-1, (8, 8))
    for quarter in range(4):
        turned = torch.rot90(film[:, 0], quarter, (1, 2))
        torch.testing.assert_close(film[:, 3 * quarter], turned, rtol=0, atol=1e-6)
    assert film.shape == (1797, 12, 8, 8) and film.min() >= 0 and film.max() == 1


def test_images_are_the_digits():
    from sklearn.datasets import load_digits

    ours = {row.tobytes() for row in (frames(90)[:, 0] * 16).round().byte().numpy()}
    assert ours == {row.tobytes() for row in load_digits().data.astype("uint8")}


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_answers_are_frames_ahead(ahead: int):
    task = RotatingImages(time=10, ahead=ahead)
    image = torch.arange(7)
    (x, y), angle = task.rotated(image, dice())
    assert x.shape == y.shape == (7, 10, 64)
    assert torch.equal(x[:, ahead:], y[:, : 10 - ahead])
    assert ((angle.diff(dim=1) - 20) % 360 == 0).all()
    assert torch.equal(x[3, 5], frames(20)[3, int(angle[3, 5]) // 20])


def test_a_whole_turn_comes_back():
    x, y = RotatingImages(time=19).draw(5, dice())
    assert torch.equal(x[:, 0], x[:, 18]) and torch.equal(x[:, 1:], y[:, :-1])


def test_held_out_images_are_trained_on_at_no_angle():
    task = RotatingImages(images=30)
    film = {row.tobytes(): image for image, turns in enumerate(frames(20)) for row in turns.numpy()}
    trained, valid, test = (
        {film[row.tobytes()] for row in part.x.flatten(0, 1).numpy()}
        for part in (task.draw(500, dice()), task.valid(), task.test())
    )
    assert trained == set(range(30))
    assert valid == set(range(30, 30 + HELD_OUT)) and test == set(range(30 + HELD_OUT, 30 + 2 * HELD_OUT))


def test_bad_sizes():
    with pytest.raises(BadInput, match="divides 360"):
        RotatingImages(turn=7)
    with pytest.raises(BadInput, match="at most 1197"):
        RotatingImages(images=1198)
    with pytest.raises(BadInput, match="ahead"):
        RotatingImages(ahead=-1)
