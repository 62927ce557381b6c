"""The predicate of translation with and without attention, and that neither rival is the smaller."""

import math

import pytest

from tests.answers import answers, exact_answers
from wavetrain.evidence.claims import every
from wavetrain.experiments.recurrences import translation_attention
from wavetrain.experiments.recurrences.translation_attention import claim, small
from wavetrain.networks.translator import Translator
from wavetrain.tasks.languages.translation import Translation, bleu, sentences


def figures(attention: tuple[float, float], fixed: tuple[float, float]) -> dict[str, float]:
    """BLEU of each on short and on long sentences."""
    names = ("bleu_attention_short", "bleu_attention_long", "bleu_fixed_short", "bleu_fixed_long")
    return dict(zip(names, attention + fixed, strict=True))


@pytest.mark.parametrize(
    ("attention", "fixed", "parts"),
    [
        ((1.0, 0.95), (1.0, 0.5), [True, True]),
        ((1.0, 0.89), (1.0, 0.5), [False, True]),
        ((1.0, 0.95), (1.0, 0.71), [True, False]),
        ((0.8, 0.73), (0.8, 0.55), [True, True]),
        ((1.0, 0.95), (0.79, 0.1), [None, None]),
        ((0.79, 0.79), (1.0, 0.1), [None, None]),
        ((math.nan, math.nan), (1.0, 0.1), [None, None]),
        ((0.0, 0.0), (0.0, 0.0), [None, None]),
    ],
)
def test_predicates(attention: tuple[float, float], fixed: tuple[float, float], parts: list[bool | None]):
    assert answers(claim, figures(attention, fixed)) == parts
    assert claim.holds(figures(attention, fixed)) is every(parts)


def test_who_knows_the_language_loses_nothing():
    """The right translation of every sentence, held to the part on attention."""
    kept = []
    for clauses in (small.clauses[0], small.clauses[-1]):
        task = Translation(clauses, small.nouns, small.verbs)
        right = sentences(task.test().y[:50, 2 * clauses :])
        kept.append(bleu(right, right))
    assert kept == [1.0, 1.0]
    assert answers(claim, figures((kept[0], kept[1]), (1.0, 0.5)))[0] is True


def test_the_fixed_vector_has_no_fewer_parameters_to_carry_the_source():
    """It is wider, by so much that it has a little more."""
    counts = [
        sum(part.numel() for part in Translator(width, 66, 42, attention).parameters())
        for width, attention in zip(small.widths, (True, False), strict=True)
    ]
    assert counts[0] < counts[1] < 1.03 * counts[0]


def test_the_grammar_meets_the_limits_and_one_without_its_order_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("translation_attention", "smoke") == [True, True]
    assert exact_answers("translation_attention") == [True, True]
    rule = translation_attention.translated

    def forgets(task: Translation, words: list[int]) -> list[int]:
        """Turns the last verbs of long sentences about."""
        said = rule(task, words)
        return said[:-6] + said[:-7:-1] if len(said) > 6 else said

    monkeypatch.setattr(translation_attention, "translated", forgets)
    assert exact_answers("translation_attention") == [False, True]
