"""The nearest width to a budget, found among all."""

import math

import pytest

from wavetrain.run.widths import least, nearest


def wanted(size, parameters: int) -> tuple[int, int] | None:
    """By trying every width."""
    found = {width: size(width) for width in range(1, 25_000)}
    found = {width: number for width, number in found.items() if number <= 1.1 * parameters}
    width = min(found, key=lambda width: abs(found[width] - parameters), default=None)
    return None if width is None else (width, found[width])


def even(width: int) -> float:
    return math.inf if width % 2 else 3 * width**2


@pytest.mark.parametrize("parameters", [1, 2, 5, 12, 30, 100, 1000, 20_000])
@pytest.mark.parametrize("size", [lambda width: width**2 + 7 * width, even, lambda width: 900 + width])
def test_it_is_that_of_a_search_through_all(size, parameters: int):
    assert nearest(size, parameters) == wanted(size, parameters)


def test_the_least_budget_has_a_width_and_one_less_has_none():
    for size in (lambda width: 50 + width**2, even):
        assert nearest(size, least(size)) is not None
        assert nearest(size, least(size) - 1) is None
