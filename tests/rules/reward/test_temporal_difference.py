"""Temporal differences: the binomial law, what converged values do, traces, and learning at every step."""

import math

import pytest
import torch
from torch import Tensor

from tests.promises import normal
from tests.rules.grads import grads
from wavetrain.core import Batch
from wavetrain.errors import BadInput
from wavetrain.layers import GRU, Elman
from wavetrain.parts.conditioning import Trial, laid
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.parts.reader import Reader
from wavetrain.parts.rewards import Bootstrapped, OnReturns, critic
from wavetrain.parts.stimuli import Microstimuli, Presence, SerialCompound
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.reward.temporal_difference import TemporalDifference
from wavetrain.spiking import LIF
from wavetrain.testing.tools import refused

TIME, CUE, REWARD = 20, 3, 12


def trial(*trials: Trial) -> Batch:
    return Batch(*(part.double() for part in laid(trials, TIME)))


KNOWN = trial(Trial((CUE,), (REWARD,)))


def learned(rule: TemporalDifference, network: Reader, batch: Batch, many: int, rate: float) -> Tensor:
    """The errors of each trial, before it is learned, (trials, time)."""
    step, errors = torch.optim.SGD(network.parameters(), rate), []
    for _ in range(many):
        errors.append(rule.errors(network, *batch).mean(0)[:, 0])
        step.zero_grad()
        rule.learn(network, batch, rule.loss)
        step.step()
    return torch.stack(errors)


def compound(cues: int = 1) -> Reader:
    return critic(SerialCompound(TIME * cues, inputs=cues)).double()


def binomial(n: int, k: int, p: float) -> float:
    return math.comb(n, k) * p**k * (1 - p) ** (n - k) if 0 <= k <= n else 0.0


@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_the_burst_travels_as_a_binomial_distribution(rate: float):
    course = learned(TemporalDifference(), compound(), KNOWN, 40, rate)
    for n, errors in enumerate(course):
        for step, found in enumerate(errors.tolist()):
            lag = REWARD - step
            if step > CUE:
                expected = binomial(n, lag, rate)
            else:
                expected = sum(binomial(n, k, rate) for k in range(lag, n + 1)) if step == CUE else 0.0
            assert abs(found - expected) < 1e-9, (n, step)


@pytest.mark.parametrize("discount", [1.0, 0.9])
@pytest.mark.parametrize("trace", [0.0, 0.9, 1.0])
def test_when_all_is_learned(trace: float, discount: float):
    rule, network = TemporalDifference(trace, discount), compound()
    learned(rule, network, KNOWN, 300, 0.5)
    steps = torch.arange(TIME)
    value = network(KNOWN.x)[0, :, 0]
    known = torch.where((steps >= CUE) & (steps < REWARD), discount ** (REWARD - 1 - steps).double(), 0.0)
    torch.testing.assert_close(value, known, rtol=0, atol=1e-9)
    errors = rule.errors(network, *KNOWN)[0, :, 0]
    expected = torch.zeros(TIME).double()
    expected[CUE] = discount ** (REWARD - CUE)
    torch.testing.assert_close(errors, expected, rtol=0, atol=1e-9)
    left_out = rule.errors(network, *trial(Trial((CUE,))))[0, :, 0]
    assert float(left_out[REWARD]) == pytest.approx(-1)
    early = rule.errors(network, *trial(Trial((CUE,), (REWARD - 4,))))[0, :, 0]
    assert float(early[REWARD - 4]) == pytest.approx(1) and float(early[REWARD]) == pytest.approx(-1)


def test_with_whole_traces_nothing_travels():
    course = learned(TemporalDifference(1.0), compound(), KNOWN, 12, 0.3)
    assert not course[:, CUE + 1 : REWARD].abs().gt(1e-12).any()
    torch.testing.assert_close(course[:, REWARD], 0.7 ** torch.arange(12.0).double())
    torch.testing.assert_close(course[:, CUE], 1 - 0.7 ** torch.arange(12.0).double())


