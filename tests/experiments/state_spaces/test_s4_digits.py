"""Digits by state spaces: the predicate on the published tables."""

import math

import torch

from wavetrain.experiments.state_spaces.s4_digits import Mean, claim
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.parts.stack import MLP, Stack

PUBLISHED = {name: float(value) for name, value in claim.published.items()}


def test_the_published_tables_hold():
    assert claim.holds(PUBLISHED) is True


def test_both_must_be_ahead_in_both_orders():
    for name in ("s4", "lssl"):
        for order in ("rows", "permuted"):
            level = {f"{name}_mnist_{order}": PUBLISHED[f"lstm_mnist_{order}"]}
            assert claim.holds(PUBLISHED | level) is False
    assert claim.holds(PUBLISHED | {"s4_mnist_rows": math.nan}) is False


def test_every_set_of_digits_counts():
    small = {name.replace("mnist", "digits"): value for name, value in PUBLISHED.items()}
    assert claim.holds(PUBLISHED | small) is True
    assert claim.holds(PUBLISHED | small | {"lstm_digits_rows": 1.0}) is False


def test_half_right_in_both_orders_or_nobody_can_tell():
    nobody = {f"{name}_mnist_rows": 0.4 for name in ("s4", "lssl", "lstm")}
    assert claim.holds(PUBLISHED | nobody) is None
    assert claim.holds(PUBLISHED | nobody | {"lstm_mnist_rows": 0.6}) is False


def test_the_answer_is_the_mean_of_all_steps():
    stack = Stack([LSTM(4)], 1, 3, MLP.NONE)
    x = torch.randn(2, 7, 1)
    assert torch.allclose(Mean(stack)(x), sum(y for y in stack(x)[0].unbind(1)) / 7, atol=1e-6)
