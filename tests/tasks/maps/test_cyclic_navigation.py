"""Cyclic navigation: the walk step by step, and the floor by going through all walks."""

from itertools import product

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.maps.cyclic_navigation import CyclicNavigation, floor


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("length", "places"), [(1, 5), (20, 5), (33, 3), (10, 2)])
def test_answers_walk(length: int, places: int):
    task = CyclicNavigation(length, places)
    x, y = task.draw(60, generator())
    assert task.outputs == places
    for actions, answers in zip(x.tolist(), y.tolist(), strict=True):
        place = 0
        for action, answer in zip(actions, answers, strict=True):
            place = (place, (place + 1) % places, (place - 1) % places)[action]
            assert place == answer


@pytest.mark.parametrize(("length", "places"), [(1, 5), (5, 5), (6, 3), (6, 2), (6, 4)])
def test_floor_by_going_through_all_walks(length: int, places: int):
    best = 0
    for steps in range(1, length + 1):
        ends = [sum(walk) % places for walk in product((0, 1, -1), repeat=steps)]
        best += max(map(ends.count, range(places))) / 3**steps
    assert floor(length, places) == pytest.approx(best / length)


def test_floor_falls_to_one_in_five():
    assert floor(1, 5) == floor(2, 5) == pytest.approx(1 / 3)
    assert floor(20, 5) == pytest.approx(0.220, abs=5e-4)
    assert floor(2000, 5) == pytest.approx(0.2, abs=1e-3)


def test_bad_sizes():
    with pytest.raises(BadInput, match="places must be"):
        CyclicNavigation(places=1)
