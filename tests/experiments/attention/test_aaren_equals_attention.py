"""Attention with the query of an Aaren, and the predicate."""

import torch

from tests.promises import close, normal
from wavetrain.experiments.attention.aaren_equals_attention import claim, fixed
from wavetrain.layers.attention.aaren import Aaren

WHOLE = {
    "difference_float64": 1e-15,
    "difference_float32": 1e-6,
    "difference_streamed": 1e-6,
    "streamed": 100.0,
    "bytes_aaren_first": 48.0,
    "bytes_aaren_last": 48.0,
    "bytes_attention_first": 65.0,
    "bytes_attention_last": 6500.0,
    "accuracy_aaren": 0.94,
    "accuracy_attention": 0.95,
}


def test_fixed_attention_asks_the_same_at_every_step():
    layer = Aaren(6, inputs=3, heads=2).double()
    twin, x = fixed(layer), normal(2, 9, 3)
    query = twin.project(x)[..., :6]
    close(query, layer.ask(layer.query).expand_as(query), "queries, the query of the Aaren")
    close(twin(x)[0], layer(x)[0], "attention, Aaren")


def test_predicate():
    assert claim.holds(WHOLE) is True
    for wrong in (
        {"difference_float64": 1e-11},
        {"difference_streamed": 1e-3},
        {"bytes_aaren_last": 49.0},
        {"bytes_attention_last": 6000.0},
        {"accuracy_aaren": 0.92},
    ):
        assert claim.holds(WHOLE | wrong) is False
    assert claim.holds(WHOLE | {"accuracy_attention": 0.7}) is None


def test_rounding_is_named_after_both_precisions():
    assert torch.finfo(torch.float64).eps < 1e-12 < torch.finfo(torch.float32).eps < 1e-4
