"""Leaky RNN: both limits of the time constants, how a unit fades, and what is learned of it."""

import functools
import math

import pytest
import torch
from torch.nn import functional as F

from tests.promises import ON_SEQUENCES, close, generic, normal
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.leaky_rnn import Leak, LeakyRNN

LEAKS = list(Leak)


def layer(leak: Leak = Leak.INSIDE, tau: float | None = None) -> LeakyRNN:
    """In general position, of width 5 and 3 inputs."""
    return generic(functools.partial(LeakyRNN, leak=leak, tau=tau), 5, 3)


@pytest.mark.parametrize("leak", LEAKS)
def test_a_step_written_out(leak: Leak):
    one, x, h = layer(leak), normal(4, 3), normal(4, 5, seed=2)
    tau = 1 + one.beyond.abs()
    weight = one.recur.weight - torch.diag(one.recur.weight.diagonal())
    total = x @ one.encode.weight.T + one.encode.bias + h @ weight.T + one.recur.bias

    def phi(z):
        return torch.where(z > 0, z, 0.01 * z)

    inside, outside = (
        phi((1 - 1 / tau) * h + total / tau),
        (1 - 1 / tau) * h + phi(total) / tau,
    )
    y, after = one.step(x, h)
    close(y, inside if leak is Leak.INSIDE else outside, "a step, the equation")
    close(y, after, "output, state")


@pytest.mark.parametrize("leak", LEAKS)
def test_with_time_constants_of_one_it_is_a_plain_network(leak: Leak):
    one, x, h = layer(leak, tau=1.0), normal(4, 3), normal(4, 5, seed=2)
    weight = one.recur.weight * (1 - torch.eye(5))
    plain = F.leaky_relu(one.encode(x) + F.linear(h, weight, one.recur.bias), 0.01)
    close(one.step(x, h)[0], plain, "tau = 1, a plain step")


def test_with_endless_time_constants_the_state_stays():
    x, h = normal(4, 3), normal(4, 5, seed=2)
    close(layer(Leak.INSIDE, tau=1e15).step(x, h)[0], F.leaky_relu(h, 0.01), "inside, phi of the state")
    close(layer(Leak.OUTSIDE, tau=1e15).step(x, h)[0], h, "outside, the state")


@pytest.mark.parametrize("leak", LEAKS)
def test_a_unit_by_itself_fades_with_its_time_constant(leak: Leak):
    """Without weights, (1 - 1 / tau)^k of what is positive is left after k steps."""
    one = layer(leak)
    with torch.no_grad():
        for parameter in (*one.encode.parameters(), *one.recur.parameters()):
            parameter.zero_()
    h = normal(4, 5).abs()
    y, _ = one(normal(4, 7, 3), h)
    left = (1 - 1 / one.taus()) ** torch.arange(1, 8)[:, None]
    close(y, h[:, None] * left, "the state, what is left of it")


def test_gradient_of_a_time_constant():
    """phi' (state - sum) / tau^2, and 0 for the sum of a unit's own weight."""
    one, x, h = layer(), normal(1, 3), normal(1, 5, seed=2)
    total = (one.encode(x) + F.linear(h, one.recur.weight * one.others, one.recur.bias)).detach()
    tau = one.taus().detach()
    slope = 0.01 + 0.99 * ((1 - 1 / tau) * h + total / tau > 0).double()
    one.step(x, h)[0].sum().backward()
    wanted = (slope * (h - total) / tau**2)[0] * one.beyond.detach().sign()
    close(one.beyond.grad, wanted, "gradient of the time constants, the closed form")
    close(one.recur.weight.grad.diagonal(), torch.zeros(5).double(), "gradient of the diagonal, none")


def test_time_constants_turn_back_at_one_and_nothing_enters_the_diagonal():
    one = LeakyRNN(6, 2)
    assert not one.recur.weight.diagonal().any()
    optimiser = torch.optim.SGD(one.parameters(), 10.0)
    for seed in range(5):
        one(torch.randn(3, 8, 2, generator=torch.Generator().manual_seed(seed)))[0].tanh().sum().backward()
        optimiser.step()
        assert (one.taus() >= 1).all() and not one.recur.weight.diagonal().any()
    assert (one.beyond < 0).any()  # some would have fallen below


def test_what_is_learned_and_what_is_saved():
    free, fixed = LeakyRNN(8, 3), LeakyRNN(8, 3, tau=2.0)
    count = 8 * 3 + 8 + 8 * 8 + 8
    assert sum(part.numel() for part in free.parameters()) == count + 8
    assert sum(part.numel() for part in fixed.parameters()) == count
    assert (fixed.taus() == 2).all() and ((free.taus() >= 1) & (free.taus() <= 2)).all()
    assert "first" in free.state_dict() and 0 <= float(free.first.min()) <= float(free.first.max()) < 0.1
    assert free.begin(3).shape == (3, 8) and not torch.equal(free.begin(1), LeakyRNN(8, 3).begin(1))
    with torch.no_grad():
        fixed.load_state_dict(free.state_dict())
    close(fixed.begin(2), free.begin(2), "the first state of the loaded, of the saved")


@pytest.mark.parametrize("tau", [0.99, -2.0, math.nan])
def test_time_constants_below_a_step_are_refused(tau: float):
    with pytest.raises(BadInput, match="a time constant of at least 1 step"):
        LeakyRNN(4, tau=tau)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("words", [{"leak": Leak.OUTSIDE}, {"tau": 3.0}], ids=["outside", "fixed"])
def test_variants_keep_the_promises(words, promise):
    promise(generic(functools.partial(LeakyRNN, **words), 4, 2), normal(2, 7, 2))
