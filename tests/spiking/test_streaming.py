"""Streaming: it is two layers of LIF one after the other, learns its thresholds, and fires by hand."""

import math
from contextlib import nullcontext

import pytest
import torch

from tests.promises import normal
from wavetrain import scan
from wavetrain.core.surrogate import Surrogate
from wavetrain.errors import BadInput
from wavetrain.parts.firing import Firing, Reset
from wavetrain.parts.surrogate import Arctan, FastSigmoid, Triangle
from wavetrain.spiking import LIF, Streaming
from wavetrain.spiking.streaming import STREAMING, Population, fading

SLOW = Population(tau=30.0, threshold=0.5, reset=Reset.ZERO)
QUICK = Population(tau=6.0, threshold=0.3)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same weights in each run."""
    torch.manual_seed(0)


def alone() -> Streaming:
    """One unit each, whose input is its current."""
    layer = Streaming(1, 1, hidden=1).double()
    for linear in (layer.encode, layer.onward):
        linear.weight.data.fill_(1)
        linear.bias.data.zero_()
    return layer


def test_it_begins_as_the_paper_has_it() -> None:
    layer = Streaming(48, 96)
    for found, expected in zip((*layer.kept(), *layer.thresholds()), (0.9, 0.7, 0.4, 0.6), strict=True):
        torch.testing.assert_close(found, torch.full_like(found, expected))
    assert [len(one) for one in layer.kept()] == [32, 48]


@pytest.mark.parametrize("silence", [0, 2])
@pytest.mark.parametrize("populations", [STREAMING, (SLOW, QUICK)])
def test_it_is_lif_after_lif(populations: tuple[Population, Population], silence: int) -> None:
    """Spikes and potentials to rounding of the threshold, which is the exponential of what is learned."""
    layer = Streaming(5, 3, 7, populations).double()
    layer.silence = silence
    x, spikes = 3 * normal(2, 60, 3), []
    seen = x
    for one, linear in zip(populations, (layer.encode, layer.onward), strict=True):
        firing = Firing(threshold=one.threshold, reset=one.reset, refractory=4.0 * silence)
        lif = LIF(linear.out_features, linear.in_features, tau=one.tau, firing=firing, dt=4.0).double()
        lif.encode.load_state_dict(linear.state_dict())
        seen, (v, silent) = lif(seen)
        spikes.append((seen, v, silent))
    y, (v, silent, u, still) = layer(x)
    assert y.any() and torch.equal(y, spikes[1][0])
    theta, phi = (one.threshold for one in populations)
    for found, expected in zip(
        (theta * u, still, phi * v, silent), (*spikes[0][1:], *spikes[1][1:]), strict=True
    ):
        near = 1e-6 if found.is_floating_point() else 0  # they begin in single precision
        torch.testing.assert_close(found, expected, rtol=near, atol=near)


def test_three_steps_by_hand() -> None:
    """0.5 fires the first unit, which keeps 0.1; 1 reaches the second at once, which is not reset."""
    layer, state = alone(), None
    for x, z, s, u, v in ((0.5, 1, 1, 0.1, 1.0), (0.3, 0, 1, 0.39, 0.7), (0.0, 0, 0, 0.351, 0.49)):
        y, state = layer(torch.full((1, 1, 1), x, dtype=torch.float64), state)
        assert y.item() == s, z
        assert 0.4 * state[2].item() == pytest.approx(u, abs=1e-6)
        assert 0.6 * state[0].item() == pytest.approx(v, abs=1e-6)


def test_thresholds_and_time_constants_learn_and_stay_above_zero() -> None:
    layer = Streaming(6, 3)
    layer(3 * torch.randn(4, 30, 3))[0].sum().backward()
    learned = [layer.theta, layer.phi, layer.tau.log, layer.tau_first.log]
    assert all(one.grad is not None and one.grad.any() for one in learned)
    for one in learned:
        one.data.fill_(-30.0)
    assert all((one > 0).all() for one in layer.thresholds())
    assert layer(torch.randn(2, 5, 3))[0].isfinite().all()


def test_a_higher_threshold_lets_fewer_spikes_through() -> None:
    """The gradient of a threshold has the sign of what it does."""
    layer = alone()
    layer(torch.full((1, 40, 1), 0.2, dtype=torch.float64))[0].sum().backward()
    assert layer.phi.grad is not None and layer.phi.grad.item() < 0
    few = alone()
    few.phi.data.fill_(math.log(2.0))
    x = torch.full((1, 40, 1), 0.2, dtype=torch.float64)
    assert few(x)[0].sum() < alone()(x)[0].sum()


def test_without_learning_only_the_connections_do() -> None:
    layer = Streaming(4, 3, learned=False)
    assert {name for name, one in layer.named_parameters() if one.requires_grad} == {
        f"{linear}.{part}" for linear in ("encode", "onward") for part in ("weight", "bias")
    }


def test_a_share_that_is_kept_is_a_time_constant() -> None:
    assert math.exp(-4 / fading(0.9)) == pytest.approx(0.9, rel=1e-12)


def test_bad_input() -> None:
    for bad in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(BadInput, match=f"a threshold above 0, and not without end, got {bad}"):
            Population(tau=20.0, threshold=bad)
    with pytest.raises(BadInput, match="Streaming: hidden must be a whole number of at least 1, not 0"):
        Streaming(3, hidden=0)
    with pytest.raises(BadInput, match=r"expected tau above 0 ms, got 0\.0"):
        Streaming(3, populations=(Population(tau=0.0, threshold=1.0), QUICK))


@pytest.mark.parametrize("surrogate", [Arctan(), FastSigmoid(), Triangle()], ids=repr)
def test_the_fused_walk_is_the_steps(surrogate: Surrogate) -> None:
    """Spikes and states to the last bit, gradients to rounding, through both populations and thresholds."""
    layer, x, found = Streaming(5, 3, 7, surrogate=surrogate), 3 * normal(2, 40, 3).float(), []
    pull = normal(2, 40, 5, seed=2).float()
    for plain in (False, True):
        with scan.only_plain() if plain else nullcontext():
            y, last = layer(x)
            slopes = torch.autograd.grad((y * pull).sum() + last[0].sum(), list(layer.parameters()))
            found.append((y, last, slopes))
        assert scan.routes()["lif"] == ("plain" if plain else "numba")
    (y, last, slopes), (expected, end, steps) = found
    assert y.any() and y.equal(expected)
    assert all(one.equal(other) for one, other in zip(last, end, strict=True))
    torch.testing.assert_close(slopes, steps, rtol=1e-4, atol=1e-4)
