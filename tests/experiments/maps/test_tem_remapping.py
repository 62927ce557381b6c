"""What the predicate says, and how much of a map is kept."""

import numpy as np
import pytest

from tests.answers import answers
from wavetrain.experiments.maps import tem_remapping

NAN = float("nan")
GOOD = {
    "zero_shot": 0.9,
    "grid": 0.1,
    "fresh_grid": 0.0,
    "band": 0.3,
    "fresh_band": 0.1,
    "place": 0.8,
    "information": 3.0,
    "fresh_information": 2.0,
    "kept_g": 0.95,
    "kept_p": 0.2,
    "at_place": 0.3,
    "at_place_p": 0.005,
}


@pytest.mark.parametrize(
    ("other", "answer"),
    [
        ({}, True),
        ({"zero_shot": 0.4}, None),
        ({"band": 0.1}, False),
        ({"band": 0.1, "grid": 0.2}, True),
        ({"fresh_band": 0.4}, False),
        ({"place": 0.4}, False),
        ({"fresh_information": 3.1}, False),
        ({"kept_g": 0.7}, False),
        ({"kept_p": 0.6}, False),
        ({"at_place_p": 0.06}, False),
        ({"at_place": -0.1}, False),
    ],
)
def test_predicate(other, answer):
    assert tem_remapping.claim.holds(GOOD | other) is answer


@pytest.mark.parametrize(
    ("other", "part"),
    [
        ({"band": 0.149}, 0),
        ({"place": 0.499}, 1),
        ({"information": 2.0}, 2),
        ({"kept_g": 0.799}, 3),
        ({"kept_p": 0.501}, 4),
        ({"at_place_p": 0.051}, 5),
        ({"at_place": 0.0}, 5),
    ],
)
def test_parts(other: dict[str, float], part: int):
    assert answers(tem_remapping.claim, GOOD | other) == [number != part for number in range(6)]


def test_untrained_machines_tell_nothing():
    assert answers(tem_remapping.claim, GOOD | {"zero_shot": 0.05}) == 6 * [None]


def test_kept_is_the_share_of_what_is_stable_within_an_environment():
    between, within = np.array([0.1, 0.2, NAN, 0.3, 0.9]), np.array([0.8, 0.6, 0.9, NAN, 0.1])
    assert tem_remapping.kept(between, within) == pytest.approx(0.15 / 0.7)
    assert tem_remapping.kept(np.array([NAN]), np.array([1.0])) == 0


def test_maps_that_are_shifted_together_are_aligned():
    """Each by a shift of its own, or cells exchanged, they are not."""
    dice = np.random.default_rng(1)
    maps = dice.normal(size=(1, 30, 6, 6))
    maps -= maps.mean((2, 3), keepdims=True)
    assert tem_remapping.aligned(maps, np.roll(maps, (2, 5), (2, 3))) == pytest.approx(1)
    alone = np.stack([np.roll(one, dice.integers(6, size=2), (0, 1)) for one in maps[0]])[None]
    assert tem_remapping.aligned(maps, alone) < 0.5
    assert tem_remapping.aligned(maps, maps[:, dice.permutation(30)]) < 0.5
