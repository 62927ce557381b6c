"""Replay to itself: the predicates, the tracks, and what each arm learns beside the second track."""

import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.rules.replay_without_store import CUE, _replays, claim, run, small, smoke, track
from wavetrain.networks.predictive_autoencoder import PredictiveAutoencoder
from wavetrain.train.lab import Lab

RIGHT = {
    "first": 0.99,
    "kept_none": 0.0,
    "kept_stored": 0.9,
    "kept_cued": 0.8,
    "kept_noise": 0.1,
    "kept_shuffled": 0.2,
    "second_cued": 0.95,
    "second_none": 0.99,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True] * 5),
        ({"kept_none": 0.7}, [False, None, None, None, True]),  # too little is lost to tell
        ({"kept_cued": 0.71}, [True, False, True, True, True]),
        ({"kept_noise": 0.46}, [True, True, False, True, True]),
        ({"kept_shuffled": 0.46}, [True, True, True, False, True]),
        ({"second_cued": 0.89}, [True, True, True, True, False]),
        ({"kept_stored": 0.2}, [True, None, None, None, True]),  # the real thing keeps nothing
        ({"first": 0.94}, [None] * 5),
        ({"kept_cued": math.nan}, [True, False, True, True, True]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, RIGHT | changed) == parts


def test_tracks_have_the_same_bells_in_other_orders():
    one, two = (track(small, 0, which) for which in range(2))
    assert one.shape == (51, 100) and torch.allclose(one[0], one[-1], atol=1e-6)
    assert not torch.equal(one, two) and torch.allclose(one.sort(1).values, two.sort(1).values, atol=1e-6)
    assert one.max() <= 1 and (one.max(0).values > 0.9).all() and 0.1 < (one > 0.1).float().mean() < 0.5
    assert torch.equal(one, track(small, 0, 0)) and not torch.equal(one, track(small, 1, 0))


def test_what_is_replayed(tmp_path: Path):
    tracks = [track(smoke, 0, which) for which in range(2)]
    torch.manual_seed(0)
    network = PredictiveAutoencoder(smoke.hidden, smoke.cells)
    found = _replays(network, tracks, smoke, Lab(tmp_path, 0))
    assert {one.shape for one in found.values()} == {(smoke.many, smoke.time + 1, smoke.cells)}
    assert torch.equal(found["stored"][1], tracks[0]) and torch.equal(found["none"][0], tracks[1])
    for one in found["shuffled"]:
        assert not torch.equal(one, tracks[0])
        assert torch.equal(one.sort(0).values, tracks[0].sort(0).values)
    assert not torch.equal(found["shuffled"][0], found["shuffled"][1])
    assert torch.equal(found["cued"][0, :CUE], tracks[0][:CUE])
    x = found["cued"][:1]
    torch.testing.assert_close(network(x)[0, CUE - 1 : -1], x[0, CUE:])  # outputs, fed back
    assert not torch.equal(found["noise"][0], found["noise"][1])


def test_all_figures_are_there(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, 0))
    assert RIGHT.keys() <= figures.keys() and all(math.isfinite(one) for one in figures.values())
    assert (
        figures["bytes_noise"] == figures["bytes_none"] == 0 < figures["bytes_cued"] < figures["bytes_stored"]
    )
    assert figures == run(smoke, Lab(tmp_path, 0))
