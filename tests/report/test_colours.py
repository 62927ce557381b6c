"""Colours: phases go round, sizes begin at light, both signs meet in white."""

import numpy as np
import pytest

from wavetrain.report.colours import phases, scale


def colour(found, value: float) -> np.ndarray:
    norm, colours = found
    return np.array(colours(norm(value)))


def test_the_ends_of_a_circle_look_alike() -> None:
    found = phases()
    np.testing.assert_allclose(colour(found, -np.pi), colour(found, np.pi), atol=0.02)
    assert np.abs(colour(found, 0) - colour(found, np.pi)).max() > 0.3
    assert np.abs(colour(found, np.pi / 2) - colour(found, -np.pi / 2)).max() > 0.3


@pytest.mark.parametrize("values", [[1.0, 2.0, 5.0], [-1.0, -2.0, -5.0]])
def test_one_sign_is_darker_where_it_is_larger(values: list[float]) -> None:
    found = scale(np.ma.masked_invalid(values))
    light = [colour(found, value)[:3].sum() for value in values]
    assert light[0] > light[1] > light[2]


def test_both_signs_meet_in_white() -> None:
    found = scale(np.ma.masked_invalid([-1.0, 0.5, np.nan]))
    assert colour(found, 0)[:3].min() > 0.95
    assert found[0](-1) == 0 and found[0](1) == 1


def test_what_is_missing_is_grey() -> None:
    for norm, colours in (phases(), scale(np.ma.masked_invalid([1.0, np.nan]))):
        shown = colours(norm(np.ma.masked_invalid([np.nan])))
        np.testing.assert_allclose(shown[0][:3], np.array([0xD9, 0xD4, 0xCB]) / 255, atol=0.01)
