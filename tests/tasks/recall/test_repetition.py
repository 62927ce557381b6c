"""Repetition: the stream predicts itself from the sign on."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.recall.repetition import Repetition


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("length", "symbols"), [(1, 2), (3, 10), (20, 10)])
def test_the_answer_is_the_next_token_of_the_stream(length: int, symbols: int):
    x, y = Repetition(length, symbols).draw(40, generator())
    assert x.shape == y.shape == (40, 2 * length)
    for tokens, answers in zip(x.tolist(), y.tolist(), strict=True):
        string = tokens[:length]
        stream = [*string, 0, *string]
        assert tokens == stream[:-1] and answers == [0] * length + stream[length + 1 :]
        assert 1 <= min(string) <= max(string) <= symbols


def test_symbols_are_uniform():
    y = Repetition(3).draw(20_000, generator()).y
    share = y[y > 0].bincount(minlength=11)[1:] / 60_000
    assert (share - 0.1).abs().max() < 5 * math.sqrt(0.09 / 60_000)


def test_bad_sizes():
    with pytest.raises(BadInput, match="length must be"):
        Repetition(0)
