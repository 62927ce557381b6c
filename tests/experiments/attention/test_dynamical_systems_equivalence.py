"""Attention as a state space: the predicate, the series of exp, and both routes on generic layers."""

import functools
import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from tests.promises import generic, normal
from wavetrain.experiments.attention.dynamical_systems_equivalence import (
    _apart,
    _divided,
    _features,
    _gated,
    _series,
    claim,
    run,
    smoke,
)
from wavetrain.layers.attention.linear_attention import Decay, Feature, LinearAttention
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.train.lab import Lab

FIGURES = {
    "gated_as_selective": 1e-15,
    "divided_as_selective": 1e-15,
    "states_linear": 6,
    "states_linear_twice": 6,
    "states_selective": 4,
    "states_selective_twice": 4,
    "states_softmax": 20,
    "states_softmax_twice": 40,
    "series_0": 0.3,
    "series_2": 0.02,
    "series_4": 0.001,
}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"gated_as_selective": 1e-3}, 0),
        ({"divided_as_selective": math.nan}, 0),
        ({"states_linear_twice": 7}, 1),
        ({"states_selective_twice": 5}, 1),
        ({"states_softmax_twice": 20}, 2),
        ({"states_softmax": 6}, 2),
        ({"series_4": 0.02}, 3),
        ({"series_4": 0.0}, 3),
        ({"series_0": 0.009}, 3),
    ],
)
def test_predicates(changed: dict[str, float], wrong: int):
    assert answers(claim, FIGURES) == [True] * 4 and claim.holds(FIGURES) is True
    assert answers(claim, FIGURES | changed) == [part != wrong for part in range(4)]


def test_small_layers_fulfil_what_is_exact(tmp_path: Path):
    assert answers(claim, run(smoke, Lab(tmp_path, seed=0)))[:3] == [True, True, True]


def test_features_make_the_series_of_exp():
    """Their product is the sum of s^p / p!; 1, 7, 43, 259, 1555 features for 6 channels."""
    q, k = normal(6), 0.3 * normal(6, seed=2)
    s, made = q @ k, 0.0
    for order, size in enumerate((1, 7, 43, 259, 1555)):
        made += float(s**order) / math.factorial(order)
        assert len(_features(q, order)) == size
        assert float(_features(q, order) @ _features(k, order)) == pytest.approx(made)


def test_first_order_turns_negative_below_minus_one():
    q = torch.tensor([1.5]).double()
    assert float(_features(q, 1) @ _features(-q, 1)) == pytest.approx(1 - 2.25)


X = normal(2, 20, 3)


def test_error_of_the_series_falls_as_it_should():
    """|s|^(P + 1) / (P + 1)!: with scores that are halved, by 2^-(P + 1)."""
    layer = generic(functools.partial(SoftmaxAttention, heads=1, rotary=False), 4, 3)
    with torch.no_grad():
        layer.project.bias.zero_()
        layer.out.bias.zero_()
        errors = [
            [_apart(_series(layer, scale * X, order), layer(scale * X)[0]) for order in range(4)]
            for scale in (0.2, 0.2 / 2**0.5)  # of the input: the scores go with its square
        ]
    ratios = [half / whole for whole, half in zip(*errors, strict=True)]
    assert ratios == pytest.approx([2**-1, 2**-2, 2**-3, 2**-4], rel=0.1)


def test_zeroth_order_is_the_mean_of_the_past():
    layer = generic(functools.partial(SoftmaxAttention, heads=1, rotary=False), 4, 3)
    with torch.no_grad():
        v = layer.project(X)[..., 8:]
        mean = layer.out(v.cumsum(1) / torch.arange(1, 21)[:, None])
        torch.testing.assert_close(_series(layer, X, 0), mean)


def test_linear_attention_by_the_recurrence_of_s6():
    gated = generic(
        functools.partial(LinearAttention, heads=1, feature=Feature.IDENTITY, decay=Decay.GATED), 4, 3
    )
    divided = generic(functools.partial(LinearAttention, heads=1), 4, 3)
    with torch.no_grad():
        torch.testing.assert_close(_gated(gated, X), gated(X)[0])
        same, allowed = _divided(divided, X)
        torch.testing.assert_close(same, divided(X)[0])
    assert 0 < float(allowed) < 1, "eta falls where a query fits the past less than the one before"
