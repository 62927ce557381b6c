"""Lines of a stream: how what is read falls into lines, and how answers become lines."""

import gzip
import io
import json
import math
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wavetrain.cli import stream as module
from wavetrain.cli.stream import Run, names, waiting
from wavetrain.errors import BadInput


@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_lines_are_whole_wherever_they_are_cut(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", size)
    for text, lines in ((b"ab\n\ncd", [b"ab", b"", b"cd"]), (b"ab\n", [b"ab"]), (b"", []), (b"x", [b"x"])):
        found = list(waiting(io.BytesIO(text)))
        assert [line for some in found for line in some] == lines and all(found)


def test_a_line_has_a_longest_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part without an end may be so long; one byte more is refused."""
    monkeypatch.setattr(module, "LONGEST", 5)
    monkeypatch.setattr(module, "CHUNK", 1)
    assert list(waiting(io.BytesIO(b"12345\n12345"))) == [[b"12345"], [b"12345"]]
    with pytest.raises(BadInput, match="expected lines of at most 5 bytes, got a longer one"):
        list(waiting(io.BytesIO(b"1\n123456")))


def test_bytes_that_are_read_and_kept_at_once() -> None:
    assert (module.CHUNK, module.LONGEST, module.OFTEN) == (65_536, 1_048_576, 10.0)


def test_text_is_utf8_and_the_first_line_may_have_a_mark() -> None:
    mark = "\ufeff"
    assert module._decoded(f"{mark}a\r".encode(), 1) == "a"
    assert module._decoded(f"{mark}a\r\r".encode(), 2) == f"{mark}a"
    with pytest.raises(BadInput, match="line 7: expected text in UTF-8, got other bytes"):
        module._decoded(b"\xff", 7)


def test_packed_files_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "plain.gz").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "packed.csv").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    for name in ("plain.gz", "packed.csv"):
        with ExitStack() as stack:
            assert list(waiting(module._opened(str(tmp_path / name), stack))) == [[b"a,b", b"1,2"]]
    with pytest.raises(BadInput, match=r"none\.csv: there is no such file"), ExitStack() as stack:
        module._opened("none.csv", stack)


@pytest.fixture
def told() -> Any:
    """Two rows, two steps, two targets: a hundred for each row, ten for each step, one for each target."""
    value = (100 * np.arange(2)[:, None, None] + 10 * np.arange(2)[:, None] + np.arange(2)).astype(float)

    class Told(SimpleNamespace):
        def __iter__(self) -> Any:
            return iter((self.value, self.low, self.high))

    return Told(value=value, low=value - 0.25, high=value + 0.5)


def run(json: bool) -> Run:
    """A stream of two targets, of which only the words are asked."""
    found = Run.__new__(Run)
    found.json, found.targets, found.counts = json, ["a", "b"], {}
    return found


def test_answers_stand_under_their_names(told: Any) -> None:
    """Each target with its steps, and each step with its interval."""
    ends = ("", " low", " high")
    assert names(["a", "b"], 2) == [
        f"{target} +{step}{end}" for target in "ab" for step in (1, 2) for end in ends
    ]
    first = [0, -0.25, 0.5, 10, 9.75, 10.5, 1, 0.75, 1.5, 11, 10.75, 11.5]
    assert module._columns(told) == [first, [100 + one for one in first]]
    lines = run(False)._told([("s,1", "7"), ("t", "8")], told).splitlines()
    assert lines[0] == '"s,1",7,0,-0.25,0.5,10,9.75,10.5,1,0.75,1.5,11,10.75,11.5'
    assert lines[1].startswith("t,8,100,99.75,") and len(lines) == 2
    told.value[0, 0, 0] = 1 / 3
    assert run(False)._told([("s", "7"), ("t", "8")], told).startswith("s,7,0.3333333333,")


def test_json_has_null_for_what_is_no_number(told: Any) -> None:
    told.high[1, 0, 1], told.low[1, 1, 0] = math.inf, math.nan
    one, two = (json.loads(line) for line in run(True)._told([("s", "7"), ("t", "8")], told).splitlines())
    assert one == {
        "series": "s",
        "time": "7",
        "a": {"forecast": [0, 10], "low": [-0.25, 9.75], "high": [0.5, 10.5]},
        "b": {"forecast": [1, 11], "low": [0.75, 10.75], "high": [1.5, 11.5]},
    }
    assert two["b"]["high"] == [None, 111.5] and two["a"]["low"] == [99.75, None]


def test_rows_without_times_are_counted_for_each_series() -> None:
    one = run(False)
    one.streams = SimpleNamespace(stream=lambda series: SimpleNamespace(count={"s": 5, "t": 0}[series]))
    assert [one._count(series) for series in "sstst"] == ["5", "6", "0", "7", "1"]


def test_a_stop_waits_for_an_answer_that_is_on_its_way() -> None:
    one = run(False)
    one.busy, one.stopped = True, False
    one.stop(15, None)
    assert one.stopped
    one.busy = one.stopped = False
    with pytest.raises(KeyboardInterrupt):
        one.stop(15, None)
    assert one.stopped
