"""Compose copy: components with periods of their own, and 36 eigenvalues for eight of them."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.layers.wave.wave_working_memory import WaveWorkingMemory, propagation
from wavetrain.tasks.languages.compose_copy import ComposeCopy

PAPER = {  # the order of the sources and the outputs that change the sign, of two tasks of the released sweep
    "plain": ((), ()),
    "second": ((4, 3, 2, 0, 1, 5, 7, 6), (0, 1, 2, 3, 4, 5, 7)),
    "third": ((5, 6, 0, 1, 2, 3, 4, 7), (0, 4, 7)),
}


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_two_components_written_out():
    x, y = ComposeCopy(2, 3).draw(30, generator())
    for given, said in zip(x.tolist(), y.tolist(), strict=True):
        (a, _), (b, upper) = given[:2]
        assert given[2:] == [[0, 0]] * 3
        assert said == [[0, 0], [0, 0], [a, upper], [b, upper], [a, upper]]


@pytest.mark.parametrize("size", [1, 3, 8])
def test_each_component_has_its_period(size: int):
    x, y = ComposeCopy(size, 30).draw(40, generator())
    u = torch.cat([x[:, :size], y[:, size:]], 1)
    for j in range(size):
        period = size - j
        assert torch.equal(u[:, size:, j], u[:, size - period : -period, j])


@pytest.mark.parametrize(("size", "period"), [(4, 12), (8, 840)])
def test_period_of_the_whole(size: int, period: int):
    """lcm(1, ..., size), on what is kept: components that are never asked for are gone after `size` steps."""
    phi = propagation(ComposeCopy(size).boundary().double())
    settled = torch.linalg.matrix_power(phi, size)
    assert math.lcm(*range(1, size + 1)) == period
    assert torch.equal(torch.linalg.matrix_power(phi, period) @ settled, settled)
    for part in (part for part in range(1, period) if period % part == 0):
        assert not torch.equal(torch.linalg.matrix_power(phi, part) @ settled, settled)


@pytest.mark.parametrize("name", PAPER)
def test_36_eigenvalues_for_the_sizes_of_the_paper(name: str):
    order, flipped = PAPER[name]
    phi = propagation(ComposeCopy(8, 10, order, flipped).boundary().double())
    assert torch.linalg.matrix_rank(phi) == 57
    moduli = torch.linalg.eigvals(phi).abs()
    assert (moduli > 0.9).sum() == 36
    torch.testing.assert_close(moduli[moduli > 0.9], torch.ones(36, dtype=moduli.dtype))
    assert moduli[moduli <= 0.9].max() < 0.05  # zeros in long chains are found to the 7th root of rounding


def test_all_components_may_be_flipped():
    """The first answer changes its sign as a whole; later ones are made of it."""
    x, y = ComposeCopy(3, 1, flipped=(0, 1, 2)).draw(20, generator())
    given, copied = ComposeCopy(3, 1).draw(20, generator())
    assert torch.equal(x, given) and torch.equal(y, -copied) and y[:, 3].abs().min() > 0


def test_a_flipped_component_has_roots_of_minus_one():
    """Component 1 of 3 repeats after 2 steps: with its sign changed, after 4."""
    phi = propagation(ComposeCopy(3, 1, flipped=(1,)).boundary().double())
    values = torch.linalg.eigvals(phi)
    values = values[values.abs() > 0.9]
    expected = [(1, 0), (-0.5, 3**0.5 / 2), (-0.5, -(3**0.5) / 2), (0, 1), (0, -1), (1, 0)]
    for real, imaginary in expected:
        away = (values - complex(real, imaginary)).abs()
        assert away.min() < 1e-7
        values = values[torch.arange(len(values)) != away.argmin()]
    assert not len(values)


@pytest.mark.parametrize("name", PAPER)
def test_the_wave_solves_it_once_it_is_loaded(name: str):
    """Written one after the other it cannot: what it makes of columns half full is added to what is given."""
    order, flipped = PAPER[name]
    task = ComposeCopy(8, 60, order, flipped)
    layer = WaveWorkingMemory(8, columns=8)
    with torch.no_grad():
        layer.encode.weight.copy_(torch.eye(8))
        layer.compose.weight.copy_(task.boundary().T)
        x, y = task.draw(20, generator())
        assert torch.equal(layer(x[:, 8:], layer.load(x[:, :8]))[0], y[:, 8:])
        assert task.objective.score(layer(x)[0], y) < 0.95


def test_bad_sizes():
    with pytest.raises(BadInput, match=r"an order of 0 to 2, got \(0, 0, 1\)"):
        ComposeCopy(3, order=(0, 0, 1))
    with pytest.raises(BadInput, match="outputs 0 to 2 to flip"):
        ComposeCopy(3, flipped=(3,))
    with pytest.raises(BadInput, match="horizon must be"):
        ComposeCopy(horizon=0)
