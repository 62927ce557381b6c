"""The claim of a silence: the predicates, what reaches the read-out, and what remains without adaptation."""

from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.spikes._networks import Leaky
from wavetrain.experiments.spikes.surrogate_delay import _networks, _task, claim, exact, small
from wavetrain.spiking.lif import LIF
from wavetrain.train.lab import Lab

RIGHT = {"alif": 0.45, "lif": 0.2, "unadapted": 0.2, "slopeless": 0.2, "lstm": 1.0, "wave": 1.0}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True, True]),
        ({"alif": 0.44}, [False, True, True, False]),
        ({"lif": 0.21}, [True, False, True, True]),
        ({"unadapted": 0.21}, [True, True, False, True]),
        ({"slopeless": 0.21}, [True, True, True, False]),
        (dict.fromkeys(RIGHT, 0.1), [False, True, True, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts


def test_the_read_out_hears_the_call_alone(tmp_path: Path):
    task = _task(small, Lab(tmp_path, 0))
    network = _networks(task, small)["alif"]()
    x = task.draw(4, torch.Generator().manual_seed(0)).x
    y, _ = network.layer(x)  # type: ignore[operator]
    expected = network.read(y[:, 100:].mean(1))  # type: ignore[operator]
    assert torch.equal(network(x), expected)


def test_with_a_strength_of_0_it_is_the_same_network_without_adaptation(tmp_path: Path):
    task = _task(small, Lab(tmp_path, 0))
    networks = _networks(task, small)
    made = []
    for name in ("alif", "unadapted"):
        torch.manual_seed(0)
        made.append(networks[name]())
    one, other = made
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
    assert (one.layer.strength, other.layer.strength) == (1.8, 0.0)


def test_the_current_is_multiplied_and_what_is_learned_is_not(tmp_path: Path):
    """A weight as PyTorch starts it, three times, of which 1 - exp(-1 / 20) reaches the unit."""
    network = _networks(_task(small, Lab(tmp_path, 0)), small)["alif"]()
    bound, gain = 3 / 51**0.5, 0.0487706
    given = network.layer.encode.parametrizations.weight.original  # type: ignore[union-attr]
    assert 0.95 * bound < given.abs().max() <= bound
    torch.testing.assert_close(network.layer.encode.weight, gain * given)  # type: ignore[union-attr]


def test_leaky_read_outs_by_hand():
    network = Leaky(LIF(2, 1), 1, tau=1 / torch.log(torch.tensor(2.0)).item())
    with torch.no_grad():
        network.layer.encode.weight.copy_(torch.tensor([[2.0], [0.0]]))
        network.layer.encode.bias.zero_()
        network.read.weight.fill_(1.0)
        network.read.bias.zero_()
        x = torch.tensor([[[1.0], [1.0], [0.0], [0.0]]])
        spikes = network.layer(x)[0][0, :, 0]
        assert spikes[:2].tolist() == [1, 1]
        total, most = 0.0, 0.0
        for spike in spikes.tolist():
            total = total / 2 + spike
            most = max(most, total)
        assert network(x).item() == pytest.approx(most)


def test_the_cue_is_enough_to_answer(tmp_path: Path):
    assert exact(small, Lab(tmp_path, 0))["alif"] > 0.9
