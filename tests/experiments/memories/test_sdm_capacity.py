"""Where half is lost, and the predicate."""

import pytest

from tests.answers import answers
from wavetrain.evidence.claims import Measured
from wavetrain.experiments._curves import crossing
from wavetrain.experiments.memories.sdm_capacity import RADII, claim, small
from wavetrain.parts import balls

WHOLE = {
    f"{theory}{what}_{one}": value
    for theory in ("", "theory_")
    for what, values in {"capacity": (650, 900, 750, 400), "distance": (60, 70, 80, 85)}.items()
    for one, value in zip(RADII, values, strict=True)
}


def test_a_crossing_is_found_between_points():
    assert crossing([1, 2, 4], [1.0, 0.75, 0.25]) == 3
    assert crossing([1, 2, 4], [1.0, 0.5, 0.0]) == 2
    assert crossing([1, 2, 4], [1.0, 0.9, 0.8]) == 4 and crossing([1, 2, 4], [0.4, 0.9, 0.1]) == 1
    assert crossing([1, 2, 4, 8], [1.0, 0.0, 1.0, 0.0]) == 1.5, "the first time"
    assert crossing([10, 20], [1.0, 0.8], level=0.9) == pytest.approx(15)


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True, True]),
        ({"distance_small": 46}, [True, True, True, True]),
        ({"distance_small": 44}, [True, False, True, True]),
        ({"capacity_middle": 1130}, [False, True, True, True]),
        (
            {"capacity_widest": 700, "theory_capacity_widest": 700, "capacity_middle": 690},
            [True, True, False, True],
        ),
        ({"distance_small": 75, "distance_widest": 75}, [True, True, True, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, WHOLE | changed, small) == parts
    assert claim.holds(Measured(WHOLE | changed, small)) is all(parts)


@pytest.mark.parametrize("one", RADII)
def test_every_radius_counts(one: str):
    less = WHOLE | {f"capacity_{one}": 0.7 * WHOLE[f"capacity_{one}"]}
    assert answers(claim, less, small)[0] is False
    less = WHOLE | {f"distance_{one}": 0.7 * WHOLE[f"distance_{one}"]}
    assert answers(claim, less, small)[1] is False


def theory() -> dict[str, float]:
    """What theory says at the small scale."""
    said = {}
    for one, radius in zip(RADII, small.radii, strict=True):
        share = balls.fraction(small.size, radius)
        said[f"capacity_{one}"] = balls.capacity(small.size, small.neurons, share)
        said[f"distance_{one}"] = balls.critical_distance(small.size, small.neurons, small.patterns, radius)
    return said


def test_theory_itself_fulfils_all_parts():
    said = theory()
    told = said | {f"theory_{name}": value for name, value in said.items()}
    assert answers(claim, told, small) == [True, True, True, True]


def test_a_memory_that_brings_nothing_back_fulfils_none():
    """Half are lost at the smallest load and at the fewest wrong bits."""
    said = theory()
    told = {
        name: small.loads[0] * value if "capacity" in name else small.step for name, value in said.items()
    }
    told |= {f"theory_{name}": value for name, value in said.items()}
    assert answers(claim, told, small) == [False, False, None, False]
