"""Order of stimuli: the predicates, the trials, and what is in a snapshot."""

import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.waves.stimulus_order import (
    ENCODERS,
    GAP,
    ORDERS,
    SITES,
    WORLDS,
    claim,
    exact,
    rivals,
    run,
    small,
    smoke,
    snapshots,
    trials,
)
from wavetrain.train.lab import Lab

RIGHT = {
    "right_wave_strengths": 1.0,
    "right_bump_strengths": 0.49,
    "right_static_strengths": 0.16,
    "right_static_alike": 0.16,
    "right_bump_alike": 0.98,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True] * 4),
        ({"right_wave_strengths": 0.94}, [False, True, True, True]),
        ({"right_bump_strengths": 0.61}, [True, False, True, True]),
        ({"right_static_strengths": 0.26}, [True, True, False, True]),
        ({"right_static_alike": 0.26}, [True, True, False, True]),
        ({"right_bump_alike": 0.94}, [True, True, True, False]),
        (dict.fromkeys(RIGHT, math.nan), [False] * 4),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts


def test_what_is_known_holds(tmp_path: Path):
    assert answers(claim, RIGHT | exact(small, Lab(tmp_path, 0))) == [True] * 4


@pytest.mark.parametrize("gaps", [False, True])
def test_who_came_first_is_oldest(gaps: bool):
    given = trials(300, torch.Generator().manual_seed(0), spread=0.0, gaps=gaps)
    assert sorted(ORDERS) == list(ORDERS) and given.order.unique().tolist() == list(range(6))
    for order, age in zip(given.order.tolist(), given.age, strict=True):
        assert age.argsort(descending=True).tolist() == list(ORDERS[order])
        waits = [*(-age.sort(descending=True).values.diff()).tolist(), int(age.min())]
        assert all(3 <= one <= 8 if gaps else one == GAP for one in waits)
    assert given.strength.eq(1).all()
    spread = trials(4000, torch.Generator().manual_seed(0), spread=0.5, gaps=gaps).strength.log()
    assert abs(float(spread.std()) - 0.5) < 0.02 and abs(float(spread.mean())) < 0.02


def test_a_snapshot_is_the_state_after_the_stimuli():
    given = trials(4, torch.Generator().manual_seed(0), spread=0.5, gaps=True)
    for name, encoder in rivals(small).items():
        shown = snapshots(encoder, given)
        for row in range(4):
            oldest = int(given.age[row].max())
            x = torch.zeros(oldest + 1, SITES)
            x[oldest - given.age[row], torch.arange(SITES)] = given.strength[row]
            torch.testing.assert_close(shown[row], encoder.states(x)[-1], msg=name)


def test_a_sum_holds_no_order_and_a_wave_all_of_it():
    given = trials(200, torch.Generator().manual_seed(0), spread=0.0, gaps=False)
    kinds = {name: len(snapshots(one, given).unique(dim=0)) for name, one in rivals(small).items()}
    assert kinds == {"wave": 6, "mover": 6, "lanes": 6, "bump": 6, "static": 1}


def test_a_run_at_the_least_size(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, 0))
    assert set(figures) == {f"right_{name}_{world}" for name in ENCODERS for world in WORLDS}
