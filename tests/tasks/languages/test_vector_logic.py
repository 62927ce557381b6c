"""Vector logic: the truth tables, what is repeated, and what is not asked."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.vector_logic import VectorLogic


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("width", "repeats"), [(1, 0), (3, 2), (7, 4)])
def test_layout(width: int, repeats: int):
    x, y = VectorLogic(width, repeats).draw(200, generator())
    assert x.shape == y.shape == (200, 3 + 4 * (1 + repeats), width + 1)
    assert not x[:, 3:].any() and not y[:, :3].any()
    vectors, operator = x[:, :2], x[:, 2]
    assert (vectors[..., :width].abs() == 1).all() and not vectors[..., width].any()
    assert (operator[:, width].abs() == 1).all() and not operator[:, :width].any()
    for again in range(1 + repeats):
        said = y[:, 3 + 4 * again : 7 + 4 * again]
        assert torch.equal(said[:, :3], x[:, :3])
        low, high = vectors.amin(1), vectors.amax(1)  # AND is the least of two signs, OR the largest
        assert torch.equal(said[:, 3], torch.where(operator[:, width:] > 0, low, high))


def test_every_answer_is_as_often_plus_as_minus():
    y = VectorLogic(3, 0).draw(20_000, generator()).y
    assert y.mean(0).abs().max() < 0.04


def test_bad_sizes():
    with pytest.raises(BadInput, match="width must be"):
        VectorLogic(0)
    with pytest.raises(BadInput, match="repeats must be"):
        VectorLogic(3, -1)
