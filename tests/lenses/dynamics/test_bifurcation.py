"""Bifurcations that are known: of the hyperbolic tangent, of turns, and of flips."""

import numpy as np
import pytest
import torch

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.lenses.dynamics.bifurcation import _crossing, bifurcation

GAINS = np.linspace(0.55, 1.45, 19)
FEW = GAINS[5:14]


def test_a_point_that_splits_crosses_at_a_gain_of_one():
    """h' = tanh(g h): one stable point up to 1, then two; the one that is followed is 0, with the slope g."""
    systems = [lambda h, gain=gain: torch.tanh(gain * h) for gain in GAINS]
    found = bifurcation(systems, torch.tensor([[-0.7], [0.1], [0.6]]), event=9.0)
    assert found.crossing == pytest.approx(9, abs=1e-6) and found.angle == 0 and found.period == np.inf
    np.testing.assert_allclose(found.leading, GAINS, atol=1e-6)
    np.testing.assert_allclose(found.point, 0, atol=1e-6)
    assert found.stable[:9].tolist() == [1] * 9 and found.stable[10:].tolist() == [2] * 9
    assert found.points[-1] == 3 and found.error == 0.5


def test_a_pair_that_turns_makes_a_cycle_of_its_period():
    """tanh(g R h), a turn by 2 pi / 10: the pair leaves the circle at g = 1, at that angle."""
    angle = 2 * np.pi / 10
    turn = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    systems = [lambda h, gain=gain: torch.tanh(gain * h @ turn.T) for gain in GAINS]
    found = bifurcation(systems, 0.3 * normal(9, 2), rate=100.0)
    assert found.crossing == pytest.approx(9, abs=1e-6) and found.angle == pytest.approx(angle)
    assert found.period == pytest.approx(0.1) and found.stable[-1] == 0


def test_a_slope_of_minus_one_makes_a_cycle_of_two_steps():
    systems = [lambda h, gain=gain: -torch.tanh(gain * h) for gain in GAINS]
    found = bifurcation(systems, torch.tensor([[0.2], [0.4]]))
    assert found.angle == pytest.approx(np.pi) and found.period == pytest.approx(2)


def test_crossings_lie_between_the_systems():
    systems = [lambda h, gain=gain: torch.tanh(gain * h) for gain in (0.7, 0.9, 1.3)]
    found = bifurcation(systems, torch.tensor([[0.1]]))
    assert found.crossing == pytest.approx(1.25, abs=1e-6)


def test_what_stays_stable_or_was_never_stable_does_not_cross():
    for gains in ((0.2, 0.5, 0.9), (1.2, 1.5, 1.9)):
        systems = [lambda h, gain=gain: torch.tanh(gain * h) * 1.0 for gain in gains]
        found = bifurcation(systems, torch.zeros(1, 1), event=1.0)
        assert np.isnan([found.crossing, found.angle, found.period, found.p, found.error]).all()


def test_the_point_is_followed_where_it_moves():
    """h' = h / 2 + k / 2: the point is k."""
    systems = [lambda h, k=k: h / 2 + k / 2 for k in range(4)]
    found = bifurcation(systems, torch.zeros(2, 1))
    np.testing.assert_allclose(found.point[:, 0], range(4), atol=1e-9)


def test_a_point_that_vanishes_leaves_nothing():
    """h' = h + h^2 + e has two points below e = 0, one of them stable, and none above."""
    systems = [lambda h, e=e: h + h**2 + e for e in (-0.2, -0.1, 0.1)]
    found = bifurcation(systems, torch.tensor([[-0.5], [-0.4], [0.5]]))
    assert found.points.tolist() == [2, 2, 0] and found.stable.tolist() == [1, 1, 0]
    assert np.isnan(found.point[2]).all() and np.isnan(found.leading[2])


def test_events_at_random_are_near_as_often_as_the_test_says():
    systems = [lambda h, gain=gain: torch.tanh(gain * h) for gain in FEW]
    p = [bifurcation(systems, torch.tensor([[0.1]]), event=float(at)).p for at in range(len(FEW))]
    assert min(p) == pytest.approx(2 / 10) and max(p) == pytest.approx(1)
    for level in (0.1, 0.2, 0.5, 0.8):
        assert np.mean(np.array(p) <= level + 1e-9) <= level + 1e-9


def test_networks_are_followed_along_their_weights():
    torch.manual_seed(0)
    layers = []
    for gain in (0.2, 1.0, 6.0):
        layer = Elman(5, inputs=2).double()
        with torch.no_grad():
            for number, weight in enumerate(layer.parameters()):
                weight.copy_(gain * 0.5 * normal(*weight.shape, seed=number))
        layers.append(layer)
    found = bifurcation(layers, 0.2 * normal(20, 5), torch.zeros(2))
    assert found.leading[0] < 1 < found.leading[2] and 0 < found.crossing < 2
    for layer, point in zip(layers, found.point, strict=True):
        row = torch.from_numpy(point)[None]
        torch.testing.assert_close(layer.step(torch.zeros(1, 2).double(), row)[1], row, atol=1e-8, rtol=0)


