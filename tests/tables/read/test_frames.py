"""Frames of pandas and of what is like them: their index, their names, their kinds."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.read.frames import (
    table_of,
    table_of_columns,
    table_of_frame,
    table_of_parquet,
    table_of_records,
)
from wavetrain.tables.read.table import Table

Y = [1.5, 2.5]
DAYS = pd.to_datetime(["2024-01-01", "2024-01-02"])


def columns(table: Table) -> dict[str, list]:
    return {name: table.frame[name].tolist() for name in table.names}


def index(values: Any, **more: Any) -> dict[str, list]:
    return columns(table_of_frame(pd.DataFrame({"y": Y, **more}, index=values)))


def test_an_index_that_is_more_than_a_count_is_a_column():
    assert index(None) == {"y": Y}
    assert index(pd.RangeIndex(3, 7, 2)) == {"y": Y}
    assert index(pd.RangeIndex(2, name="place")) == {"place": [0, 1], "y": Y}
    assert index(pd.Index([4, 9])) == {"index": [4, 9], "y": Y}
    assert index(pd.Index(["a", "b"]), index=[1, 2], index_=[3, 4]) == {
        "index__": ["a", "b"],
        "y": Y,
        "index": [1, 2],
        "index_": [3, 4],
    }
    assert index(DAYS) == {"time": list(DAYS), "y": Y}
    assert list(index(DAYS.to_period("D"), time=[1, 2])) == ["time_", "y", "time"]
    assert list(index(DAYS.rename("when"))) == ["when", "y"]
    levels = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])
    assert index(levels) == {"level_0": ["a", "b"], "level_1": [1, 2], "y": Y}


def test_names_are_text_and_there_once():
    wide = pd.DataFrame([[1, 2, 3]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", "")]))
    assert table_of_frame(wide).names == ["a 1", "a 2", "b"]
    assert table_of_frame(pd.DataFrame([[1, 2, 3]], columns=["a", "a", 7])).names == ["a", "a (2)", "7"]


def test_categories_are_what_they_say():
    frame = pd.DataFrame({"a": pd.Categorical([3, 1]), "b": pd.Categorical(["x", "y"]), "y": Y})
    table = table_of_frame(frame)
    assert table.frame["a"].dtype.kind == "i" and table.frame["b"].tolist() == ["x", "y"]
    assert isinstance(frame["a"].dtype, pd.CategoricalDtype)  # what came is left alone


def test_rows_of_frames_are_counted_from_one():
    table = table_of_frame(pd.DataFrame({"y": Y}))
    assert (table.line(0), table.line(1), table.spreadsheet, table.raw) == (1, 2, False, None)


def test_a_column_of_pandas_has_a_name():
    assert columns(table_of(pd.Series(Y))) == {"y": Y}
    assert columns(table_of(pd.Series(Y, name="load"))) == {"load": Y}
    assert columns(table_of(pd.Series(Y, name=0))) == {"0": Y}


class Xarray:
    def __init__(self, **name: Any):
        self.__dict__.update(name)

    def to_dataframe(self, name: str = "none") -> pd.DataFrame:
        return pd.DataFrame({name: Y})


@pytest.mark.parametrize(
    ("source", "called"),
    [
        (Xarray(name=None), "y"),
        (Xarray(name="wind"), "none"),  # of its own name
        (Xarray(), "none"),  # a data set has names inside
        (SimpleNamespace(to_dict=lambda as_series: {"a": Y}, rows=None), "a"),
        (SimpleNamespace(collect=lambda: SimpleNamespace(to_dict=lambda as_series: {"b": Y}, rows=1)), "b"),
        (SimpleNamespace(to_dict=lambda as_series: {"a": Y}, rows=1, collect=lambda: 1 / 0), "a"),
        (SimpleNamespace(to_pandas=lambda: pd.DataFrame({"c": Y}), column_names=["c"]), "c"),
        (SimpleNamespace(to_list=lambda: Y, name="d"), "d"),
        (SimpleNamespace(to_list=lambda: Y, name=""), "y"),
    ],
)
def test_frames_are_known_by_what_they_can_do(source: Any, called: str):
    assert columns(table_of(source)) == {called: Y}


@pytest.mark.parametrize(
    "half", [{"to_dict": 1}, {"rows": 1}, {"to_pandas": 1}, {"column_names": 1}, {"to_list": 1}, {"name": 1}]
)
def test_what_can_do_half_is_no_frame(half: dict[str, Any]):
    with pytest.raises(BadInput, match=r"^expected a file, a frame or arrays, got SimpleNamespace$"):
        table_of(SimpleNamespace(**half))


def test_columns_and_records_of_python():
    table = table_of_columns({"a": np.array([1, 2], np.int8), "b": [1, 2], "c": [1, "x"], "d": [1.5, None]})
    assert [table.frame[name].dtype.kind for name in table.names] == ["i", "i", "O", "f"]
    assert table.frame["a"].dtype == np.int8
    np.testing.assert_equal(table.frame["d"].tolist(), [1.5, np.nan])
    found = columns(table_of_records([{"a": 1, "b": "x"}, {"b": "y", "a": 2}]))
    assert found == {"a": [1, 2], "b": ["x", "y"]}


def test_parquet_that_is_cut_is_one_line():
    with pytest.raises(BadInput, match=r"^expected a whole file of Parquet, got .+$") as caught:
        table_of_parquet(b"PAR1 and nothing else")
    assert "\n" not in str(caught.value)
