"""Traces: exact decay in steps of any size, all spikes or the nearest, and pieces of a sequence."""

import math

import pytest
import torch

from tests.promises import close
from wavetrain.errors import BadInput
from wavetrain.parts.traces import Trace


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1, 20.0])
def test_decay_is_exact_whatever_the_step(dt: float):
    """10 after 20 ms with tau = 20 ms: 3.678794; with a step as long as tau it is 10 / e too."""
    trace = torch.full((1, 1), 10.0, dtype=torch.float64)
    for _ in range(round(20 / dt)):
        trace = Trace(20.0, dt).faded(trace)
    assert float(trace) == pytest.approx(10 / math.e, abs=1e-9)


@pytest.mark.parametrize("nearest", [False, True])
def test_a_trace_by_hand(nearest: bool):
    trace, half = Trace(1 / math.log(2), nearest=nearest), torch.zeros(1, 1).double()
    spikes = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 0.0]).double().view(1, 6, 1)
    every = [0, 1, 1, 0.5, 1, 0.5] if nearest else [0, 1, 1.5, 0.75, 1.375, 0.6875]
    found, last = trace.whole(spikes, half)
    close(found.flatten(), torch.tensor(every).double(), "trace")
    close(last, found[:, -1], "last trace")
    for cut in range(7):
        one, state = trace.whole(spikes[:, :cut], half)
        two, end = trace.whole(spikes[:, cut:], state)
        assert torch.equal(torch.cat([one, two], 1), found) and torch.equal(end, last)


def test_an_infinite_time_constant_keeps_all():
    spikes = torch.ones(1, 1000, 1).double()
    assert float(Trace(math.inf).whole(spikes, torch.zeros(1, 1).double())[1]) == 1000


def test_bad_input_is_refused():
    for tau in (0, -1, math.nan):
        with pytest.raises(BadInput, match="expected tau above 0 ms"):
            Trace(tau)
    for dt in (0, math.inf, math.nan):
        with pytest.raises(BadInput, match="expected dt above 0 ms"):
            Trace(20.0, dt)
