"""The predicate on both sides of its margin, the mean over time, and the made-up set."""

import math

import pytest
import torch

from tests.promises import ON_SEQUENCES, close, normal
from wavetrain.experiments.state_spaces.long_series_layers import (
    MARGIN,
    GatedLRU,
    Mean,
    claim,
    made_up,
    rivals,
)
from wavetrain.parts.stack import MLP, Stack


@pytest.mark.parametrize(
    ("hybrid", "mamba", "answer"),
    [
        (0.9, 0.8, True),
        (0.8 - MARGIN + 1e-9, 0.8, True),
        (0.8 - MARGIN - 1e-9, 0.8, False),
        (math.nan, 0.8, False),
        (0.3, 0.51, False),
        (0.9, 0.49, None),
        (0.9, math.nan, None),
        (1.0, 1.0, True),  # without a mistake
        (0.25, 0.25, None),  # at chance
    ],
)
def test_predicate(hybrid: float, mamba: float, answer: bool | None):
    assert claim.holds({"hybrid": hybrid, "mamba": mamba, "chance": 0.25}) is answer


def test_answers_by_the_mean_over_time():
    torch.manual_seed(0)
    stack = Stack(rivals(4, 2)["hybrid"](), 3, 5, MLP.NONE)
    x = torch.randn(2, 6, 3)
    norm, read = stack.decode
    mean = sum(stack.stream(x)[0][:, t] for t in range(6)) / 6
    torch.testing.assert_close(Mean(stack)(x), read(norm(mean)))  # in this order, as published
    torch.testing.assert_close(stack(x)[0], read(norm(stack.stream(x)[0])))
    assert [type(layer).__name__ for layer in stack.layers] == ["Mamba", "AUSSM"]


def test_made_up_set_has_two_classes_in_every_part():
    task = made_up()
    assert all(set(part.y.tolist()) == {0, 1} for part in (task.train, task.valid(), task.test()))
    assert task.outputs == 2 and task.chance == 0.5


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__)
def test_the_block_of_an_lru_is_a_layer(promise):
    torch.manual_seed(0)
    promise(GatedLRU(4).double(), normal(2, 5, 4))


def test_the_block_of_an_lru_is_gated():
    torch.manual_seed(0)
    layer, x = GatedLRU(4).double(), normal(2, 5, 4)
    u = torch.nn.functional.gelu(layer.unit(x)[0])
    value, gate = (u @ part.T for part in layer.leave.weight.chunk(2))
    value_bias, gate_bias = layer.leave.bias.chunk(2)
    close(layer(x)[0], (value + value_bias) * (gate + gate_bias).sigmoid(), "block, by hand")
