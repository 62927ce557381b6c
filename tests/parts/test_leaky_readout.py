"""A leaky read-out: what it has gathered is a sum with exponential weights, and goes on from its state."""

import pytest
import torch

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.parts.leaky_readout import LeakyReadout


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same weights in each run."""
    torch.manual_seed(0)


def test_it_is_a_sum_with_exponential_weights():
    """A Toeplitz matrix of 0.8 to the age, as no spike is ever taken off."""
    read, x = LeakyReadout(5, 2, kept=0.8).double(), normal(3, 12, 5)
    age = torch.arange(12)[:, None] - torch.arange(12)
    weights = torch.where(age >= 0, 0.8 ** age.clamp(min=0).double(), 0.0)
    expected = read.gain * torch.einsum("ts,bso->bto", weights, read.gather(x))
    torch.testing.assert_close(read(x)[0], expected, rtol=1e-6, atol=1e-6)  # tau begins in float32


def test_it_goes_on_from_its_state():
    read, x = LeakyReadout(5, 2, kept=0.5).double(), normal(3, 12, 5)
    whole, last = read(x)
    head, state = read(x[:, :7])
    tail, end = read(x[:, 7:], state)
    torch.testing.assert_close(torch.cat([head, tail], 1), whole)
    torch.testing.assert_close(end, last)


def test_a_state_of_another_batch_is_refused():
    """One row would be spread over all."""
    read = LeakyReadout(5, 2, kept=0.8)
    for given, came in ((1, 4), (4, 1), (4, 3)):
        with pytest.raises(BadInput, match=rf"\({came}, 2\)"):
            read(torch.ones(came, 6, 5), read.begin(given))


def test_all_of_it_learns():
    read = LeakyReadout(5, 2, kept=0.8)
    read(torch.ones(3, 12, 5))[0].square().sum().backward()
    assert all(one.grad is not None and one.grad.any() for one in read.parameters())
