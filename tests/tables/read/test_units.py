"""Numbers with a unit in each cell, and what only looks like it."""

import pandas as pd
import pytest

from wavetrain.tables.read import read
from wavetrain.tables.read.incoming import Incoming
from wavetrain.tables.read.units import shorn

CELLS = {
    "money": (["€ 1.50", "€-2.25", "-€3", "€ 1,000.5"], [1.5, -2.25, -3, 1000.5], "€"),
    "money behind": (["1.50 €", "2.25€", "-3 €", "4 €"], [1.5, 2.25, -3, 4], "€"),
    "energy": (["1.5 kWh", "2.25 kWh", "-3e-1 kWh", "4 kWh"], [1.5, 2.25, -0.3, 4], "kWh"),
    "warmth": (["1.5 °C", "2.25 °C", "−3 °C", "4°C"], [1.5, 2.25, -3, 4], "°C"),
    "speed": (["1.5 km/h", "2 km/h", "3 km/h", "4 km/h"], [1.5, 2, 3, 4], "km/h"),
    "brackets": (["1.50", "(2.25)", "3", "(4)"], [1.5, -2.25, 3, -4], ""),
    "dollars in brackets": (["$1.50", "($2.25)", "$3", "($4)"], [1.5, -2.25, 3, -4], "$"),
}


@pytest.mark.parametrize("case", CELLS)
def test_a_number_with_its_unit_is_a_number(case: str):
    cells, wanted, unit = CELLS[case]
    found = read(pd.DataFrame({"y": cells, "n": [1.5, 2.5, 1, 7]}))
    assert found.columns == ("y", "n") and found.series[0].values[:, 0].tolist() == wanted
    assert (found.said[-1] == f"left out: units in cells (y {unit})") == bool(unit)


@pytest.mark.parametrize(
    "cells",
    [["A1", "A2"], ["3b", "4b"], ["1 kg", "2 lb"], ["1st", "2nd"], ["1", "2"], ["red", "3 kg"], ["(1", "2)"]],
)
def test_what_is_no_number_with_a_unit(cells: list[str]):
    assert shorn(cells, cells) is None


def test_cells_that_say_nothing_may_stand_among_them():
    found = read(pd.DataFrame({"y": ["1 kW", "", "NA", "4 kW"]})).series[0].values[:, 0]
    assert found[[0, 3]].tolist() == [1, 4] and pd.isna(found[1:3]).all()


def test_a_stream_reads_them_too():
    earlier = read(pd.DataFrame({"y": ["1 kW", "2 kW", "4 kW"], "n": [1.5, 2.5, 9]}))
    assert Incoming("y,n", earlier).row("7.5 kW,(2)", 2).values == [7.5, -2]


@pytest.mark.parametrize(
    ("cells", "plain", "unit"),
    [
        (["US$ 3", "-US$4.5"], ["3", "-4.5"], "US$"),
        (["3 abcdefghijkl", "4 abcdefghijkl"], ["3", "4"], "abcdefghijkl"),  # twelve letters
        (["3\u00a0kg", "4 kg"], ["3", "4"], "kg"),
        (["1 000 kg", "2 kg"], ["1 000", "2"], "kg"),
        (["+3 kg", ".5 kg"], ["+3", ".5"], "kg"),
        (["( 3.5 )", "+4"], ["-3.5", "+4"], ""),
        (["(3 kg)", "4 kg"], ["-3", "4"], "kg"),
        (["3‰", "-4‰"], ["3", "-4"], "‰"),
    ],
)
def test_cells_without_their_unit(cells: list[str], plain: list[str], unit: str):
    found = shorn([*cells, "NA"], cells)
    assert found is not None and (found.cells, found.unit) == ([*plain, "NA"], unit)


@pytest.mark.parametrize(
    "cells",
    [
        ["3 abcdefghijklm", "4 abcdefghijklm"],
        ["-€-3", "€4"],
        ["€3", "4 €"],
        ["€3", "4"],
        ["3 kg", "4)"],
        ["(3", "(4"],
        [],
        [*["1 kg"] * 60, "red", *["1 kg"] * 60],  # one that stands between those that are looked at first
    ],
)
def test_cells_that_have_no_unit_in_common(cells: list[str]):
    assert shorn(cells, cells) is None
