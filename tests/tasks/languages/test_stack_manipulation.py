"""Stack manipulation: a Python list does the same, and the floor by going through all inputs."""

from fractions import Fraction
from itertools import product

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.stack_manipulation import StackManipulation, heights


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def done(tokens: tuple[int, ...] | list[int]) -> list[int]:
    """The answers, by a list: from the top down, then 3."""
    stack: list[int] = []
    for token in tokens:
        if token == 2:
            del stack[-1:]
        else:
            stack.append(token if token < 2 else token - 3)
    return [1 + bit for bit in reversed(stack)] + [3]


@pytest.mark.parametrize("length", [2, 3, 12, 30])
def test_answers_are_those_of_a_list(length: int):
    x, y = StackManipulation(length).draw(100, generator())
    assert x.shape == y.shape == (100, 2 * length + 1)
    for tokens, answers in zip(x.tolist(), y.tolist(), strict=True):
        answer = done(tokens[:length])
        assert answers == [0] * length + answer + [0] * (length + 1 - len(answer))
        assert tokens[length:] == [5] * (length + 1)
        shown = next(place for place, token in enumerate(tokens) if token > 1)
        assert shown >= 1 and min(tokens[shown:]) >= 2, "actions come after the stack"


def test_the_example():
    assert done([0, 1, 1, 2, 2, 4]) == [2, 1, 3]
    assert StackManipulation().chance == pytest.approx(0.484, abs=5e-4)


@pytest.mark.parametrize("length", [2, 3, 5])
def test_floor_by_going_through_all_inputs(length: int):
    """Heights and the commonest answer at each place, over all stacks and actions with their weights."""
    high = [Fraction(0)] * (length + 1)
    weight = [[Fraction(0)] * 4 for _ in range(length + 1)]
    for shown in range(1, length):
        for bits in product((0, 1), repeat=shown):
            for actions in product((2, 3, 4), repeat=length - shown):
                share = Fraction(1, (length - 1) * 2**shown * 3 ** (length - shown))
                answer = done([*bits, *actions])
                high[len(answer) - 1] += share
                for place, one in enumerate(answer):
                    weight[place][one] += share
    assert heights(length) == pytest.approx([float(share) for share in high])
    floor = sum(map(max, weight)) / sum(map(sum, weight))
    assert StackManipulation(length).chance == pytest.approx(float(floor))


def test_bad_sizes():
    with pytest.raises(BadInput, match="length must be"):
        StackManipulation(1)
