"""Folders of files: a series for each, or one that goes on; what is unlike is named with its file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import folders, read, read_like


def day(first: str, values: list[float], mark: str = ",", name: str = "load") -> str:
    times = pd.date_range(first, periods=len(values), freq="D").strftime("%Y-%m-%d")
    return "\n".join(
        [f"day{mark}{name}", *(f"{time}{mark}{value}" for time, value in zip(times, values, strict=True))]
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "oslo.csv").write_text(day("2024-01-01", [1.5, 2.5, 3.5]))
    (tmp_path / "bergen.tsv").write_text(day("2024-01-02", [10.5, 20.5], "\t"))
    (tmp_path / "readme.md").write_text("about")
    (tmp_path / ".hidden.csv").write_text("x")
    return tmp_path


def values(panel: Panel) -> dict[str, list[float]]:
    return {one.name: one.values[:, 0].tolist() for one in panel.series}


def test_each_file_is_a_series(folder: Path):
    panel = read(folder)
    assert values(panel) == {"bergen": [10.5, 20.5], "oslo": [1.5, 2.5, 3.5]}
    assert panel.columns == ("load",) and str(panel.clock) == "day"
    assert panel.said[1] == "5 rows in 2 series by file: bergen, oslo (2 to 3 rows each)"
    assert panel.said[-1].endswith("file, which tells series apart")


def test_files_that_go_on_in_time_are_one_series(tmp_path: Path):
    (tmp_path / "b.csv").write_text(day("2024-01-01", [1.5, 2.5, 3.5]))
    (tmp_path / "a.csv").write_text(day("2024-01-04", [4.5, 5.5]))
    panel = read(tmp_path)
    assert values(panel) == {"": [1.5, 2.5, 3.5, 4.5, 5.5]}
    assert "file, which says which of 2 files a row is from, one after another" in panel.said[-1]


def test_files_with_an_id_are_parts_of_one_table(tmp_path: Path):
    for name, rows in {"a": "x,1.5\ny,2.5", "b": "y,3.5\nx,4.5"}.items():
        (tmp_path / f"{name}.csv").write_text(f"shop,sold\n{rows}\n")
    assert values(read(tmp_path, id="shop")) == {"x": [1.5, 4.5], "y": [2.5, 3.5]}


def test_files_called_by_years_are_no_times(tmp_path: Path):
    for year in ("2022", "2023"):
        (tmp_path / f"{year}.csv").write_text("a,b\n1.5,2\n2.5,1\n3.5,3\n")
    panel = read(tmp_path)
    assert values(panel) == {"2022": [1.5, 2.5, 3.5], "2023": [1.5, 2.5, 3.5]} and panel.clock is None


def test_files_below_are_called_by_their_path(tmp_path: Path):
    for name in ("north/a", "south/a"):
        (tmp_path / name).parent.mkdir()
        np.save(tmp_path / f"{name}.npy", np.arange(4.0) if name[0] == "n" else np.arange(6.0))
    panel = read(tmp_path)
    assert {name: len(one) for name, one in values(panel).items()} == {"north/a": 4, "south/a": 6}
    assert panel.said[1] == "2 series of 4 to 6 steps in 2 files"


def test_a_later_file_is_a_series_called_by_its_name(folder: Path, tmp_path: Path):
    earlier = read(folder)
    later = tmp_path / "later"
    later.mkdir()
    (later / "oslo.csv").write_text(day("2024-01-04", [4.5]))
    assert (
        values(read_like(later / "oslo.csv", earlier)) == values(read_like(later, earlier)) == {"oslo": [4.5]}
    )


def test_a_bad_cell_is_named_with_its_file(folder: Path):
    (folder / "oslo.csv").write_text(day("2024-01-01", [1.5, 2.5]) + "\n2024-01-03,red")
    with pytest.raises(BadInput, match="line 4 of oslo, load: expected a number, got 'red'"):
        read(folder, target="load")


def test_what_is_unlike_is_refused(folder: Path, tmp_path: Path):
    (folder / "zoo.csv").write_text(day("2024-01-01", [1.5, 2.5], name="price"))
    with pytest.raises(BadInput, match="zoo: expected the columns of bergen, day, load; got day, price"):
        read(folder)
    (folder / "zoo.csv").unlink()
    np.save(folder / "zoo.npy", np.arange(4.0))
    with pytest.raises(BadInput, match="files of one kind, got arrays in zoo and a table in bergen"):
        read(folder)
    (folder / "zoo.npy").write_bytes(b"\x93NUMPY broken")
    with pytest.raises(BadInput, match=r"zoo\.npy: expected arrays of numbers"):
        read(folder)
    with pytest.raises(BadInput, match="expected a file or a folder, got no name"):
        read("")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadInput, match=r"empty: expected a folder with files of \.csv.*; got no file"):
        read(empty)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    datasets = pytest.importorskip("datasets")
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=4), "load": [1.5, 2.5, 3.5, 4.5]})
    whole = datasets.Dataset.from_pandas(frame)
    datasets.DatasetDict({"train": whole, "test": whole.select(range(2))}).save_to_disk(tmp_path / "set")
    return tmp_path / "set"


def test_a_saved_data_set(saved: Path):
    panel = read(saved / "train")
    assert values(panel) == {"": [1.5, 2.5, 3.5, 4.5]} and str(panel.clock) == "day"
    with pytest.raises(BadInput, match="expected one data set, got test, train: name one of these folders"):
        read(saved)


def test_a_saved_data_set_of_a_list_for_each_series(tmp_path: Path):
    datasets = pytest.importorskip("datasets")
    rows = {"item_id": ["a", "b"], "target": [[1.0, 2.5, 3.0], [4.0, 5.5]]}
    datasets.Dataset.from_dict(rows).save_to_disk(tmp_path / "set")
    assert values(read(tmp_path / "set")) == {"a": [1.0, 2.5, 3.0], "b": [4.0, 5.5]}


def test_a_saved_data_set_needs_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in folders.SAVED:
        (tmp_path / name).write_text("{}")
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(BadInput, match=r"needs datasets: pip install 'wavetrain\[datasets\]'"):
        read(tmp_path)


@pytest.fixture
def list_of(tmp_path: Path):
    datasets = pytest.importorskip("datasets")

    def written(**columns: list) -> Path:
        datasets.Dataset.from_dict(columns).save_to_disk(tmp_path / "set")
        return tmp_path / "set"

    return written


def test_lists_that_no_column_tells_apart_are_numbered(list_of):
    assert values(read(list_of(target=[[1.0, 2.5, 3.0], [4.0, 5.5]]))) == {
        "0": [1.0, 2.5, 3.0],
        "1": [4.0, 5.5],
    }


def test_the_one_part_of_a_saved_data_set_need_not_be_named(tmp_path: Path):
    datasets = pytest.importorskip("datasets")
    whole = datasets.Dataset.from_dict({"load": [1.5, 2.5, 3.5]})
    datasets.DatasetDict({"train": whole}).save_to_disk(tmp_path / "set")
    assert values(read(tmp_path / "set")) == {"": [1.5, 2.5, 3.5]}


def test_arrays_of_several_files_are_said_once(tmp_path: Path):
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", np.arange(4.0))
    panel = read(tmp_path)
    assert panel.said == (
        "forecast y",
        "2 series of 4 to 4 steps in 2 files",
        "no times: rows are numbered",
        "no cell is missing",
    )


def ticks_of(*files: list[int]) -> bool:
    codes = np.repeat(np.arange(len(files)), [len(one) for one in files])
    return folders.go_on(np.concatenate([np.array(one) for one in files]), codes)


def test_files_go_on_where_each_begins_a_step_after_another():
    assert ticks_of([0, 10, 20], [30, 40]) and ticks_of([30, 40], [0, 10, 20])
    assert ticks_of([0, 10, 20], [35, 45]) and not ticks_of([0, 10, 20], [36, 46])  # one and a half steps
    assert not ticks_of([0, 10, 20], [20, 30]) and not ticks_of([0, 10, 20], [15, 25])
    assert not ticks_of([0, 10, 20]) and not ticks_of([0], [10])
    assert ticks_of([20, 0, 10], [40, 30], [50])
