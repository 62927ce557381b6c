"""The claim of digits by signal propagation: the predicates, the controls, and what is measured."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.core import CLASSES, Batch
from wavetrain.data.images.digits import digits
from wavetrain.experiments.rules._costs import stored
from wavetrain.experiments.rules._shuffled import Shuffled
from wavetrain.experiments.rules.signal_propagation_digits import RULES, claim, perceptron, run, small, smoke
from wavetrain.rules._contrast import LayerLoss
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.train.lab import Lab

RIGHT = {
    "right_backpropagation": 0.975,
    "right_bank": 0.965,
    "right_one": 0.962,
    "right_frozen": 0.95,
    "right_shuffled": 0.954,
    "bank_bank": 0.95,
    "stored_signal_4": 100.0,
    "stored_signal_16": 110.0,
    "stored_backpropagation_16": 330.0,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True] * 6),
        ({"right_backpropagation": 0.981}, [False, False, True, True, True, True]),
        ({"right_backpropagation": 0.96}, [None, None, True, True, True, True]),
        ({"right_one": 0.959}, [True, False, False, True, True, True]),
        ({"right_frozen": 0.953}, [True, True, False, True, True, True]),
        ({"bank_bank": 0.94}, [True, True, True, False, True, True]),
        ({"right_shuffled": 0.956}, [True, True, True, True, False, True]),
        ({"stored_signal_16": 111.0}, [True, True, True, True, True, False]),
        ({"stored_backpropagation_16": 310.0}, [True, True, True, True, True, False]),
        (dict.fromkeys(RIGHT, math.nan), [None, None, False, False, False, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, RIGHT | changed) == parts


def test_shuffled_targets_reach_the_hidden_layers_alone():
    torch.manual_seed(0)
    network, (x, y) = perceptron(smoke), digits().draw(16, torch.Generator().manual_seed(0))
    found = {}
    for name in ("bank", "shuffled"):
        network.zero_grad()
        RULES[name]().learn(network, Batch(x, y), CLASSES.loss)
        found[name] = {name: one.grad for name, one in network.named_parameters()}
    assert torch.equal(found["bank"]["7.weight"], found["shuffled"]["7.weight"])  # the read-out
    assert not torch.equal(found["bank"]["1.weight"], found["shuffled"]["1.weight"])
    told = Shuffled(LayerLoss.BANK).tells(y)
    assert torch.equal(told.sort().values, y.sort().values) and not torch.equal(told, y)


def test_who_learns():
    def learning(network: torch.nn.Module) -> set[str]:
        return {name for name, one in network.named_parameters() if one.requires_grad}

    assert learning(perceptron(smoke, frozen=True)) == {"7.weight", "7.bias"}
    assert len(learning(perceptron(smoke))) == 10
    assert [one.out_features for one in perceptron(small) if isinstance(one, torch.nn.Linear)] == [
        256,
        256,
        10,
    ]


def test_stored_are_the_tensors_that_a_way_back_needs():
    """Of linear maps of equal width each keeps its input but the first, whose input is the batch itself."""
    layers = [torch.nn.Linear(8, 8) for _ in range(5)]
    batch = Batch(torch.randn(6, 8), torch.zeros(6, dtype=torch.long))
    found = stored(Backpropagation(), torch.nn.Sequential(*layers), batch)
    assert found == 4 * 6 * 8 * 4 + 6 * 8 * 4 + 6 * 8 + 4  # then log-softmax, labels, and their weight


def test_all_arms_run(tmp_path: Path):
    figures = run(replace(smoke, steps=2), Lab(tmp_path, seed=0))
    assert {f"right_{arm}" for arm in RULES} | set(RIGHT) <= set(figures)
    assert all(math.isfinite(one) for one in figures.values())
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {"digits", "memory"}
