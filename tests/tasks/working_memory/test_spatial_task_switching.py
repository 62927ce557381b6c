"""Spatial task switching: the rule of the last cue decides what a marker means."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.working_memory.spatial_task_switching import SpatialTaskSwitching


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_rule_of_the_last_cue_decides():
    x, y, facts = SpatialTaskSwitching().trials(200, generator())
    assert x.shape == (200, 20, 6) and (x.sum(-1) == 1).all() and (x[:, 0, :2].sum(-1) == 1).all()
    for trial in range(200):
        last, rule, switches = 0, -1, -1
        for step in range(20):
            channel = int(x[trial, step].argmax())
            if channel < 2:
                assert channel != rule, "a cue is of the other rule"
                last, rule, switches = step, channel, switches + 1
                assert y[trial, step] == 3
            else:
                down, right = divmod(channel - 2, 2)
                assert y[trial, step] == 1 + (right if rule else down)
            facts_now = [int(facts[name][trial, step]) for name in ("since", "rule", "switches")]
            assert facts_now == [step - last, rule, switches]


def test_switches_are_as_rare_as_they_should_be():
    x = SpatialTaskSwitching(switch=0.2).draw(2000, generator()).x[:, 1:, :2]
    assert abs(float(x.sum(-1).mean()) - 0.2) < 5 * (0.16 / 38_000) ** 0.5


def test_chance():
    assert SpatialTaskSwitching().chance == pytest.approx(0.43)
    assert SpatialTaskSwitching(switch=0.5).chance == pytest.approx((1 + 19 * 0.5) / 20)


def test_bad_sizes():
    with pytest.raises(BadInput, match="frames must be"):
        SpatialTaskSwitching(0)
    with pytest.raises(BadInput, match="switch is a probability"):
        SpatialTaskSwitching(switch=1.5)
