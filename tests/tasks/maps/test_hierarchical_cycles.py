"""Hierarchical cycles: levels turn over like the digits of a clock."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.maps.hierarchical_cycles import hierarchical_cycles


def test_meals_days_and_months():
    world = hierarchical_cycles((3, 7, 4), labels=20).world
    assert world.nodes == 84 and world.actions == ("+1", "-1", "+3", "-3", "+21", "-21")
    moment = torch.arange(84)
    meal, day, month = moment % 3, moment // 3 % 7, moment // 21
    tomorrow, next_month = world.successor[:, 2], world.successor[:, 4]
    assert torch.equal(tomorrow % 3, meal) and torch.equal(tomorrow // 3 % 7, (day + 1) % 7)
    assert torch.equal(next_month % 3, meal) and torch.equal(next_month // 3 % 7, day)
    assert torch.equal(next_month // 21, (month + 1) % 4)


def test_a_lower_level_in_full_is_one_of_the_next():
    world = hierarchical_cycles((2, 3, 2)).world
    node = torch.arange(12)
    for small, times, large in ((0, 2, 2), (2, 3, 4), (4, 2, None)):
        there = node
        for _ in range(times):
            there = world.successor[there, small]
        assert torch.equal(there, node if large is None else world.successor[:, large])


def test_bad_periods():
    for periods in ((), (3, 1), (2, 2.5)):
        with pytest.raises(BadInput, match="periods of at least 2"):
            hierarchical_cycles(periods)
