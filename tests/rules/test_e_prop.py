"""e-prop: the published traces, the identity with backpropagation, and the read-out's own time constant."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.promises import normal
from tests.rules.grads import cosine, grads, off
from wavetrain import scan
from wavetrain.core import Batch
from wavetrain.layers import Elman
from wavetrain.parts.firing import Firing
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.parts.reader import Reader
from wavetrain.parts.surrogate import Triangle
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.e_prop import EProp, Follows, Price
from wavetrain.rules.snap import SnAp
from wavetrain.spiking import ALIF, LIF, RecurrentLIF
from wavetrain.testing.tools import refused

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


class Adapting(RecurrentLIF):
    """Recurrent units whose threshold is raised by each of their spikes, and whose reset stays as it is."""

    beta, rho = 0.4, 0.8

    def begin(self, batch: int):
        return *super().begin(batch), self.encode.weight.new_zeros(batch, self.width)

    def fades(self):
        return *super().fades(), torch.full((self.width,), self.rho).to(self.encode.weight)

    def step(self, x: Tensor, state):
        v, silent, line, adapted = state
        v = (
            self.rate(self.taus()) * v
            + self.current(x)
            + self.recur.arriving(line, weights=self.recur.weights())
        )
        spikes, silent = self.fire(v - self.threshold - self.beta * adapted, silent)
        v = v - self.threshold * self.felt(spikes)
        return spikes, (v, silent, self.recur.sent(line, self.told(spikes)), self.rho * adapted + spikes)

    def whole(self, x: Tensor, state):
        return scan.unroll(self.step, x, state)

    def told(self, spikes: Tensor) -> Tensor:
        """What others hear."""
        return spikes


class Cut(Adapting):
    """The same, and no gradient goes back where a spike is heard by others; its own threshold feels it."""

    def told(self, spikes: Tensor) -> Tensor:
        return spikes.detach()


def adapting(kind: type[Adapting]) -> LeakyReader:
    torch.manual_seed(0)
    network = LeakyReader(kind(3, inputs=5, firing=FIRING), 1, tau=10.0).double()
    with torch.no_grad():
        network.layer.encode.weight.copy_(0.6 * normal(3, 5, seed=5).abs())
        network.layer.recur.weight.copy_(0.5 * normal(3, 3, seed=4))
    return network


def test_recurrent_units_that_adapt_are_taught_as_by_backpropagation_with_the_path_of_spikes_cut():
    """To rounding, autapses too; whole backpropagation is something else."""
    found = grads(EProp(), adapting(Adapting), Batch(X, Y))
    cut, whole = (grads(Backpropagation(), adapting(kind), Batch(X, Y)) for kind in (Cut, Adapting))
    assert adapting(Adapting).layer(X)[0].sum() > 10 and cut.norm() > 0
    assert off(found, cut) < 1e-10 < 1e-3 < off(found, whole)


def test_the_published_recursion_of_units_that_adapt():
    """eps_a <- psi zbar + (rho - psi beta) eps_a;  e = psi (zbar - beta eps_a)."""
    network = adapting(Adapting)
    layer = network.layer
    grads(EProp(), network, Batch(X, Y))
    with torch.no_grad():
        errors, kept = 2 * (network(X) - Y) / Y.numel(), math.exp(-1 / 20)
        state, spikes, found = layer.begin(2), torch.zeros(2, 3).double(), {}
        trace = {"encode": torch.zeros(2, 5).double(), "recur": torch.zeros(2, 3).double()}
        adapted = {name: torch.zeros(2, 3, one.shape[1]).double() for name, one in trace.items()}
        filtered = {name: torch.zeros_like(one) for name, one in adapted.items()}
        for step in range(TIME):
            v, _, _, high = state
            v = kept * v + layer.current(X[:, step]) + spikes @ layer.recur.weight.mT
            slope = FIRING.surrogate.derivative(v - 1 - layer.beta * high)[:, :, None]
            signal = errors[:, step] @ network.read.weight
            for name, came in (("encode", X[:, step]), ("recur", spikes)):
                trace[name] = kept * trace[name] + came
                heard = trace[name][:, None]
                eligible = slope * (heard - layer.beta * adapted[name])
                adapted[name] = slope * heard + (layer.rho - slope * layer.beta) * adapted[name]
                filtered[name] = network.kept * filtered[name] + (1 - network.kept) * eligible
                found[name] = found.get(name, 0.0) + (signal[:, :, None] * filtered[name]).sum(0)
            spikes, state = layer.step(X[:, step], state)
    torch.testing.assert_close(layer.encode.weight.grad, found["encode"], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(layer.recur.weight.grad, found["recur"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("chunk", [1, 7, 32])
def test_the_price_of_firing_rates_is_the_gradient_of_its_energy(chunk: int):
    """Where units do not hear one another, with and without a read-out that filters."""
    for kind in (lambda layer: LeakyReader(layer, 1, tau=10.0), lambda layer: Reader(layer, 1, True)):
        torch.manual_seed(0)
        network = kind(LIF(3, 5, firing=FIRING)).double()
        rates = network.layer(X)[0].mean((0, 1)).detach()
        rule = EProp(chunk=chunk, price=Price(0.05, 3.0))
        rule.rates = rates
        found = grads(rule, network, Batch(X, Y))
        network.zero_grad()
        energy = 1.5 * (network.layer(X)[0].mean((0, 1)) - 0.05).square().sum()
        (nn.functional.mse_loss(network(X), Y) + energy).backward()
        exact = torch.cat([one.grad.flatten() for one in network.parameters() if one.grad is not None])
        assert off(found, exact) < 1e-10
        assert off(grads(EProp(), network, Batch(X, Y)), exact) > 1e-3


def test_the_price_is_that_of_the_batches_before_and_the_shares_add_up():
    network, rule = recurrent(), EProp(price=Price(0.05, 3.0))
    first = grads(rule, network, Batch(X, Y))
    assert torch.equal(first, grads(EProp(), network, Batch(X, Y)))  # of none yet
    rates = network.layer(X)[0].mean((0, 1)).detach()
    torch.testing.assert_close(rule.rates, rates)
    other = X.flip(1)
    errors = 2 * (network(other) - Y).detach() / Y.numel()
    shares = list(rule.walk(network, other, errors))
    found = grads(rule, network, Batch(other, Y))
    assert not torch.equal(found, grads(EProp(), network, Batch(other, Y)))
    torch.testing.assert_close(rule.rates, rates.lerp(network.layer(other)[0].mean((0, 1)).detach(), 0.1))
    network.zero_grad()
    for name, parameter in network.named_parameters():
        parameter.grad = sum(share[name] for share in shares)
    summed = torch.cat([one.grad.flatten() for one in network.parameters()])
    torch.testing.assert_close(summed, found, rtol=1e-9, atol=1e-12)


def test_what_is_between_weights_that_follow_and_the_read_out_fades():
    """By 1 - rate decay a batch, exactly; so the cosine of the two rises to 1."""
    network, rate, decay = recurrent(), 0.1, 0.5
    rule = EProp(seed=1, follows=Follows(rate, decay))
    step = torch.optim.SGD([network.read.weight], rate, weight_decay=decay)
    apart = (rule.feedback(network.read) - network.read.weight).detach()
    for batch in range(1, 200):
        step.zero_grad()
        rule.learn(network, Batch(X, Y), nn.functional.mse_loss)
        step.step()
        now = rule.feedback(network.read) - network.read.weight
        torch.testing.assert_close(now.detach(), (1 - rate * decay) ** batch * apart, rtol=1e-9, atol=1e-12)
    assert cosine(rule.feedback(network.read).flatten(), network.read.weight.detach().flatten()) > 0.999


def test_what_follows_and_what_it_costs_is_refused_where_it_is_nothing():
    with refused("expected a seed of weights that follow the read-out, got none"):
        EProp(follows=Follows(0.1))
    for wrong in (-1.0, math.nan, math.inf):
        for make in (lambda one: Follows(one), lambda one: Follows(0.1, one)):
            with refused("Follows: expected a rate and a decay of at least 0"):
                make(wrong)
        for make in (lambda one: Price(one, 1.0), lambda one: Price(0.1, one)):
            with refused("Price: expected a rate and a strength of at least 0"):
                make(wrong)


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
