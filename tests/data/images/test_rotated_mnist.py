"""Rotated MNIST on digits of our own: the same images in every task, each task turned by one angle."""

import pytest
import torch

from wavetrain.data.images import _shared as _images
from wavetrain.data.images.digits import digits
from wavetrain.data.images.rotated_mnist import _turned, angle, rotated_mnist
from wavetrain.errors import BadInput


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small digits of scikit-learn in the place of MNIST."""
    monkeypatch.setattr(_images, "mnist_images", lambda steps: digits())


def test_a_quarter_of_a_turn_moves_whole_pixels():
    images = torch.rand(3, 8, 8)
    for quarters in range(3):
        turned = _turned(images, 90.0 * quarters)
        torch.testing.assert_close(turned, torch.rot90(images, quarters, (1, 2)), atol=1e-5, rtol=0)


def test_each_task_has_an_angle_of_its_own(small: None):
    angles = [angle(part) for part in range(20)]
    assert len(set(angles)) == 20 and all(0 <= one < 180 for one in angles) and max(angles) > 120
    tasks = [rotated_mnist(part) for part in range(3)]
    for part, one in enumerate(tasks):
        assert torch.equal(one.train.y, digits().train.y) and one.train.x.shape == digits().train.x.shape
        assert one.train.x.min() >= 0 and one.train.x.max() <= 1 + 1e-6
        again = _turned(digits().test().x.view(-1, 8, 8), angle(part)).view(one.test().x.shape)
        assert torch.equal(one.test().x, again)
    assert not torch.equal(tasks[0].train.x, tasks[1].train.x)


def test_bad_parts_are_refused(small: None):
    for part in (-1, 0.5, "0"):
        with pytest.raises(BadInput, match="expected a part of at least 0"):
            rotated_mnist(part)


@pytest.mark.slow
def test_the_real_thing():
    try:
        one, two = (rotated_mnist(part, steps=28) for part in (0, 1))
    except BadInput as error:
        pytest.skip(str(error))
    assert one.test().x.shape == (10_000, 28, 28) and one.inputs == 28
    assert torch.equal(one.test().y, two.test().y) and not torch.equal(one.test().x, two.test().x)
