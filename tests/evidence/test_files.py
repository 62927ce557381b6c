"""JSON that is whole or not there; which recordings were read; where the model of an advice lies."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wavetrain.errors import BadInput
from wavetrain.evidence import reads, today
from wavetrain.evidence.comparison import Judged, Record
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.result import CONFIRMED, OLDER, OPEN, STALE


def test_json_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Indented by one, words as they are, half a character as its code, a line at the end; nothing beside."""
    path = tmp_path / "a.json"
    write_json(path, {"ä": [1, None], "b": "\ud800"})
    assert path.read_bytes() == '{\n "ä": [\n  1,\n  null\n ],\n "b": "\\ud800"\n}\n'.encode()
    assert read_json(path) == {"ä": [1, None], "b": "\ud800"}
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, 1)
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path) == 1


@pytest.mark.parametrize("text", [b"{", b"", b"\xff\xfe", b"[" * 200_000, None])
def test_a_damaged_file_is_named(text: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(BadInput, match=f"{path} cannot be read as JSON"):
        read_json(path)


def test_each_piece_of_work_notes_what_it_reads_itself() -> None:
    with reads.recorded() as outer:
        reads.note("a", "1")
        with pytest.raises(ZeroDivisionError), reads.recorded() as inner:
            reads.note("b", "2")
            raise ZeroDivisionError
        reads.note("c", "3")
    reads.note("d", "4")
    assert outer == {"a": "1", "c": "3"} and inner == {"b": "2"}


def record(verdict: Judged | None) -> Record:
    fields: dict[str, Any] = {one.name: () for one in dataclasses.fields(Record)}
    layers = (SimpleNamespace(layer="gru", model="models/gru"), SimpleNamespace(layer="lstm", model=""))
    plain = (SimpleNamespace(name="last value", model="models/last"),)
    return Record(**(fields | {"figures": layers, "baselines": plain, "verdict": verdict}))


@pytest.mark.parametrize(
    ("advice", "place"),
    [("gru", "models/gru"), ("lstm", ""), ("last value", "models/last"), ("other", ""), (None, "")],
)
def test_the_model_of_the_advice(advice: str | None, place: str) -> None:
    verdict = None if advice is None else Judged(says="so", advice=advice, earns=True)
    assert record(verdict).advised == place


def test_standing_has_a_meaning_and_needs_code() -> None:
    assert set(today.MEANING) == {CONFIRMED, STALE, OLDER, OPEN}
    assert today.digest("no_such_experiment") == ""
    one: Any = SimpleNamespace(code="", experiment="no_such_experiment", standing=lambda now: f"<{now}>")
    assert today.standing(one) == "<>"
