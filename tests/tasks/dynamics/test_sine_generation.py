"""Sine generation: the answer is the sine of the frequency that is shown."""

import math

import pytest
import torch

from wavetrain.core import explained
from wavetrain.errors import BadInput
from wavetrain.tasks.dynamics.sine_generation import SineGeneration


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_answer_is_the_sine():
    x, y = SineGeneration(50, frequencies=4, channels=3).draw(200, generator())
    assert torch.equal(x, x[:, :1].expand(-1, 50, -1))
    torch.testing.assert_close(x.unique(), torch.linspace(1, 30, 4))
    time = torch.arange(50) / 100
    torch.testing.assert_close(y, torch.sin(2 * math.pi * x * time[:, None]), atol=1e-4, rtol=0)


def test_channels_have_frequencies_of_their_own():
    x, _ = SineGeneration(10, channels=2).draw(2000, generator())
    assert float((x[:, 0, 0] == x[:, 0, 1]).double().mean()) == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("frequencies", [1, 2, 5])
def test_chance_is_that_of_the_mean_of_the_sines(frequencies: int):
    task = SineGeneration(100, frequencies)
    y = task.draw(5000, generator()).y
    ignorant = y.mean(0, keepdim=True).expand_as(y)
    assert task.chance == pytest.approx(float(explained(ignorant, y)), abs=0.01)


@pytest.mark.parametrize("words", [{"length": 1}, {"frequencies": 0}, {"channels": 0}])
def test_bad_sizes(words):
    with pytest.raises(BadInput, match="sine generation"):
        SineGeneration(**words)
