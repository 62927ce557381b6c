"""Hebbian signal propagation: where rates settle, the update by hand, and what no layer hears of another."""

import pytest
import torch
from scipy import stats
from torch import nn

from tests.promises import close, normal
from tests.test_starts import SEEDS, drawn, within
from wavetrain.core import CLASSES, Batch
from wavetrain.rules.hebbian_signal_propagation import HebbianSignalPropagation, Settling, Streams
from wavetrain.testing import check_rule
from wavetrain.testing.tools import refused

LABELS = torch.arange(12) % 3


def network(depth: int = 2) -> Settling:
    torch.manual_seed(0)
    return Settling(20, inputs=5, classes=3, depth=depth).double()


def test_rates_settle_where_the_rectified_network_stands():
    """The fixed point is u_i = W_i relu(u_{i-1}), of which 30 steps are short by about (1 - dt / tau)^30."""
    one, x = network(), normal(12, 5)
    first = one.maps[0](x).relu()
    for found, stands in zip(one.rates(x), (first, one.maps[1](first).relu()), strict=True):
        close(found.norm(dim=1), torch.full((12,), 0.3 * 20**0.5, dtype=torch.double), "length")
        assert nn.functional.cosine_similarity(found, stands).min() > 0.999
    close(one.bank()[0], 0.3 * 20**0.5 * nn.functional.normalize(one.signal.relu(), dim=1), "the bank")


def test_the_update_by_hand():
    one, batch = network(), Batch(normal(12, 1, 5), LABELS)
    HebbianSignalPropagation().learn(one, batch, CLASSES.loss)
    with torch.no_grad():
        before, rates, bank = batch.x[:, 0], one.rates(batch.x), one.bank()
        for weight, h, bank_of in zip(one.parameters(), rates, bank, strict=True):
            t, by_hand = bank_of[LABELS], torch.zeros_like(weight)
            for row in range(12):
                differs = (t[row] - t.mean(0)) - (h[row] - h.mean(0))
                by_hand += torch.outer(differs, before[row]) / 12
            close(-weight.grad, by_hand, "update")
            before = h


def test_nothing_changes_where_data_are_as_their_targets_but_for_a_shift():
    t = normal(12, 20)
    found = HebbianSignalPropagation().change(Streams(normal(12, 5), t + normal(20, seed=3), t))
    assert found.abs().max() < 1e-12


def test_no_layer_hears_of_those_behind_it():
    deep, shallow = network(3), network(1)
    shallow.load_state_dict(
        {**shallow.state_dict(), "maps.0.weight": deep.maps[0].weight, "signal": deep.signal}
    )
    for one in (deep, shallow):
        HebbianSignalPropagation().learn(one, Batch(normal(12, 5), LABELS), CLASSES.loss)
    assert torch.equal(deep.maps[0].weight.grad, shallow.maps[0].weight.grad)


def test_the_answer_is_the_nearest_class_with_means_taken_off():
    one = network()
    HebbianSignalPropagation().learn(one, Batch(normal(12, 5), LABELS), CLASSES.loss)
    assert one.mean.any()
    with torch.no_grad():
        h, t = one.rates(normal(4, 5, seed=2))[1] - one.mean[1], one.bank()[1]
        t = t - t.mean(0)
        by_hand = torch.stack([-(h - row).square().sum(1) / 2 for row in t], 1)
        close(one(normal(4, 5, seed=2)), by_hand, "scores")


def test_the_mean_of_rates_runs():
    one, x = network(), normal(12, 5)
    rule = HebbianSignalPropagation()
    rule.learn(one, Batch(x, LABELS), CLASSES.loss)
    first = one.rates(x)[0].mean(0).detach()
    close(one.mean[0], first, "the first mean")
    rule.learn(one, Batch(-x, LABELS), CLASSES.loss)
    close(one.mean[0], 0.95 * first + 0.05 * one.rates(-x)[0].mean(0).detach(), "the second")


def test_starts():
    signals, weights = [], []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        one = Settling(20, inputs=16, classes=10)
        signals.append(one.signal)
        weights.append(one.maps[0].weight)
    drawn(stats.norm(0, 1))(torch.stack(signals), {})
    within(0.25)(torch.stack(weights), {})


def test_the_contract():
    check_rule(HebbianSignalPropagation)


def test_what_is_refused():
    rule, x = HebbianSignalPropagation(), normal(12, 5)
    with refused("expected a Settling, got Linear"):
        rule.learn(nn.Linear(5, 3), Batch(x, LABELS), CLASSES.loss)
    with refused("classes from 0 to 2, got 1 to 3"):
        rule.learn(network(), Batch(x, LABELS + 1), CLASSES.loss)
    with refused(r"classes \(batch,\), got torch.float64 \(12, 3\)"):
        rule.learn(network(), Batch(x, normal(12, 3)), nn.functional.mse_loss)
    with refused("5 numbers a sequence, got 4"):
        network()(normal(12, 4))
    with refused("depth"):
        Settling(20, inputs=5, classes=3, depth=0)


@pytest.mark.parametrize("frozen", [0, 1])
def test_what_is_frozen_gets_nothing(frozen: int):
    one = network()
    one.maps[frozen].requires_grad_(False)
    HebbianSignalPropagation().learn(one, Batch(normal(12, 5), LABELS), CLASSES.loss)
    assert one.maps[frozen].weight.grad is None and one.maps[1 - frozen].weight.grad.any()
