"""Permuted time on digits of our own: the same steps in every task, each task in one order."""

import pytest
import torch

from wavetrain.data.images import _shared as _images
from wavetrain.data.images.digits import digits
from wavetrain.data.images.permuted_time_mnist import permuted_time_mnist
from wavetrain.errors import BadInput


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small digits of scikit-learn in the place of MNIST, pixel by pixel."""
    monkeypatch.setattr(_images, "mnist_images", lambda steps: digits())


def test_each_task_has_an_order_of_its_own(small: None):
    plain, tasks = digits(), [permuted_time_mnist(part, steps=64) for part in range(3)]
    for part, task in enumerate(tasks):
        order = torch.randperm(64, generator=torch.Generator().manual_seed(part))
        for one, was in (
            (task.train, plain.train),
            (task.test(), plain.test()),
            (task.valid(), plain.valid()),
        ):
            back = torch.empty_like(one.x)
            back[:, order] = one.x
            assert torch.equal(back, was.x) and torch.equal(one.y, was.y)
    assert len({task.train.x.numpy().tobytes() for task in tasks}) == 3


def test_bad_parts_are_refused(small: None):
    for part in (-1, 0.5, "0"):
        with pytest.raises(BadInput, match="expected a part of at least 0"):
            permuted_time_mnist(part)


@pytest.mark.slow
def test_the_real_thing():
    try:
        one, two = (permuted_time_mnist(part) for part in (0, 1))
    except BadInput as error:
        pytest.skip(str(error))
    assert one.test().x.shape == (10_000, 28, 28)
    torch.testing.assert_close(one.test().x.sort(1).values, two.test().x.sort(1).values)
