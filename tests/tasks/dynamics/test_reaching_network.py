"""The reaching network: a stable circuit that keeps Dale's law, an exact step, and scores at their floors."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm, schur, solve_continuous_lyapunov
from scipy.optimize import brentq

from wavetrain.errors import BadInput
from wavetrain.tasks.dynamics import reaching_network as module
from wavetrain.tasks.dynamics.reaching_network import (
    ReachingNetwork,
    abscissa,
    moved,
    rate,
    stabilised,
    unstable,
)

SIZES = (20, 40)


@pytest.mark.parametrize("neurons", SIZES)
def test_the_circuit_is_stable_and_keeps_its_signs(neurons: int):
    weights, half = stabilised(neurons, 0), neurons // 2
    assert abscissa(weights) < 1 < abscissa(unstable(neurons, 0))
    assert (weights[:, :half] >= 0).all() and (weights[:, half:] <= 0).all()
    assert (np.diag(weights) == 0).all()
    assert np.array_equal(weights[:, :half], unstable(neurons, 0)[:, :half]), "excitation is not learned"
    assert (weights[:, half:] < 0).mean() <= module.KEPT + 1 / neurons


def test_the_slope_is_that_of_the_smooth_abscissa():
    """The gradient of s, where trace Q(s) is held, is P Q / tr(P Q): by differences."""
    weights, eye = unstable(10, 3) / 3, np.eye(10)

    def energy(s: float, w: np.ndarray) -> float:
        return float(np.trace(solve_continuous_lyapunov(w - s * eye, -2 * eye)))

    s = abscissa(weights) + 2.0
    level = energy(s, weights)
    q, p = module.gramians(*schur(weights), s)
    np.testing.assert_allclose(p, solve_continuous_lyapunov((weights - s * eye).T, -2 * eye))
    slope = p @ q / np.trace(p @ q)
    for at in ((1, 7), (4, 2)):
        found = []
        for small in (1e-5, -1e-5):
            near = weights.copy()
            near[at] += small
            found.append(brentq(lambda s, near=near: energy(s, near) - level, s - 0.1, s + 0.1, xtol=1e-13))
        assert (found[0] - found[1]) / 2e-5 == pytest.approx(slope[at], rel=1e-4)


def test_a_small_state_moves_as_the_linear_circuit_does():
    weights = stabilised(20, 0)
    states = moved(20, 0, 2, 5)
    fade = np.exp(-1 / module.TAU)
    for now, then in zip(states.swapaxes(0, 1)[:-1], states.swapaxes(0, 1)[1:], strict=True):
        np.testing.assert_allclose(then, fade * now + (1 - fade) * rate(now) @ weights.T, rtol=1e-12)
    slow = (weights - np.eye(20)) / module.TAU
    linear = states[:, 0] @ expm(slow).T
    np.testing.assert_allclose(states[:, 1], linear, atol=2e-2 * np.abs(states[:, 0]).max())


def plain(neurons: int, circuit: int) -> np.ndarray:
    """The descent with another solver: 400 steps of 10 down the smooth abscissa, which is held near 0.15."""
    weights, half, eye = unstable(neurons, circuit), neurons // 2, np.eye(neurons)
    least, best = np.inf, weights
    for _ in range(400):
        now = np.linalg.eigvals(weights).real.max()
        if now < least:
            least, best = now, weights
        if now <= 0.15:
            break
        shifted = weights - max(1.5 * now, now + 0.2) * eye
        q = solve_continuous_lyapunov(shifted, -2 * eye)
        p = solve_continuous_lyapunov(shifted.T, -2 * eye)
        stepped = weights - 10 * (p @ q) / np.trace(p @ q)
        stepped[np.diag_indices(neurons)] = 0
        columns = np.minimum(stepped[:, half:], 0)
        columns = columns * (-3 * weights[:, :half].mean() / columns.mean())
        columns[columns > np.quantile(columns, 0.4)] = 0
        weights = np.hstack([weights[:, :half], columns])
    return best


@pytest.mark.parametrize(("neurons", "circuit"), [(16, 1), (20, 0)])
def test_the_descent_is_that_of_a_plain_program(neurons: int, circuit: int):
    """From above 5 and 9 over tens of steps, up and down, to below 0.15."""
    assert abscissa(unstable(neurons, circuit)) > 5 and 0.13 < abscissa(stabilised(neurons, circuit)) < 0.15
    np.testing.assert_allclose(stabilised(neurons, circuit), plain(neurons, circuit), rtol=1e-6, atol=1e-8)


def test_a_circuit_before_the_descent():
    """One weight in ten is there, and the circle of eigenvalues has a radius of ten; none is its own."""
    weights = unstable(300, 5)
    size = 2**0.5 * 10 / (0.1 * 0.9 * (1 + 3**2) * 300) ** 0.5
    assert not np.diag(weights).any()
    for part, value in ((weights[:, :150], size), (weights[:, 150:], -3 * size)):
        assert part[part != 0] == pytest.approx(value, rel=1e-12)
        assert (part != 0).mean() == pytest.approx(0.1, abs=5 * (0.09 / 45_000) ** 0.5)
    bulk = np.sort(np.abs(np.linalg.eigvals(weights)))
    assert bulk[int(0.9 * 300)] == pytest.approx(0.95 * 10, rel=0.1)  # evenly over the disc


def test_starts_evoke_the_most_activity():
    """The energy that a start evokes in the linear circuit is a quadratic form: its first axes are taken."""
    weights = stabilised(20, 0)
    form = solve_continuous_lyapunov((weights - np.eye(20)).T, -2 * np.eye(20))
    values, axes = np.linalg.eigh(form)
    for number, start in enumerate(moved(20, 0, 3, 2)[:, 0]):
        unit = start / np.linalg.norm(start)
        assert unit @ form @ unit == pytest.approx(values[-1 - number])
        assert abs(unit @ axes[:, -1 - number]) == pytest.approx(1)
        assert unit[np.abs(unit).argmax()] > 0


def test_chance_is_that_of_the_mean_movement():
    task = ReachingNetwork(conditions=3, length=60, neurons=20)
    y = task.movements().y.double()
    left = ((y - y.mean(0)) ** 2).sum() / ((y - y.mean((0, 1))) ** 2).sum()
    assert task.chance == pytest.approx(float(1 - left), rel=1e-9) and 0 < task.chance < 1
    assert task.every_step and not task.tokens and (task.inputs, task.outputs) == (3, 2)
    assert float(task.objective.score(y.mean(0).expand_as(y), y)) == pytest.approx(task.chance)


def test_starts_have_their_length_and_are_orthogonal():
    first = moved(20, 0, 3, 5)[:, 0]
    np.testing.assert_allclose(first @ first.T, 1.5**2 * 20 * np.eye(3), atol=1e-9)


def test_rates_saturate_and_have_slope_one_at_rest():
    assert rate(np.array([-1e9, 0.0, 1e9])).tolist() == [-20.0, 0.0, 80.0]
    assert rate(np.array([1e-4])) == pytest.approx(1e-4, rel=1e-9)


def test_a_cue_names_its_movement():
    task = ReachingNetwork(conditions=3, length=60, cue=5, neurons=20)
    x, y = task.draw(40, torch.Generator().manual_seed(1))
    which, every = x[:, 0].argmax(1), task.movements()
    assert torch.equal(y, every.y[which]) and which.unique().tolist() == [0, 1, 2]
    assert (x[:, :5].sum(-1) == 1).all() and not x[:, 5:].any()
    torch.testing.assert_close(every.y.square().mean((0, 1)), torch.ones(2))


def test_muscles_are_linear_in_the_rates():
    task = ReachingNetwork(conditions=3, length=60, neurons=20)
    rates, y = task.rates().flatten(0, 1), task.movements().y.flatten(0, 1).double()
    fitted = rates @ torch.linalg.lstsq(rates, y).solution
    torch.testing.assert_close(fitted, y, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "words", [{"neurons": 21}, {"conditions": 30, "neurons": 20}, {"length": 1}, {"cue": 0}]
)
def test_bad_sizes(words):
    with pytest.raises(BadInput, match="reaching network"):
        ReachingNetwork(**words)


def test_as_many_movements_as_neurons():
    assert ReachingNetwork(conditions=12, length=2, cue=1, neurons=12).movements().x.shape == (12, 2, 12)
