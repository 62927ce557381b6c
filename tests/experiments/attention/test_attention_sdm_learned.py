"""The predicate on learned betas: every start counts, and only where it has learned."""

from wavetrain.experiments.attention.attention_sdm_learned import STARTS, claim

WHOLE = {f"inside_from_{start}": 0.75 for start in STARTS} | {f"signs_from_{start}": 0.99 for start in STARTS}


def test_predicate():
    assert claim.holds(WHOLE) is True
    for start in STARTS:
        assert claim.holds(WHOLE | {f"inside_from_{start}": 0.5}) is False
        assert claim.holds(WHOLE | {f"signs_from_{start}": 0.9}) is None


def test_no_start_is_the_same_as_another_and_only_one_lies_in_the_range():
    inside = [start for start in STARTS if 10.1 <= start <= 35.5]
    assert inside == [20] and min(STARTS) < 10.1 and max(STARTS) > 35.5