def test_what_is_known_blocks_and_what_comes_before_takes_over():
    rule, network = TemporalDifference(), compound(2)
    learned(rule, network, trial(Trial((CUE, None), (REWARD,))), 200, 0.5)
    learned(rule, network, trial(Trial((CUE, CUE), (REWARD,))), 50, 0.5)
    assert float(network.read.weight.detach()[0, 1::2].abs().max()) < 1e-9
    course = learned(rule, network, trial(Trial((CUE + 5, CUE))), 30, 0.5)  # no reward any more
    assert float(course[0, CUE + 5]) == pytest.approx(1) and float(course[:, CUE].max()) > 0.1


def test_the_mean_over_trials_is_learned():
    """Of four trials one is not rewarded: the value is three quarters, whichever way they are drawn."""
    batch = trial(*(Trial((CUE,), (REWARD,) * (one > 0)) for one in range(4)))
    rule, network = TemporalDifference(), compound()
    learned(rule, network, batch, 300, 0.5)
    errors = rule.errors(network, *batch)[..., 0]
    torch.testing.assert_close(errors[:, CUE], torch.full((4,), 0.75).double())
    torch.testing.assert_close(errors[:, REWARD], torch.tensor([-0.75, 0.25, 0.25, 0.25]).double())


def test_of_rewards_at_any_of_four_times_the_earliest_surprises_most():
    """With a line that the reward clears: V just before the i-th is the mean of what is left, discounted."""
    at, discount = [8, 10, 12, 14], 0.9
    batch = Batch(*(one.double() for one in laid([Trial((CUE,), (one,)) for one in at], TIME, felt=True)))
    rule = TemporalDifference(discount=discount)
    network = critic(SerialCompound(TIME, inputs=2, resets=True)).double()
    learned(rule, network, batch, 600, 0.5)
    errors = rule.errors(network, *batch)[..., 0]
    for row, step in enumerate(at):
        left = [discount ** (later - step) for later in at[row:]]
        assert float(errors[row, step]) == pytest.approx(1 - sum(left) / len(left), abs=1e-6)
    surprise = errors[torch.arange(4), torch.tensor(at)]
    assert (surprise.diff() < 0).all() and float(surprise[-1]) == pytest.approx(0, abs=1e-6)


def test_the_first_errors_of_a_chain_of_two():
    """Sutton and Barto's TD(1) on two states and an end: w = [0.09, 0.1], not [0, 0.1]."""
    x = torch.eye(2, 3).double()[None]
    x = torch.cat([x, torch.zeros(1, 1, 3).double()], 1)  # the end is a step with nothing in it
    rewards = torch.tensor([[[0.0], [0.0], [1.0]]]).double()
    rule, network = TemporalDifference(1.0, 0.9), critic(Presence(3, level=1.0)).double()
    step = torch.optim.SGD(network.parameters(), 0.1)
    rule.learn(network, Batch(x, rewards), rule.loss)
    step.step()
    torch.testing.assert_close(network.read.weight.data, torch.tensor([[0.09, 0.1, 0.0]]).double())
    other = torch.zeros(1, 3, 3).double()
    other[:, :2, 2] = 1.0
    step.zero_grad()
    rule.learn(network, Batch(other, rewards), rule.loss)  # of another episode: no trace is left of the first
    assert not network.read.weight.grad[0, :2].any() and network.read.weight.grad[0, 2] < 0


def test_who_is_cut_off_takes_the_last_value_for_what_would_have_come():
    network = critic(Presence(3, level=1.0)).double()
    with torch.no_grad():
        network.read.weight[0, 2] = 1.0
    x = torch.tensor([[[1.0, 0, 0], [0, 0, 1.0]]]).double()
    rule = TemporalDifference(discount=0.9)
    rule.learn(network, Batch(x, torch.zeros(1, 2, 1).double()), rule.loss)
    torch.testing.assert_close(network.read.weight.grad, torch.tensor([[-0.9, 0, 0]]).double())


