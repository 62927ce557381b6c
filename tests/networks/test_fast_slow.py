"""Fast and slow weights: the slow average in closed form, its limits, and who learns."""

import pytest
import torch
from torch import nn

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.networks.fast_slow import Embedding, FastSlow


def network() -> FastSlow:
    torch.manual_seed(0)
    return FastSlow(Embedding(2, 5, 3), 3, 4).double()


def moved(one: FastSlow, seed: int) -> torch.Tensor:
    """Fast weights drawn anew; all of them in a row."""
    with torch.no_grad():
        for place, each in enumerate(one.body.parameters()):
            each.copy_(normal(*each.shape, seed=100 * seed + place))
    return flat(one.body)


def flat(part: nn.Module) -> torch.Tensor:
    return nn.utils.parameters_to_vector(part.parameters()).detach().clone()


@pytest.mark.parametrize("eps", [0.0, 0.1, 0.5, 1.0])
def test_slow_weights_are_the_geometric_average_of_fast_ones(eps: float):
    one = network()
    first, fast = flat(one.slow), []
    for task in range(12):
        fast.append(moved(one, task))
        one.consolidated(eps)
    by_hand = (1 - eps) ** 12 * first + sum(eps * (1 - eps) ** (11 - s) * at for s, at in enumerate(fast))
    assert torch.allclose(flat(one.slow), by_hand, rtol=0, atol=1e-12)
    assert torch.equal(flat(one.body), fast[-1])


@pytest.mark.parametrize("rho", [0.0, 0.3, 1.0])
def test_mixed_is_between_both(rho: float):
    one = network()
    fast, slow = moved(one, 1), flat(one.slow)
    one.mixed(rho)
    assert torch.allclose(flat(one.body), rho * fast + (1 - rho) * slow, rtol=0, atol=1e-14)
    assert torch.equal(flat(one.slow), slow)


def test_settled_both_copies_are_the_same_and_are_two():
    one = network()
    fast = moved(one, 1)
    one.settle()
    assert torch.equal(flat(one.slow), fast)
    moved(one, 2)
    assert torch.equal(flat(one.slow), fast)


def test_slow_weights_learn_by_no_gradient_and_come_between_body_and_head():
    one = network()
    one(normal(2, 6, 2)).sum().backward()
    names = [name for name, _ in one.named_parameters()]
    assert [name.split(".")[0] for name in names] == ["body"] * 6 + ["slow"] * 6 + ["head"] * 2
    assert {name for name, each in one.named_parameters() if each.grad is None} == set(names[6:12])


def test_a_share_outside_0_and_1_is_refused_and_nothing_moves():
    one = network()
    moved(one, 1)
    before = one.state_dict()
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(BadInput, match="from 0 to 1"):
            one.mixed(wrong)
        with pytest.raises(BadInput, match="from 0 to 1"):
            one.consolidated(wrong)
    assert all(torch.equal(each, before[name]) for name, each in one.state_dict().items())
