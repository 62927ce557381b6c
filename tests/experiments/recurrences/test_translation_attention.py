"""The predicate of translation with and without attention, and that neither rival is the smaller."""

import math

import pytest

from wavetrain.experiments.recurrences.translation_attention import _holds, small
from wavetrain.networks.translator import Translator


def figures(attention: tuple[float, float], fixed: tuple[float, float]) -> dict[str, float]:
    """BLEU of each on short and on long sentences."""
    names = ("bleu_attention_short", "bleu_attention_long", "bleu_fixed_short", "bleu_fixed_long")
    return dict(zip(names, attention + fixed, strict=True))


@pytest.mark.parametrize(
    ("attention", "fixed", "answer"),
    [
        ((1.0, 0.95), (1.0, 0.5), True),
        ((1.0, 0.89), (1.0, 0.5), False),
        ((1.0, 0.95), (1.0, 0.71), False),
        ((0.8, 0.73), (0.8, 0.55), True),
        ((1.0, 0.95), (0.79, 0.1), None),
        ((0.79, 0.79), (1.0, 0.1), None),
        ((math.nan, math.nan), (1.0, 0.1), None),
    ],
)
def test_predicate(attention: tuple[float, float], fixed: tuple[float, float], answer: bool | None):
    assert _holds(figures(attention, fixed)) is answer


def test_the_fixed_vector_has_no_fewer_parameters_to_carry_the_source():
    """It is wider, by so much that it has a little more."""
    counts = [
        sum(part.numel() for part in Translator(width, 66, 42, attention).parameters())
        for width, attention in zip(small.widths, (True, False), strict=True)
    ]
    assert counts[0] < counts[1] < 1.03 * counts[0]
