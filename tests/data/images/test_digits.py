"""Digits: all images of scikit-learn, once, with their labels, in the order of their rows."""

import numpy as np
import torch
from sklearn.datasets import load_digits

from wavetrain.data.images.digits import digits


def test_three_parts_of_all_images():
    task = digits()
    parts = [task.train, task.valid(), task.test()]
    assert [part.x.shape for part in parts] == [(1197, 64, 1), (300, 64, 1), (300, 64, 1)]
    images, labels = load_digits(return_X_y=True)
    ours = [pair for part in parts for pair in zip(_bytes(part.x.numpy()), part.y.tolist(), strict=True)]
    theirs = list(zip(_bytes((images / 16).astype("float32")), labels.tolist(), strict=True))
    assert sorted(ours) == sorted(theirs), "an image is lost, changed, or has another's label"


def _bytes(rows: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in rows]


def test_split_is_a_fixed_shuffle_with_all_classes():
    one, two = digits(), digits()
    assert torch.equal(one.train.x, two.train.x) and torch.equal(one.test().y, two.test().y)
    for part in (one.train, one.valid(), one.test()):
        assert part.y.bincount(minlength=10).min() > 0.06 * len(part.y)
    assert one.chance == one.test().y.bincount().max() / 300


def test_permuted_is_one_fixed_order_of_the_pixels():
    plain, one, again, other = (digits(permuted) for permuted in (None, 0, 0, 1))
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    for part, own in ((plain.train, one.train), (plain.valid(), one.valid()), (plain.test(), one.test())):
        assert torch.equal(own.x, part.x[:, order]) and torch.equal(own.y, part.y)
    assert torch.equal(one.train.x, again.train.x)
    assert not torch.equal(one.train.x, other.train.x) and not torch.equal(one.train.x, plain.train.x)


def test_pixels_are_scaled():
    x = digits().train.x
    assert x.min() == 0 and x.max() == 1 and set((16 * x).unique().tolist()) == set(range(17))


def test_facts():
    task = digits()
    assert (task.inputs, task.outputs, task.tokens, task.every_step) == (1, 10, False, False)
