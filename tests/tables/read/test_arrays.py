"""Arrays by name as a panel: which one holds the values, which axis the steps, and what is refused."""

from typing import Any

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel
from wavetrain.tables.read.arrays import panel_of
from wavetrain.tables.read.asked import Asked

CUBE = np.arange(24.0).reshape(2, 4, 3)


def of(asked: Asked | None = None, **arrays: Any) -> Panel:
    return panel_of({name: np.asarray(one) for name, one in arrays.items()}, asked or Asked())


def test_one_axis_is_one_column_and_two_are_steps_and_columns():
    line = of(a=[1, 2, 3])
    assert line.columns == ("y",) and line.series[0].values.tolist() == [[1], [2], [3]]
    assert line.series[0].name == "" and line.series[0].values.dtype == np.float64
    assert line.said == (
        "forecast y",
        "1 series of 3 steps and 1 columns",
        "no times: rows are numbered",
        "no cell is missing",
    )
    table = of(a=CUBE[0])
    assert table.columns == table.targets == ("y1", "y2", "y3")
    assert table.series[0].values.tolist() == CUBE[0].tolist()
    assert of(a=CUBE[:, :, :1]).columns == ("y",)


def test_three_axes_are_series():
    panel = of(a=CUBE)
    assert [one.name for one in panel.series] == ["0", "1"]
    assert [one.values.tolist() for one in panel.series] == CUBE.tolist()
    assert panel.said[1] == "2 series of 4 steps and 3 columns" and len(panel.said) == 4
    turned = of(X=CUBE)
    assert [one.values.tolist() for one in turned.series] == CUBE.swapaxes(1, 2).tolist()
    assert turned.said[1] == "2 series of 3 steps and 4 columns; X is read as (series, columns, steps)"
    assert of(X=CUBE[0]).series[0].values.tolist() == CUBE[0].tolist()
    assert "is read as" not in of(X=CUBE[0]).said[1]


def test_values_are_looked_for_under_their_usual_names():
    names = ["values", "x", "X", "series", "data", "y"]
    for place, name in enumerate(names):
        arrays = {"other": CUBE[1], **{one: CUBE[0] for one in names[place + 1 :]}, name: CUBE[0] + 100}
        panel = of(None, **arrays)
        assert panel.series[0].values[0, 0] == 100
        assert panel.said[-1] == f"left out: {', '.join(one for one in arrays if one != name)}"
    assert of(first=CUBE[0], second=CUBE[1]).series[0].values[0, 0] == 0


def test_lengths_and_names_of_columns():
    panel = of(Asked(target=("w",)), x=np.ones((2, 1500, 3)), lengths=[1, 1200], columns=[["u", "v", "w"]])
    assert panel.columns == ("u", "v", "w") and panel.targets == ("w",)
    assert [len(one) for one in panel.series] == [1, 1200]
    assert panel.said[0] == "forecast w" and panel.said[1] == "2 series of 1 to 1,200 steps and 3 columns"
    assert [len(one) for one in of(x=CUBE, lengths=[4, 4]).series] == [4, 4]


def test_roles_are_columns():
    panel = of(Asked(inputs=("y1",), known=("y3",)), x=CUBE)
    assert panel.targets == ("y2",) and panel.known == ("y3",)
    with pytest.raises(BadInput, match=r"^no column is called 'z'; there are: y1, y2, y3"):
        of(Asked(known=("z",)), x=CUBE)
    for asked in (Asked(time=("day",)), Asked(id=("day",))):
        with pytest.raises(
            BadInput, match=r"^expected a table for a column 'day' of times or ids, got arrays"
        ):
            of(asked, x=CUBE)


def test_what_is_missing_is_counted():
    holes = np.zeros((2, 700, 2))
    holes[0, :, 0], holes[1, :650, 1] = np.nan, np.nan
    assert of(x=holes).said[3] == "missing cells: 1,350"
    assert of(x=np.zeros((1300, 2, 1))).said[1] == "1,300 series of 2 steps and 1 columns"


def test_six_targets_are_told():
    assert of(x=np.zeros((8, 6))).said[0] == "forecast y1, y2, y3, y4, y5, y6"
    assert of(x=np.zeros((8, 7))).said[0] == "forecast y1, y2, y3, y4, y5, y6, ..."


SHAPES = "expected (steps,), (steps, columns) or (series, steps, columns), got"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": ["a"]}, "x: expected numbers, got <U1"),
        ({"x": [1j]}, "x: expected numbers, got complex128"),
        ({"x": 3.0}, f"x: {SHAPES} ()"),
        ({"x": np.zeros((1, 1, 1, 1))}, f"x: {SHAPES} (1, 1, 1, 1)"),
        ({"x": []}, f"x: {SHAPES} (0,)"),
        (
            {"x": np.zeros((9, 1001))},
            "x: expected steps before columns, got (9, 1001): turn it round, or cut it",
        ),
        (
            {"X": np.zeros((1, 1001, 9))},
            "X: expected steps before columns, got (1, 1001, 9): turn it round, or cut it",
        ),
        ({"x": CUBE, "columns": ["a", "b"]}, "columns: expected 3 names, got 2"),
        ({"x": CUBE, "lengths": [4]}, "lengths: expected 2 whole numbers, got (1,) of int64"),
        ({"x": CUBE, "lengths": [4.0, 4]}, "lengths: expected 2 whole numbers, got (2,) of float64"),
        ({"x": CUBE, "lengths": [0, 4]}, "lengths: expected 1 to 4 steps, got 0 to 4"),
        ({"x": CUBE, "lengths": [1, 5]}, "lengths: expected 1 to 4 steps, got 1 to 5"),
    ],
)
def test_arrays_that_are_no_panel(arrays: dict, message: str):
    with pytest.raises(BadInput) as caught:
        of(**arrays)
    assert str(caught.value) == message


@pytest.mark.parametrize("shape", [(9, 1000), (1001, 1001), (1, 1001, 1001)])
def test_as_many_columns_as_steps_or_a_thousand_are_taken(shape: tuple[int, ...]):
    assert len(of(x=np.zeros(shape, bool)).columns) == shape[-1]
