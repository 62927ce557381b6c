"""Repeat copy: vectors that come back for ever, and the network that moves them."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.layers.wave.wave_working_memory import WaveWorkingMemory, propagation
from wavetrain.tasks.recall.repeat_copy import RepeatCopy


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("width", "history", "horizon"), [(3, 4, 11), (1, 1, 5), (8, 8, 10), (2, 5, 1)])
def test_layout(width: int, history: int, horizon: int):
    x, y = RepeatCopy(width, history, horizon).draw(50, generator())
    assert x.shape == y.shape == (50, history + horizon, width)
    given = x[:, :history]
    assert (given.abs() == 1).all() and (x[:, history:] == 0).all() and (y[:, :history] == 0).all()
    for step in range(horizon):
        assert torch.equal(y[:, history + step], given[:, step % history])


def test_every_sign_is_as_likely():
    given = RepeatCopy(4, 3, 1).draw(20_000, generator()).x[:, :3]
    assert given.mean(0).abs().max() < 5 / math.sqrt(20_000)


def test_only_what_is_asked_counts():
    task = RepeatCopy(2, 3, 4)
    y = task.draw(20, generator()).y
    wild = torch.where(y == 0, torch.full_like(y, 9.0), 0.25 * y)
    assert float(task.objective.score(wild, y)) == 1
    assert float(task.objective.loss(wild, y)) == pytest.approx(0.75**2)
    assert float(task.objective.loss(torch.zeros_like(y), y)) == 1
    assert float(task.objective.score(-y, y)) == 0


def test_64_eigenvalues_for_the_sizes_of_the_paper():
    """The 8 roots of unity, each 8 times; 8 steps bring everything back."""
    phi = propagation(RepeatCopy().boundary().double())
    torch.testing.assert_close(torch.linalg.matrix_power(phi, 8), torch.eye(64, dtype=phi.dtype))
    values = torch.linalg.eigvals(phi)
    turns = (values.angle() / (2 * math.pi / 8)).round().long() % 8
    assert turns.bincount().tolist() == [8] * 8
    roots = torch.polar(torch.ones(64).double(), turns.double() * 2 * math.pi / 8)
    torch.testing.assert_close(values, roots, atol=1e-12, rtol=0)


def test_the_wave_solves_it():
    task = RepeatCopy(3, 4, 50)
    layer = WaveWorkingMemory(3, columns=4)
    with torch.no_grad():
        layer.encode.weight.copy_(torch.eye(3))
        layer.compose.weight.copy_(task.boundary().T)
        x, y = task.test()
        assert torch.equal(layer(x)[0][:, 4:], y[:, 4:])


def test_bad_sizes():
    with pytest.raises(BadInput, match="history must be"):
        RepeatCopy(history=0)
