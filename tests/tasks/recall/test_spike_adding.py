"""Spike adding: the patterns are where they should be, as dense as told, and give their sum away."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.recall.spike_adding import KEPT, SPIKE, STRAY, SpikeAdding


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("gap", "duration", "channels", "digits"), [(80, 30, 64, 5), (0, 1, 1, 2), (3, 8, 7, 10)]
)
def test_shapes_and_chance(gap: int, duration: int, channels: int, digits: int):
    task = SpikeAdding(gap, duration, channels, digits)
    x, y = task.draw(200, generator())
    assert x.shape == (200, 2 * duration + gap, channels) and y.shape == (200,)
    assert set(x.unique().tolist()) <= {0.0, 1.0}
    assert y.min() >= 0 and y.max() <= 2 * digits - 2 == task.outputs - 1
    assert task.chance == 1 / digits


def test_sums_come_as_often_as_pairs_make_them():
    y = SpikeAdding(0, 1, 1).draw(50_000, generator()).y
    expected = torch.tensor([1, 2, 3, 4, 5, 4, 3, 2, 1]) / 25
    assert (y.bincount(minlength=9) / 50_000 - expected).abs().max() < 5 * math.sqrt(0.16 / 50_000)


def test_spikes_are_kept_and_stray_as_told():
    """A spike of the pattern comes with chance 1 - (1 - 0.8)(1 - 0.01), any other place spikes with 0.01."""
    task = SpikeAdding(gap=10)
    x, y = task.draw(4000, generator())
    both = y == 0  # the only pair with this sum is 0 + 0
    pattern = task.patterns()[0]
    for part in (x[both, :30], x[both, 40:]):
        inside, outside = part[:, pattern].mean(), part[:, ~pattern].mean()
        assert abs(inside - (1 - (1 - KEPT) * (1 - STRAY))) < 0.02
        assert abs(outside - STRAY) < 0.002
    assert abs(x[:, 30:40].mean() - STRAY) < 0.001
    assert abs(task.patterns().double().mean() - SPIKE) < 5 * math.sqrt(SPIKE / (5 * 30 * 64))


def test_the_sum_can_be_told_from_the_overlap_with_the_patterns():
    task = SpikeAdding()
    x, y = task.test()
    pattern = task.patterns().float().flatten(1)
    first, second = (part.flatten(1) @ pattern.T for part in (x[:, :30], x[:, -30:]))
    found = (first / pattern.sum(1)).argmax(1) + (second / pattern.sum(1)).argmax(1)
    assert (found == y).all()


def test_patterns_never_change():
    assert torch.equal(SpikeAdding(gap=0).patterns(), SpikeAdding(gap=80).patterns())
    assert len(SpikeAdding().patterns().flatten(1).unique(dim=0)) == 5


def test_bad_sizes():
    for name, least in (("gap", 0), ("duration", 1), ("channels", 1), ("digits", 2)):
        with pytest.raises(
            BadInput, match=f"spike adding: {name} must be a whole number of at least {least}"
        ):
            SpikeAdding(**{name: least - 1})
