"""Split MNIST on digits of our own: every digit in one task, under its own label, in the order asked for."""

import pytest
import torch

from wavetrain.core import Recorded
from wavetrain.data.images import _shared as _images
from wavetrain.data.images.digits import digits
from wavetrain.data.images.split_mnist import TASKS, split_mnist
from wavetrain.errors import BadInput
from wavetrain.testing.tasks import check_held_out, check_scores, check_shapes


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """The small digits of scikit-learn in the place of MNIST."""
    monkeypatch.setattr(_images, "mnist_images", lambda steps: digits())
    return digits()


def test_every_digit_is_in_one_task(small: Recorded):
    parts = [split_mnist(part) for part in range(TASKS)]
    assert [sorted(set(one.train.y.tolist())) for one in parts] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    for kind in ("train", "held_valid", "held_test"):
        whole = getattr(small, kind)
        rows = [
            (x.numpy().tobytes(), int(y)) for one in parts for x, y in zip(*getattr(one, kind), strict=True)
        ]
        assert sorted(rows) == sorted((x.numpy().tobytes(), int(y)) for x, y in zip(*whole, strict=True))


def test_a_task_is_of_ten_classes_and_keeps_every_promise(small: Recorded):
    for part in range(TASKS):
        one = split_mnist(part)
        assert one.outputs == 10 and one.chance == one.test().y.bincount().max() / len(one.test().y)
        check_shapes(one, one.test())
        check_held_out(one)
        check_scores(one)


def test_shuffled_is_one_fixed_order(small: Recorded):
    def order(seed: int) -> list[set[int]]:
        return [set(split_mnist(part, seed).test().y.tolist()) for part in range(TASKS)]

    assert order(1) == order(1) != order(2)
    assert set.union(*order(1)) == set(range(10)) and all(len(pair) == 2 for pair in order(1))


def test_steps_hold_pixels_in_their_order():
    images = torch.arange(48.0).view(4, 3, 4)
    for steps, inputs in ((1, 12), (3, 4), (12, 1)):
        task = _images.pixel_sequences(images, torch.arange(4), (2, 1), None, steps)
        assert task.train.x.shape == (2, steps, inputs) and task.inputs == inputs
        assert torch.equal(task.train.x.flatten(), torch.arange(24.0))


def test_bad_parts_are_refused(small: Recorded):
    for part in (-1, 5, 1.5):
        with pytest.raises(BadInput, match="expected a part from 0 to 4"):
            split_mnist(part)
    with pytest.raises(BadInput, match="expected steps that divide 12 pixels, got 5"):
        _images.pixel_sequences(torch.zeros(4, 3, 4), torch.arange(4), (2, 1), None, 5)
    with pytest.raises(BadInput, match=r"classes \[11\] in all three parts"):
        _images.of_classes(small, [11])


def test_the_real_thing():
    try:
        task = split_mnist(4)
    except BadInput as error:
        pytest.skip(str(error))
    assert task.train.x.shape[1:] == (1, 784) and set(task.train.y.tolist()) == {8, 9}
    assert len(task.test().y) == 974 + 1009  # eights and nines of the test part
    assert len(task.train.y) + len(task.valid().y) == 5851 + 5949
