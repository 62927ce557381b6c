"""Sequences from a `.ts` file: what `fit` takes, and messages that name the file and the line."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.estimators import SequenceClassifier, SequenceRegressor, read_sequences

UP = "\n".join(f"{start},{start + 1},{start + 2}:Rise" for start in range(12))
DOWN = "\n".join(f"{start + 2},{start + 1},{start}:fall" for start in range(12))


def test_a_classifier_learns_from_one_file_and_names_those_of_another(tmp_path: Path):
    head = "@univariate true\n@classLabel true Rise fall\n@data\n"
    (tmp_path / "train.ts").write_text(head + UP + "\n" + DOWN)
    (tmp_path / "test.ts.gz").write_bytes(gzip.compress((head + "2.5,3.5,4.5:Rise\n9,?,7:fall\n").encode()))
    X, y = read_sequences(tmp_path / "train.ts")
    model = SequenceClassifier("elman", width=8, depth=1, steps=150, rate=2e-2).fit(X, y)
    later, wanted = read_sequences(str(tmp_path / "test.ts.gz"))
    assert [one[:, 0].tolist() for one in later] == [[2.5, 3.5, 4.5], [9, 9, 7]]
    assert model.predict(later).tolist() == wanted.tolist() == ["Rise", "fall"]


def test_a_regressor_learns_numbers(tmp_path: Path):
    rows = "\n".join(f"{one},{one + 1}:{2 * one}" for one in range(30))
    (tmp_path / "mine.ts").write_text("@targetLabel true\n@data\n" + rows)
    X, y = read_sequences(tmp_path / "mine.ts")
    assert y.dtype == np.float64 and y[-1] == 58
    assert SequenceRegressor("elman", width=8, depth=1, steps=200, rate=1e-2).fit(X, y).score(X, y) > 0.9


def test_a_file_without_answers_has_sequences_alone(tmp_path: Path):
    (tmp_path / "mine.ts").write_text("@data\n1,2,3\n4,5\n")
    X, y = read_sequences(tmp_path / "mine.ts")
    assert y is None and [one.shape for one in X] == [(3, 1), (2, 1)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "mine.ts",
            b"@classLabel true a\n@data\n1,2:b\n",
            r"mine\.ts: line 3: expected one of the classes a",
        ),
        ("mine.ts.gz", b"no gzip", r"mine\.ts\.gz: expected a file of gz, got other bytes"),
        ("mine.ts", None, r"mine\.ts: there is no such file"),
    ],
)
def test_what_cannot_be_read_is_one_line(name: str, content: bytes | None, message: str, tmp_path: Path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read_sequences(tmp_path / name)
