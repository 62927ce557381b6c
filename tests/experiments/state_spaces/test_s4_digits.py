"""Digits by state spaces: the predicates on the published tables."""

import dataclasses
import math

import torch

from wavetrain.evidence.claims import Measured
from wavetrain.experiments.state_spaces.s4_digits import Mean, Scale, claim, full, small
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.parts.stack import MLP, Stack

PUBLISHED = {name: float(value) for name, value in claim.published.items()}


def answers(scale: Scale = full, **changes: float) -> list[bool | None]:
    """Of S4, and of LSSL."""
    return [part.holds(Measured(PUBLISHED | changes, scale)) for part in claim.parts]


def test_the_published_tables_hold():
    assert answers() == [True, True]


def test_each_must_be_ahead_in_both_orders():
    for order in ("rows", "permuted"):
        level = PUBLISHED[f"lstm_mnist_{order}"]
        assert answers(**{f"s4_mnist_{order}": level}) == [False, True]
        assert answers(**{f"lssl_mnist_{order}": level}) == [True, False]
    assert answers(s4_mnist_rows=math.nan) == [False, True]
    assert answers(lssl_mnist_rows=math.nan) == [True, False]


def test_every_set_of_digits_counts():
    both = dataclasses.replace(full, courses={"digits": small.courses["digits"], **full.courses})
    more = {name.replace("mnist", "digits"): value for name, value in PUBLISHED.items()}
    assert answers(both, **more) == [True, True]
    assert answers(both, **more | {"lstm_digits_rows": 1.0}) == [False, False]


def test_half_right_in_both_orders_or_nobody_can_tell():
    nobody = {f"{name}_mnist_rows": 0.4 for name in ("s4", "lssl", "lstm")}
    assert answers(**nobody) == [None, None]
    assert answers(**nobody | {"lstm_mnist_rows": 0.6}) == [False, False]
    assert answers(**dict.fromkeys(PUBLISHED, 0.1)) == [None, None], "at chance"


def test_networks_without_mistakes_refute_nothing():
    exact = {name: 1.0 for name in PUBLISHED if not name.startswith("lstm")}
    assert answers(**exact) == [True, True]


def test_the_answer_is_the_mean_of_all_steps():
    stack = Stack([LSTM(4)], 1, 3, MLP.NONE)
    x = torch.randn(2, 7, 1)
    assert torch.allclose(Mean(stack)(x), sum(y for y in stack(x)[0].unbind(1)) / 7, atol=1e-6)