@pytest.mark.parametrize(
    ("count", "words", "message"),
    [
        (1, {}, "two systems or more and a rate above 0, got 1"),
        (3, {"rate": 0.0}, "a rate above 0"),
        (3, {"event": 2.5}, "an event from 0 to 2, got 2.5"),
        (3, {"event": -1.0}, "an event from 0 to 2"),
        (3, {"x": normal(3)}, "an input of 2 channels, got 3"),
    ],
)
def test_what_does_not_fit_is_refused(count, words, message):
    with pytest.raises(BadInput, match=message):
        bifurcation([Elman(4, inputs=2)] * count, normal(3, 4), **words)


@pytest.mark.parametrize(
    ("leading", "wanted"),
    [
        ([0.5, 1.0], 1.0),
        ([1.0, 1.2], np.nan),
        ([1.5, 0.5, 1.25], 1 + 0.5 / 0.75),
        ([0.5, 0.75, 1.25, 0.5, 2.0], 1.5),
        ([0.5, np.nan, 2.0], np.nan),
        ([np.nan, 0.9, 1.1], 1.5),
    ],
)
def test_the_first_crossing_from_below_counts(leading: list[float], wanted: float):
    values = np.array(leading) * np.exp(1j * np.arange(len(leading)))
    at, angle = _crossing(np.array(leading), values)
    assert at == pytest.approx(wanted, nan_ok=True)
    assert angle == pytest.approx(np.ceil(wanted), nan_ok=True), "that of the eigenvalue after it"


def test_a_modulus_of_one_is_not_stable():
    found = bifurcation([lambda h: h / 2, lambda h: h * 1.0], torch.tensor([[0.5]]))
    assert found.crossing == 1 and found.stable.tolist() == [1, 0]


@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_the_point_of_most_starts_is_followed_and_where_it_is_lost_the_nearest(unit: float):
    """tanh(3 h + b) of three points, of one for b = 2; one map that only drifts has none."""

    def bent(b: float):
        return lambda h: unit * torch.tanh(3 * h / unit + b)

    systems = [bent(0.0), bent(0.2), lambda h: h + unit, bent(2.0), bent(0.0)]
    start = unit * torch.tensor([[0.9], [-0.9], [-0.8]], dtype=torch.float64)
    found = bifurcation(systems, start)
    lower, low, upper, high = -0.99505, -0.99244, 0.99990, 0.99505
    np.testing.assert_allclose(found.point[:, 0] / unit, [lower, low, np.nan, upper, high], atol=2e-4)
    for system, point in zip(systems, found.point, strict=True):
        if np.isfinite(point).all():
            assert system(torch.from_numpy(point)).numpy() == pytest.approx(point, abs=1e-8 * unit)
    assert found.points.tolist() == [2, 2, 0, 1, 2] and found.stable.tolist() == [2, 2, 0, 1, 2]
    np.testing.assert_allclose(found.leading[[0, 4]], 3 * (1 - lower**2), atol=1e-3)


def test_eigenvalues_are_told_from_the_largest_on_and_the_first_crosses():
    """h' = (k h_1, 0.1 h_2, 0.5 h_3), k from -0.5 to -1.5: at -1 by a flip, of two steps, at a rate of 4."""
    systems = [lambda h, k=k: h * torch.tensor([k, 0.1, 0.5]) for k in (-0.6, -0.9, -1.4)]
    found = bifurcation(systems, torch.ones(2, 3), event=1.0, rate=4.0)
    np.testing.assert_allclose(found.eigenvalues, [[k, 0.5, 0.1] for k in (-0.6, -0.9, -1.4)], atol=1e-6)
    np.testing.assert_allclose(found.leading, [0.6, 0.9, 1.4], atol=1e-6)
    assert found.crossing == pytest.approx(1.2) and found.angle == pytest.approx(np.pi)
    assert found.period == pytest.approx(0.5) and found.error == 0.5
    np.testing.assert_allclose(found.null, [1.2, 0.2, 0.8], atol=1e-6)
    assert found.p == pytest.approx(2 / 4), "one place of three is as near"


def test_points_that_are_nearer_than_a_thousandth_of_the_starts_are_one():
    """h' = h leaves all where they are; the size of the starts is about 1."""
    for unit in (1.0, 64.0, 1e-200):
        start = unit * torch.tensor([[1.0], [1.0009], [-1.0], [1.003]], dtype=torch.float64)
        assert bifurcation([lambda h: h * 1.0] * 2, start).points.tolist() == [3, 3]


def test_what_moves_a_little_is_not_fixed():
    """By 3e-9 or by a tenth of that, of a size of 1 and of 1024."""
    for unit in (1.0, 1024.0):
        for step, points in ((3e-9, 0), (3e-10, 1)):
            systems = [lambda h, step=step * unit: h + step] * 2
            assert bifurcation(systems, torch.tensor([[unit]])).points.tolist() == [points] * 2


def test_events_may_lie_at_either_end():
    systems = [lambda h, gain=gain: torch.tanh(gain * h) for gain in (0.5, 1.5)]
    for event in (0.0, 1.0):
        assert bifurcation(systems, torch.tensor([[0.1]]), event=event).p == 1
    assert np.isnan(bifurcation(systems, torch.tensor([[0.1]])).p)
