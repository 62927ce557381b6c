"""The predicate of the classical capacity, on the curve of 400 units that was known before."""

import pytest

from tests.answers import answers
from wavetrain.evidence.claims import every
from wavetrain.experiments._curves import crossing
from wavetrain.experiments.memories.hopfield_capacity import LOADS, claim

KNOWN = (1.0, 0.998, 0.996, 0.993, 0.990, 0.910, 0.767, 0.70, 0.582, 0.606)
WHOLE = (
    {
        f"overlap_{size}_{load:.2f}": one
        for size in ("few", "middle", "many")
        for load, one in zip(LOADS, KNOWN, strict=True)
    }
    | {f"crossing_{size}": 0.141 for size in ("few", "middle", "many")}
    | {"fall_few": 0.2, "fall_middle": 0.3, "fall_many": 0.4}
)


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True, True]),
        ({"overlap_few_0.10": 0.9, "crossing_few": 0.1}, [True, True, True, True]),
        ({"overlap_middle_0.10": 0.96}, [False, None, True, None]),
        ({"overlap_many_0.15": 0.86}, [True, False, True, True]),
        ({"crossing_many": 0.151}, [True, True, False, True]),
        ({"crossing_middle": 0.124}, [True, True, False, True]),
        ({"fall_many": 0.2}, [True, True, True, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, WHOLE | changed) == parts
    assert claim.holds(WHOLE | changed) is every(parts)


def curve(size: str, overlaps: list[float]) -> dict[str, float]:
    """The figures of one size, from its overlaps at all loads."""
    named = {f"overlap_{size}_{load:.2f}": one for load, one in zip(LOADS, overlaps, strict=True)}
    fall = overlaps[LOADS.index(0.12)] - overlaps[LOADS.index(0.16)]
    return named | {f"crossing_{size}": crossing(LOADS, overlaps, 0.9), f"fall_{size}": fall}


def test_infinitely_many_units_fulfil_all_parts():
    """Whole up to 0.138 N, and then nothing; a small network falls slowly."""
    sharp = [0.97 if load <= 0.138 else 0.0 for load in LOADS]
    slow = [1 - load for load in LOADS]
    assert answers(claim, curve("few", slow) | curve("middle", sharp) | curve("many", sharp)) == [True] * 4


def test_a_network_that_keeps_nothing_fulfils_none():
    nothing = curve("few", [0.0] * 10) | curve("middle", [0.0] * 10) | curve("many", [0.0] * 10)
    assert answers(claim, nothing) == [False, None, False, None]
