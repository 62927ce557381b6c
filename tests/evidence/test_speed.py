"""Tables of speed: which limit holds, what is not to be believed, and files that come back as they were."""

import dataclasses
import json
from pathlib import Path

import pytest

from wavetrain.errors import BadInput
from wavetrain.evidence import speed
from wavetrain.evidence.speed import Beside, Row, Speed, bound, doubt
from wavetrain.report.speed import columns, lines

RATES = {"copy": 1e10, "product": 1e11}
ROW = Row(
    name="linear",
    built_on="",
    does="forward",
    shape="batch 4",
    dtype="float32",
    route="numba",
    seconds=0.02,
    rounds=5,
    bytes=10**8,
    flops=10**6,
    bound="copy",
    share=0.5,
    beside=(Beside(name="plain route", seconds=0.2, times=10.0),),
    error=2e-7,
)
LAYER = dataclasses.replace(
    ROW, name="lru", built_on="linear", bytes=None, flops=None, bound="", share=None, error=None, beside=()
)
HERE = {"hardware": "a processor", "threads": 2, "torch": "2", "numba": "0.6", "wavetrain": "1"}
TABLE = Speed(
    asked="linear",
    device="cpu",
    copy=1e10,
    product=1e11,
    rows=(ROW, LAYER),
    skipped=("linear: other cannot be imported",),
    load=0.1,
    environment=HERE,
    date="2026-11-30 12:00",
)


def test_the_slower_of_moving_and_computing_holds() -> None:
    assert bound(moved=10**9, flops=10**9, **RATES) == ("copy", 0.1)
    assert bound(moved=10**9, flops=10**11, **RATES) == ("product", 1.0)


def test_no_program_moves_or_computes_more_than_the_machine() -> None:
    """A time that says so is marked, however little it is too short."""
    for seconds, bad in ((0.1001, False), (0.0999, True)):
        assert bool(doubt(moved=10**9, flops=0, seconds=seconds, **RATES)) is bad
        assert bool(doubt(moved=0, flops=10**10, seconds=seconds, **RATES)) is bad


def test_a_table_comes_back_as_it_was(tmp_path: Path) -> None:
    path = speed.write(tmp_path, TABLE)
    assert path == tmp_path / "speed" / "linear-cpu.json" and speed.read(path) == TABLE
    other = speed.write(tmp_path, dataclasses.replace(TABLE, asked="", device="cuda:1"))
    assert other.name == "all-cuda1.json" and len(speed.found(tmp_path)) == 2
    other.write_text(json.dumps({"asked": 3}))
    assert speed.found(tmp_path) == [TABLE] and speed.found(tmp_path / "none") == []
    with pytest.raises(BadInput, match=r"all-cuda1\.json: `asked` must be str.*makes it anew"):
        speed.read(other)


def test_what_is_shown() -> None:
    back = dataclasses.replace(ROW, does="forward + backward", seconds=0.05, share=0.25, error=5e-7)
    other = Beside(name="other", seconds=0.05, times=2.5)
    back = dataclasses.replace(back, beside=(*ROW.beside, other))
    found = columns(dataclasses.replace(TABLE, rows=(ROW, back, LAYER)))
    assert found == {
        "": ["linear", "lru (on linear)"],
        "ms": ["20, 50", "20"],
        "share": ["50%, 25%", ""],
        "of": ["copy", ""],
        "plain\ntakes": ["10x, 10x", ""],
        "other\ntakes": ["2.5x", ""],
        "error": ["5e-07", ""],
        "route": ["numba", "numba"],
    }
    told = lines(TABLE)
    assert "copy 10.0 GB/s, large product 100 GFLOP/s" in told[1] and "2 threads" in told[1]
    assert told[-1] == "left out: linear: other cannot be imported"


def test_a_doubt_is_shown_beside_its_figure() -> None:
    odd = dataclasses.replace(TABLE, rows=(dataclasses.replace(ROW, share=1.2, doubt="too fast"),))
    assert columns(odd)["share"] == ["120%*"] and "* linear, forward: too fast" in lines(odd)
