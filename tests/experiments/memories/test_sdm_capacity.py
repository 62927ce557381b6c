"""Where half is lost, and the predicate."""

import pytest

from wavetrain.experiments._curves import crossing
from wavetrain.experiments.memories.sdm_capacity import RADII, claim

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


def test_predicate():
    assert claim.holds(WHOLE) is True
    assert claim.holds(WHOLE | {"distance_small": 46}) is True
    for wrong in (
        {"distance_small": 44},
        {"capacity_middle": 1130},
        {"capacity_widest": 700, "theory_capacity_widest": 700, "capacity_middle": 690},
        {"distance_small": 75, "distance_widest": 75},
    ):
        assert claim.holds(WHOLE | wrong) is False


@pytest.mark.parametrize("one", RADII)
def test_every_radius_counts(one: str):
    assert claim.holds(WHOLE | {f"capacity_{one}": 0.7 * WHOLE[f"capacity_{one}"]}) is False
