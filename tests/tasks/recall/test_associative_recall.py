"""Associative recall: each key once more, its value asked; and what knowing the values alone is worth."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.recall.associative_recall import AssociativeRecall, unbound


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("pairs", "length"), [(1, 3), (2, 10), (8, 24), (8, 48), (16, 100)])
def test_answers_are_looked_up(pairs: int, length: int):
    x, y = AssociativeRecall(pairs, length).draw(50, generator())
    assert x.shape == y.shape == (50, length)
    for tokens, answers in zip(x.tolist(), y.tolist(), strict=True):
        shown, rest = tokens[: 2 * pairs], tokens[2 * pairs :]
        bound = dict(zip(shown[::2], shown[1::2], strict=True))
        assert len(bound) == len(set(bound.values())) == pairs
        assert all(1 <= key <= 16 < value <= 32 for key, value in bound.items())
        assert sorted(token for token in rest if token) == sorted(bound), "each key is asked once"
        assert answers == [0] * 2 * pairs + [bound[token] - 16 if token else 0 for token in rest]


def test_values_and_queries_are_uniform():
    x, y = AssociativeRecall(3, 15, 5, 4).draw(20_000, generator())
    share = y[y > 0].bincount(minlength=5)[1:] / 60_000
    assert (share - 1 / 4).abs().max() < 5 * math.sqrt(3 / 16 / 20_000)
    place = (x[:, 6:] > 0).double().mean(0)
    assert (place - 3 / 9).abs().max() < 5 * math.sqrt(2 / 9 / 20_000)


def test_a_memory_without_bindings():
    """It names the smallest value that was shown and not asked yet."""
    pairs = 4
    x, y = AssociativeRecall(pairs, 12).draw(5000, generator())
    right = 0
    for tokens, answers in zip(x.tolist(), y.tolist(), strict=True):
        left = sorted(value - 16 for value in tokens[1 : 2 * pairs : 2])
        for answer in filter(None, answers):
            right += left[0] == answer
            left.remove(answer)
    assert right / 5000 / pairs == pytest.approx(unbound(pairs), abs=0.02)
    assert unbound(4) == (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4 and unbound(8) == pytest.approx(0.340, abs=5e-4)


def test_bad_sizes():
    with pytest.raises(BadInput, match="take 24 steps or more, got a length of 23"):
        AssociativeRecall(8, 23)
    with pytest.raises(BadInput, match="keys must be"):
        AssociativeRecall(8, 48, keys=7)
