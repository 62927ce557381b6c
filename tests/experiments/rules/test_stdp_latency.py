"""The claim of latencies: the predicates, the volleys, and what is measured of weights."""

import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.rules.stdp_latency import ARMS, DT, _walked, claim, early_late, smoke, volley
from wavetrain.train.lab import Lab

RIGHT = {"early_late_ordered": 0.4, "early_late_shuffled": -0.1, "fall_ordered": 0.4, "fall_shuffled": 0.3}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True]),
        ({"early_late_ordered": 0.39}, [False, True, True]),
        ({"early_late_shuffled": 0.11}, [True, False, True]),
        ({"early_late_shuffled": -0.11}, [True, False, True]),
        ({"fall_ordered": 0.39, "fall_shuffled": 0.0}, [True, True, False]),
        ({"fall_ordered": 0.6, "fall_shuffled": 0.51}, [True, True, False]),  # the control fell nearly as far
        ({"fall_ordered": math.nan}, [True, True, False]),  # the neuron fell silent
        (dict.fromkeys(RIGHT, 0.0), [False, True, False]),  # no plasticity
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts


def test_early_less_late():
    weight = torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.25, 0.25, 0.25])
    assert early_late(weight) == pytest.approx(0.75)
    assert early_late(torch.full((10,), 0.3)) == pytest.approx(0.0, abs=1e-6)


def test_each_input_fires_once_about_its_time():
    times = torch.linspace(5, 45, 200).double()
    spikes = volley(times, torch.Generator().manual_seed(0))
    assert spikes.shape == (200, 200) and spikes.sum(0).eq(1).all()
    late = spikes.argmax(0) * DT - times
    assert abs(float(late.mean())) < 0.3 and float(late.std()) == pytest.approx(1, abs=0.2)


def test_arms_differ_in_the_order_alone_and_a_walk_is_read_back(tmp_path: Path):
    lab = Lab(tmp_path, 0)
    ends = {arm: _walked(arm, smoke, lab) for arm in ARMS}
    weights = [weight for weight, _ in ends.values()]
    assert not torch.equal(*weights)
    for weight, latency in ends.values():
        assert len(latency) == smoke.volleys and latency.isfinite().all()
        assert (weight >= 0).all() and (weight <= 2 * smoke.start).all() and not (weight == smoke.start).all()
    torch.testing.assert_close(_walked("ordered", smoke, lab), ends["ordered"], rtol=0, atol=0)
