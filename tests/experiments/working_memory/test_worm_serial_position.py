"""The predicate of worm_serial_position knows all three answers."""

import math

import pytest

from tests.answers import answers
from wavetrain.experiments.working_memory.worm_serial_position import OF, PEOPLE, claim

SEEN = {
    "primacy_lstm": 0.4,
    "recency_lstm": 0.2,
    "primacy_transformer": 0.1,
    "recency_transformer": 0.3,
    "recall_lstm": 0.81,
    "recall_transformer": 0.8,
}


def test_predicate():
    assert claim.holds(SEEN) is True
    assert claim.holds(SEEN | {"recency_lstm": 0.09}) is False
    assert claim.holds(SEEN | {"primacy_lstm": 0.0}) is False
    assert claim.holds(SEEN | {"recency_transformer": 0.6}) is False


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, [True, True, True]),
        ({"primacy_lstm": 0.099, "recency_lstm": 0.4}, [False, True, True]),
        ({"recency_lstm": 0.099}, [True, False, True]),
        ({"recency_transformer": 0.51}, [True, True, False]),
        ({"recall_lstm": 0.1}, [None, None, None]),
    ],
)
def test_parts(other: dict[str, float], expected: list[bool | None]):
    assert answers(claim, SEEN | other) == expected


def test_people_show_both():
    """Those whose curve comes with the benchmark, in place of the LSTM, beside a flat curve."""
    people = {"primacy_lstm": PEOPLE[0] - min(PEOPLE), "recency_lstm": PEOPLE[-1] - min(PEOPLE)}
    people = {name: value / OF for name, value in people.items()}
    flat = {"primacy_transformer": 0.0, "recency_transformer": 0.0}
    assert answers(claim, SEEN | people | flat) == [True, True, True]


def test_below_the_level_nothing_is_told():
    assert claim.holds(SEEN | {"recall_transformer": 0.79}) is None
    assert claim.holds(SEEN | {"recall_lstm": math.nan}) is None
