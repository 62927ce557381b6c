"""Bipolar units: the count is the rounded sum, whatever the order, and nothing is lost on the way.

Inputs are whole multiples of 1/64, so that every sum is exact.
"""

import pytest
import torch
from torch import Tensor

from tests.promises import normal
from wavetrain.parts.bipolar import counted
from wavetrain.parts.quantised import Levels

EACH = [Levels(), Levels(0, 15), Levels(0, 1), Levels(-1, 1), Levels(-3, 5)]


def currents(seed: int = 1) -> Tensor:
    """2,000 units, driven for 6 steps, and then left alone for long enough."""
    driven = (64 * 3 * normal(1, 6, 2000, seed=seed)).round() / 64
    return torch.cat([driven, torch.zeros(1, 60, 2000, dtype=torch.float64)], 1)


@pytest.mark.parametrize("levels", EACH, ids=str)
def test_the_count_is_the_rounded_sum(levels: Levels) -> None:
    found, total = counted(currents(), levels), currents().sum(1)
    assert torch.equal(found.level, (total + 0.5).floor().clamp(levels.low, levels.high))
    silent = (found.potential >= 0) & (found.potential < 1)
    over = (found.potential >= 1) & (found.level == levels.high)
    under = (found.potential < 0) & (found.level == levels.low)
    assert (silent | over | under).all() and silent.any() and over.any() and under.any()


@pytest.mark.parametrize("levels", EACH, ids=str)
def test_potential_and_count_hold_all_that_came(levels: Levels) -> None:
    """After each step, to the last bit."""
    drive = currents(2)
    for steps in range(1, 20):
        found = counted(drive[:, :steps], levels)
        assert torch.equal(found.potential + found.level, 0.5 + drive[:, :steps].sum(1))
        assert torch.equal(found.spikes.sum(1), found.level)
        assert found.level.min() >= levels.low and found.level.max() <= levels.high


def test_the_order_of_the_input_changes_the_spikes_and_not_the_count() -> None:
    drive = currents(3)
    mixed = drive[:, torch.randperm(drive.shape[1], generator=torch.Generator().manual_seed(0))]
    one, other = counted(drive, Levels()), counted(mixed, Levels())
    late = torch.cat([mixed, torch.zeros_like(mixed)], 1)  # what comes last is answered too
    assert not torch.equal(one.spikes, other.spikes)
    assert torch.equal(one.level, counted(late, Levels()).level)


def test_the_two_channels_are_0_and_1_and_never_both() -> None:
    found = counted(currents(4), Levels())
    up, down = found.channels().unbind(2)
    assert set(up.unique().tolist()) == {0, 1} == set(down.unique().tolist())
    assert not (up * down).any() and torch.equal(up - down, found.spikes)
    assert set(found.spikes.unique().tolist()) == {-1, 0, 1}


def test_of_one_level_there_is_one_spike() -> None:
    found = counted(torch.full((1, 9, 1), 5.0), Levels(0, 1))
    assert found.spikes.flatten().tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("current", "spikes"), [(0.375, 6), (1.0, 16), (-0.2, 0), (1.7, 16)])
def test_what_arrives_in_every_step_is_counted_as_it_comes(current: float, spikes: int) -> None:
    """16 steps of a steady current: at most one spike a step, and a reset to zero would lose what is left."""
    found = counted(torch.full((1, 16, 1), current, dtype=torch.float64), Levels(0, 99))
    assert found.level.item() == spikes
