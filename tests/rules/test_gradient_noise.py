"""Gradient noise: its law, what it wraps, and that nothing else changes."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from tests.promises import close, normal
from tests.rules.grads import grads, off
from wavetrain import find
from wavetrain.core import Batch, Rule
from wavetrain.core.terms import Sight, terms_of
from wavetrain.layers import Elman
from wavetrain.parts.reader import Reader
from wavetrain.rules import (
    Backpropagation,
    EProp,
    FeedbackAlignment,
    GradientNoise,
    HebbianProjection,
    SnAp,
    TruncatedBackpropagation,
)
from wavetrain.testing import check_rule
from wavetrain.testing.lessons import NETWORKS, own_or
from wavetrain.testing.tools import refused

X, Y = normal(3, 12, 4), normal(3, 12, 4, seed=2)
INNER = {
    "none": lambda: None,
    "backpropagation": Backpropagation,
    "feedback": FeedbackAlignment,
    "snap": SnAp,
    "truncated": TruncatedBackpropagation,
}


def elman() -> nn.Module:
    torch.manual_seed(0)
    return Reader(Elman(4, inputs=4), 4, every_step=True).double()


def wide(rows: int = 200, columns: int = 100) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(columns, rows, bias=False).double()


def noise_of(rule: GradientNoise, network: nn.Module) -> Tensor:
    """What is left where the gradient is 0."""
    return grads(rule, network, Batch(normal(2, 100), normal(2, 200)), lambda y, _: 0.0 * y.sum())


# --- the law of the noise -----------------------------------------------------------------------------


def test_deviations_in_closed_form():
    rule = GradientNoise(0.01)
    assert rule.deviation(0) ** 2 == pytest.approx(0.01)
    assert (rule.deviation(99) / rule.deviation(0)) ** 2 == pytest.approx(100**-0.55)
    assert round((rule.deviation(99) / rule.deviation(0)) ** 2, 4) == 0.0794
    assert rule.deviation(10_000) == pytest.approx(0.00794, rel=1e-3)
    assert all(one > other for one, other in pairwise(rule.deviation(step) for step in range(1000)))
    assert GradientNoise(0.3, gamma=0.0).deviation(500) == pytest.approx(0.3**0.5)


@pytest.mark.parametrize("step", [0, 99])
def test_the_variance_is_eta_and_not_its_square(step: int):
    """20,000 components: mean and variance to 4.5 standard errors."""
    rule, network = GradientNoise(0.01), wide()
    rule.steps = step
    noise, variance = noise_of(rule, network), 0.01 * (1 + step) ** -0.55
    assert abs(float(noise.mean())) < 4.5 * (variance / 20_000) ** 0.5
    assert abs(float(noise.square().mean()) / variance - 1) < 4.5 * (2 / 20_000) ** 0.5
    assert abs(float(noise.pow(4).mean()) / variance**2 - 3) < 4.5 * (96 / 20_000) ** 0.5


def test_samples_of_steps_seeds_and_parameters_are_independent():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(100, 200, bias=False), nn.Linear(200, 100, bias=False)).double()
    rule, found = GradientNoise(1.0), []
    for _ in range(2):
        network.zero_grad()
        rule.learn(network, Batch(normal(2, 100), normal(2, 100)), lambda y, _: 0.0 * y.sum())
        found += [one.grad.flatten() for one in network.parameters()]
    found.append(noise_of(GradientNoise(1.0, seed=1), wide()))
    for place, one in enumerate(found):
        for other in found[:place]:
            assert abs(float((one * other).mean())) < 4.5 * 20_000**-0.5


def test_without_gradients_weights_walk_at_random():
    """Under plain gradient descent of rate a their variance is a^2 times the sum of those of the noise."""
    network, rule = wide(), GradientNoise(0.01)
    nn.init.zeros_(network.weight)
    updates = torch.optim.SGD(network.parameters(), 0.1)
    batch = Batch(normal(2, 100), normal(2, 200))
    for _ in range(50):
        updates.zero_grad()
        rule.learn(network, batch, lambda y, _: 0.0 * y.sum())
        updates.step()
    expected = 0.01 * sum(rule.deviation(step) ** 2 for step in range(50))
    found = float(network.weight.detach().square().mean())
    assert abs(found / expected - 1) < 4.5 * (2 / 20_000) ** 0.5
    far = 0.1 * math.sqrt(sum(rule.deviation(step) ** 2 for step in range(10_000)))
    assert far == pytest.approx(0.118, abs=5e-4)


# --- what is left as it is ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", INNER)
def test_without_variance_it_is_the_rule_to_the_last_bit(name: str):
    network, batch = elman(), Batch(X, Y)
    inner = INNER[name]
    plain = grads(inner() or Backpropagation(), network, batch)
    states = torch.get_rng_state()
    assert torch.equal(grads(GradientNoise(0.0, rule=inner()), network, batch), plain)
    noisy = grads(GradientNoise(0.01, rule=inner()), network, batch)
    assert torch.equal(states, torch.get_rng_state())  # nobody else's numbers are drawn
    deviation = float((noisy - plain).square().mean().sqrt())
    assert 0.07 < deviation < 0.13


def test_signs_of_zero_stay():
    network = wide()
    assert noise_of(GradientNoise(0.0), network).equal(torch.zeros(20_000, dtype=torch.float64))
    negative = grads(
        GradientNoise(0.0), network, Batch(normal(2, 100), normal(2, 200)), lambda y, _: -0.0 * y.sum()
    )
    assert torch.equal(
        negative.signbit(),
        grads(
            Backpropagation(), network, Batch(normal(2, 100), normal(2, 200)), lambda y, _: -0.0 * y.sum()
        ).signbit(),
    )


def test_it_is_clipped_before_noise_is_added():
    network, batch = elman(), Batch(X, 100 * Y)
    plain = grads(Backpropagation(), network, batch)
    assert plain.norm() > 10
    clipped = grads(GradientNoise(0.0, clip=0.5), network, batch)
    assert off(clipped, 0.5 * plain / plain.norm()) < 1e-5
    noisy = grads(GradientNoise(4.0, clip=0.5), network, batch)
    assert noisy.norm() > 2
    close(
        noisy - clipped, grads(GradientNoise(4.0), network, batch) - plain, "noise, with a clip and without"
    )


def test_a_parameter_that_is_used_twice_gets_one_sample():
    network = nn.Sequential(wide(100, 100), wide(100, 100))
    network[1].weight = network[0].weight
    batch = Batch(normal(2, 100), normal(2, 100))
    rule = GradientNoise(1.0)
    rule.learn(network, batch, lambda y, _: 0.0 * y.sum())
    assert abs(float(network[0].weight.grad.square().mean()) - 1) < 4.5 * (2 / 10_000) ** 0.5


def test_what_gets_no_update_gets_no_noise():
    class Spare(nn.Linear):
        def __init__(self):
            super().__init__(4, 4)
            self.spare = nn.Parameter(torch.ones(3))

    network = Spare().double()
    network.bias.requires_grad_(False)
    GradientNoise().learn(network, Batch(X, Y), nn.functional.mse_loss)
    assert network.spare.grad is None and network.bias.grad is None and network.weight.grad is not None


def test_of_a_complex_parameter_both_parts_are_noisy():
    class Turning(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(100, 100, dtype=torch.complex128))

        def forward(self, x: Tensor) -> Tensor:
            return torch.view_as_real(x * self.weight)

    noise = grads(GradientNoise(0.01), Turning(), Batch(normal(100), 0), lambda y, _: 0.0 * y.sum())
    for part in noise.view(10_000, 2).unbind(1):
        assert abs(float(part.square().mean()) / 0.01 - 1) < 4.5 * (2 / 10_000) ** 0.5


def test_half_precision_gets_noise_that_was_drawn_in_single():
    network = wide().bfloat16()
    GradientNoise(0.01).learn(network, Batch(normal(2, 100).bfloat16(), 0), lambda y, _: 0.0 * y.sum())
    assert network.weight.grad.dtype == torch.bfloat16
    assert float(network.weight.grad.float().square().mean()) == pytest.approx(0.01, rel=0.05)


def test_what_goes_on_from_its_step_goes_on_alike():
    rule, whole = GradientNoise(0.01, seed=3), []
    for _ in range(4):
        whole.append(noise_of(rule, wide()))
    again = GradientNoise(0.01, seed=3)
    again.steps = 2
    assert rule.steps == 4 and again.steps == 2
    assert torch.equal(noise_of(again, wide()), whole[2]) and torch.equal(noise_of(again, wide()), whole[3])


# --- a deep network that starts at zero ---------------------------------------------------------------


def test_a_network_of_zeros_moves_by_noise_alone():
    maps = [nn.Linear(6, 6) for _ in range(5)]
    network = nn.Sequential(*(part for one in maps for part in (one, nn.ReLU())), nn.Linear(6, 4))
    for one in network.parameters():
        nn.init.zeros_(one)
    x, y = torch.randn(32, 6), torch.arange(32) % 3

    def learn(eta: float) -> None:
        rule, updates = GradientNoise(eta, clip=10.0), torch.optim.SGD(network.parameters(), 0.1)
        for _ in range(20):
            updates.zero_grad()
            rule.learn(network, Batch(x, y), nn.functional.cross_entropy)
            updates.step()

    learn(0.0)
    last = network[-1].bias
    assert all(not one.any() for one in network.parameters() if one is not last) and last.any()
    assert network(x).argmax(-1).unique().numel() == 1
    learn(0.01)
    assert all(one.all() for one in network.parameters())


# --- the rule that it wraps ---------------------------------------------------------------------------


class Wrapped:
    """Contracts of rules that look at less than backpropagation."""

    feedback = staticmethod(lambda: GradientNoise(rule=FeedbackAlignment()))
    snap = staticmethod(lambda: GradientNoise(rule=SnAp()))
    e_prop = staticmethod(lambda: GradientNoise(rule=EProp()))
    clipped = staticmethod(lambda: GradientNoise(rule=SnAp(), clip=0.1))


@pytest.mark.parametrize("name", ["feedback", "snap", "e_prop", "clipped"])
def test_the_contract_holds_with_the_terms_of_the_rule(name: str):
    check_rule(getattr(Wrapped, name))


def test_terms_pass_through_but_for_a_clip():
    network = elman()
    for inner in (FeedbackAlignment(), SnAp(), Backpropagation()):
        terms, own = GradientNoise(rule=inner).terms(network), terms_of(inner, network)
        assert (terms.trains, terms.blind, terms.unseen) == (own.trains, own.blind, own.unseen)
        assert terms.passes == own.passes and terms.stored(3, 100) == own.stored(3, 100)
    snap = terms_of(SnAp(), network)
    clipped = GradientNoise(rule=SnAp(), clip=1.0).terms(network)
    assert Sight.LATER_STEPS in snap.blind and Sight.LATER_STEPS not in clipped.blind
    assert clipped.trains == snap.trains and clipped.passes == snap.passes


def test_shares_of_steps_add_up_to_the_noisy_update():
    network, errors = elman(), normal(3, 12, 4, seed=5)
    rule = GradientNoise(0.01, rule=SnAp())
    shares = [dict(share) for share in rule.walk(network, X, errors)]
    plain = [dict(share) for share in SnAp().walk(network, X, errors)]
    assert len(shares) == 12 and rule.steps == 0
    for name, update in plain[0].items():
        assert float((shares[0][name] - update).abs().mean()) > 0.01
        assert all(
            torch.equal(one[name], other[name]) for one, other in zip(shares[1:], plain[1:], strict=True)
        )


@pytest.mark.parametrize("found", find.members("rules"), ids=lambda one: one.name)
def test_any_rule_that_is_found_is_wrapped(found: find.Found):
    """On the lesson that it has of its own, or on a network that it teaches."""
    kind = found.load()
    lesson = next(own_or(kind, *NETWORKS.values()))
    found_in = []
    for make in (kind, lambda: GradientNoise(0.0, rule=kind()), lambda: GradientNoise(1.0, rule=kind())):
        rule: Rule = make()
        kept = {name: value.clone() for name, value in lesson[0].state_dict().items()}
        lesson[0].zero_grad()
        torch.manual_seed(4)
        rule.learn(*lesson)
        lesson[0].load_state_dict(kept)
        found_in.append(
            {name: one.grad for name, one in lesson[0].named_parameters() if one.grad is not None}
        )
    plain, still, noisy = found_in
    assert plain.keys() == still.keys() == noisy.keys()
    for name, update in plain.items():
        assert torch.equal(update, still[name])
        assert torch.equal(update, noisy[name]) == (name not in terms_of(kind(), lesson[0]).trains)


def test_what_the_rule_refuses_is_refused_and_no_step():
    rule = GradientNoise(rule=SnAp())
    network = nn.Sequential(nn.Linear(4, 4)).double()
    with refused("SnAp"):
        rule.learn(network, Batch(X, Y), nn.functional.mse_loss)
    assert rule.steps == 0 and network[0].weight.grad is None


def test_bad_input_is_refused():
    for eta, gamma in ((-0.01, 0.5), (math.nan, 0.5), (math.inf, 0.5), (0.01, -1.0), (0.01, math.nan)):
        with refused("variance eta", "at least 0"):
            GradientNoise(eta, gamma)
    for clip, seed in ((0.0, 0), (-1.0, 0), (math.nan, 0), (None, -1), (None, 0.5)):
        with refused("clip above 0"):
            GradientNoise(clip=clip, seed=seed)
    for rule in (
        GradientNoise(),
        GradientNoise(rule=HebbianProjection()),
        GradientNoise(rule=SnAp(), clip=1.0),
    ):
        with refused("walks by steps"):
            rule.walk(elman(), X, Y)
