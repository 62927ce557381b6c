"""It stays at rest without noise, scales with it, draws by its chances, and has the soft gradient."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.networks.noise_generator import NoiseGenerator, noise


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def test_it_follows_its_definition():
    torch.manual_seed(0)
    network = NoiseGenerator(6, 2, 3)
    x, h = network.drawn(4, 7, dice()), torch.zeros(4, 6)
    y = network(x)
    for step in range(7):
        h = (network.recur.weight @ h.T + network.encode.weight @ x[:, step, :2].T).clamp(min=0).T
        torch.testing.assert_close(network.states(x)[:, step], h)
        chosen = (network.read.weight @ h.T + x[:, step, 2:].T).argmax(0)
        assert torch.equal(y[:, step].argmax(1), chosen)
    assert all(parameter.abs().max() <= 6**-0.5 for parameter in network.parameters())


@torch.no_grad()
def test_without_noise_it_rests_and_with_twice_the_noise_it_is_twice_as_far():
    network, x = NoiseGenerator(10, 3, 3), noise(5, 20, 3, 3, generator=dice())
    assert not network.states(torch.zeros_like(x)).any()
    torch.testing.assert_close(network.states(2 * x), 2 * network.states(x))


def test_symbols_are_drawn_with_the_chances_of_their_logits():
    logits = torch.tensor([0.3, -1.0, 1.2])
    gumbel = noise(1, 40_000, 1, 3, generator=dice())[0, :, 1:]
    y = NoiseGenerator.emit(logits.expand(40_000, 3), gumbel)
    assert set(y.flatten().tolist()) == {0.0, 1.0} and (y.sum(1) == 1).all()
    torch.testing.assert_close(y.mean(0), torch.softmax(logits, 0), atol=0.01, rtol=0)


def test_the_gradient_is_that_of_the_soft_choice():
    logits, gumbel, weight = torch.randn(3, 5, 4), torch.randn(3, 5, 4), torch.randn(3, 5, 4)
    hard, soft = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    (NoiseGenerator.emit(hard, gumbel) * weight).sum().backward()
    (torch.softmax(soft + gumbel, -1) * weight).sum().backward()
    torch.testing.assert_close(hard.grad, soft.grad)


def test_noise_is_normal_and_gumbel():
    drawn = noise(200, 200, 1, 1, generator=dice()).double()
    push, choice = drawn[..., 0], drawn[..., 1]
    assert abs(float(push.mean())) < 0.02 and float(push.std()) == pytest.approx(1, abs=0.02)
    assert float(choice.mean()) == pytest.approx(0.5772, abs=0.02)  # Euler's constant
    assert float(choice.var()) == pytest.approx(torch.pi**2 / 6, abs=0.05)
    assert torch.equal(noise(2, 3, 1, 1, generator=dice()), noise(2, 3, 1, 1, generator=dice()))


def test_what_does_not_fit_is_refused():
    network = NoiseGenerator(4, 2, 3)
    for x in (torch.zeros(1, 3, 4), torch.zeros(3, 5), torch.zeros(1, 0, 5)):
        with pytest.raises(BadInput, match=r"expected x \(batch, time, 5\)"):
            network(x)
    with pytest.raises(BadInput, match="hidden"):
        NoiseGenerator(0, 2, 3)


def test_no_noise_is_endless(monkeypatch: pytest.MonkeyPatch):
    """The least and the most that is drawn, 0 and next to 1, count as 1e-12 and 1 - 1e-12."""
    ends = torch.tensor([[[0.0, 1 - 2.0**-53]]], dtype=torch.float64)
    monkeypatch.setattr(torch, "rand", lambda *sizes, **how: ends)
    found = noise(1, 1, 0, 2, generator=dice()).flatten().tolist()
    assert found == pytest.approx([-math.log(12 * math.log(10)), 12 * math.log(10)], rel=1e-4)
