"""Sequences with a class each, in a table or in folders: one class however it is written."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.run import own
from wavetrain.tables import recorded
from wavetrain.tables.cases import case
from wavetrain.tables.read.asked import Asked
from wavetrain.tables.read.classed import classed, folder_of_classes, is_of_classes
from wavetrain.tables.read.labelled import Labelled

LONG = "who,step,x,kind\nb,2,4.5,{two}\na,1,1.5,{one}\nb,1,3.5,{two}\na,2,2.5,{one}\nc,1,9.5,{one}\n"
WIDE = "kind,s1,s2,s3\n{one},1,2,0\n{two},4,5,0\n{one},7,8,0\n"


def read(tmp_path: Path, text: str, **asked: tuple[str, ...]) -> Labelled:
    (tmp_path / "mine.csv").write_text(text)
    return classed(tmp_path / "mine.csv", "kind", Asked(**asked))[0]


def steps(found: Labelled) -> list[list[float]]:
    return [one.ravel().tolist() for one in found.series]


@pytest.mark.parametrize(
    ("one", "two"), [("1", "2"), ("1.0", "2"), ("1.00", "2.0"), ("up", "down"), ("007", "7")]
)
def test_a_class_is_one_however_it_is_written(one: str, two: str, tmp_path: Path):
    plain = {"1.0": "1", "1.00": "1", "2.0": "2"}
    wanted = [plain.get(one, one), plain.get(two, two)]
    long = read(tmp_path, LONG.format(one=one, two=two), id=("who",))
    assert dict(zip(map(tuple, steps(long)), long.labels or (), strict=True)) == {
        (3.5, 4.5): wanted[1],
        (1.5, 2.5): wanted[0],
        (9.5,): wanted[0],
    }
    wide = read(tmp_path, WIDE.format(one=one, two=two))
    assert wide.labels == (wanted[0], wanted[1], wanted[0])


def test_ways_to_write_a_class_within_one_file(tmp_path: Path):
    assert read(tmp_path, "kind,a,b\n1,1,2\n1.0,3,4\n2,5,6\n").labels == ("1", "1", "2")


def test_a_row_is_a_sequence_and_a_column_that_never_changes_is_a_step(tmp_path: Path):
    found = read(tmp_path, WIDE.format(one="x", two="y"))
    assert steps(found) == [[1, 2, 0], [4, 5, 0], [7, 8, 0]]
    missing = read(tmp_path, "kind,a,b\nx,1,\ny,NA,2\n")
    np.testing.assert_array_equal(missing.series[0].ravel(), [1, np.nan])


def test_no_header_no_id(tmp_path: Path):
    """As the files of the UCR archive are: tabs, the class first."""
    (tmp_path / "mine.tsv").write_text("1\t0.5\t0.25\n2\t0.75\t0.5\n")
    found, said = classed(tmp_path / "mine.tsv", "column 1", Asked())
    assert found.labels == ("1", "2") and steps(found) == [[0.5, 0.25], [0.75, 0.5]]
    assert said[0] == "the class of each row is in column 1; its columns are the steps, column 2 to column 3"


def test_classes_that_are_numbers_are_in_their_order_and_names_are_kept():
    rows = tuple(np.full((3, 1), float(place)) for place in range(48))
    task = case(Labelled(rows, tuple(str(place % 12) for place in range(48)))).task
    assert task.names == tuple(map(str, range(12)))
    names = case(Labelled(rows, tuple("ba"[place % 2] for place in range(48)))).task.names
    assert names == ("a", "b")


def test_an_id_that_is_so_called_need_not_be_named(tmp_path: Path):
    assert steps(read(tmp_path, "id,x,kind\n1,1.5,x\n1,2.5,x\n2,1.5,y\n")) == [[1.5, 2.5], [1.5]]
    assert steps(read(tmp_path, "id,x,y,kind\n1,1.5,1,x\n3,2.5,2,x\n7,1.5,3,y\n")) == [
        [1.5, 1],
        [2.5, 2],
        [1.5, 3],
    ]


def test_what_is_said_of_classes(tmp_path: Path):
    rows = pd.DataFrame({"who": list("aabb"), "t": [1, 2, 1, 2], "kind": list("xxyy")})
    for count in (9, 10):
        many = rows.assign(**{f"c{place}": np.arange(4) * 1.5 + place for place in range(count)})
        found, said = classed(many, "kind", Asked(id=("who",), time=("t",)))
        assert said[0] == "the class of each who is in kind; its rows are the steps"
        assert said[1] == f"channels: {', '.join(f'c{place}' for place in range(9))}{', ...' * (count > 9)}"
        assert said[2] == "1 to 2 by t" and found.names == ("a", "b") and len(found.channels) == count
        found, said = classed(many.drop(columns="kind"), "kind", Asked(id=("who",)), needed=False)
        assert found.labels is None and said[0] == "the rows of each who are the steps of a sequence"
    wide = pd.DataFrame({"id": [5, 7], "s1": [1.0, 2], "s2": [3.0, 4]})
    found, said = classed(wide, "kind", Asked(time=("t",)), needed=False)
    assert said == ("the columns of each row are the steps of a sequence, s1 to s2", "left out: t, id")
    assert found.channels == ("s1", "s2") and found.names == ()
    found, said = classed(wide.assign(kind=list("ab")), "kind", Asked(inputs=("s1", "s2", "id")))
    assert said == ("the class of each row is in kind; its columns are the steps, id to s2",)


@pytest.mark.parametrize("time", [(), ("t",)])
def test_inputs_are_the_channels(time: tuple[str, ...]):
    rows = pd.DataFrame({"who": list("abab"), "t": pd.date_range("2020-01-01", periods=4)[::-1]})
    rows = rows.assign(x=[1.5, 2.5, 3.5, 4.5], z=[5.0, 6, 7, 9], kind=list("pqpq"))
    found, said = classed(rows, "kind", Asked(id=("who",), time=time, inputs=("x",)))
    assert found.channels == ("x",) and steps(found) == [[3.5, 1.5], [4.5, 2.5]]
    assert said[1] == "channels: x"
    assert classed(rows, "kind", Asked(id=("who",), inputs=("z", "x")))[0].channels == ("x", "z")
    for later in (True, False):
        with pytest.raises(BadInput, match="no column is called 'y'"):
            classed(rows, "kind", Asked(id=("who",), inputs=("y",)), needed=not later)


def test_rows_are_steps_or_sequences_as_it_is_said():
    rows = pd.DataFrame({"who": list("ab"), "x": [1.5, 2.5], "y": [3.0, 5.0], "kind": list("xy")})
    asked = Asked(id=("who",))
    assert steps(classed(rows, "kind", asked)[0]) == [[1.5, 3], [2.5, 5]]  # each id once
    assert [one.shape for one in classed(rows, "kind", asked, long=True)[0].series] == [(1, 2)] * 2
    again = pd.concat([rows, rows], ignore_index=True)
    assert [one.shape for one in classed(again, "kind", asked)[0].series] == [(2, 2)] * 2
    assert [one.shape for one in classed(again, "kind", asked, long=False)[0].series] == [(2, 1)] * 4
    with pytest.raises(BadInput, match=r"^no column is called 'sort'"):
        classed(rows, "sort", asked)
    with pytest.raises(BadInput, match=r"^expected a table with a column of classes, kind; got arrays$"):
        classed(np.zeros((3, 2)), "kind", Asked())


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        ([1.0, 2.5], ("1", "2.5")),
        (["+1", "1"], ("1", "1")),
        (["-0.50", "0.5"], ("-0.5", "0.5")),
        (["123456789012345", "1.10"], ("123456789012345", "1.1")),
        (["1e3", "1"], ("1e3", "1")),
        (["1.", "1"], ("1.", "1")),
        ([".5", "1"], (".5", "1")),
    ],
)
def test_numbers_as_classes(cells: list, labels: tuple[str, ...]):
    rows = pd.DataFrame({"kind": cells, "s1": [1.0, 2], "s2": [3.0, 5]})
    assert classed(rows, "kind", Asked())[0].labels == labels


def test_sequences_in_files_are_alike(folder: Path):
    (folder / "low" / "7.csv").write_text("z\n1.5\n2.5\n")
    with pytest.raises(BadInput, match=r"low/7.csv: expected the columns x; got z$"):
        folder_of_classes(folder)
    (folder / "low" / "7.csv").write_text("id,x\na,1.5\na,2.5\nb,3.5\nb,1.5\n")
    with pytest.raises(BadInput, match=r"low/7.csv: expected one sequence in each file, got 2$"):
        folder_of_classes(folder)


def test_an_id_has_one_class(tmp_path: Path):
    with pytest.raises(BadInput, match="who a: expected one class in kind, got x, y"):
        read(tmp_path, "who,x,kind\na,1.5,x\na,2.5,y\nb,1.5,x\n", id=("who",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind,a,b\nx,1,2\n,3,4\n", "line 3, kind: expected a class, got none"),
        ("kind,a,b\nx,1,red\ny,3,blue\n", "b: expected numbers, the steps of each row, got text"),
        ("kind,a\nx,1\ny,3\n", "expected a column of ids, or columns of numbers that are steps"),
        ("sort,a,b\nx,1,2\n", "no column is called 'kind'; there are: a, b, sort"),
        ("kind,a,b\nx,1,inf\ny,3,1\n", "line 2, b: expected a finite number"),
    ],
)
def test_what_holds_no_classes_is_refused(text: str, message: str, tmp_path: Path):
    with pytest.raises(BadInput, match=message):
        read(tmp_path, text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, level in {"low": 0.5, "high": 5.5}.items():
        (tmp_path / "set" / name).mkdir(parents=True)
        for place in range(30):
            values = level + np.arange(4 + place % 3) % 2
            np.savetxt(tmp_path / "set" / name / f"{place}.csv", values, header="x", comments="")
    return tmp_path / "set"


def test_folders_are_classes(folder: Path):
    assert is_of_classes(folder) and not is_of_classes(folder / "low")
    found, said = folder_of_classes(folder)
    assert found.labels == ("high",) * 30 + ("low",) * 30
    assert found.series[30].ravel().tolist() == [0.5, 1.5, 0.5, 1.5]
    assert said == ("each file is a sequence, and its folder its class: high, low", "channels: x")
    assert not own.is_series(folder, own.Roles()) and own.is_series(folder, own.Roles(target="x"))


def test_a_folder_with_files_of_its_own_is_none_of_classes(folder: Path):
    (folder / "more.csv").write_text("x\n1\n")
    assert is_of_classes(folder) is False is is_of_classes(folder / "more.csv")
    (folder / "empty").mkdir()
    assert is_of_classes(folder / "empty") is False


def test_a_kept_task_is_the_same_in_every_process(folder: Path, tmp_path: Path):
    data, _ = own.answered(folder, own.Roles(), "", tmp_path / "out", horizon=1, window=None, split="time")
    whole, again = case(folder_of_classes(folder)[0]), recorded.read(Path(data.source))
    assert data.name == "set" and data.what == whole.what and again[1:] == whole[1:]
    for part in ("train", "held_valid", "held_test"):
        for one, other in zip(getattr(whole.task, part), getattr(data.task, part), strict=True):
            assert (one == other).all()
    for name in ("inputs", "outputs", "objective", "chance", "names", "scale", "level"):
        assert getattr(data.task, name) == getattr(whole.task, name)


def test_roles_of_forecasts_are_none_of_classes(tmp_path: Path):
    rows = pd.DataFrame({"kind": ["a", "b"], "x": [1.0, 2], "y": [1.0, 3]})
    with pytest.raises(BadInput, match="expected no --target"):
        own.sequences(rows, own.Roles(target="x"), "kind", tmp_path)
