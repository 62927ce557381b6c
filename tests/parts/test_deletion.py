"""Synapses lost: how many, what the sums are then, and the two ends."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.deletion import deleted


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


WEIGHT = torch.rand(30, 200, generator=dice(1), dtype=torch.float64)


def test_sums_are_as_before_and_ratios_too():
    left = deleted(WEIGHT, 0.8, generator=dice())
    torch.testing.assert_close(left.sum(1), WEIGHT.sum(1))
    ratio = left / WEIGHT
    for row in ratio:
        factors = row[row > 0]
        torch.testing.assert_close(factors, factors[:1].expand_as(factors))


def test_without_restoring_what_stays_stays_as_it_is():
    left = deleted(WEIGHT, 0.8, generator=dice(), restored=False)
    stays = left > 0
    assert torch.equal(left[stays], WEIGHT[stays])
    assert float(stays.double().mean()) == pytest.approx(0.2, abs=0.02)  # 6,000 weights: 4 deviations
    assert torch.equal(stays, deleted(WEIGHT, 0.8, generator=dice()) > 0)  # the same ones with restoring


def test_the_ends():
    assert torch.equal(deleted(WEIGHT, 0.0, generator=dice(), restored=False), WEIGHT)
    torch.testing.assert_close(deleted(WEIGHT, 0.0, generator=dice()), WEIGHT)
    assert torch.equal(deleted(WEIGHT, 1.0, generator=dice()), torch.zeros_like(WEIGHT))


def test_what_is_not_there_stays_away_and_the_given_weights_as_they_are():
    weight = WEIGHT * (torch.arange(200) < 100)
    before = weight.clone()
    left = deleted(weight, 0.5, generator=dice())
    assert not left[:, 100:].any() and torch.equal(weight, before)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_shares_that_are_none(share: float):
    with pytest.raises(BadInput, match="a share of synapses from 0 to 1, got"):
        deleted(WEIGHT, share, generator=dice())


def test_weights_below_nothing():
    with pytest.raises(BadInput, match="weights of 0 or more, got -1"):
        deleted(-torch.ones(2, 2), 0.5, generator=dice())
