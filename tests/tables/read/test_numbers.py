"""Numbers and truths as people write them."""

import numpy as np
import pytest

from wavetrain.tables.read.numbers import kinds, numbers


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["yes", "No", "TRUE", "false"], [1, 0, 1, 0]),
        (["yes", "NA"], [1, np.nan]),
        (["yes", "5"], [None, 5]),  # not all of them are truths
        (["5", "red"], [5, None]),
        (["1,000.5", "−3", "12%"], [1000.5, -3, 12]),
        (["inf", "-Infinity"], [np.inf, -np.inf]),
        ([], []),
    ],
)
def test_cells_as_numbers(cells: list[str], wanted: list[float | None]):
    found = numbers(cells, ".")
    assert [one is None for one in found] == [one is None for one in wanted]
    np.testing.assert_array_equal(np.array(found, float), np.array(wanted, float))


def test_each_cell_is_counted():
    found = kinds(np.array(["b", "a", "b"], dtype=object))
    assert found.cells == ["b", "a"] and found.counts().tolist() == [2, 1]
