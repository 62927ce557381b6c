"""Induction heads: the token behind the first special one."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.recall.induction_heads import InductionHeads


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("length", "vocabulary"), [(3, 3), (7, 16), (64, 16), (256, 5)])
def test_the_answer_stands_behind_the_first_special_token(length: int, vocabulary: int):
    x, y = InductionHeads(length, vocabulary).draw(100, generator())
    assert x.shape == (100, length)
    for tokens, answer in zip(x.tolist(), y.tolist(), strict=True):
        assert tokens.count(vocabulary - 1) == 2 and tokens[-1] == vocabulary - 1
        assert tokens[tokens.index(vocabulary - 1) + 1] == answer < vocabulary - 1


def test_places_and_answers_are_uniform():
    x, y = InductionHeads(12, 6).draw(20_000, generator())
    place = (x == 5).long().argmax(1).bincount(minlength=12)[:10] / 20_000
    assert (place - 0.1).abs().max() < 5 * math.sqrt(0.09 / 20_000)
    assert (y.bincount() / 20_000 - 0.2).abs().max() < 5 * math.sqrt(0.16 / 20_000)


def test_the_token_before_the_last_is_a_little_better_than_chance():
    task = InductionHeads(6, 11)
    x, y = task.draw(20_000, generator())
    share = 1 / 4 + 3 / 4 * task.chance
    assert float((x[:, -2] == y).double().mean()) == pytest.approx(share, abs=5 * math.sqrt(0.25 / 20_000))


def test_bad_sizes():
    with pytest.raises(BadInput, match="length must be"):
        InductionHeads(2)
