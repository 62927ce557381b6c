"""Lorenz 96: what the equations keep and damp, the exponent, and the floors of the forecast."""

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.dynamics._shared import valid_prediction_time
from wavetrain.tasks.dynamics.kuramoto_sivashinsky import kuramoto_sivashinsky
from wavetrain.tasks.dynamics.lorenz96 import LYAPUNOV, integrate, lorenz96, tendency


def states(sites: int = 40) -> np.ndarray:
    return np.random.default_rng(1).normal(2.0, 3.0, (6, sites))


def test_tendency_site_by_site():
    x = states(7)
    for row, slope in zip(x, tendency(x, 8.0), strict=True):
        for j in range(7):
            expected = (row[(j + 1) % 7] - row[j - 2]) * row[j - 1] - row[j] + 8
            assert slope[j] == pytest.approx(expected)


def test_advection_keeps_the_energy():
    x = states()
    assert (x * (tendency(x, 8.0) + x - 8.0)).sum(1) == pytest.approx(0, abs=1e-10)


def test_without_forcing_the_energy_decays():
    times = np.linspace(0, 1, 5)
    energy = (integrate(states(), 0.0, times) ** 2).sum(-1)
    assert energy == pytest.approx(energy[:, :1] * np.exp(-2 * times), rel=1e-5)


def test_rest_is_a_fixed_point():
    rest = np.full((1, 40), 8.0)
    assert (tendency(rest, 8.0) == 0).all()
    assert integrate(rest, 8.0, np.array([0.0, 5.0])) == pytest.approx(8.0)


def test_deviation_and_exponent():
    """3.64 for F = 8; twins part at the rate of the exponent."""
    noise = np.random.default_rng(2).standard_normal((60, 40))
    start = integrate(8 + 0.01 * noise, 8.0, np.array([0.0, 12.0]))[:, 1]
    assert start.std() == pytest.approx(3.64, abs=0.15)
    twin = start + 1e-4 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    times = np.array([0.0, 1.0, 4.0])
    apart = np.log(np.linalg.norm(integrate(twin, 8.0, times) - integrate(start, 8.0, times), axis=-1))
    rate = (apart[:, 2] - apart[:, 1]).mean() / 3
    assert rate == pytest.approx(LYAPUNOV[8.0], abs=0.25)


def test_task_and_floors():
    task = lorenz96()
    x, y = task.test()
    assert x.shape[1:] == y.shape[1:] == (32, 40) and task.window == 32
    assert len(task.train) == 28 and len(task.held_valid) == len(task.held_test) == 6
    assert float(task.objective.score(x, y)) > 0.99, "saying the last sample again"
    truth, step, rate = task.held_test, 0.01, LYAPUNOV[8.0]
    last = truth[:, :1].expand(-1, 199, -1)
    time = valid_prediction_time(last, truth[:, 1:], step, rate)
    assert 0.05 < float(time.mean()) < 0.5
    assert (valid_prediction_time(truth[:, 1:], truth[:, 1:], step, rate) == 199 * step * rate).all()
    mean = valid_prediction_time(torch.zeros_like(truth), truth, step, rate)
    assert float(mean.mean()) == pytest.approx(0, abs=1e-6)


def test_bad_sizes():
    with pytest.raises(BadInput, match="sites must be"):
        lorenz96(sites=3)
    with pytest.raises(BadInput, match="window of 200"):
        lorenz96(window=200, transient=0.1)


@pytest.mark.parametrize("samples", [0, 1])
def test_a_series_without_a_next_sample_is_refused(samples: int):
    for task in (lorenz96, kuramoto_sivashinsky):
        with pytest.raises(BadInput, match=f"samples must be .*{samples}"):
            task(samples=samples)


@pytest.mark.parametrize("words", [{"step": 0.0}, {"step": np.nan}, {"step": np.inf}, {"transient": -0.1}])
def test_times_that_cannot_be_are_refused(words: dict[str, float]):
    for task in (lorenz96, kuramoto_sivashinsky):
        with pytest.raises(BadInput, match="a step above 0 and a transient of at least 0"):
            task(**words)


@pytest.mark.parametrize(("task", "steps"), [(lorenz96, 0.01), (kuramoto_sivashinsky, 0.25)])
def test_the_transient_is_what_is_left_out(task, steps: float):
    """Four steps of it: the same trajectories from the fifth sample on, but for scale and zero."""
    few = {"trajectories": 4, "window": 5, "step": steps}
    whole, part = task(samples=24, transient=0.0, **few), task(samples=20, transient=4 * steps, **few)
    assert whole.train.shape[1] == 24 and part.train.shape[1] == 20
    one, two = (flat.flatten(0, 1).double() for flat in (whole.train[:, 4:], part.train))
    one, two = ((flat - flat.mean(0)) / flat.std(0) for flat in (one, two))
    torch.testing.assert_close(one, two, atol=2e-3, rtol=0)
