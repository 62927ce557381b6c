"""Sequences with an answer each, from every kind of source: what is taken, what is said, what is refused."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.read import answered
from wavetrain.tables.read.answered import Reading, has_answers, is_archive_of_answers, reading
from wavetrain.tables.read.labelled import Labelled

HEAD = "@classLabel true A b\n@data\n"
X = np.arange(24.0).reshape(2, 4, 3)


def archive(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "mine.npz", **arrays)
    return folder / "mine.npz"


def first(folder: Path, **arrays: Any) -> Labelled:
    return Reading().first(archive(folder, **arrays))[0]


def test_what_is_kept_of_a_reading():
    plain = {"classes": "", "id": (), "time": (), "inputs": None, "missing": (), "channels": (), "long": None}
    assert Reading().plain() == plain
    whole = Reading(
        classes="kind", id=("who",), time=("day",), inputs=("x",), missing=("-9",), channels=("x",), long=True
    )
    as_json = {name: list(one) if isinstance(one, tuple) else one for name, one in whole.plain().items()}
    assert reading(as_json) == whole


@pytest.mark.parametrize(
    ("x", "line"),
    [
        (X, "2 sequences of 4 steps and 3 channels"),
        (X[..., 0], "2 sequences of 4 steps and 1 channel"),
        (np.zeros((2, 1234, 1)), "2 sequences of 1,234 steps and 1 channel"),
        (np.zeros((1234, 2)), "1,234 sequences of 2 steps and 1 channel"),
    ],
)
def test_arrays_are_sequences_of_steps(x: np.ndarray, line: str, tmp_path: Path):
    found, said = Reading().first(archive(tmp_path, x=x, y=np.arange(len(x))))
    assert said == (line,)
    assert [one.tolist() for one in found.series] == x.reshape(*x.shape[:2], -1).tolist()
    assert found.series[0].dtype == np.float64 and found.targets is None
    assert found.labels == tuple(map(str, range(len(x))))


def test_series_of_unequal_lengths_are_told_from_the_shortest_to_the_longest(tmp_path: Path):
    cells = ",".join(["1"] * 1234)
    (tmp_path / "a.TS").write_text(HEAD + f"{cells}:A\n1,2:b\n1,2,3:A\n")
    found, said = Reading().first(tmp_path / "a.TS")
    assert said == ("3 sequences of 2 to 1,234 steps and 1 channel",) and found.labels == ("A", "b", "A")
    (tmp_path / "a.ts.gz").write_bytes(gzip.compress((HEAD + "1,2:A\n").encode()))
    assert Reading().first(str(tmp_path / "a.ts.gz"))[0].labels == ("A",)


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        (np.array([3, -1]), ("3", "-1")),
        (np.array([3, 1], np.uint8), ("3", "1")),
        (np.array([True, False]), ("True", "False")),
        (np.array(["up", "down"]), ("up", "down")),
        (np.array([b"up", b"down"]), ("up", "down")),
    ],
)
def test_whole_numbers_truths_and_text_are_classes(y: np.ndarray, labels: tuple[str, ...], tmp_path: Path):
    assert first(tmp_path, x=X, y=y).labels == labels


@pytest.mark.parametrize("y", [np.array([0.5, 2.0]), np.array([[0.5, 2.0], [1.0, 3.0]], np.float32)])
def test_floats_are_numbers(y: np.ndarray, tmp_path: Path):
    found = first(tmp_path, x=X, y=y)
    assert found.labels is None and found.targets is not None
    assert found.targets.tolist() == y.tolist() and found.targets.dtype == np.float64


@pytest.mark.parametrize("kind", ["int8", "uint16", "bool", "float32"])
def test_all_real_numbers_are_values(kind: str, tmp_path: Path):
    found = first(tmp_path, x=np.array([[0, 1], [1, 1]], kind), y=np.arange(2))
    assert [one[:, 0].tolist() for one in found.series] == [[0, 1], [1, 1]]
    assert found.series[0].dtype == np.float64


NUMBERS, ANSWER = (
    "expected numbers x (N, T) or (N, T, C), got",
    "expected an answer for each sequence, y (N,)",
)
BAD: dict[str, tuple[dict, str]] = {
    "complex": ({"x": X * 1j}, f"{NUMBERS} (2, 4, 3) of complex128"),
    "text": ({"x": np.array([["a", "b"]])}, f"{NUMBERS} (1, 2) of <U1"),
    "one axis": ({"x": np.zeros(2)}, f"{NUMBERS} (2,) of float64"),
    "four axes": ({"x": np.zeros((2, 1, 1, 1))}, f"{NUMBERS} (2, 1, 1, 1) of float64"),
    "no step": ({"x": np.zeros((2, 0))}, f"{NUMBERS} (2, 0) of float64"),
    "too many": ({"y": np.arange(3)}, f"{ANSWER} or (N, K), got x (2, 4, 3) and y (3,)"),
    "three axes": ({"y": np.zeros((2, 1, 1))}, f"{ANSWER} or (N, K), got x (2, 4, 3) and y (2, 1, 1)"),
    "no axis": ({"y": np.array(3)}, f"{ANSWER} or (N, K), got x (2, 4, 3) and y ()"),
    "each step": ({"y": np.zeros((2, 4))}, f"{ANSWER} or (N, K), got x (2, 4, 3) and y (2, 4)"),
    "classes by two": ({"y": np.zeros((2, 2), int)}, "or finite numbers y (N,) or (N, K), got int64"),
    "not finite": ({"y": np.array([1, np.nan])}, "or finite numbers y (N,) or (N, K), got float64"),
    "complex y": ({"y": np.array([1j, 2])}, "or finite numbers y (N,) or (N, K), got complex128"),
}


@pytest.mark.parametrize("case", BAD)
def test_arrays_of_other_kinds_are_refused_with_the_file(case: str, tmp_path: Path):
    arrays, message = BAD[case]
    with pytest.raises(BadInput) as caught:
        first(tmp_path, **{"x": X, "y": np.arange(2), **arrays})
    assert str(caught.value).startswith(f"{tmp_path / 'mine.npz'}: expected ") and message in str(
        caught.value
    )


def test_later_sequences_need_no_answers(tmp_path: Path):
    path = archive(tmp_path, x=X)
    with pytest.raises(BadInput, match="expected arrays called x and y, got x"):
        Reading().first(path)
    assert Reading().later(path)[0].labels is None
    assert Reading().later(archive(tmp_path, x=X, y=np.arange(2)))[0].labels == ("0", "1")
    (tmp_path / "a.ts").write_text("@data\n1,2\n")
    with pytest.raises(BadInput, match=r"a.ts: expected a class, or numbers, for each sequence, got neither"):
        Reading().first(tmp_path / "a.ts")
    assert Reading().later(tmp_path / "a.ts")[0].series[0].tolist() == [[1], [2]]
    (tmp_path / "a.ts").write_text("@targetLabel true\n@data\n1,2:0.5\n")
    found = Reading().first(tmp_path / "a.ts")[0].targets
    assert found is not None and found.tolist() == [0.5]


def test_what_is_no_file_of_sequences_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match=r"expected a file or a folder, got a int; name --classes"):
        Reading().first(3)
    (tmp_path / "a.csv").write_text("x\n1\n")
    with pytest.raises(BadInput, match=r"a.csv: expected .ts, .npz with x and y, a folder of classes"):
        Reading().first(tmp_path / "a.csv")
    with pytest.raises(BadInput, match=r"b.ts: there is no such file$"):
        Reading().first(tmp_path / "b.ts")
    (tmp_path / "c.ts.gz").write_bytes(b"hello there")
    with pytest.raises(BadInput, match=r"c.ts.gz: expected a file of gz, got other bytes$"):
        Reading().first(tmp_path / "c.ts.gz")
    (tmp_path / "d.ts.gz").write_bytes(gzip.compress(HEAD.encode() * 99)[:-9])
    with pytest.raises(BadInput, match=r"d.ts.gz: expected a whole file of gzip, got a damaged one \(Comp"):
        Reading().first(tmp_path / "d.ts.gz")


def test_folders_have_classes_at_first_and_need_none_later(tmp_path: Path):
    for name in ("low/a", "low/b", "high/a", "high/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.csv").write_text("x\n1.5\n0.5\n2.5\n")
    found, _ = Reading().first(tmp_path)
    assert found.labels == ("high", "high", "low", "low") and has_answers(tmp_path)
    later = Reading().like(found)
    assert later == Reading(channels=("x",)) and later.later(tmp_path)[0].labels == found.labels
    with pytest.raises(BadInput, match="low: expected folders of classes, each with several files"):
        Reading().first(tmp_path / "low")
    assert later.later(tmp_path / "low")[0].names == ("a.csv", "b.csv") and not has_answers(tmp_path / "low")
    (tmp_path / "low/a.csv").write_text("z\n1.5\n0.5\n")
    (tmp_path / "low/b.csv").unlink()
    with pytest.raises(BadInput, match="low: expected the columns x, got z"):
        later.later(tmp_path / "low")


def test_later_tables_are_long_or_wide_as_the_first_was():
    rows = pd.DataFrame({"who": list("aabb"), "x": [1.5, 2.5, 3.0, 1.0], "kind": [1, 1, 2, 2]})
    asked = Reading(classes="kind", id=("who",))
    long = asked.like(asked.first(rows)[0])
    assert (long.long, long.channels) == (True, ("x",))
    one_each = rows.iloc[[0, 2]].drop(columns="kind").assign(z=[5.5, 6.5])
    with pytest.raises(BadInput, match="expected the columns x, got x, z"):
        long.later(one_each)
    assert [one.tolist() for one in long.later(one_each[["who", "x"]])[0].series] == [[[1.5]], [[3.0]]]
    wide = pd.DataFrame({"kind": ["a", "b"], "s1": [1.0, 2], "s2": [3.0, 5], "z": [7.0, 8]})
    narrow = Reading(classes="kind", inputs=("s1", "s2"))
    short = narrow.like(narrow.first(wide)[0])
    assert (short.long, short.channels) == (False, ("s1", "s2"))
    found = short.later(wide[["z", "s1", "s2"]])[0]
    assert found.labels is None and found.series[1].ravel().tolist() == [2, 5]
    every = Reading(classes="kind")
    again = every.like(every.first(wide[["kind", "s1", "s2"]])[0])  # what was read first is read again
    assert again.later(wide)[0].channels == ("s1", "s2")


def test_some_names_are_told():
    assert answered._some(()) == "none" and answered._some(("a",)) == "a"
    assert answered._some(tuple("abcdefghi")) == "a, b, c, d, e, f, g, h, i"
    assert answered._some(tuple("abcdefghij")) == "a, b, c, d, e, f, g, h, i, ..."


@pytest.mark.parametrize(
    ("text", "there"),
    [
        (HEAD, True),
        ("@TARGETLABEL TRUE\n@data\n", True),
        ("@classLabel false\n@data\n", False),
        ("@data\n1,2 # @classLabel true\n", False),
        ("@problemName mine\n", False),
    ],
)
def test_the_head_of_a_file_says_whether_it_has_answers(text: str, there: bool, tmp_path: Path):
    (tmp_path / "A.TS").write_text(text)
    (tmp_path / "a.ts.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "a.txt").write_text(text)
    assert has_answers(tmp_path / "A.TS") == has_answers(tmp_path / "a.ts.gz") == there
    assert not has_answers(tmp_path / "a.txt") and not has_answers(tmp_path / "absent.ts")
    (tmp_path / "a.ts.gz").write_bytes(text.encode())
    assert has_answers(tmp_path / "a.ts.gz") is False


def test_archives_with_answers_hold_x_and_y(tmp_path: Path):
    assert is_archive_of_answers(archive(tmp_path, x=X, y=X, z=X)) is True
    assert has_answers(tmp_path / "mine.npz") is True
    for lone in ("x", "y"):
        assert is_archive_of_answers(archive(tmp_path, **{lone: X})) is False
        assert has_answers(tmp_path / "mine.npz") is False
    (tmp_path / "mine.npz").write_bytes(b"hello")
    assert (
        is_archive_of_answers(tmp_path / "mine.npz") is None is is_archive_of_answers(tmp_path / "none.npz")
    )
    assert has_answers(tmp_path / "mine.npz") is False
