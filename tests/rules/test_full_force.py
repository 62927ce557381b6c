"""Full-FORCE: recursive least squares is ridge regression, forced students are generators, exact steps."""

import math

import pytest
import torch
from scipy import stats
from torch import nn

from tests.promises import close, normal
from tests.test_starts import SEEDS, drawn, exactly, within
from wavetrain.core import Batch
from wavetrain.errors import BadInput
from wavetrain.rules.full_force import FullForce, Student


def student(units: int = 12, outputs: int = 2, tau: float = 5.0) -> Student:
    torch.manual_seed(0)
    return Student(units, inputs=1, outputs=outputs, tau=tau, gain=1.3)


def test_updates_are_ridge_regression_and_keep_the_inverse():
    """W = argmin sum |W r - f|^2 + alpha |W - W_0|^2, and P^-1 = alpha I + sum r r'."""
    rule, start = FullForce(alpha=0.7), normal(3, 6)
    weights, rates, wanted = start.clone(), normal(40, 6, seed=2), normal(40, 3, seed=3)
    for rate, target in zip(rates, wanted, strict=True):
        rule.update(weights, rate, target)
    gram = 0.7 * torch.eye(6).double() + rates.mT @ rates
    expected = start + torch.linalg.solve(gram, rates.mT @ (wanted - rates @ start.mT)).mT
    torch.testing.assert_close(weights, expected, rtol=0, atol=1e-8)
    torch.testing.assert_close(rule.inverse, gram.inverse(), rtol=0, atol=1e-8)
    assert torch.equal(rule.inverse, rule.inverse.mT) and torch.linalg.eigvalsh(rule.inverse).min() > 0


def test_a_forced_trial_is_ridge_regression_on_the_generators_rates():
    """Forced, the student is its generator from the same start on, so the batch answer is known."""
    network, x, y = student(), normal(1, 50, 1, seed=2), normal(1, 50, 2, seed=3)
    state, rates = torch.zeros(1, 12).double(), []
    for now, answer in zip(x.unbind(1), y.unbind(1), strict=True):
        to = state.tanh() @ network.chaos.mT + answer @ network.feedback.mT + now @ network.encode.mT
        state = to + (state - to) * math.exp(-1 / 5)
        rates.append(state.tanh())
    r, currents = torch.cat(rates), network.currents(x, y)[0]
    targets = torch.cat([currents[1:], y[0, :-1]], 1)
    gram = 2.0 * torch.eye(12).double() + r[:-1].mT @ r[:-1]
    expected = torch.linalg.solve(gram, r[:-1].mT @ targets).mT
    FullForce(alpha=2.0, share=1.0, forced=1).learn(network, Batch(x, y), nn.functional.mse_loss)
    torch.testing.assert_close(-network.recur.grad, expected[:12], rtol=0, atol=1e-8)
    torch.testing.assert_close(-network.read.grad, expected[12:], rtol=0, atol=1e-8)


def test_exact_currents_make_the_student_its_generator_but_for_a_transient():
    """W r = g J tanh(x) + U f with f = A r: from another start the distance fades with tau where g = 0."""
    network = student()
    network.chaos.zero_()
    x, y = normal(1, 30, 1, seed=2), normal(1, 30, 2, seed=3)
    currents = network.currents(x, y)
    one, two, apart = torch.zeros(1, 12).double(), normal(1, 12, seed=4), normal(1, 12, seed=4)
    for step in range(30):
        to = currents[:, step] + x[:, step] @ network.encode.mT
        one, two = network.moved(one, to), network.moved(two, to)
        close(two - one, apart * math.exp(-(step + 1) / 5), "the transient")


@pytest.mark.parametrize("steps", [1, 7, 40])
def test_a_step_is_exact_for_a_constant_drive(steps: int):
    """Many small steps under a constant drive are one long step."""
    small, long = student(tau=40.0), student(tau=40.0 / steps)
    state, to = normal(12), normal(12, seed=2)
    now = state
    for _ in range(steps):
        now = small.moved(now, to)
    close(now, long.moved(state, to), "one long step")


def test_a_generator_without_chaos_shows_the_answers_themselves():
    """All rates are known, J = 0 and U = I: the currents are the rates that are to be imitated."""
    network = student(units=3, outputs=3)
    network.chaos.zero_()
    network.feedback.copy_(torch.eye(3))
    y = normal(2, 9, 3)
    close(network.currents(normal(2, 9, 1), y), y, "currents")


def test_steps_of_size_one_end_where_the_rule_does():
    """P is kept from batch to batch: two batches one after another are one of both, forced."""
    x, y = normal(2, 20, 1, seed=2), normal(2, 20, 2, seed=3)
    ends = []
    for parts in (((x, y),), tuple(zip(x.split(1), y.split(1), strict=True))):
        network, rule = student(), FullForce(share=1.0, forced=2)
        step = torch.optim.SGD(network.parameters(), lr=1.0)
        for part in parts:
            step.zero_grad()
            rule.learn(network, Batch(*part), nn.functional.mse_loss)
            step.step()
        ends.append(network.recur.detach())
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=1e-9)


