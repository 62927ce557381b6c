"""Long addition, against Python's whole numbers."""

import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.long_addition import LongAddition


def number(digits: Tensor) -> int:
    return sum(int(digit) * 10**place for place, digit in enumerate(digits))


@pytest.mark.parametrize("digits", [1, 2, 30])
def test_sums(digits: int):
    x, y = LongAddition(digits).draw(50, torch.Generator().manual_seed(1))
    assert x.shape == y.shape == (50, digits + 1) and (x[:, -1] == 0).all()
    for tokens, answer in zip(x, y, strict=True):
        assert number(tokens // 10) + number(tokens % 10) == number(answer)


def test_chance_for_one_digit():
    """All 100 pairs: 0 is the last digit of ten, and 55 carry nothing."""
    assert LongAddition(1).chance == (10 + 55) / 200
    with pytest.raises(BadInput, match="digits"):
        LongAddition(0)