def test_without_traces_it_is_backpropagation_that_ends_at_the_read_out():
    torch.manual_seed(0)
    network, batch = (
        Reader(GRU(4, inputs=4), 2, True).double(),
        Batch(normal(3, 9, 4), normal(3, 9, 2, seed=2)),
    )
    for loss in (torch.nn.functional.mse_loss, Bootstrapped(0.9)):
        found = []
        for rule in (TemporalDifference(), Backpropagation()):
            network.zero_grad()
            rule.learn(network, batch, loss)
            found.append([one.grad.clone() for one in network.read.parameters()])
        torch.testing.assert_close(*found)


def test_traces_and_loss_have_one_discount():
    network, batch = critic(SerialCompound(5, inputs=1)), Batch(torch.ones(1, 4, 1), torch.ones(1, 4, 1))
    for loss in (Bootstrapped(0.8), OnReturns(0.8)):
        with pytest.raises(BadInput, match=r"the discount of its traces, 0\.9, got one with 0\.8$"):
            TemporalDifference(0.5, 0.9).learn(network, batch, loss)
        TemporalDifference(0.5, 0.8).learn(network, batch, loss)
        TemporalDifference(0.0, 0.9).learn(network, batch, loss)  # without traces it is that of the loss


def test_traces_by_hand():
    torch.manual_seed(0)
    network = Reader(Elman(4, inputs=4), 2, True).double()
    batch, rule = Batch(normal(3, 9, 4), normal(3, 9, 2, seed=2)), TemporalDifference(0.8, 0.9)
    rule.learn(network, batch, rule.loss)
    with torch.no_grad():
        elements, errors = network.layer(batch.x)[0], rule.errors(network, *batch)
        weight, bias = torch.zeros(2, 4).double(), torch.zeros(2).double()
        for t in range(1, 9):
            for s in range(t):
                kept = 0.72 ** (t - 1 - s)
                weight -= kept * errors[:, t].mT @ elements[:, s] / 3
                bias -= kept * errors[:, t].sum(0) / 3
    torch.testing.assert_close(network.read.weight.grad, weight)
    torch.testing.assert_close(network.read.bias.grad, bias)
    assert network.layer.recur.weight.grad is None


def test_forward_and_backward_are_one():
    """The shares of all steps, by traces carried forward, are the update that is summed backward."""
    torch.manual_seed(0)
    network, rule = Reader(GRU(4, inputs=4), 2, True).double(), TemporalDifference(0.8, 0.9)
    x, errors = normal(3, 9, 4), normal(3, 9, 2, seed=2)
    rule.learn(network, Batch(x, errors), lambda outputs, given: (outputs * given).sum())
    shares = [dict(share) for share in rule.walk(network, x, errors)]
    for name in ("read.weight", "read.bias"):
        total = torch.stack([share[name] for share in shares]).sum(0)
        torch.testing.assert_close(total, network.get_parameter(name).grad)
    network.read.bias.requires_grad_(False)
    assert set(next(rule.walk(network, x, errors))) == {"read.weight"}


@pytest.mark.parametrize("trace", [0.0, 0.9])
def test_at_every_step_is_at_the_end_where_no_element_comes_twice(trace: float):
    rule, one, other = TemporalDifference(trace, 0.9), compound(), compound()
    for errors in learned(rule, one, KNOWN, 9, 0.3):
        torch.testing.assert_close(rule.teach(other, *KNOWN, 0.3)[0, :, 0], errors)
    torch.testing.assert_close(other.read.weight, one.read.weight)
    x, rewards = (part.double() for part in laid([Trial((CUE,), (REWARD,))], TIME, lasting=REWARD - CUE))
    one, other = (critic(Microstimuli(6, inputs=1)).double() for _ in range(2))
    learned(rule, one, Batch(x, rewards), 3, 0.3)
    for _ in range(3):
        rule.teach(other, x, rewards, 0.3)
    assert float((one.read.weight - other.read.weight).detach().abs().max()) > 1e-5