def test_it_learns_and_then_runs_by_itself():
    network, batch, loss = FullForce.lesson()
    rule, step = FullForce(forced=4), torch.optim.SGD(network.parameters(), lr=1.0)
    torch.manual_seed(1)
    for _ in range(20):
        step.zero_grad()
        rule.learn(network, batch, loss)
        step.step()
    wrong = (network(batch.x) - batch.y).square().sum() / batch.y.square().sum()
    assert wrong < 0.1
    assert not (network.rates(batch.x)[:, 0] == 0).all()


def test_bad_requests():
    with pytest.raises(BadInput, match="expected a Student, got Linear"):
        FullForce().learn(nn.Linear(1, 1), Batch(normal(1, 3, 1), normal(1, 3, 1)), nn.functional.mse_loss)
    for words in ({"alpha": 0.0}, {"share": 1.5}, {"forced": -1}):
        with pytest.raises(BadInput, match="FullForce: expected alpha"):
            FullForce(**words)
    with pytest.raises(BadInput, match="tau above 0"):
        Student(3, 1, 1, tau=0.0, gain=1.0)
    with pytest.raises(BadInput, match=r"expected x \(batch, time, 1\)"):
        student()(normal(2, 3))


def test_where_a_student_starts():
    """J normal with g / sqrt(units), ways in and back uniform from -1 to 1, and nothing learned yet."""
    torch.manual_seed(0)
    all_of_them = [Student(100, 3, 2, tau=20.0, gain=1.5) for _ in range(SEEDS)]
    laws = {"chaos": drawn(stats.norm(0, 0.15)), "feedback": within(1), "encode": within(1)}
    laws |= {"recur": exactly(0), "read": exactly(0)}
    assert set(laws) == set(all_of_them[0].state_dict())
    for name, check in laws.items():
        parts = torch.stack([one.state_dict()[name] for one in all_of_them])
        assert parts.dtype == torch.float64
        check(parts, {})
    assert all_of_them[0].fade == math.exp(-1 / 20)


def test_trials_after_the_forced_ones_run_by_what_was_learned_so_far():
    """Two trials, the first forced, in a plain loop; what was in `.grad` stays beneath the update."""
    network, x, y = student(), normal(2, 20, 1, seed=2), normal(2, 20, 2, seed=3)
    by_hand, weights = FullForce(alpha=2.0), torch.zeros(14, 12).double()
    currents = network.currents(x, y)
    for trial in range(2):
        state, rate = torch.zeros(12).double(), torch.zeros(12).double()
        for step in range(20):
            own = weights[:12] @ rate if trial else currents[trial, step]
            to = own + network.encode @ x[trial, step]
            state = to + (state - to) * math.exp(-1 / 5)
            rate = state.tanh()
            if step < 19:
                wanted = torch.cat([currents[trial, step + 1], y[trial, step]])
                by_hand.update(weights, rate, wanted)
    rule = FullForce(alpha=2.0, share=1.0, forced=1)
    network.read.grad = torch.ones(2, 12).double()
    said = rule.learn(network, Batch(x, y), nn.functional.mse_loss)
    close(-network.recur.grad, weights[:12], "weights of the currents, by hand")
    close(1 - network.read.grad, weights[12:], "weights of the answers, by hand")
    close(said, y.square().mean(), "the loss before anything is learned, when all answers are 0")
    assert rule.trials == 2


def test_so_many_steps_learn_as_their_share_is():
    class Counts(FullForce):
        updates = 0

        def update(self, weights, rate, wanted) -> None:
            self.updates += 1

    for share in (0.25, 1.0):
        rule = Counts(share=share)
        rule.learn(student(), Batch(normal(3, 50, 1), normal(3, 50, 2)), nn.functional.mse_loss)
        student()  # leaves the shared generator where it was before
        assert rule.updates == sum(int((torch.rand(49) < share).sum()) for _ in range(3))


def test_the_last_settings_that_are_allowed():
    assert FullForce(alpha=1e-9, share=1.0, forced=0).forced == 0
    for words in ({"alpha": -1.0}, {"alpha": math.nan}, {"share": 0.0}, {"share": 1.01}):
        with pytest.raises(BadInput, match="FullForce: expected alpha"):
            FullForce(**words)
    for tau in (-1.0, math.nan):
        with pytest.raises(BadInput, match="tau above 0"):
            Student(3, 1, 1, tau=tau, gain=1.0)
    with pytest.raises(BadInput, match=r"expected x \(batch, time, 1\), got \(2, 3, 2\)"):
        student()(normal(2, 3, 2))
