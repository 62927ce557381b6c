"""The claim of digits read row by row: the predicates, what comes in, who learns, and the credit."""

import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.core import CLASSES, Batch
from wavetrain.data.images.digits import digits
from wavetrain.experiments.rules.signal_propagation_rows import (
    ARMS,
    RULES,
    claim,
    core,
    credits,
    foreseeing,
    rows,
    rule,
    run,
    smoke,
)
from wavetrain.train.lab import Lab

RIGHT = {
    "right_signal": 0.82,
    "right_still": 0.79,
    "right_frozen": 0.79,
    "beyond_signal": 0.0,
    "beyond_backpropagation": 0.5,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True]),
        ({"right_still": 0.805}, [False, True, True]),
        ({"right_frozen": 0.805}, [True, False, True]),
        ({"beyond_signal": 0.01}, [True, True, False]),
        ({"beyond_backpropagation": 0.05}, [True, True, False]),
        (dict.fromkeys(RIGHT, math.nan), [False, False, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts


def test_a_row_is_a_step_with_blank_channels_behind_it():
    task = digits()
    found = rows(task, 8)
    assert found.train.x.shape == (1197, 8, 18) and found.inputs == 18
    assert torch.equal(found.train.x[0, 2, 5], task.train.x[0, 21, 0])
    assert not found.train.x[..., 8:].any()


def test_who_learns():
    def learning(arm: str) -> set[str]:
        return {name for name, one in core(smoke, arm).named_parameters() if one.requires_grad}

    assert learning("frozen") == {"read.weight", "read.bias"}
    assert learning("signal") - learning("still") == {"layer.recur.weight", "layer.recur.bias"}
    assert learning("backpropagation") == learning("signal")


def test_the_read_out_learns_by_its_gradient_in_every_arm():
    torch.manual_seed(0)
    network, (x, y) = core(smoke, "signal"), rows(digits(), 8).draw(16, torch.Generator().manual_seed(0))
    found = []
    for arm in ("backpropagation", "signal"):
        network.zero_grad()
        rule(arm).learn(network, Batch(x, y), CLASSES.loss)
        found.append(network.read.weight.grad)
    torch.testing.assert_close(found[0], found[1])


def test_a_cerebellum_foresees_and_the_network_stays():
    """Its credit is inside a window that of backpropagation; elsewhere the same word in every row."""
    torch.manual_seed(0)
    network, task = core(smoke, "signal"), rows(digits(), 8)
    before = {name: one.clone() for name, one in network.state_dict().items()}
    rules = {"decoupled": foreseeing(network, task, smoke, torch.Generator().manual_seed(0))}
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)
    found = credits(network, Batch(*(part[:1] for part in task.test())), rules)["decoupled"]
    assert (found.size[2:, 0] == found.size[2, 0]).all() and 0 < found.size[2, 0] < found.size[1, 0]
    assert found.size[0, 7] > 0


def test_all_arms_run(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, seed=0))
    assert {f"right_{arm}" for arm in ARMS} | {f"cosine_{name}" for name in (*RULES, "decoupled")} <= set(
        figures
    )
    assert all(math.isfinite(one) for one in figures.values())
    assert figures["beyond_signal"] < 1e-9 < figures["beyond_backpropagation"]
    assert figures["cosine_backpropagation"] == pytest.approx(1.0, abs=1e-5)
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {"rows", "credit"}
