"""Kuramoto-Sivashinsky: growth of single modes, order of the scheme, what is kept, and the floors."""

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.dynamics._shared import valid_prediction_time
from wavetrain.tasks.dynamics.kuramoto_sivashinsky import LYAPUNOV, integrate, kuramoto_sivashinsky


def wave(domain: float, points: int, mode: int, size: float) -> np.ndarray:
    return size * np.cos(2 * np.pi * mode / points * np.arange(points))[None]


@pytest.mark.parametrize("mode", [1, 2, 3, 4, 5])
def test_small_modes_grow_and_shrink_as_they_should(mode: int):
    """exp((k² - k⁴) t): those with k below 1 grow, the others shrink."""
    k = 2 * np.pi * mode / 22
    after = integrate(wave(22, 64, mode, 1e-8), 22.0, 0.25, 8)[0, -1]
    rate = np.log(abs(np.fft.rfft(after)[mode]) / (32 * 1e-8)) / 2
    assert rate == pytest.approx(k**2 - k**4, rel=1e-6) and (rate > 0) == (mode < 4)


def test_the_scheme_is_of_fourth_order():
    start = wave(22, 16, 1, 1.0) + wave(22, 16, 2, 0.5)  # few points: stiff modes lower the order

    def end(step: float) -> np.ndarray:
        return integrate(start, 22.0, step, round(2 / step))[0, -1]

    true = end(1 / 512)
    errors = [abs(end(step) - true).max() for step in (1 / 8, 1 / 16, 1 / 32, 1 / 64)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == pytest.approx([4, 4, 4], abs=0.1)


def test_against_the_equation():
    """The change of one short step is -u u_x - u_xx - u_xxxx, from sums of cosines."""
    x, k = np.arange(64) * 22 / 64, 2 * np.pi / 22
    u = np.cos(k * x) + 0.5 * np.sin(2 * k * x)
    u_x = -k * np.sin(k * x) + k * np.cos(2 * k * x)
    u_xx = -(k**2) * np.cos(k * x) - 2 * k**2 * np.sin(2 * k * x)
    u_xxxx = k**4 * np.cos(k * x) + 8 * k**4 * np.sin(2 * k * x)
    change = (integrate(u[None], 22.0, 1e-5, 1)[0, 1] - u) / 1e-5
    assert change == pytest.approx(-u * u_x - u_xx - u_xxxx, abs=1e-4)


def test_the_mean_is_kept_and_short_domains_decay():
    noise = np.random.default_rng(1).normal(0.3, 1.0, (5, 64))
    states = integrate(noise, 22.0, 0.25, 200)
    assert states.mean(-1) == pytest.approx(noise.mean(1, keepdims=True).repeat(201, 1), abs=1e-12)
    noise -= noise.mean(1, keepdims=True)
    assert abs(integrate(noise, 6.0, 0.25, 800)[:, -1]).max() < 1e-3


def test_task_and_floors():
    task = kuramoto_sivashinsky()
    x, y = task.test()
    assert x.shape[1:] == y.shape[1:] == (32, 64) and task.window == 32
    assert float(task.objective.score(x, y)) > 0.9, "saying the last sample again"
    truth, rate = task.held_test, LYAPUNOV[22.0]
    last = truth[:, :1].expand(-1, 96, -1)
    assert 0.1 < float(valid_prediction_time(last, truth[:, 1:], 0.25, rate).mean()) < 0.4
    zero = valid_prediction_time(torch.zeros_like(truth), truth, 0.25, rate)
    assert float(zero.mean()) < 0.1


def test_deviation():
    """1.18 on a domain of 22."""
    start = 0.01 * np.random.default_rng(3).standard_normal((60, 64))
    start -= start.mean(1, keepdims=True)
    assert integrate(start, 22.0, 0.25, 800)[:, 500:].std() == pytest.approx(1.18, abs=0.08)


def test_bad_sizes():
    with pytest.raises(BadInput, match="points must be"):
        kuramoto_sivashinsky(points=2)
