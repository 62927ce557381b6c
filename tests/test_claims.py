"""A verdict takes three seeds that agree, or a clear share of many."""

from wavetrain.evidence.claims import FAILS, HOLDS, OPEN, Claim, verdict

CLAIM = Claim(
    "a > 1",
    "a source",
    "a seed",
    (),
    {},
    holds=lambda figures: None if figures["a"] == 0 else figures["a"] > 1,
)


def of(*values: float) -> list[dict[str, float]]:
    return [{"a": value} for value in values]


def test_verdicts() -> None:
    assert verdict(CLAIM, of(2, 2, 2)).word == HOLDS
    assert verdict(CLAIM, of(1, 1, 1)).word == FAILS
    mixed = verdict(CLAIM, of(2, 1, 2))
    assert (mixed.word, mixed.agree, mixed.seeds) == (OPEN, 2, 3)
    assert "2 of 3" in mixed.why


def test_the_share_of_many_seeds_decides() -> None:
    def share(agree: int, seeds: int) -> str:
        return verdict(CLAIM, of(*[2] * agree, *[1] * (seeds - agree))).word

    assert [share(agree, 7) for agree in range(8)] == 5 * [FAILS] + 2 * [OPEN] + [HOLDS]
    assert [share(agree, 10) for agree in (6, 7, 8, 9)] == [FAILS, OPEN, OPEN, HOLDS]
    assert [share(agree, 6) for agree in (0, 1, 5, 6)] == [FAILS, OPEN, OPEN, HOLDS]


def test_too_few_seeds_or_too_small_a_scale_decide_nothing() -> None:
    assert verdict(CLAIM, of(2, 2)).word == OPEN
    assert verdict(CLAIM, of(2, 2, 2), decides=False).word == OPEN


def test_a_seed_that_cannot_tell_leaves_it_open() -> None:
    assert verdict(CLAIM, of(2, 0, 2)).word == OPEN
