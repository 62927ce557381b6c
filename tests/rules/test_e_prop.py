"""e-prop: the published traces, the identity with backpropagation, and the read-out's own time constant."""

import math

import pytest
import torch
from torch import nn

from tests.promises import normal
from tests.rules.grads import cosine, grads, off
from wavetrain.core import Batch
from wavetrain.layers import Elman
from wavetrain.parts.firing import Firing
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.parts.reader import Reader
from wavetrain.parts.surrogate import Triangle
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.e_prop import EProp
from wavetrain.rules.snap import SnAp
from wavetrain.spiking import ALIF, LIF, RecurrentLIF

FIRING = Firing(surrogate=Triangle(0.3), detached=True)
TIME = 20
X = (torch.rand(2, TIME, 5, generator=torch.Generator().manual_seed(0)) < 0.4).double()
Y = normal(2, TIME, 1)


def recurrent(autapses: bool = False) -> LeakyReader:
    torch.manual_seed(0)
    network = LeakyReader(RecurrentLIF(3, inputs=5, firing=FIRING), 1, tau=10.0).double()
    with torch.no_grad():
        network.layer.encode.weight.copy_(0.5 * normal(3, 5, seed=5).abs())
        network.layer.recur.weight.copy_(0.5 * normal(3, 3, seed=4))
        if not autapses:
            network.layer.recur.weight.fill_diagonal_(0.0)
    return network


def test_the_time_constant_of_the_read_out_is_its_own():
    """exp(-1 / 10), and not the exp(-1 / 20) of the membrane; the gradient of the read-out is exact."""
    network = recurrent()
    assert network.kept == pytest.approx(0.904837, abs=1e-6)
    assert math.exp(-1 / 20) == pytest.approx(0.951229, abs=1e-6)
    grads(EProp(), network, Batch(X, Y))
    found = network.read.weight.grad.clone()
    grads(Backpropagation(), network, Batch(X, Y))
    torch.testing.assert_close(found, network.read.weight.grad, rtol=1e-10, atol=1e-12)


