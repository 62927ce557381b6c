"""What `make check` leaves out is there, and what is chosen takes longest."""

import gzip
from pathlib import Path

import pytest

from tests import slow

ROOT = Path(__file__).resolve().parent.parent


def test_what_is_left_out_is_there() -> None:
    """A test under another name would come back into `make check`, however long it takes."""
    listed = (ROOT / "tests" / "slow.txt").read_text(encoding="utf-8").splitlines()
    assert listed == sorted(set(listed))
    for name in (*listed, *slow.FIXTURES):
        file, _, function = name.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8") if (ROOT / file).exists() else ""
        assert f"def {function}(" in text, f"{name} is gone: take it out of tests/slow.txt or tests/slow.py"


def test_those_whose_cases_take_longest_are_left_out_until_the_rest_is_quick() -> None:
    taken = {"a": [1.0] * 9, "b": [5.0], "c": [2.0, 3.0], "d": [0.1]}
    assert slow.slow(taken, 20.0) == []
    assert slow.slow(taken, 15.0) == ["b"]
    assert slow.slow(taken, 9.5) == ["b", "c"]


@pytest.mark.parametrize("packed", [gzip.compress(b"a,b\n1,2\n")])
def test_no_name_of_a_test_holds_bytes(packed: bytes, request: pytest.FixtureRequest) -> None:
    """Two workers that start in different seconds pack different bytes; their names must stay the same."""
    assert request.node.name.endswith(f"[{len(packed)} bytes]")
    assert not [item.nodeid for item in request.session.items if r"\x1f\x8b" in item.nodeid]
