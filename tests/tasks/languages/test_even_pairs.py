"""Even pairs: neighbours are compared one by one."""

from itertools import pairwise

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.even_pairs import EvenPairs


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("length", [1, 2, 7, 40])
def test_answers_count_unequal_neighbours(length: int):
    x, y = EvenPairs(length).draw(60, generator())
    for bits, answers in zip(x.tolist(), y.tolist(), strict=True):
        for step in range(length):
            assert answers[step] == sum(a != b for a, b in pairwise(bits[: step + 1])) % 2


def test_only_the_first_answer_is_known():
    task = EvenPairs(20)
    share = task.draw(20_000, generator()).y.double().mean(0)
    assert share[0] == 0 and (share[1:] - 0.5).abs().max() < 0.02
    assert task.chance == (1 + 19 / 2) / 20 == 0.525 and EvenPairs(1).chance == 1


def test_bad_sizes():
    with pytest.raises(BadInput, match="length must be"):
        EvenPairs(0)
