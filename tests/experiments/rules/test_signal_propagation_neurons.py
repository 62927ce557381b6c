"""The claim of Hebbian rates and units that fire: the predicates, what is heard, and who learns what."""

from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.data.images.digits import digits
from wavetrain.experiments.rules.signal_propagation_neurons import (
    ARMS,
    Fires,
    Settles,
    _learn,
    claim,
    small,
    smoke,
)
from wavetrain.parts import saved
from wavetrain.train.lab import Lab

RIGHT = {
    "bank_hebbian": 0.8,
    "bank_hebbian_frozen": 0.25,
    "bank_hebbian_shuffled": 0.25,
    "bank_spiking": 0.85,
    "bank_spiking_frozen": 0.25,
    "bank_spiking_shuffled": 0.25,
    "read_spiking": 0.91,
    "read_spiking_frozen": 0.869,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True] * 5),
        ({"bank_hebbian": 0.79}, [False, True, True, True, True]),
        ({"bank_hebbian_frozen": 0.26}, [True, False, True, True, True]),
        ({"bank_hebbian_shuffled": 0.26}, [True, False, True, True, True]),
        ({"bank_spiking": 0.84}, [True, True, False, True, True]),
        ({"bank_spiking_shuffled": 0.26}, [True, True, True, False, True]),
        ({"read_spiking_frozen": 0.871}, [True, True, True, True, False]),
        (dict.fromkeys(RIGHT, 0.1), [False, True, False, True, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts


def test_spikes_are_as_frequent_as_pixels_are_bright():
    x = torch.tensor([0.0, 0.5, 1.0]).repeat(1, 1)[:, :, None]
    one = Fires(small, digits())
    one.time = 20_000
    heard = one.heard(x, torch.Generator().manual_seed(0))
    assert heard.shape == (1, 20_000, 3) and heard.unique().tolist() == [0, 1]
    torch.testing.assert_close(heard.mean((0, 1)), torch.tensor([0.0, 0.3, 0.6]), rtol=0, atol=0.02)


def test_both_layers_fire_before_anything_is_learned():
    torch.manual_seed(0)
    task = digits()
    one = Fires(small, task)
    x = one.heard(task.train.x[:64], torch.Generator().manual_seed(0))
    for layer in one.network.layers:
        x, _ = layer(x)
        assert 0.01 < float(x.detach().mean()) < 0.5


def test_arms_begin_alike_and_frozen_ones_stay(tmp_path: Path):
    lab, task = Lab(tmp_path, 0), digits()
    ends = {arm: _learn(arm, task, smoke, lab) for arm in ARMS}
    for kind in ("hebbian", "spiking"):
        assert len({arm for arm in ARMS if arm.startswith(kind) and ends[arm][0] == ends[kind][0]}) == 3
    assert _learn("spiking", task, smoke, lab) == ends["spiking"]
    kept = {arm: saved.load(tmp_path / "checkpoints" / f"{arm}.safetensors")[0] for arm in ARMS}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first = Settles(smoke, task).network.state_dict()
        torch.manual_seed(0)
        fires = Fires(smoke, task).network.state_dict()
    for name in ("maps.0.weight", "maps.1.weight"):
        assert torch.equal(kept["hebbian_frozen"][name], first[name])
        assert not torch.equal(kept["hebbian"][name], first[name])
        assert not torch.equal(kept["hebbian"][name], kept["hebbian_shuffled"][name])
    for name, value in fires.items():
        moved = not torch.equal(kept["spiking_frozen"][name], value)
        assert moved == name.startswith("read."), name
        assert not torch.equal(kept["spiking"][name], kept["spiking_shuffled"][name])
