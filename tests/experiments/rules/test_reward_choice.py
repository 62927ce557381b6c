"""The claim of a rewarded choice: the predicates, the cues, and who learns what."""

from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.rules.reward_choice import BOUND, Pair, _learn, claim, cues, small, smoke, wrong
from wavetrain.parts import saved
from wavetrain.train.lab import Lab

RIGHT = {"right_rewarded": 0.85, "right_shuffled": 0.65, "right_frozen": 0.65}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True]),
        ({"right_rewarded": 0.84}, [False, True, True]),
        ({"right_shuffled": 0.66}, [True, False, True]),
        ({"right_frozen": 0.66}, [True, True, False]),
        (dict.fromkeys(RIGHT, 0.5), [False, True, True]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts


def test_a_draw_is_wrong():
    counts = torch.tensor([[3.0, 1.0], [3.0, 1.0], [2.0, 2.0], [0.0, 4.0]])
    assert wrong(counts, torch.tensor([0, 1, 0, 1])) == 0.5


def test_cues_are_told_by_which_half_fires():
    x, y = cues(50, small, torch.Generator().manual_seed(0))
    rates = x.mean(1).unflatten(1, (2, -1)).mean(2)
    assert x.unique().tolist() == [0, 1] and y.unique().tolist() == [0, 1]
    assert torch.equal(rates.argmax(1), y)
    assert float(rates.max(1).values.mean()) == pytest.approx(0.1, abs=0.01)
    assert float(rates.min(1).values.mean()) == pytest.approx(0.01, abs=0.005)


def test_a_neuron_that_hears_its_cue_alone_answers_right():
    network = Pair(40)
    with torch.no_grad():
        network.layer.encode.weight.copy_(BOUND * torch.eye(2).repeat_interleave(20, 1))
        x, y = cues(200, small, torch.Generator().manual_seed(0))
        assert wrong(network(x), y) < 0.01


def test_who_fires_first_silences_the_other():
    """Both hear all alike, one of them a little more: without inhibition both would fire each few steps."""
    network = Pair(40)
    x, _ = cues(200, small, torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.layer.encode.weight.copy_(torch.tensor([[0.16], [0.10]]))
        counts = network(x)
        first = (network.layer(x)[0].cumsum(1) > 0).float().sum(1).argmax(1)  # fired for most of the time
        apart = counts.max(1).values > 2 * counts.min(1).values
        assert counts.min(1).values.mean() < 0.1 * counts.max(1).values.mean()
        assert apart.float().mean() > 0.9 and torch.equal(counts.argmax(1)[apart], first[apart])
        network.layer.recur.weight.zero_()
        assert network(x).min(1).values.mean() > 2
    assert not network.layer.recur.weight.requires_grad


def test_arms_begin_alike_pairs_do_not_and_the_frozen_one_stays(tmp_path: Path):
    lab, arms = Lab(tmp_path, 0), ("rewarded", "shuffled", "frozen")
    ends = {(arm, pair): _learn(arm, pair, smoke, lab) for arm in arms for pair in range(2)}
    for pair in range(2):
        assert len({ends[arm, pair][1][0] for arm in arms}) == 1
    assert _learn("rewarded", 1, smoke, lab) == ends["rewarded", 1]
    weights = [(tmp_path / "checkpoints" / f"{arm}-{pair}.safetensors").read_bytes() for arm, pair in ends]
    assert len(set(weights)) == 6
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first = Pair(smoke.inputs).state_dict()
    kept, _ = saved.load(tmp_path / "checkpoints" / "frozen-1.safetensors")
    assert all(torch.equal(kept[name], value) for name, value in first.items())
