"""First spikes, lags and tokens that are known, and the predicates on either side."""

import math

import numpy as np
import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.dynamics import phase_codes
from wavetrain.experiments.dynamics.phase_codes import LAGS, Scale, claim, first_spikes, passed, tokens


def dice() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@torch.no_grad()
def test_one_spike_of_a_cycle_is_read_and_its_drive():
    scale = Scale(trials=2, time=1000, noise=0.0)
    phase, drive = first_spikes(scale, 0.8, dice())
    assert len(phase) % 2 == 0 and len(phase) <= 2 * 8  # both trials are the same without noise
    half = len(phase) // 2
    assert np.array_equal(phase[:half], phase[half:]) and np.array_equal(drive[:half], drive[half:])
    assert (np.diff(drive[:half]) > 0).all() and (phase >= 0).all() and (phase < 2 * math.pi).all()
    assert phase[0] - phase[half - 1] > 2 and np.corrcoef(phase, drive)[0, 1] < -0.9  # it goes back


@torch.no_grad()
def test_what_comes_when_the_receiver_is_free_passes():
    rates = passed(Scale(heard=2000, receivers=2), phase_codes.WEAK, dice())
    assert len(rates) == len(LAGS)
    assert LAGS[int(rates.argmin())] == pytest.approx(0, abs=math.pi / 4 + 0.01)
    assert abs(LAGS[int(rates.argmax())]) > math.pi / 2
    assert not passed(Scale(heard=500, receivers=1), 0.0, dice()).any()


@torch.no_grad()
def test_tokens_are_numbered_with_their_sign(monkeypatch: pytest.MonkeyPatch):
    scale = Scale(patterns=3, units=200, walked=4, noise=0.0)
    given: dict[str, torch.Tensor] = {}

    def planted(network, x):  # type: ignore[no-untyped-def]
        given["patterns"] = one = network.patterns
        mixed = 0.5 * one[0] + 0.5 * one[1]
        return torch.stack([one[0], -one[0], one[2], mixed])[None]

    monkeypatch.setattr(phase_codes.AdaptingAttractors, "forward", planted)
    assert tokens(scale, 0.3, dice()).tolist() == [1, 2, 5, 0]
    assert given["patterns"].shape == (3, 200)


WHOLE = {"slope_theta": -2.5, "resultant_theta": 0.9, "slope_none": -2.0, "resultant_none": 0.85}
WHOLE |= {"best_weak": 18.0, "worst_weak": 3.6, "best_strong": 40.0, "worst_strong": 38.0}
WHOLE |= {"transitions_rested": 0.0, "held_rested": 1.0}
WHOLE |= {"transitions_tired": 15.0, "tokens_tired": 4.0, "held_tired": 0.75}


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        ({}, None),
        ({"slope_theta": -2.4}, 0),
        ({"slope_theta": 2.5}, 0),
        ({"resultant_theta": 0.89}, 0),
        ({"slope_none": -2.1}, 1),
        ({"slope_none": 2.1}, 1),
        ({"resultant_none": 0.86}, 1),
        ({"worst_weak": 3.7}, 2),
        ({"best_weak": 0.0, "worst_weak": 0.0}, 2),
        ({"worst_strong": 33.0}, 3),
        ({"best_strong": 0.0, "worst_strong": 0.0}, 3),
        ({"transitions_rested": 1.0}, 4),
        ({"held_rested": 0.99}, 4),
        ({"transitions_tired": 14.0}, 5),
        ({"tokens_tired": 3.0}, 5),
        ({"held_tired": 0.74}, 5),
    ],
)
def test_each_part_on_either_side(change: dict[str, float], fails: int | None):
    assert answers(claim, WHOLE | change) == [part != fails for part in range(6)]
