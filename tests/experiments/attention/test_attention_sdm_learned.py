"""The predicate on learned betas: every start counts, and only where it has learned."""

import pytest

from tests.answers import answers
from wavetrain.experiments.attention.attention_sdm_learned import EXAMINED, SIZE, STARTS, claim

WHOLE = {f"inside_from_{start}": 0.75 for start in STARTS} | {f"signs_from_{start}": 0.99 for start in STARTS}


@pytest.mark.parametrize("start", STARTS)
def test_predicates(start: int):
    assert answers(claim, WHOLE) == [True] * 4 and claim.holds(WHOLE) is True
    changed = WHOLE | {f"inside_from_{start}": 0.5}
    assert answers(claim, changed) == [one != start for one in STARTS] and claim.holds(changed) is False


@pytest.mark.parametrize("start", STARTS)
def test_nothing_is_decided_where_a_start_has_not_learned(start: int):
    assert answers(claim, WHOLE | {f"signs_from_{start}": 0.9}) == [None] * 4
    cue_alone = {f"signs_from_{one}": 1 - EXAMINED / SIZE for one in STARTS}
    assert answers(claim, WHOLE | cue_alone) == [None] * 4


def test_perfect_recall_inside_the_range_fulfils_all_parts():
    perfect = {f"{what}_from_{start}": 1.0 for what in ("inside", "signs") for start in STARTS}
    assert answers(claim, perfect) == [True] * 4


def test_no_start_is_the_same_as_another_and_only_one_lies_in_the_range():
    inside = [start for start in STARTS if 10.1 <= start <= 35.5]
    assert inside == [20] and min(STARTS) < 10.1 and max(STARTS) > 35.5
