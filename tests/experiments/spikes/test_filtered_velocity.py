"""Filtered velocity: the predicates on both sides, decoders whose errors are known, and what chooses."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.spikes._decoding import Record
from wavetrain.experiments.spikes._filtering import KINDS, measured
from wavetrain.experiments.spikes._reaches import reaches
from wavetrain.experiments.spikes.filtered_velocity import NETS, claim, exact, small
from wavetrain.train.lab import Lab

GOOD = {
    **{f"raw_{kind}_{net}": 0.5 for kind in KINDS for net in NETS},
    **{f"last_{kind}_{net}": 0.5 for kind in KINDS for net in NETS},
    **{f"gain_{kind}_{net}": 0.04 for kind in KINDS for net in NETS[:2]},
    **{f"gain_{kind}_lstm": 0.01 for kind in KINDS},
    **{f"middle_recorded_{net}": 0.54 for net in NETS},
    **{f"smoother_recorded_{net}": 0.53 for net in NETS},
}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, None),
        ({"gain_recorded_streaming": 0.01}, 0),
        ({"gain_recorded_windowed": 0.009}, 1),
        ({"middle_recorded_windowed": 0.53}, 2),
        ({"smoother_recorded_streaming": 0.55}, 2),
        ({"gain_made_up_windowed": 0.0299}, 3),
        ({"gain_made_up_streaming": 0.03, "gain_made_up_lstm": 0.03}, 4),
        ({"last_made_up_streaming": 0.479}, 5),
    ],
)
def test_each_part_on_either_side(changed: dict[str, float], wrong: int | None):
    assert answers(claim, GOOD | changed) == [part != wrong for part in range(6)]


@pytest.mark.parametrize("net", NETS)
def test_gains_are_compared_only_where_all_have_learned(net: str):
    assert answers(claim, GOOD | {f"raw_recorded_{net}": 0.29}) == [None, None, None, True, True, True]
    assert answers(claim, GOOD | {f"raw_made_up_{net}": 0.29}) == [True, True, True, None, None, None]


def brief() -> Record:
    """A record in the place of the monkey's, whose velocity changes as fast in its steps."""
    found = reaches(400.0, 12, np.random.default_rng(5))
    x, y = (part[::15].clone() for part in found[:2])
    parts = slice(0, 3000), slice(3000, 5000), slice(5000, len(x))
    return Record(x, y, parts)


BRIEF = dataclasses.replace(small, recording=brief, seconds=60.0, neurons=12)


def test_white_errors_are_gained_on_and_slow_ones_are_not(tmp_path: Path):
    """The known decoders meet all parts; with their errors exchanged they fail those that compare."""
    figures = exact(BRIEF, Lab(tmp_path, 0))
    assert answers(claim, figures) == [True] * 6
    other = {}
    for name, value in figures.items():
        other[name.replace("streaming", "?").replace("lstm", "streaming").replace("?", "lstm")] = value
    assert [answers(claim, other)[part] for part in (0, 4)] == [False, False]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_chosen_by_the_part_to_report(kind: str):
    """All of it is other, heard, true and told: cut-offs stay, and so does all that they are chosen by."""
    record, dice = brief(), np.random.default_rng(6)
    report = record.parts[2]
    y = record.y.double().numpy()
    told = {net: y + dice.standard_normal(y.shape) for net in NETS}
    before = measured(kind, record, told)
    after_y = record.y.clone()
    after_y[report] = torch.from_numpy(dice.standard_normal(after_y[report].shape)).float()
    changed = {net: one.copy() for net, one in told.items()}
    for one in changed.values():
        one[report] = dice.standard_normal(one[report].shape)
    after = measured(kind, record._replace(y=after_y), changed)
    chosen = [name for name in before if name.startswith("cutoff")]
    assert len(chosen) == (4 if kind == "recorded" else 0)
    assert [before[name] for name in chosen] == [after[name] for name in chosen]
    assert all(before[name] != after[name] for name in before if name.startswith("raw"))


def test_what_is_chosen_is_by_the_part_to_choose_by():
    """A quick velocity there, and the highest cut-off is taken; a slow one, and the lowest."""
    record, dice = brief(), np.random.default_rng(7)
    y = record.y.clone()
    quick = torch.from_numpy(dice.standard_normal(y[record.parts[1]].shape)).float()
    y[record.parts[1]] = quick
    told = {"lstm": y.double().numpy()}
    assert measured("recorded", record._replace(y=y), told)["cutoff_recorded_lstm"] == 0.5
    noisy = record.y.double().numpy() + 3 * dice.standard_normal(record.y.shape)
    assert measured("recorded", record, {"lstm": noisy})["cutoff_recorded_lstm"] == 0.2


def test_the_paper_and_the_recording_have_their_own_constants():
    recorded, made_up = KINDS["recorded"], KINDS["made_up"]
    assert [one.cutoff for one in recorded.filters] == [0.2, 0.3, 0.4, 0.5]
    assert {one.order for one in recorded.filters} == {4} and tuple(recorded.scored) == (16, 8)
    (paper,) = made_up.filters
    assert (paper.order, paper.cutoff, paper.where.value) == (4, 0.05, "phase")
    assert tuple(made_up.scored) == (32, 16)
