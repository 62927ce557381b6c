"""Potentials in closed form, spikes that come earlier with more drive, rests, lags and a gradient."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.networks.phase_coding import PhaseCoding


def steps(network: PhaseCoding, drive: float, time: int) -> list[int]:
    with torch.no_grad():
        spikes = network(torch.full((1, time, 1), drive))
    return torch.nonzero(spikes[0, :, 0])[:, 0].tolist()


@torch.no_grad()
def test_without_a_rhythm_it_is_a_leaky_neuron():
    network = PhaseCoding(1, depth=0.0, tau=20.0, rest=3).double()
    _, (v, _, at) = network.carry(torch.full((1, 10, 1), 0.9).double())
    assert float(v) == pytest.approx(0.9 * (1 - 0.95**10)) and float(at) == 10
    first = math.ceil(math.log(1 - 1 / 1.5) / math.log(0.95))  # v crosses 1 on its way to 1.5
    assert steps(network.float(), 1.5, 100) == list(range(first - 1, 100, first + 3))
    assert steps(network, 0.99, 500) == []


@torch.no_grad()
def test_the_rhythm_is_a_cosine_that_holds_back_most_at_its_lag():
    time = torch.arange(40, dtype=torch.float64)
    for lag in (0.0, 1.3):
        network = PhaseCoding(1, period=40.0, depth=0.6, tau=10.0, lag=lag).double()
        state, v = network.begin(1), 0.0
        for now in range(40):
            v += (0.5 - 0.3 * (1 + math.cos(2 * math.pi * now / 40 - lag)) - v) / 10
            _, state = network.step(torch.full((1, 1), 0.5).double(), state)
            assert float(state[0]) == pytest.approx(v)
        assert len(time) == float(state[2])


def test_the_first_spike_of_a_cycle_comes_earlier_with_more_drive():
    network = PhaseCoding(1, period=133.0)
    first = [min(step for step in steps(network, drive, 400) if step > 133) for drive in (1.2, 1.4, 1.6, 1.8)]
    assert first == sorted(first, reverse=True) and len(set(first)) == 4


def test_a_lag_moves_the_spikes():
    later = [steps(PhaseCoding(1, period=100.0, lag=lag), 1.2, 1000) for lag in (0.0, math.pi)]
    phases = [sum(step % 100 for step in one[2:]) / len(one[2:]) for one in later]
    assert abs(abs(phases[0] - phases[1]) - 50) < 12


def test_each_neuron_hears_its_own_drive_and_spikes_have_a_gradient():
    network = PhaseCoding(2)
    x = torch.tensor([1.5, 0.0]).expand(1, 60, 2).clone().requires_grad_()
    y = network(x)
    assert y[..., 0].sum() >= 1 and y[..., 1].sum() == 0
    y[..., 0].sum().backward()
    assert network.gain.grad is not None and network.gain.grad[0] > 0
    assert x.grad is not None and (x.grad[..., 0] >= 0).all() and not x.grad[..., 1].any()


def test_what_does_not_fit_is_refused():
    for period, tau, rest in ((0.0, 20.0, 3), (100.0, 0.5, 3), (100.0, 20.0, -1)):
        with pytest.raises(BadInput, match="a period above 0"):
            PhaseCoding(1, period=period, tau=tau, rest=rest)
    with pytest.raises(BadInput, match=r"expected x \(batch, time, 2\)"):
        PhaseCoding(2)(torch.zeros(1, 4, 3))


def test_it_fires_at_the_threshold_and_rests_for_as_many_steps_as_it_is_told():
    """Without memory and rhythm v is the drive: 1 is enough, and a hair less is not."""
    for rest in (0, 1, 3):
        network = PhaseCoding(1, depth=0.0, tau=1.0, rest=rest).double()
        y = network(torch.ones(1, 9, 1).double())[0, :, 0]
        assert y.detach().nonzero()[:, 0].tolist() == list(range(0, 9, rest + 1))
        assert not network(torch.full((1, 9, 1), 1 - 1e-9, dtype=torch.float64)).any()


@pytest.mark.parametrize("v", [0.5, 1.0, 1.2])
def test_the_gradient_of_a_spike_is_that_of_a_steep_logistic_function(v: float):
    x = torch.full((1, 1, 1), v, dtype=torch.float64, requires_grad=True)
    PhaseCoding(1, depth=0.0, tau=1.0).double()(x).sum().backward()
    share = 1 / (1 + math.exp(-5 * (v - 1)))
    assert x.grad is not None and float(x.grad) == pytest.approx(5 * share * (1 - share))
