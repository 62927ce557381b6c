"""From a table to a panel: roles that are asked for or found, what is said, and what is kept of its form."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.clock import Clock
from wavetrain.tables.form import Form
from wavetrain.tables.read import read

DAYS = ["2024-01-01", "2024-01-02", "2024-01-04", "2024-01-05"]
TABLE = pd.DataFrame(
    {
        "day": DAYS,
        "load": ["1,5", "2,5", "4,5", ""],
        "sky": ["sun", "rain", "sun", "sun"],
        "price": [3.0, 1.0, 2.0, -9.0],
        "flat": [7, 7, 7, 7],
    }
)


def test_every_column_of_numbers_is_forecast_where_nothing_is_asked_for():
    panel = read(TABLE)
    assert panel.columns == ("load", "sky=rain", "sky=sun", "price") and panel.targets == ("load", "price")
    assert panel.known == () and panel.clock == Clock(1, "day", form="%Y-%m-%d")
    np.testing.assert_array_equal(panel.series[0].values[:, 0], [1.5, 2.5, np.nan, 4.5, np.nan])
    assert panel.said == (
        "forecast load, price; read sky=rain, sky=sun",
        "4 rows of one series",
        "2024-01-01 to 2024-01-05, every day, by day",
        "1 gap, 1 step; missing cells: load 1",
        "left out: day, which dates the rows; flat, which is 7 throughout",
    )
    assert panel.form == Form(
        columns=("load", "sky", "price"),
        time=("day",),
        levels={"sky": ("rain", "sun")},
        commas=("load",),
        left_out={"day": "dates the rows", "flat": "is 7 throughout"},
    )


def test_roles_that_are_asked_for():
    panel = read(TABLE, target="load", known="sky", inputs=["price"], missing=[-9.0, "none"])
    assert panel.columns == ("load", "sky=rain", "sky=sun", "price")
    assert (panel.targets, panel.known) == (("load",), ("sky=rain", "sky=sun"))
    assert panel.said[0] == "forecast load; read price; known ahead sky=rain, sky=sun"
    assert np.isnan(panel.series[0].values[-1, -1]) and panel.said[3].endswith("load 1, price 1")
    assert panel.form is not None and panel.form.missing == ("-9", "none")
    assert panel.form.left_out["flat"] == "is not asked for"
    alone = read(TABLE, target="load", inputs=())
    assert alone.columns == ("load",) and alone.form is not None
    assert alone.form.left_out == {
        "day": "dates the rows",
        **dict.fromkeys(("sky", "price", "flat"), "is not asked for"),
    }
    assert read(TABLE, inputs=["price"]).targets == ("load",) == read(TABLE, known=["price"]).targets
    assert read(TABLE, inputs=["price"]).columns == ("load", "sky=rain", "sky=sun", "price")


def test_numbers_of_rows_keep_their_step():
    table = pd.DataFrame({"t": [0.5, 1.0, 2.0], "y": [1.5, 3.5, 2.5]})
    form = read(table, time="t").form
    assert form == Form(columns=("y",), time=("t",), step=0.5, left_out={"t": "dates the rows"})
    plain = read(table[["y"]])
    assert plain.form == Form(columns=("y",)) and plain.said == (
        "forecast y",
        "3 rows of one series",
        "no column of times: rows are numbered",
        "no gaps; no cell is missing",
    )


def test_ids_and_the_step_that_is_asked_for_are_kept():
    rows = [(shop, day, float(day[-1])) for shop in "ab" for day in DAYS]
    panel = read(pd.DataFrame(rows, columns=["shop", "day", "y"]), id="shop", resample="2D")
    assert panel.form is not None and panel.form.id == ("shop",) and panel.form.resample == "2D"
    assert panel.clock is not None and str(panel.clock) == "2 days"
    assert panel.said[1] == "8 rows in 2 series by shop: a, b (3 rows each)"


def test_a_table_without_numbers_says_what_it_holds(tmp_path: Path):
    with pytest.raises(BadInput) as caught:
        read(pd.DataFrame({"day": DAYS}))
    assert str(caught.value) == (
        "expected a column of numbers to forecast, got none; left out: day, which dates the rows"
    )
    with pytest.raises(BadInput) as caught:
        read(pd.DataFrame({"sky": ["sun", "rain", "sun"]}))
    assert str(caught.value) == "expected a column of numbers to forecast, got none"
    path = tmp_path / "a.csv"
    path.write_text("x,y\n")
    with pytest.raises(BadInput) as caught:
        read(path)
    assert str(caught.value) == f"{path}: expected rows below the header, got none"
    with pytest.raises(BadInput) as caught:
        read(pd.DataFrame({"x": []}))
    assert str(caught.value) == "expected rows below the header, got none"


def test_a_series_without_numbers_is_told():
    y = [1.5] * 3 + [np.nan] * 1200
    table = pd.DataFrame({"id": ["a"] * 3 + ["b"] * 1200, "y": y, "z": np.arange(1203) % 5})
    with pytest.raises(BadInput) as caught:
        read(table, target="y")
    assert str(caught.value) == "series 'b': expected numbers to forecast, got none in 1,200 rows"
    assert len(read(table, target=["y", "z"]).series) == 2  # something is known of it


def test_what_is_no_table_is_refused():
    with pytest.raises(BadInput) as caught:
        read(read(TABLE))
    assert str(caught.value) == "expected a file or a frame, got a panel, which is read already"
    with pytest.raises(BadInput) as caught:
        read(np.arange(5.0), resample="1h")
    assert str(caught.value) == "expected a table with times to resample by 1h, got arrays"


def test_a_column_for_each_year_is_taken_apart_where_nothing_is_asked_for(tmp_path: Path):
    wide = pd.DataFrame({"who": ["a", "b"], "2001": [1.5, 2], "2002": [3, 4.5], "2003": [5.5, 6]})
    assert [one.name for one in read(wide).series] == ["a", "b"]
    assert read(wide, target="2003").columns == ("who=a", "who=b", "2001", "2002", "2003")
