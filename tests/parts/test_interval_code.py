"""Trains with intervals from a Poisson distribution: their mean and variance, and what is refused."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.interval_code import interval_spikes


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.uint8])
def test_types(kind: torch.dtype):
    """Spikes are 0 or 1 whatever the type of the rates, and have it where it can hold them."""
    spikes = interval_spikes(torch.tensor([[0, 1, 200]]).to(kind), 400, draw())
    assert spikes.unique().tolist() == [0, 1] and not spikes[..., 0].any()
    assert spikes.dtype == (kind if kind.is_floating_point else torch.float32)
    assert spikes.shape == (1, 400, 3)


def test_the_same_seed_gives_the_same():
    rates = torch.full((3, 5), 120.0)
    assert interval_spikes(rates, 50, draw()).equal(interval_spikes(rates, 50, draw()))
    assert not interval_spikes(rates, 50, draw()).equal(interval_spikes(rates, 50, draw(1)))


def test_intervals_have_the_mean_and_variance_of_a_poisson_distribution():
    """At 100 Hz 10 steps and 10, where a Poisson train has 90; and so has the time to the first spike."""
    train = interval_spikes(torch.tensor([[100.0]]), 50_000, draw())
    intervals = train.flatten().nonzero().flatten().diff().double()
    assert float(intervals.mean()) == pytest.approx(10, abs=4 * (10 / len(intervals)) ** 0.5)
    assert float(intervals.var()) == pytest.approx(10, rel=0.1)
    first = interval_spikes(torch.full((1, 20_000), 100.0), 40, draw())[0].argmax(0).double() + 1
    assert float(first.mean()) == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_the_step_counts(dt: float):
    """A second at 40 Hz has 40 spikes but for the half interval at the start, whatever the step."""
    counts = interval_spikes(torch.full((1, 400), 40.0), round(1000 / dt), draw(), dt)[0].sum(0)
    assert float(counts.mean()) == pytest.approx(39.5, abs=0.3)


def test_intervals_of_no_steps_count_as_one():
    """At a spike a step they are 1 + P(0) = 1 + exp(-1) steps on average, and no train ends early."""
    train = interval_spikes(torch.full((1, 200), 1000.0), 1000, draw())[0]
    assert float(train.sum(0).mean()) == pytest.approx(1000 / (1 + torch.e**-1), rel=0.01)
    assert train[-20:].any(0).all()


@pytest.mark.parametrize("wrong", [-0.1, 1200.0, float("nan"), float("inf")])
def test_refused(wrong: float):
    with pytest.raises(BadInput, match="an interval code"):
        interval_spikes(torch.tensor([[wrong]]), 5, draw())
    with pytest.raises(BadInput, match="steps from 1 on"):
        interval_spikes(torch.tensor([[1.0]]), 0, draw())
