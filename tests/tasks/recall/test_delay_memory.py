"""Delay memory: the past as it was, the band, the floors, and which states hold how much."""

import math

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.hippo import legs
from wavetrain.tasks.recall.delay_memory import DelayMemory


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_past_as_it_was_and_zero_before():
    delays = (0, 1, 7, 49)
    x, y = DelayMemory(50, delays).draw(20, generator())
    assert x.shape == (20, 50, 1) and y.shape == (20, 50, 4)
    for answer, k in zip(y.unbind(-1), delays, strict=True):
        assert torch.equal(answer[:, k:], x[:, : 50 - k, 0])
        assert (answer[:, :k] == 0).all()


@pytest.mark.parametrize("band", [0.05, 0.2, 0.5])
def test_variance_and_correlation_are_those_of_an_ideal_low_pass(band: float):
    x = DelayMemory(100, (0,), band).draw(40_000, generator()).x.squeeze(-1).double()
    assert float(x.mean()) == pytest.approx(0, abs=0.02)
    for lag in (0, 1, 3, 10, 40):
        measured = float((x[:, 50] * x[:, 50 + lag]).mean())
        angle = 2 * math.pi * band * lag
        expected = math.sin(angle) / angle if lag else 1.0
        assert measured == pytest.approx(expected, abs=0.04), f"lag {lag}"  # deviation 0.005 to 0.007


def test_no_power_above_the_band():
    """A window lets power leak to its sides, but little of it far."""
    x = DelayMemory(512, (0,), 0.05).draw(200, generator()).x.squeeze(-1).double()
    power = torch.fft.rfft(x * torch.hann_window(512, dtype=torch.float64)).abs().square().mean(0)
    above = torch.arange(257) / 512 > 0.06
    assert float(power[above].sum() / power.sum()) < 1e-4
    inside = power[4:20]
    assert float(inside.max() / inside.min()) < 2, "not flat inside the band"


def test_floors():
    """Guessing scores 0; the present value scores the square of the correlation, at best."""
    task = DelayMemory(400, (3,))
    x, y = task.test()
    c = math.sin(0.3 * math.pi) / (0.3 * math.pi)
    assert float(task.objective.score(torch.zeros_like(y), y)) == pytest.approx(0, abs=1e-3)
    assert float(task.objective.score(c * x, y)) == pytest.approx(c**2, abs=0.02)
    assert float(task.objective.score(y, y)) == 1


def missed(a: np.ndarray, b: np.ndarray, dt: float, band: float = 0.05) -> float:
    """The share of u(t - 64) that a ridge read-out of x' = a x + b u misses, by the bilinear rule."""
    x, y = (part[0].double().numpy() for part in DelayMemory(6000, (64,), band).draw(1, generator(3)))
    unit = np.eye(len(a))
    inverse = np.linalg.inv(unit - dt / 2 * a)
    step, drive = inverse @ (unit + dt / 2 * a), inverse @ b * dt
    states = np.zeros((len(x), len(a)))
    for t in range(1, len(x) + 1):
        states[t - 1] = step @ (states[t - 2] if t > 1 else 0 * b) + drive * x[t - 1, 0]
    states /= states[500:4000].std(0)
    learn, test = slice(500, 4000), slice(4000, 6000)
    gram = states[learn].T @ states[learn] + 1e-6 * np.eye(len(a))
    read = np.linalg.solve(gram, states[learn].T @ y[learn])
    return float(((states[test] @ read - y[test]) ** 2).mean() / (y[test] ** 2).mean())


LEGS = tuple(part.numpy() for part in legs(64))


@pytest.mark.parametrize("dt", [1 / 256, 1 / 128, 1 / 64, 1 / 32])
def test_legs_holds_a_slow_signal_at_every_time_scale(dt: float):
    assert missed(*LEGS, dt) < 1e-4


def test_real_decays_alone_do_not():
    """Their answers to an impulse are too much alike."""
    a = -np.diag(np.arange(1.0, 65.0))
    assert all(0.3 < missed(a, np.ones(64), dt) < 0.9 for dt in (1 / 128, 1 / 64, 1 / 16))


def test_sixty_four_states_do_not_hold_sixty_four_steps_of_white_noise():
    assert all(0.65 < missed(*LEGS, dt, band=0.5) < 0.9 for dt in (1 / 256, 1 / 128, 1 / 64, 1 / 32))


def test_sequences_are_not_shared():
    task = DelayMemory(32, (8,))
    rows = [{row.tobytes() for row in part.x.numpy()} for part in (task.valid(), task.test())]
    assert not rows[0] & rows[1] and len(rows[0]) == 1000
    for seed in range(5):
        assert not {row.tobytes() for row in task.draw(1000, generator(seed)).x.numpy()} & (rows[0] | rows[1])


def test_bad_sizes():
    with pytest.raises(BadInput, match="delays from 0 to 9"):
        DelayMemory(10, (10,))
    with pytest.raises(BadInput, match="delays"):
        DelayMemory(10, ())
    with pytest.raises(BadInput, match="band above 0"):
        DelayMemory(10, (1,), 0.6)
