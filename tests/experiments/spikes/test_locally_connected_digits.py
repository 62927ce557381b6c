"""The claim of locally connected units: the predicates, the networks, and what rivals share."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.spikes import _competing, _local_deletion, _local_digits
from wavetrain.experiments.spikes._local_digits import SUMS, Arm, network, top
from wavetrain.experiments.spikes.locally_connected_digits import KINDS, best, claim, small, smoke, tuned
from wavetrain.parts.rate_code import poisson_spikes
from wavetrain.parts.windows import Windows
from wavetrain.train.lab import Lab

RIGHT = {
    "lead": 0.01,
    "lead_thrice": 0.0,
    "lead_tuned": 0.01,
    "lead_regular": 0.01,
    "pairs_local": 0.84,
    "pairs_scattered": 0.82,
    "pairs_frozen_local": 0.68,
    "votes_full": 0.79,
    "shares_full": 0.8,
    "pairs_full": 0.78,
    "votes_frozen_full": 0.4,
    "shares_frozen_full": 0.43,
    "pairs_frozen_full": 0.43,
    "deleted0_local": 0.75,
    "deleted0_full": 0.78,
    "loss_local": 0.2,
    "loss_full": 0.251,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True] * 6),
        ({"lead": 0.009}, [False] + [True] * 5),
        ({"lead_thrice": 0.001}, [True, False] + [True] * 4),
        ({"lead_tuned": 0.009}, [True, True, False] + [True] * 3),
        ({"lead_regular": 0.009}, [True] * 3 + [False] + [True] * 2),
        ({"pairs_scattered": 0.831}, [True] * 4 + [False, True]),
        ({"pairs_frozen_local": 0.77}, [None] * 5 + [True]),  # windows have not learned
        ({"shares_frozen_full": 0.66}, [None] * 5 + [True]),  # the fully connected have not
        ({"loss_full": 0.249}, [True] * 5 + [False]),
        ({"deleted0_full": 0.59}, [True] * 5 + [None]),
        (
            {"pairs_local": 0.68, "shares_full": 0.43, "votes_full": 0.4, "pairs_full": 0.43, "lead": 0.25},
            [None] * 5 + [True],  # frozen windows lead, and nothing is said of it
        ),
        ({"lead": math.nan}, [False] + [True] * 5),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, RIGHT | changed) == parts


def test_the_best_of_three():
    assert best(RIGHT, "full") == 0.8
    assert top(_competing.Read(votes=0.5, shares=0.6, pairs=0.4, spikes=9.0)) == 0.6


def test_networks_have_as_many_synapses_and_the_sums_that_they_are_given(tmp_path: Path):
    lab = Lab(tmp_path, 0)
    synapses = {kind: network(Arm(kind), 0, lab).layer.synapses for kind in KINDS}
    assert synapses["local"] == synapses["scattered"] == synapses["frozen_local"] == 2000
    assert synapses["full"] == synapses["frozen_full"] == 1984 and synapses["wide"] == 5120
    for kind, total in (("local", 7.5), ("scattered", 7.5), ("full", 12.8), ("wide", 12.8)):
        sums = network(Arm(kind, factor=1.5), 0, lab).layer.encode.weight.sum(1)
        torch.testing.assert_close(sums, torch.full_like(sums, 1.5 * total))
    assert SUMS == {"local": 7.5, "full": 12.8}
    windows = Windows(side=20, kernel=12, stride=4)
    for kind, units in (("local", 225), ("full", 81)):
        layer = _local_deletion.network(kind, windows, small.units, lab).layer
        assert layer.width == units and layer.synapses == 32_400


def test_rivals_see_the_same_and_frozen_ones_keep_their_weights(tmp_path: Path):
    lab, seen = Lab(tmp_path, 0), {}
    x = torch.rand(20, 64, generator=torch.Generator().manual_seed(0))
    for kind in KINDS:
        net, trains = network(Arm(kind), 0, lab), []

        def code(hertz: torch.Tensor, steps: int, generator: torch.Generator, kept=trains) -> torch.Tensor:
            kept.append(poisson_spikes(hertz, steps, generator))
            return kept[-1]

        before = net.layer.encode.weight.detach().clone()
        _competing.teach(net, x, _competing.Drive(rate=256.0, code=code, time=30), seed=1)
        seen[kind] = torch.cat(trains)
        still = torch.allclose(net.layer.encode.weight, before, rtol=1e-5)
        assert still == kind.startswith("frozen") and (net.layer.raised > 0).any()
    assert all(torch.equal(one, seen["local"]) for one in seen.values())
    assert seen["local"].shape == (20, 30, 64)
    first, frozen = (network(Arm(kind), 0, lab).layer.encode.weight for kind in ("local", "frozen_local"))
    assert torch.equal(first, frozen)
    assert not torch.equal(first, network(Arm("local"), 1, lab).layer.encode.weight)


def test_what_is_searched_is_not_what_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lab, asked = Lab(tmp_path, 0), {}

    def note(net, x, drive, seed):
        asked["learn"] = x

    def say(layer, learn, ask, drive, seed):
        asked["ask"] = ask.x
        return _competing.Read(0.0, 0.0, 0.0, 0.0)

    monkeypatch.setattr(_local_digits, "teach", note)
    monkeypatch.setattr(_local_digits, "examined", say)
    rows = {}
    for search in (False, True):
        _local_digits.mean(Arm("full", passes=1, search=search), 1, 1200, lab)
        rows[search] = {name: {tuple(one.tolist()) for one in part} for name, part in asked.items()}
        assert len(asked["learn"]) == (900 if search else 1200) and len(asked["ask"]) == (
            300 if search else 597
        )
        assert not rows[search]["learn"] & rows[search]["ask"]
    assert rows[True]["learn"] | rows[True]["ask"] == rows[False]["learn"]


def test_a_course_is_read_back_and_the_best_sum_is_taken(tmp_path: Path):
    lab, scale = Lab(tmp_path, 0), replace(smoke, images=32)
    first = tuned("regular", scale, lab)
    assert tuned("regular", scale, lab) == first
    for kind, total in SUMS.items():
        assert first[f"sum_{kind}_regular"] / total in (2 / 3, 1.0, 1.5)
    tries = {
        factor: top(
            _local_digits.mean(Arm("full", "regular", factor, 1, search=True), 1, scale.images, lab)[0]
        )
        for factor in (2 / 3, 1.0, 1.5)
    }
    assert tries[first["sum_full_regular"] / SUMS["full"]] == max(tries.values())


def test_without_synapses_that_are_lost_nothing_is(tmp_path: Path):
    lab = Lab(tmp_path, 0)
    learn, ask, windows = _local_deletion.images(64, 40, lab, small=True)
    net = _local_deletion.network("local", windows, 6, lab)
    told = _local_deletion.told("local", net, learn, ask, lab)
    sums = net.layer.encode.weight.sum(1)
    torch.testing.assert_close(sums, torch.full_like(sums, 5.0))  # the weights are as they were learned
    again = _local_deletion.network("local", windows, 6, lab)
    assert _local_deletion.told("local", again, learn, ask, lab) == told
    assert torch.equal(again.layer.encode.weight, net.layer.encode.weight)
    votes = _competing.counted(net.layer, learn.x, _local_deletion.DRIVE, 0)
    assert votes.shape == (64, 24) and votes.sum() > 64
