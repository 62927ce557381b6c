"""Firing: the three resets, and what is refused."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.firing import Firing, Reset


def test_resets_with_a_threshold_for_each_unit() -> None:
    v, spikes = torch.tensor([[3.0, 2.0, 0.5]]), torch.tensor([[1.0, 1.0, 0.0]])
    threshold = torch.tensor([[0.5, 1.5, 9.0]])
    assert Reset.SUBTRACT(v, spikes, threshold).tolist() == [[2.5, 0.5, 0.5]]
    assert Reset.ZERO(v, spikes, threshold).tolist() == [[0, 0, 0.5]]
    assert Reset.NONE(v, spikes, threshold).tolist() == v.tolist()


@pytest.mark.parametrize("reset", Reset)
def test_a_threshold_without_end_leaves_the_potential(reset: Reset) -> None:
    v = torch.tensor([[3.0, -2.0]])
    assert reset(v, torch.zeros(1, 2), math.inf).equal(v)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan])
def test_thresholds_that_are_refused(bad: float) -> None:
    with pytest.raises(BadInput, match=f"a threshold above 0, got {bad}"):
        Firing(threshold=bad)


@pytest.mark.parametrize("bad", [-0.1, math.inf, math.nan])
def test_refractory_times_that_are_refused(bad: float) -> None:
    with pytest.raises(BadInput, match=f"a refractory time of 0 ms or more, got {bad}"):
        Firing(refractory=bad)
