"""The claim of Braille: the predicates, and what counts of spikes in windows are."""

import dataclasses

import pytest
import torch

from tests.answers import answers
from wavetrain.core import CLASSES, Batch, Recorded
from wavetrain.experiments.spikes._patterns import dots
from wavetrain.experiments.spikes.braille_spikes import (
    _networks,
    claim,
    counted,
    regressions,
    small,
)

RIGHT = {"lif": 0.5, "lstm": 0.45, "wave": 0.45, "counts": 0.6, "windows": 0.8}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True, True]),
        ({"lif": 0.49}, [False, False, True, True]),
        ({"lstm": 0.46}, [True, False, True, True]),
        ({"wave": 0.46}, [True, False, True, True]),
        ({"counts": 0.61}, [True, True, False, True]),
        ({"windows": 0.79}, [True, True, False, True]),
        ({"lif": 0.81}, [True, True, True, False]),
        ({"wave": 0.81}, [True, False, True, False]),
        (dict.fromkeys(RIGHT, 0.04), [False, False, False, True]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts


def letters() -> Recorded:
    """Two letters, told by whether the one channel's spike comes early or late; never by how many come."""
    y = torch.arange(40) % 2
    x = torch.zeros(40, 16, 1)
    x[torch.arange(40), torch.arange(40) % 4 + 9 * y, 0] = 1
    parts = (Batch(x[part], y[part]) for part in (slice(20), slice(20, 30), slice(30, 40)))
    return Recorded(*parts, 1, 2, False, False, CLASSES, 0.5, ("A", "B"))


def test_counts_in_windows_by_hand():
    x = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 1.0]]])
    assert counted(x, 1).tolist() == [[2, 2]]
    assert counted(x, 2).tolist() == [[2, 0, 0, 2]]


def test_times_are_told_by_quarters_and_not_by_counts():
    assert regressions(letters()) == {"counts": 0.5, "windows": 1.0}


def test_spiking_units_fire_at_the_start_and_not_all_the_time():
    task = dataclasses.replace(letters(), inputs=24)
    x = (torch.rand(4, 228, 24, generator=torch.Generator().manual_seed(0)) < 9 / 228 / 24).float()
    torch.manual_seed(0)
    network = _networks(task, small)["lif"]()
    assert 0.005 < network.layer(x)[0].detach().mean() < 0.2  # type: ignore[operator]


def test_a_point_for_each_spike():
    x = torch.zeros(2, 5, 3)
    x[0, 4, 2] = x[1, 0, 1] = 1
    picture = dots("two", x, ("a", "b"))
    assert (picture.x.tolist(), picture.y.tolist(), picture.group.tolist()) == ([4, 0], [2, 1], [0, 1])
