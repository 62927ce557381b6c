"""Rate codes: mean, spread and independence of the spikes, what is 0 and what is 1, and what is refused."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.rate_code import poisson_spikes, rate_spikes, rate_values


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_counts_are_those_of_independent_draws():
    x, steps = torch.tensor([[0.0, 0.1, 0.5, 1.0]]), 10_000
    spikes = rate_spikes(x, steps, generator())
    assert spikes.unique().tolist() == [0, 1]
    counts = spikes.sum(1)[0]
    assert counts[0] == 0 and counts[3] == steps
    for count, chance in zip(counts[1:3].tolist(), (0.1, 0.5), strict=True):
        assert abs(count - chance * steps) < 4 * (steps * chance * (1 - chance)) ** 0.5


def test_the_spread_of_counts_is_that_of_a_binomial():
    """A regular train has the right mean and no spread."""
    steps, chance = 200, 0.3
    counts = torch.cat(
        [rate_spikes(torch.tensor([[chance]]), steps, generator(s)).sum(1) for s in range(500)]
    )
    expected = steps * chance * (1 - chance)
    assert abs(counts.var() / expected - 1) < 4 * (2 / 499) ** 0.5


def test_steps_channels_and_rows_are_independent():
    spikes = rate_spikes(torch.full((2, 2), 0.5), 20_000, generator())
    one = spikes[0, :, 0] - 0.5
    for other in (spikes[0, :, 1], spikes[1, :, 0], spikes[0, :, 0].roll(1)):
        assert abs((4 * one * (other - 0.5)).mean()) < 4 / 20_000**0.5


def test_200_hz_and_every_step():
    counts = poisson_spikes(torch.tensor([[200.0, 1000.0, 0.0]]), 10_000, generator()).sum(1)[0].tolist()
    assert abs(counts[0] - 2000) < 160  # four deviations
    assert counts[1:] == [10_000, 0]


def test_a_finer_step_keeps_the_rate():
    counts = poisson_spikes(torch.tensor([[50.0, 10_000.0]]), 100_000, generator(), dt=0.1).sum(1)[0].tolist()
    assert abs(counts[0] - 500) < 4 * 500**0.5 and counts[1] == 100_000


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.uint8, torch.bool])
def test_types(dtype: torch.dtype):
    spikes = rate_spikes(torch.tensor([[0, 1]]).to(dtype), 50, generator())
    assert spikes.dtype == (dtype if dtype.is_floating_point else torch.float32)
    assert spikes.sum(1).tolist() == [[0, 50]]


def test_half_precision_keeps_small_rates():
    """The draws are in double precision: of float16 there are only 2048 between 0 and 1."""
    counts = rate_spikes(torch.full((1, 1), 1e-4, dtype=torch.float16), 1_000_000, generator()).float().sum()
    assert 50 < counts < 150


def test_a_seed_repeats_and_another_does_not():
    x = torch.full((3, 4), 0.5)
    assert torch.equal(rate_spikes(x, 30, generator(2)), rate_spikes(x, 30, generator(2)))
    assert not torch.equal(rate_spikes(x, 30, generator(2)), rate_spikes(x, 30, generator(3)))


def test_a_batch_in_parts_is_the_whole():
    x, one = torch.rand(5, 4, generator=generator()), generator(3)
    parts = torch.cat([rate_spikes(x[:2], 30, one), rate_spikes(x[2:], 30, one)])
    assert torch.equal(parts, rate_spikes(x, 30, generator(3)))


def test_read_back_it_is_the_value_within_its_spread():
    x = torch.rand(4, 5, generator=generator())
    found = rate_values(rate_spikes(x, 10_000, generator()))
    assert ((found - x).abs() <= 5 * (x * (1 - x) / 10_000).sqrt()).all()


@pytest.mark.parametrize("bad", [1.2, -0.1, float("nan")])
def test_no_chance(bad: float):
    with pytest.raises(BadInput, match=f"a rate code: expected values from 0 to 1, got {bad:g}"):
        rate_spikes(torch.tensor([[0.5, bad]]), 10, generator())


def test_no_rate():
    for bad in (1001.0, -1.0, float("nan")):
        with pytest.raises(BadInput, match="expected rates from 0 to 1000 Hz in steps of 1 ms"):
            poisson_spikes(torch.tensor([[bad]]), 10, generator())
    with pytest.raises(BadInput, match="expected dt above 0 ms"):
        poisson_spikes(torch.zeros(1, 1), 10, generator(), dt=0.0)
