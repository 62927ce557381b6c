"""Level crossing: what is read back is within a threshold, whatever comes; and what a spike stands for."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wavetrain.errors import BadInput
from wavetrain.parts.level_crossing import crossings_of, finer, level_crossings, levels, up_and_down


def walk(seed: int, time: int = 40, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    drawn = torch.randn(3, time, 2, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return drawn.cumsum(1)


@given(st.integers(0, 1000), st.sampled_from([0.1, 0.3, 1.0, 2.5]))
def test_what_is_read_back_is_less_than_a_threshold_away(seed: int, threshold: float):
    x = walk(seed)
    found = levels(level_crossings(x, threshold)[0], threshold)
    assert ((found - x).abs() < threshold * (1 + 1e-12)).all()


def test_no_error_adds_up_over_twenty_thousand_steps():
    """0.1 is no binary fraction: a running sum of it in float32 is three thresholds off by then."""
    x = torch.arange(20_000, dtype=torch.float64)[None, :, None] * 0.1
    crossings, sent = level_crossings(x, 0.1)
    assert (levels(crossings, 0.1) - x).abs().max() < 0.1 + 1e-9
    assert abs(int(crossings.sum()) - 19_999) <= 1
    assert abs(float(sent) - float(x[0, -1, 0])) < 0.1 + 1e-9


@given(st.integers(0, 1000), st.integers(0, 40))
def test_a_signal_cut_anywhere_is_the_whole(seed: int, cut: int):
    x = walk(seed)
    whole, last = level_crossings(x, 0.5)  # 0.5 is exact, so that the two agree to the last bit
    first, sent = level_crossings(x[:, :cut], 0.5)
    then, after = level_crossings(x[:, cut:], 0.5, sent)
    assert torch.equal(torch.cat([first, then], 1), whole)
    assert torch.equal(after, last)


def test_a_signal_that_stays_and_noise_below_the_threshold_send_nothing():
    assert not level_crossings(torch.full((1, 20, 1), 0.7), 1.0)[0].any()
    wobble = torch.tensor([0.0, 0.9, -0.9] * 10)[None, :, None]
    assert not level_crossings(wobble, 1.0)[0].any()
    assert not level_crossings(3.2 + 0.1 * wobble, 1.0, torch.full((1, 1), 3.0))[0].any()


def test_on_the_threshold_it_is_crossed_both_ways():
    x = torch.tensor([1.0, 2.0, 1.0, 0.0, -1.0])[None, :, None]
    assert level_crossings(x, 1.0)[0].flatten().tolist() == [1, 1, -1, -1, -1]


def test_a_signal_and_its_mirror_image_send_the_opposite():
    x = walk(3)
    assert torch.equal(level_crossings(-x, 0.3)[0], -level_crossings(x, 0.3)[0])


def test_scale_of_signal_and_threshold_cancel():
    x = walk(4)
    assert torch.equal(level_crossings(4 * x, 2.0)[0], level_crossings(x, 0.5)[0])


def test_crossings_as_spikes_and_back():
    crossings = torch.tensor([[[1, 0], [-1, 1], [0, -1]]])
    spikes = up_and_down(crossings)
    assert spikes.unique().tolist() == [0, 1]
    assert spikes[0].tolist() == [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    assert torch.equal(crossings_of(spikes), crossings)


def test_more_than_one_crossing_in_a_step_is_no_spike():
    with pytest.raises(BadInput, match="crosses one level in a step at the most, got 3"):
        up_and_down(torch.tensor([[[1], [-3]]]))


def test_finer_steps_keep_the_values_and_make_any_signal_slow_enough():
    x = walk(5, dtype=torch.float32)
    fast, _ = level_crossings(x, 0.25)
    assert fast.abs().max() > 1
    times = 2 * int(fast.abs().max())
    fine = finer(x, times)
    assert torch.equal(fine[:, times - 1 :: times], x)
    steps = fine.diff(dim=1).abs().max()
    assert steps <= x.diff(dim=1).abs().max() / times * 1.001
    start = x[:, 0]
    crossings, _ = level_crossings(fine, 0.25, start)
    found = levels(crossings_of(up_and_down(crossings)), 0.25, start)
    assert ((found - fine).abs() < 0.25 + 1e-5).all()


def test_bad_input():
    x = torch.zeros(1, 3, 1)
    for threshold in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(BadInput, match="expected a threshold above 0"):
            level_crossings(x, threshold)
    with pytest.raises(BadInput, match="expected a finite signal"):
        level_crossings(x * float("nan"), 1.0)
    with pytest.raises(BadInput, match="expected 1 or more steps"):
        finer(x, 0)
