"""Attention with the query of an Aaren, and the predicate."""

from pathlib import Path

import pytest
import torch

from tests.answers import answers
from tests.promises import close, normal
from wavetrain.evidence.claims import every
from wavetrain.experiments.attention.aaren_equals_attention import _equality, _memory, claim, fixed, smoke
from wavetrain.layers.attention.aaren import Aaren
from wavetrain.train.lab import Lab

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


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"difference_float64": 1e-11}, [False, True, True]),
        ({"difference_float32": 1e-3}, [False, True, True]),
        ({"difference_streamed": 1e-3}, [False, True, True]),
        ({"bytes_aaren_last": 49.0}, [True, False, True]),
        ({"bytes_attention_last": 6000.0}, [True, False, True]),
        ({"accuracy_aaren": 0.92}, [True, True, False]),
        ({"accuracy_attention": 0.7}, [True, True, None]),
        ({"accuracy_attention": 0.1, "accuracy_aaren": 0.1}, [True, True, None]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, WHOLE) == [True, True, True]
    assert answers(claim, WHOLE | changed) == parts
    assert claim.holds(WHOLE | changed) is every(parts)


def test_what_is_exact_at_any_scale(tmp_path: Path):
    """The same outputs, from a state of one size, of layers that have learned nothing."""
    lab = Lab(tmp_path, seed=0)
    assert answers(claim, WHOLE | _equality(smoke, lab) | _memory(smoke, lab))[:2] == [True, True]


def test_rounding_is_named_after_both_precisions():
    assert torch.finfo(torch.float64).eps < 1e-12 < torch.finfo(torch.float32).eps < 1e-4
