"""What is kept as tensors with names: groups, what an optimiser knows, and draws."""

import numpy as np
import pytest
import torch

from wavetrain.parts.kept import into_draws, into_optimiser, of_draws, of_optimiser, under, within


def test_groups_come_back_whole_and_alone():
    a, b = {"x.y": torch.ones(2), "z": torch.zeros(1)}, {"x": torch.ones(3)}
    both = within("one", a) | within("one more", b) | within("ones", b)
    assert under("one", both) == a and under("one more", both) == b and under("on", both) == {}


@pytest.mark.parametrize("kind", [torch.optim.Adam, lambda some: torch.optim.SGD(some, 0.1, momentum=0.9)])
def test_an_optimiser_goes_on_and_what_was_kept_stays(kind):
    def step(optimiser: torch.optim.Optimizer, parameter: torch.Tensor) -> None:
        parameter.grad = parameter.detach().cos()
        optimiser.step()

    one = torch.ones(3, requires_grad=True)
    updates = kind([one])
    step(updates, one)
    kept = of_optimiser(updates)
    before = {name: value.clone() for name, value in kept.items()}
    other = one.detach().clone().requires_grad_()
    taken = kind([other])
    into_optimiser(taken, kept)
    step(taken, other)
    torch.testing.assert_close(kept, before, rtol=0, atol=0)
    step(updates, one)
    assert torch.equal(one, other)


def test_names_that_are_none_of_an_optimiser_are_refused():
    with pytest.raises(ValueError):
        into_optimiser(torch.optim.Adam([torch.ones(1, requires_grad=True)]), {"weight": torch.ones(1)})


def test_draws_go_on_where_they_were():
    one, other = np.random.default_rng(3), np.random.default_rng(4)
    one.random(7)
    into_draws(other, of_draws(one))
    assert one.random(5).tolist() == other.random(5).tolist()
    assert one.integers(9, size=3).tolist() == other.integers(9, size=3).tolist()
