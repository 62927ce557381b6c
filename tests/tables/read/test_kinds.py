"""One table in every kind of file and frame is one panel; arrays have their own shapes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import read

TABLE = pd.DataFrame(
    {
        "when": pd.date_range("2024-01-01", periods=6, freq="h").strftime("%Y-%m-%d %H:%M"),
        "load": [1.5, 2.25, np.nan, 4.0, 0.1, 6.0],
        "count": [5, 3, 4, 5, 1, 2],
        "sky": ["sun", "rain", "sun", "rain", "sun", "sun"],
        "open": [True, False, True, True, False, True],
    }
)


def assert_same(panel: Panel) -> None:
    wanted = read(TABLE)
    assert panel.columns == wanted.columns == ("load", "count", "sky=rain", "sky=sun", "open")
    assert panel.targets == ("load", "count", "open")
    np.testing.assert_array_equal(panel.series[0].values, wanted.series[0].values)
    np.testing.assert_array_equal(panel.series[0].times, wanted.series[0].times)
    assert str(panel.clock) == "hour"


def test_parquet(tmp_path: Path):
    TABLE.to_parquet(tmp_path / "a.parquet")
    assert_same(read(tmp_path / "a.parquet"))
    stamped = TABLE.assign(when=pd.to_datetime(TABLE.when))
    stamped.set_index("when").to_parquet(tmp_path / "b.parquet")
    assert_same(read(tmp_path / "b.parquet"))


@pytest.mark.parametrize("dated", [False, True])
def test_excel(dated: bool, tmp_path: Path):
    pytest.importorskip("openpyxl")
    table = TABLE.assign(when=pd.to_datetime(TABLE.when)) if dated else TABLE
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        pd.DataFrame().to_excel(book, sheet_name="empty")
        table.to_excel(book, sheet_name="data", index=False, startrow=2, startcol=1)
    assert_same(read(tmp_path / "a.xlsx"))


@pytest.mark.parametrize("orient", ["records", "columns", "split", "list", "table"])
def test_json(orient: str, tmp_path: Path):
    import json

    path = tmp_path / "a.json"
    plain = TABLE.astype(object).where(TABLE.notna(), None)
    if orient == "list":
        path.write_text(json.dumps(plain.to_dict(orient="list")))
    else:
        plain.to_json(path, orient=orient)
    assert_same(read(path))


def test_json_lines_are_known_by_themselves(tmp_path: Path):
    TABLE.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    assert_same(read(tmp_path / "a.jsonl"))
    (tmp_path / "b").write_bytes((tmp_path / "a.jsonl").read_bytes())
    assert_same(read(tmp_path / "b"))


def test_frames(tmp_path: Path):
    assert_same(read(TABLE))
    stamps = pd.to_datetime(TABLE.when)
    assert_same(read(TABLE.drop(columns="when").set_index(pd.DatetimeIndex(stamps, name=None))))
    assert_same(read(TABLE.drop(columns="when").set_index(pd.PeriodIndex(stamps, freq="h"))))
    assert_same(
        read(
            TABLE.astype({"count": "Int64", "sky": "category", "open": "boolean", "load": "Float32"}).assign(
                load=TABLE.load
            )
        )
    )
    before = TABLE.copy()
    read(TABLE, target="load")
    pd.testing.assert_frame_equal(before, TABLE)


def test_a_column_of_pandas_is_one_series():
    series = pd.Series([1.5, 2.5, 0.5], index=pd.date_range("2024-01-01", periods=3), name="load")
    panel = read(series)
    assert panel.columns == ("load",) and str(panel.clock) == "day"


class Polars:
    """What is asked of a frame of polars."""

    rows = None

    def to_dict(self, *, as_series: bool) -> dict[str, list]:
        assert not as_series
        plain = TABLE.astype(object).where(TABLE.notna(), None)
        return {name: plain[name].tolist() for name in plain} | {
            "when": [one.to_pydatetime() for one in pd.to_datetime(TABLE.when)]
        }


class Lazy:
    def collect(self) -> Polars:
        return Polars()


class Xarray:
    """What is asked of an array of xarray."""

    name = None

    def to_dataframe(self, name: str) -> pd.DataFrame:
        index = pd.MultiIndex.from_product(
            [pd.date_range("2024-01-01", periods=3), ["N", "S"]], names=["time", "place"]
        )
        return pd.DataFrame({name: [1.0, 5.0, 4.0, 7.0, 2.0, 9.0]}, index=index)


def test_frames_of_other_libraries():
    assert_same(read(Polars()))
    assert_same(read(Lazy()))
    panel = read(Xarray())
    assert [one.name for one in panel.series] == ["N", "S"]
    assert panel.series[1].values[:, 0].tolist() == [5, 7, 9]


def test_polars_and_xarray_themselves():
    polars = pytest.importorskip("polars")
    xarray = pytest.importorskip("xarray")
    frame = polars.DataFrame({name: [None if one != one else one for one in TABLE[name]] for name in TABLE})
    assert_same(read(frame))
    assert_same(read(frame.lazy()))
    assert_same(read(frame.with_columns(polars.col("when").str.to_datetime("%Y-%m-%d %H:%M"))))
    times = pd.date_range("2024-01-01", periods=3)
    array = xarray.DataArray(
        [[1.0, 5.0], [4.0, 7.0], [2.0, 9.0]],
        dims=["time", "place"],
        coords={"time": times, "place": ["N", "S"]},
    )
    assert [one.values[:, 0].tolist() for one in read(array).series] == [[1, 4, 2], [5, 7, 9]]
    assert read(array.to_dataset(name="wind")).columns == ("wind",)


def test_arrays(tmp_path: Path):
    values = np.arange(24.0).reshape(2, 4, 3)
    np.save(tmp_path / "a.npy", values)
    panel = read(tmp_path / "a.npy")
    assert [one.values.tolist() for one in panel.series] == values.tolist()
    assert panel.columns == ("y1", "y2", "y3") and panel.clock is None
    np.testing.assert_array_equal(read(values[0]).series[0].values, values[0])
    assert read(np.arange(5)).series[0].values.tolist() == [[0], [1], [2], [3], [4]]


def test_archives_of_arrays(tmp_path: Path):
    values = np.arange(24.0).reshape(2, 4, 3)
    np.savez(
        tmp_path / "a.npz",
        X=values.swapaxes(1, 2),
        y=np.array(["a", "b"]),
        lengths=np.array([4, 2]),
        columns=np.array(["u", "v", "w"]),
    )
    panel = read(tmp_path / "a.npz", target="w")
    assert panel.columns == ("u", "v", "w") and panel.targets == ("w",)
    assert [one.values.tolist() for one in panel.series] == [values[0].tolist(), values[1, :2].tolist()]
    assert "(series, columns, steps)" in panel.said[1] and panel.said[-1] == "left out: y"
    np.savez(
        tmp_path / "b.npz",
        when=np.arange("2024-01-01", "2024-01-05", dtype="datetime64[D]"),
        y=[1.0, 4.0, 2.0, 3.0],
    )
    assert str(read(tmp_path / "b.npz").clock) == "day"


def broken(tmp_path: Path) -> dict[str, tuple[bytes, str]]:
    return {
        "a.parquet": (b"PAR1 and nothing else", "expected a whole file of Parquet"),
        "b.parquet": (b"a,b\n1,2\n", "expected a file of parquet, got other bytes"),
        "c.xlsx": (b"PK\x03\x04 and nothing else", "expected a whole file of Excel"),
        "d.npz": (b"PK\x03\x04 and nothing else", "damaged"),
        "e.csv.gz": (b"\x1f\x8b and nothing else", "expected a whole file of gzip"),
        "f.json": (b'{"a": [1, 2', "line 1: expected JSON"),
        "g.jsonl": (b'{"a": 1}\n{"a": 2}\n{"a": \n', "line 3: expected JSON"),
        "h.json": (b'[{"a": [1, 2]}, {"a": 3}]', "record 1, a: expected a number or text, got list"),
        "i.xls": (b"\xd0\xcf\x11\xe0 old", "expected CSV, Parquet, Excel"),
        "j.npy": (b"\x93NUMPY\x01\x00", "expected arrays of numbers"),
    }


@pytest.mark.parametrize("name", broken(Path()))
def test_broken_files_are_one_line_each(name: str, tmp_path: Path):
    content, message = broken(tmp_path)[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=message) as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_arrays_that_are_none(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(BadInput, match="expected arrays of numbers"):
        read(tmp_path / "a.npy")
    with pytest.raises(BadInput, match=r"expected steps before columns, got \(2, 650000\)"):
        read(np.zeros((2, 650_000)))
    for values in (np.zeros((2, 2, 2, 2)), np.zeros(0), np.array(["a"])):
        with pytest.raises(BadInput, match="expected"):
            read(values)
    np.savez(tmp_path / "b.npz", x=np.zeros((2, 4, 3)), lengths=np.array([4, 5]))
    with pytest.raises(BadInput, match="lengths: expected 1 to 4 steps, got 4 to 5"):
        read(tmp_path / "b.npz")
    with pytest.raises(BadInput, match="no column is called"):
        read(np.zeros((4, 2)), target="z")
    with pytest.raises(BadInput, match="expected a file, a frame or arrays, got int"):
        read(5)


def test_what_python_programs_hand_over():
    """Lists, records, tensors, tables of Arrow, a column of polars."""
    import pyarrow as pa
    import torch

    class Column:
        """What a column of polars can do."""

        name = "load"

        def to_list(self) -> list[float | None]:
            return [1.5, None, 3.0]

    values = [1.5, 2.25, 3.0]
    for source in (values, tuple(values), torch.tensor(values, dtype=torch.float64, requires_grad=True)):
        assert read(source).series[0].values[:, 0].tolist() == values
    assert read([[1.0, 2.0], [3.0, 4.0]]).columns == ("y1", "y2")
    records = TABLE.astype(object).where(TABLE.notna(), None).to_dict("records")
    assert_same(read(records))
    assert_same(read(pa.Table.from_pandas(TABLE)))
    column = read(Column())
    assert column.columns == ("load",) and np.isnan(column.series[0].values[1, 0])
    for bad in ([[1.0], [2.0, 3.0]], ["red", "blue"], [], None, object()):
        with pytest.raises(BadInput, match="expected"):
            read(bad)
