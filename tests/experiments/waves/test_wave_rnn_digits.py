"""Digits by waves: the predicates on the published table and at chance."""

import math

from wavetrain.experiments.waves.wave_rnn_digits import claim

PUBLISHED = {name: float(value) for name, value in claim.published.items()}


def answers(**changes: float) -> list[bool | None]:
    return [part.holds(PUBLISHED | changes) for part in claim.parts]  # type: ignore[arg-type]


def test_the_published_table_holds():
    assert answers() == [True, True]


def test_each_rival_with_permuted_pixels_and_the_identity_rnn_in_rows():
    for rival in ("identity", "lstm", "gru"):
        assert answers(**{f"{rival}_permuted": PUBLISHED["wave_permuted"]}) == [False, True]
    assert answers(wave_rows=PUBLISHED["identity_rows"]) == [True, False]
    assert answers(wave_permuted=math.nan, wave_rows=math.nan) == [False, False]


def test_at_chance_nobody_can_tell():
    chance = dict.fromkeys(PUBLISHED, 0.1) | {"wave_permuted": 0.19, "wave_rows": 0.05}
    assert answers(**chance) == [None, None]
    assert answers(**chance | {"wave_permuted": 0.2, "identity_rows": 0.2}) == [True, True]


def test_a_network_without_mistakes():
    """It is ahead where the pixels are permuted; in rows only the identity RNN may be it."""
    assert answers(wave_permuted=1.0, identity_rows=1.0) == [True, True]
