"""Selective copying: data at random places, asked in order."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.recall.selective_copying import SelectiveCopying


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("length", "count", "vocabulary"), [(8, 3, 16), (3, 3, 4), (64, 16, 16), (1, 1, 5)])
def test_layout(length: int, count: int, vocabulary: int):
    task = SelectiveCopying(length, count, vocabulary)
    x, y = task.draw(60, generator())
    assert x.shape == y.shape == (60, length + count)
    for tokens, answers in zip(x.tolist(), y.tolist(), strict=True):
        data = [token for token in tokens[:length] if token]
        assert len(data) == count and max(data) <= vocabulary - 2
        assert tokens[length:] == [vocabulary - 1] * count
        assert answers == [0] * length + data


def test_every_place_and_token_is_as_likely():
    x = SelectiveCopying(10, 4, 6).draw(20_000, generator()).x[:, :10]
    assert ((x > 0).double().mean(0) - 0.4).abs().max() < 5 * math.sqrt(0.24 / 20_000)
    share = x[x > 0].bincount(minlength=5)[1:] / 80_000
    assert (share - 1 / 4).abs().max() < 5 * math.sqrt(3 / 16 / 80_000)


def test_sizes_of_the_paper():
    task = SelectiveCopying(4096, 16, 16)
    assert task.inputs == 16 and task.chance == 1 / 14
    assert task.draw(2, generator()).x.shape == (2, 4112)


def test_loss_of_the_best_guess():
    task = SelectiveCopying()
    y = task.test().y
    assert float(task.objective.loss(torch.zeros(*y.shape, 15), y)) == pytest.approx(math.log(14))


def test_bad_sizes():
    with pytest.raises(BadInput, match="9 data tokens do not fit a length of 8"):
        SelectiveCopying(8, 9)
    with pytest.raises(BadInput, match="vocabulary must be"):
        SelectiveCopying(vocabulary=3)
