"""A verdict takes three seeds that agree, or a clear share of many; a claim's follows from its parts."""

import math

import pytest

from wavetrain.evidence.claims import (
    FAILED,
    PARTLY,
    REPRODUCED,
    UNDECIDED,
    Claim,
    Judged,
    Measured,
    Part,
    chosen,
    every,
    given,
    together,
    verdict,
)


def claim(*parts: Part) -> Claim:
    return Claim(title="A", sentence="A", topic="Gates", source="a source", systems=(), parts=parts)


ABOVE = Part(
    says="a is above 1", holds=lambda figures: None if figures["a"] == 0 else figures["a"] > 1, figures=("a",)
)
BELOW = Part(says="a is below 3", holds=lambda figures: figures["a"] < 3)
ONE = claim(ABOVE)


def of(*values: float) -> list[Measured]:
    return [Measured({"a": value}) for value in values]


def test_verdicts() -> None:
    assert verdict(ONE, of(2, 2, 2)).word == REPRODUCED
    assert verdict(ONE, of(1, 1, 1)).word == FAILED
    mixed = verdict(ONE, of(2, 1, 2))
    (part,) = mixed.parts
    assert (mixed.word, part.agree, part.seeds) == (UNDECIDED, 2, 3)
    assert "2 of 3" in part.why


def test_the_share_of_many_seeds_decides() -> None:
    def share(agree: int, seeds: int) -> str:
        return verdict(ONE, of(*[2] * agree, *[1] * (seeds - agree))).word

    assert [share(agree, 7) for agree in range(8)] == 5 * [FAILED] + 2 * [UNDECIDED] + [REPRODUCED]
    assert [share(agree, 10) for agree in (6, 7, 8, 9)] == [FAILED, UNDECIDED, UNDECIDED, REPRODUCED]
    assert [share(agree, 6) for agree in (0, 1, 5, 6)] == [FAILED, UNDECIDED, UNDECIDED, REPRODUCED]


def test_too_few_seeds_or_too_small_a_scale_decide_nothing() -> None:
    for seeds, decides, why in (
        (of(2, 1), True, "fewer than three seeds"),
        (of(2, 1, 2), False, "this scale only shows that the program runs"),
    ):
        found = verdict(ONE, seeds, decides=decides)
        assert found.word == UNDECIDED
        assert found.parts == (Judged(UNDECIDED, len(seeds) - 1, len(seeds), why),)


def test_a_seed_that_cannot_tell_leaves_it_undecided() -> None:
    (part,) = verdict(ONE, of(2, 0, 2)).parts
    assert part == Judged(UNDECIDED, 2, 3, "a seed cannot tell at this scale")


def test_each_part_is_judged_by_itself() -> None:
    both = verdict(claim(ABOVE, BELOW), of(4, 4, 4))
    assert [part.word for part in both.parts] == [REPRODUCED, FAILED]
    assert (both.word, both.reproduced) == (PARTLY, 1)
    assert verdict(claim(ABOVE, BELOW), of(2, 2, 2)).word == REPRODUCED


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ([REPRODUCED, REPRODUCED], REPRODUCED),
        ([REPRODUCED, UNDECIDED], PARTLY),
        ([FAILED, REPRODUCED], PARTLY),
        ([FAILED, UNDECIDED], FAILED),
        ([UNDECIDED, UNDECIDED], UNDECIDED),
        ([], UNDECIDED),
    ],
)
def test_the_word_for_a_claim_follows_from_its_parts(words: list[str], word: str) -> None:
    assert together(words) == word


def test_a_figure_that_was_not_measured_leaves_its_part_undecided() -> None:
    (part,) = verdict(ONE, [*of(2, 2), Measured({"b": 1.0})]).parts
    assert part == Judged(UNDECIDED, 0, 3, "the figure 'a' was not measured")


def test_all_parts_together_say_what_one_seed_says() -> None:
    whole = claim(ABOVE, BELOW)
    assert [whole.holds({"a": value}) for value in (2.0, 4.0, 0.0)] == [True, False, None]
    assert every([]) is True


def test_a_predicate_cannot_tell_before_its_condition_holds() -> None:
    """And asks the figures for nothing else until then."""
    holds = given(lambda figures: figures["a"] > 1, lambda figures: figures["b"] > 1)
    seeds = ({"a": 1.0}, {"a": math.nan}, {"a": 2.0, "b": 2.0}, {"a": 2.0, "b": 1.0})
    assert [holds(Measured(one)) for one in seeds] == [None, None, True, False]


def test_a_diverged_figure_satisfies_no_comparison() -> None:
    assert ONE.holds(Measured({"a": None})) is False


def test_figures_are_chosen_by_pattern_in_the_order_of_the_patterns() -> None:
    names = ["loss_a", "score_a", "loss_b"]
    assert chosen(names, ("score_*", "loss_*", "loss_a")) == ["score_a", "loss_a", "loss_b"]


def test_predicates_know_the_scale_of_their_figures() -> None:
    found = Measured({"a": 1.0, "b": None}, scale=(1, 2))
    assert found.scale == (1, 2) and Measured({}).scale is None
    assert len(found) == 2 and list(found) == ["a", "b"] and math.isnan(found["b"])


def test_what_is_not_said_has_a_default() -> None:
    """A part is learned, and has nothing to be judged by but its predicate."""
    part = Part(says="a", holds=lambda figures: True)
    assert (part.figures, part.learned, part.stronger) == ((), True, "")
    one = claim(part)
    assert (one.published, one.figures, one.names, one.changed) == ({}, (), {}, ())
    assert (one.notes, one.unrun) == ("", "")
    assert Judged(UNDECIDED, 1, 2).why == "" and verdict(claim(), of(1, 2, 3)).parts == ()
