"""Permuted MNIST on digits of our own: the same images in every task, each task with one order of pixels."""

import pytest
import torch

from wavetrain.data.images import _shared as _images
from wavetrain.data.images.digits import digits
from wavetrain.data.images.permuted_mnist import permuted_mnist
from wavetrain.errors import BadInput


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small digits of scikit-learn in the place of MNIST."""
    monkeypatch.setattr(_images, "mnist_images", lambda permuted, steps: digits(permuted))


def test_each_task_has_an_order_of_its_own(small: None):
    plain, tasks = digits(), [permuted_mnist(part) for part in range(4)]
    for part, task in enumerate(tasks):
        order = torch.randperm(64, generator=torch.Generator().manual_seed(part))
        assert not torch.equal(order, torch.arange(64))
        back = torch.empty_like(plain.test().x)
        back[:, order] = task.test().x
        assert torch.equal(back, plain.test().x) and torch.equal(task.test().y, plain.test().y)
    assert len({task.train.x.numpy().tobytes() for task in tasks}) == 4


def test_bad_parts_are_refused(small: None):
    for part in (-1, 0.5, "0"):
        with pytest.raises(BadInput, match="expected a part of at least 0"):
            permuted_mnist(part)


@pytest.mark.slow
def test_the_real_thing():
    try:
        one, two = (permuted_mnist(part, steps=28) for part in (0, 1))
    except BadInput as error:
        pytest.skip(str(error))
    assert one.test().x.shape == (10_000, 28, 28) and one.inputs == 28
    assert torch.equal(one.test().y, two.test().y) and not torch.equal(one.test().x, two.test().x)
    sums = [task.test().x.double().sum((1, 2)) for task in (one, two)]
    torch.testing.assert_close(*sums)