def test_every_step_by_hand():
    """Two steps of one element: the second error is of weights that the first has changed."""
    network = critic(Presence(1, level=1.0)).double()
    x, rewards = torch.ones(1, 3, 1).double(), torch.tensor([[[0.0], [1.0], [1.0]]]).double()
    errors = TemporalDifference(discount=0.5).teach(network, x, rewards, 0.1)
    # w = 0: 1; w = 0.1: 1 + 0.05 - 0.1
    torch.testing.assert_close(errors.flatten(), torch.tensor([0.0, 1.0, 0.95]).double())
    torch.testing.assert_close(network.read.weight.data, torch.tensor([[0.195]]).double())


def test_a_bias_is_an_element_that_is_always_there():
    x, rewards = normal(2, 6, 3), normal(2, 6, 2, seed=2)
    one, other = Reader(Presence(3, level=1.0), 2, True).double(), critic(Presence(4, level=1.0), 2).double()
    with torch.no_grad():
        other.read.weight.copy_(torch.cat([one.read.weight, one.read.bias[:, None]], 1))
    rule, more = TemporalDifference(0.7, 0.9), torch.cat([x, torch.ones(2, 6, 1).double()], -1)
    torch.testing.assert_close(rule.teach(one, x, rewards, 0.1), rule.teach(other, more, rewards, 0.1))
    torch.testing.assert_close(one.read.bias, other.read.weight[:, 3])
    torch.testing.assert_close(
        grads(rule, one, Batch(x, rewards), rule.loss).reshape(-1)[-2:],
        grads(rule, other, Batch(more, rewards), rule.loss).reshape(2, 4)[:, 3],
    )


def test_other_networks_are_refused_in_one_line():
    rule, batch = TemporalDifference(), Batch(normal(2, 4, 3).float(), normal(2, 4, 2).float())
    frozen = critic(Presence(3), 2).requires_grad_(False)
    for network, said in (
        (torch.nn.Linear(3, 2), "expected a Reader .*got Linear"),
        (LeakyReader(LIF(4, inputs=3), 2, tau=5.0), "got LeakyReader"),
        (Reader(Elman(4, inputs=3), 2, every_step=False), "reads the last step alone"),
        (Reader(Elman(4, inputs=3), 2, every_step=True, hidden=3), "got Sequential"),
        (frozen, "frozen parameters"),
    ):
        with refused(said):
            rule.learn(network, batch, rule.loss)
    with refused(r"expected rewards \(2, 4, 2\), got \(2, 4, 1\)"):
        rule.teach(critic(Presence(3), 2), batch.x, batch.y[..., :1], 0.1)
    with refused("a loss of the outputs"):
        rule.learn(critic(Presence(3), 2), batch, lambda outputs, y: y.sum())


@pytest.mark.parametrize(
    ("trace", "discount", "said"), [(1.1, 1, "trace"), (-0.1, 1, "trace"), (0, 2, "discount")]
)
def test_shares_are_from_0_to_1(trace: float, discount: float, said: str):
    with refused(f"expected a {said} from 0 to 1"):
        TemporalDifference(trace, discount)


def test_a_hidden_read_out_alone_is_trained_and_by_each_reward_of_its_own():
    rule, network = TemporalDifference(), critic(SerialCompound(TIME, inputs=1), outputs=2).double()
    rewards = torch.cat([KNOWN.y, -2 * KNOWN.y], -1)
    rule.learn(network, Batch(KNOWN.x, rewards), rule.loss)
    torch.testing.assert_close(network.read.weight.grad[1], -2 * network.read.weight.grad[0])
    assert rule.terms(network).trains == {"read.weight"} and rule.kept == 0
    assert TemporalDifference(0.5, 0.8).kept == pytest.approx(0.4)
