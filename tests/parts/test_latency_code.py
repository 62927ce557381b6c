"""Latency codes: the stronger the earlier, once at the most, ties together, and nothing for 0."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.latency_code import latency_spikes, latency_times, latency_values, spikes_at


def test_times_by_hand():
    """7.5 goes to the even step, and so does 2.5."""
    assert latency_times(torch.tensor([[1.0, 0.5, 0.25, 0.0]]), 11).tolist() == [[0, 5, 8, -1]]
    assert latency_times(torch.tensor([[0.75]]), 11).tolist() == [[2]]


def test_each_channel_spikes_once_or_not_at_all():
    x = torch.rand(50, 7, generator=torch.Generator().manual_seed(0))
    x[:, 3] = 0
    spikes = latency_spikes(x, 20)
    assert spikes.unique().tolist() == [0, 1]
    assert torch.equal(spikes.sum(1), (x > 0).float())


def test_stronger_is_never_later_and_equal_is_together():
    x = torch.linspace(0.001, 1, 200)[None]
    times = latency_times(x, 16)[0]
    assert (times.diff() <= 0).all() and times[-1] == 0 and times[0] == 15
    assert latency_times(torch.full((1, 9), 0.37), 16).unique().numel() == 1


def test_any_value_above_0_spikes():
    assert latency_times(torch.tensor([[1e-30]]), 5).tolist() == [[4]]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.uint8, torch.bool])
def test_types_and_repeats(dtype: torch.dtype):
    x = torch.tensor([[0, 1]]).to(dtype)
    spikes = latency_spikes(x, 4)
    assert spikes.dtype == (dtype if dtype.is_floating_point else torch.float32)
    assert spikes[0].tolist() == [[0, 1], [0, 0], [0, 0], [0, 0]]
    assert torch.equal(spikes, latency_spikes(x, 4))


def test_read_back_it_is_within_half_a_step():
    x = torch.rand(30, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x[:, 2] = 0
    for steps in (2, 3, 11, 100):
        found = latency_values(latency_spikes(x, steps))
        assert (found - x).abs().max() <= 0.5 / (steps - 1) + 1e-12
        assert (found[:, 2] == 0).all()


def test_spikes_are_at_their_times_and_nowhere_else():
    times = torch.tensor([[0, 4, -1], [2, 2, 3]])
    spikes = spikes_at(times, 5)
    assert spikes.sum() == 5
    assert spikes.nonzero().tolist() == [[0, 0, 0], [0, 4, 1], [1, 2, 0], [1, 2, 1], [1, 3, 2]]


def test_a_time_that_is_no_step_is_neither_cut_nor_moved():
    for bad in (5, -2):
        with pytest.raises(BadInput, match="expected times from 0 to 4, or -1"):
            spikes_at(torch.tensor([[0, bad]]), 5)


@pytest.mark.parametrize("bad", [1.01, -0.2, float("nan")])
def test_no_share(bad: float):
    with pytest.raises(BadInput, match="a latency code: expected values from 0 to 1"):
        latency_spikes(torch.tensor([[bad]]), 5)


def test_too_few_steps():
    with pytest.raises(BadInput, match="expected 2 steps or more, got 1"):
        latency_spikes(torch.ones(1, 1), 1)
    with pytest.raises(BadInput, match="expected 2 steps or more, got 1"):
        latency_values(torch.ones(1, 1, 1))
