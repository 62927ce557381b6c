"""A panel holds what it says: columns, roles and rows that fit together."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel, Series, panel


def series(name: str = "a", columns: int = 2) -> Series:
    return Series(name=name, values=np.arange(5.0 * columns).reshape(5, columns), times=np.arange(5))


def test_numbers_become_a_panel():
    assert panel([1.0, 2.0]).series[0].values.tolist() == [[1.0], [2.0]]
    assert panel(np.zeros((4, 3))).columns == ("y1", "y2", "y3")
    assert [len(one) for one in panel([np.zeros(4), np.zeros(6)]).series] == [4, 6]


def test_a_panel_is_not_changed_by_those_who_own_the_numbers():
    mine = np.zeros(4)
    taken = panel(mine)
    mine[0] = 7.0
    assert taken.series[0].values[0, 0] == 0.0


def test_a_cut_keeps_times_and_roles():
    whole = Panel(columns=("x", "y"), series=(series(),), targets=("y",), known=("x",))
    part = whole.cut(1, -1)
    assert part.series[0].times.tolist() == [1, 2, 3]
    assert part.series[0].values.tolist() == [[2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]
    assert (part.columns, part.targets, part.known) == (whole.columns, whole.targets, whole.known)
    assert part.places(["y", "x"]) == [1, 0]


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"series": ()}, "at least one series"),
        ({"columns": ("x", "x")}, "different names"),
        ({"targets": ("z",)}, "targets among x, y; got z"),
        ({"known": ("z",)}, "known ahead among x, y; got z"),
        ({"known": ("y",)}, "not known ahead, got y"),
        ({"targets": ()}, "a column to forecast"),
        ({"series": (series("a"), series("a"))}, "an id twice"),
        ({"series": (series("b", columns=3),)}, "series 'b': expected 2 columns, got 3"),
    ],
)
def test_what_does_not_fit_is_refused(facts: dict, message: str):
    whole = {"columns": ("x", "y"), "series": (series(),), "targets": ("y",)}
    with pytest.raises(BadInput, match=message):
        Panel(**{**whole, **facts})


def test_what_is_infinite_is_named_with_its_row():
    with pytest.raises(BadInput, match="series 'X': row 4 is infinite"):
        Series(name="X", values=np.array([[1.0], [2.0], [3.0], [np.inf], [5.0]]))


def test_arrays_of_other_shapes_are_refused():
    with pytest.raises(BadInput, match="expected a series"):
        panel(np.zeros((2, 3, 4)))
    with pytest.raises(BadInput, match="same number of columns"):
        panel([np.zeros((3, 1)), np.zeros((3, 2))])


def test_the_largest_number_is_taken_and_a_larger_one_named_with_its_row():
    values = np.array([[1.0, 2.0], [3.0, -1e100], [-1.1e100, 4.0]])
    assert len(Series(name="X", values=values[:2])) == 2
    with pytest.raises(BadInput, match=r"numbers up to 1e\+100, got -1.1e\+100 in row 3"):
        Series(name="X", values=values)


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((3, 1, 1)), np.zeros((3, 1), np.float32)])
def test_values_of_a_series_are_a_table_of_float64(values: np.ndarray):
    with pytest.raises(BadInput, match=r"expected values \(steps, columns\) of float64, got"):
        Series(name="X", values=values)


def test_a_row_has_one_time():
    with pytest.raises(BadInput, match=r"a time for each of 3 rows, got \(2,\)"):
        Series(name="X", values=np.zeros((3, 2)), times=np.arange(2))


def test_names_of_what_numbers_become():
    assert panel([]).series[0].values.shape == (0, 1)
    assert [one.name for one in panel([np.zeros(2)]).series] == ["0"] and panel([0.0]).series[0].name == ""
    assert panel(np.zeros((4, 1))).columns == ("y",) and panel(np.zeros((4, 2))).columns == ("y1", "y2")


def test_columns_that_are_taken_keep_their_roles_and_times():
    whole = Panel(columns=("x", "y"), series=(series(),), targets=("y",), known=("x",))
    part = whole.taken(["y"])
    assert (part.columns, part.targets, part.known) == (("y",), ("y",), ())
    assert part.series[0].values.ravel().tolist() == [1, 3, 5, 7, 9] and len(part.series[0].times) == 5
    assert whole.taken(["y", "x"]).series[0].values[0].tolist() == [1.0, 0.0]