def test_it_is_exact_where_units_do_not_hear_one_another():
    """Symmetric, also in the input weights, with the reset detached or not, and with adaptation."""
    for layer in (LIF(3, 5, firing=FIRING), LIF(3, 5), ALIF(3, 5, firing=FIRING)):
        torch.manual_seed(0)
        network = LeakyReader(layer, 1, tau=10.0).double()
        exact = grads(Backpropagation(), network, Batch(X, Y))
        assert exact.norm() > 0 and off(grads(EProp(), network, Batch(X, Y)), exact) < 1e-10
    silent = recurrent()
    with torch.no_grad():
        silent.layer.recur.weight.zero_()
    grads(EProp(), silent, Batch(X, Y))
    found = silent.layer.encode.weight.grad.clone()
    grads(Backpropagation(), silent, Batch(X, Y))
    torch.testing.assert_close(found, silent.layer.encode.weight.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("autapses", [False, True])
def test_the_published_trace_of_leaky_units(autapses: bool):
    """e_ji = psi_j times the presynaptic trace; also where a unit hears itself, which is not followed."""
    network = recurrent(autapses)
    layer = network.layer
    grads(EProp(), network, Batch(X, Y))
    with torch.no_grad():
        outputs, kept = network(X), math.exp(-1 / 20)
        errors = 2 * (outputs - Y) / Y.numel()
        state = layer.begin(2)
        traces = {"encode": torch.zeros(2, 5).double(), "recur": torch.zeros(2, 3).double()}
        filtered = {name: torch.zeros(2, 3, one.shape[1]).double() for name, one in traces.items()}
        found = dict.fromkeys(traces, 0.0)
        spikes = torch.zeros(2, 3).double()
        for step in range(TIME):
            v = kept * state[0] + layer.current(X[:, step]) + spikes @ layer.recur.weight.mT
            slope = FIRING.surrogate.derivative(v - 1)
            for name, came in (("encode", X[:, step]), ("recur", spikes)):
                traces[name] = kept * traces[name] + came
                eligible = slope[:, :, None] * traces[name][:, None]
                filtered[name] = network.kept * filtered[name] + (1 - network.kept) * eligible
                signal = errors[:, step] @ network.read.weight
                found[name] = found[name] + (signal[:, :, None] * filtered[name]).sum(0)
            spikes, state = layer.step(X[:, step], state)
    assert spikes.shape == (2, 3) and layer(X)[0].sum() > 5
    torch.testing.assert_close(layer.encode.weight.grad, found["encode"], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(layer.recur.weight.grad, found["recur"], rtol=1e-9, atol=1e-12)


def test_the_published_trace_of_adapting_units():
    """eps_a <- psi zbar + (rho - psi beta) eps_a, and e = psi (zbar - beta eps_a), of the step before.

    Here adaptation moves by (1 - rho) of a spike.
    """
    torch.manual_seed(0)
    layer = ALIF(3, 5, strength=1.2, firing=FIRING)
    network = LeakyReader(layer, 1, tau=10.0).double()
    with torch.no_grad():
        layer.encode.weight.mul_(3)
    grads(EProp(), network, Batch(X, Y))
    with torch.no_grad():
        errors = 2 * (network(X) - Y) / Y.numel()
        kept, rho = layer._kept()
        state, found = layer.begin(2), 0.0
        trace, filtered = torch.zeros(2, 3, 5).double(), torch.zeros(2, 3, 5).double()
        adapted = torch.zeros(2, 3, 5).double()
        for step in range(TIME):
            excess = kept * state[0] + layer.current(X[:, step]) - layer.thresholds(state)
            slope = FIRING.surrogate.derivative(excess)[:, :, None]
            before = adapted
            # the reset takes off a threshold that has adapted, which the trace of the potential feels
            trace = kept[:, None] * trace + X[:, step, None]
            eligible = slope * (trace - 1.2 * before)
            adapted = rho[:, None] * before + (1 - rho[:, None]) * eligible
            spikes, state = layer.step(X[:, step], state)
            trace = trace - spikes[:, :, None] * 1.2 * before
            filtered = network.kept * filtered + (1 - network.kept) * eligible
            signal = errors[:, step] @ network.read.weight
            found = found + (signal[:, :, None] * filtered).sum(0)
    assert layer(X)[0].sum() > 5
    torch.testing.assert_close(layer.encode.weight.grad, found, rtol=1e-9, atol=1e-12)


def test_with_the_whole_derivative_by_spikes_it_would_be_backpropagation():
    """The identity of the paper: sum over t of (total dL / dz_j) e_ji is the gradient, autapses apart."""
    network = recurrent()
    layer = network.layer
    grads(Backpropagation(), network, Batch(X, Y))
    exact = layer.recur.weight.grad.clone()
    kept, fade = math.exp(-1 / 20), network.kept
    shift = torch.zeros(2, TIME, 3).double().requires_grad_()  # added to the spikes that are sent and read
    v, sent, outputs, slopes, pasts = torch.zeros(2, 3).double(), torch.zeros(2, 3).double(), [], [], []
    read = torch.zeros(2, 1).double()
    for step in range(TIME):
        v = kept * v + layer.current(X[:, step]) + sent @ layer.recur.weight.mT
        slopes.append(FIRING.surrogate.derivative(v - 1).detach())
        pasts.append(sent.detach())
        spikes = FIRING.surrogate(v - 1)
        v = v - spikes.detach()
        sent = spikes + shift[:, step]
        read = fade * read + (1 - fade) * network.read(sent)
        outputs.append(read)
    loss = nn.functional.mse_loss(torch.stack(outputs, 1), Y)
    (total,) = torch.autograd.grad(loss, shift)
    trace, found = torch.zeros(2, 3).double(), 0.0
    for step in range(TIME):
        trace = kept * trace + pasts[step]
        found = found + torch.einsum("bj,bj,bi->ji", total[:, step], slopes[step], trace)
    torch.testing.assert_close(found, exact, rtol=1e-9, atol=1e-12)


def test_a_spike_that_is_silenced_has_no_trace():
    """In the refractory time a unit has no slope."""
    torch.manual_seed(0)
    firing = Firing(surrogate=Triangle(0.3), detached=True, refractory=3.0)
    network = LeakyReader(LIF(3, 5, firing=firing), 1, tau=10.0).double()
    with torch.no_grad():
        network.layer.encode.weight.mul_(3)
    exact = grads(Backpropagation(), network, Batch(X, Y))
    assert network.layer(X)[0].sum() > 3
    assert off(grads(EProp(), network, Batch(X, Y)), exact) < 1e-10


def test_of_a_plain_rate_network_it_is_snap():
    torch.manual_seed(0)
    network = Reader(Elman(4, inputs=5), 1, True).double()
    assert torch.equal(grads(EProp(), network, Batch(X, Y)), grads(SnAp(), network, Batch(X, Y)))


def test_random_feedback_stays_and_leaves_the_read_out_exact():
    network = recurrent()
    exact = grads(EProp(), network, Batch(X, Y))
    one, again, other = (grads(EProp(seed=seed), network, Batch(X, Y)) for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert torch.equal(one[-3:], exact[-3:]) and cosine(one[:-3], exact[:-3]) < 0.999
    weight = EProp(seed=1).feedback(nn.Linear(4000, 10))
    assert weight.shape == (10, 4000) and weight.std() == pytest.approx(4000**-0.5, rel=0.02)
