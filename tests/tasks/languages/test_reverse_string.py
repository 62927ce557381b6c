"""Reverse string: backwards, and twice is as before."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.reverse_string import ReverseString


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("length", "symbols"), [(1, 2), (3, 2), (10, 7)])
def test_answers_run_backwards(length: int, symbols: int):
    x, y = ReverseString(length, symbols).draw(50, generator())
    assert x.shape == y.shape == (50, 2 * length)
    for tokens, answers in zip(x.tolist(), y.tolist(), strict=True):
        assert answers == [0] * length + tokens[:length][::-1] and tokens[length:] == [0] * length
        assert answers[length:][::-1] == tokens[:length]
        assert min(tokens[:length]) >= 1 and max(tokens) <= symbols


def test_bad_sizes():
    with pytest.raises(BadInput, match="symbols must be"):
        ReverseString(symbols=1)
