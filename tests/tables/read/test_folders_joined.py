"""What the files of a folder are joined to: which go on in time, whose lines are whose, lists as rows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel, panel
from wavetrain.tables.read import folders
from wavetrain.tables.read.table import Table


@pytest.mark.parametrize(
    ("first", "second", "there"),
    [
        ([0, 1, 2], [3, 4], True),
        ([0, 1, 2], [3.5, 4.5], True),  # a step and a half later
        ([0, 1, 2], [3.51, 4.51], False),
        ([0, 1, 2], [2, 3], False),  # a time twice
        ([3, 4], [0, 1, 2], True),  # in another order
        ([0, 1, 3], [1.5, 2.5], False),
        ([0], [1], False),
    ],
)
def test_files_that_go_on(first: list[float], second: list[float], there: bool):
    codes = np.repeat([0, 1], [len(first), len(second)])
    assert folders.go_on(np.array(first + second, float), codes) is there
    assert folders.go_on(np.array(first, float), np.zeros(len(first), int)) is False


def test_lines_are_those_of_each_file():
    def part(rows: int, skipped: int) -> Table:
        return Table(pd.DataFrame({"y": range(rows)}), lambda row: row + skipped, delimiter=";")

    whole = folders.joined({"a": part(2, 2), "b": part(1, 5), "c": part(2, 9)})
    assert isinstance(whole, Table) and whole.file == "file" and whole.delimiter == ";"
    assert [f"{whole.line(row)}" for row in range(5)] == ["2 of a", "3 of a", "5 of b", "9 of c", "10 of c"]
    assert [int(whole.line(row)) for row in range(5)] == [2, 3, 5, 9, 10]
    assert whole.texts("file").tolist() == list("aabcc") and whole.texts("y").tolist() == list("01001")
    named = folders.joined({"a": Table(pd.DataFrame({"file": [1]}), lambda row: row)})
    assert isinstance(named, Table) and named.file == "file (2)"


def test_panels_of_several_files():
    one = panel(np.arange(1200.0))
    two = panel([np.arange(3.0), np.arange(4.0)])
    found = folders.joined({"a": replace(one, said=("x", "y")), "b": two})
    assert isinstance(found, Panel) and [each.name for each in found.series] == ["a", "b/0", "b/1"]
    spoken = folders.joined({"a": replace(one, said=("x", "y", "z"))})
    assert isinstance(spoken, Panel) and spoken.said == (
        "x",
        "1 series of 1,200 to 1,200 steps in 1 files",
        "z",
    )
    with pytest.raises(BadInput, match=r"^b: expected the columns of a, y; got y1, y2$"):
        folders.joined({"a": one, "b": panel(np.zeros((3, 2)))})
    with pytest.raises(BadInput, match=r"^expected files of one kind, got arrays in a and a table in b$"):
        folders.joined({"a": one, "b": Table(pd.DataFrame({"y": [1]}), lambda row: row)})


def test_files_of_some_endings(tmp_path: Path):
    for name in ("b.CSV", "a.csv.gz", "c.txt", ".d.csv", "_e.csv", "x/f.csv", ".y/g.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("y\n1\n")
    (tmp_path / "h.csv").mkdir()
    assert [path.name for path in folders.files(tmp_path, (".csv",))] == ["a.csv.gz", "b.CSV", "f.csv"]
    with pytest.raises(
        BadInput, match=r"^expected a folder with files of .a, .b; got a.csv.gz, b.CSV, c.txt$"
    ):
        folders.files(tmp_path, (".a", ".b"))
    with pytest.raises(BadInput, match=r"^expected a folder with files of .a; got no file$"):
        folders.files(tmp_path / "h.csv", (".a",))


def test_lists_in_cells_become_rows():
    frame = pd.DataFrame({"who": ["a", "b"], "y": [[1.5, 2.5], [3.0]]})
    plain = folders._plain(frame)
    assert plain["who"].tolist() == list("aab") and plain["y"].tolist() == [1.5, 2.5, 3.0]
    assert "id" not in plain
    same = folders._plain(frame.assign(who="a", y=[np.array([1.0]), np.array([2.0, 3.0])]))
    assert same["id"].tolist() == ["0", "1", "1"]
    alone = folders._plain(frame.iloc[:1])
    assert alone["id"].tolist() == ["0", "0"] and folders._plain(frame[["who"]]) is not None
    with pytest.raises(BadInput, match=r"^expected lists of one length in each row, got others in y, z$"):
        folders._plain(frame.assign(z=[[1], [2, 3]]))
