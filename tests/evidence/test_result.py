"""The shape of results: what is written is read again, old files are read as they are, damage is named."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from wavetrain.errors import BadInput
from wavetrain.evidence import result as reading
from wavetrain.evidence.claims import Judged, Verdict
from wavetrain.evidence.result import (
    CONFIRMED,
    OLDER,
    OPEN,
    STALE,
    Confirmation,
    PartWords,
    Replay,
    Result,
    Start,
    Witness,
)
from wavetrain.evidence.shape import parsed, written

COMMITTED = sorted((Path(__file__).parents[2] / "results").glob("*.json"))
START = Start(losses=(1.5, None), scores=(0.25,), stepped=1.0, states="0123")
WITNESS = Witness(
    smoke=Replay(trainings={"a": START}, figures={"x": 1.0}), start=Replay(trainings={}, figures={"x": None})
)


@pytest.fixture
def one() -> Result:
    found = reading.read(COMMITTED[0])
    assert found is not None
    claim = dataclasses.replace(
        found.claim, parts=(PartWords(says=found.claim.sentence),), published={"a": 1.0}
    )
    verdict = Verdict("not reproduced", (Judged("not reproduced", 3, 3),))
    return dataclasses.replace(
        found, claim=claim, verdict=verdict, code="1", witness=WITNESS, confirmation=None
    )


def confirmed(same: bool, code: str) -> Confirmation:
    return Confirmation(same=same, code=code, date="2026-01-01", hardware="A processor")


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_results_are_read_whole(path: Path) -> None:
    found = reading.read(path)
    assert found is not None and found.name == path.name
    before, after = json.loads(path.read_text(encoding="utf-8")), written(found)
    assert {name: after[name] for name in before} == before, "`wavetrain run --confirm` brings it up to date"


def test_what_is_written_is_read_again(one: Result, tmp_path: Path) -> None:
    whole = dataclasses.replace(one, data={"mnist": "ab"}, confirmation=confirmed(True, "2"))
    reading.write(tmp_path, whole)
    assert reading.read(tmp_path / whole.name) == whole
    assert reading.read_all(tmp_path) == [whole]
    assert [path.name for path in tmp_path.iterdir()] == [whole.name]


def older(one: Result) -> dict[str, Any]:
    """A result as it was written before claims had parts."""
    whole = written(one)
    (part,) = whole["verdict"]["parts"]
    claim = {"text": one.claim.sentence, "seed": "T, stop 9", "source": one.claim.source}
    return whole | {"version": 2, "claim": claim, "verdict": part | {"word": "does not hold"}}


def test_a_result_from_before_there_were_parts_has_one(one: Result, tmp_path: Path) -> None:
    (tmp_path / one.name).write_text(json.dumps(older(one)), encoding="utf-8")
    found = reading.read(tmp_path / one.name)
    assert found is not None and found.version == reading.VERSION
    assert found.verdict == Verdict("not reproduced", (Judged("not reproduced", 3, 3),))
    assert [part.says for part in found.claim.parts] == [found.claim.sentence] == [one.claim.sentence]
    assert (found.figures, found.claim.source) == (one.figures, one.claim.source)


@pytest.mark.parametrize("damage", [{"claim": 3}, {"verdict": 3}, {"verdict": {"word": "holds"}}])
def test_a_damaged_older_result_is_refused(damage: dict[str, Any], one: Result, tmp_path: Path) -> None:
    (tmp_path / one.name).write_text(json.dumps(older(one) | damage), encoding="utf-8")
    with pytest.raises(BadInput, match=r"claim|verdict"):
        reading.read(tmp_path / one.name)


def test_a_result_of_the_first_version_rests_on_nothing_known(one: Result, tmp_path: Path) -> None:
    old = older(one)
    for name in ("version", "code", "data", "witness", "confirmation"):
        del old[name]
    (tmp_path / one.name).write_text(json.dumps(old), encoding="utf-8")
    found = reading.read(tmp_path / one.name)
    assert found is not None and found.standing("1") == found.standing() == OLDER


def test_what_is_no_number_is_no_figure(one: Result, tmp_path: Path) -> None:
    words = written(one) | {
        "figures": [{"a": float("nan"), "b": float("inf"), "c": 1}],
        "seeds": [0],
        "seconds": [1],
    }
    (tmp_path / one.name).write_text(json.dumps(words), encoding="utf-8")
    found = reading.read(tmp_path / one.name)
    assert found is not None and found.figures == ({"a": None, "b": None, "c": 1},)


def test_standing(one: Result) -> None:
    """For the code that measured ("1"), for code that was replayed ("2") and for any other ("3")."""
    same = dataclasses.replace(one, confirmation=confirmed(True, "2"))
    other = dataclasses.replace(one, confirmation=confirmed(False, "2"))
    assert [one.standing(code) for code in ("", "1", "2")] == [CONFIRMED, CONFIRMED, OPEN]
    assert [same.standing(code) for code in ("", "1", "2", "3")] == [CONFIRMED, CONFIRMED, CONFIRMED, OPEN]
    assert [other.standing(code) for code in ("", "1", "2", "3")] == [STALE, CONFIRMED, STALE, OPEN]
    assert dataclasses.replace(same, witness=None).standing("2") == OLDER


def test_results_in_a_folder_by_experiment_and_the_most_telling_scale_first(
    one: Result, tmp_path: Path
) -> None:
    """A scale that nobody knows comes last; those to run again are the stale ones among the named."""
    marks = {"a": True, "b": False, "c": False}
    for name, same in marks.items():
        for scale in ("tiny", "smoke", "full", "small"):
            mine = dataclasses.replace(
                one, experiment=name, scale=scale, confirmation=confirmed(same or scale == "full", "2")
            )
            reading.write(tmp_path, mine)
    (tmp_path / "other.json").write_text("[1]")
    found = [(each.experiment, each.scale) for each in reading.read_all(tmp_path)]
    assert found == [(name, scale) for name in marks for scale in ("full", "small", "smoke", "tiny")]
    again = [(each.experiment, each.scale) for each in reading.stale(tmp_path, ["a", "b"])]
    assert again == [("b", "small"), ("b", "smoke"), ("b", "tiny")]


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no result \(NAME-SCALE.json\)"):
        reading.read_all(tmp_path)
    with pytest.raises(BadInput, match="no folder of results at"):
        reading.read_all(tmp_path / "none")


@pytest.mark.parametrize("version", [0, reading.VERSION + 1, "2"])
def test_a_version_that_is_none_of_ours_is_refused(version: Any, one: Result, tmp_path: Path) -> None:
    (tmp_path / one.name).write_text(json.dumps(written(one) | {"version": version}), encoding="utf-8")
    with pytest.raises(BadInput, match=rf"a number from 1 to {reading.VERSION}, got {version}"):
        reading.read(tmp_path / one.name)


@dataclasses.dataclass(frozen=True)
class Inner:
    number: float
    maybe: int | None = None


@dataclasses.dataclass(frozen=True)
class Outer:
    inner: tuple[Inner, ...]
    named: Mapping[str, tuple[str, ...]]
    either: float | str
    free: Any = None


def test_types_are_the_shape() -> None:
    words = {"inner": [{"number": 1}], "named": {"a": ["b"]}, "either": "c"}
    whole = parsed(Outer, words)
    assert whole == Outer((Inner(1),), {"a": ("b",)}, "c")
    assert parsed(Outer, written(whole)) == whole
    assert written(whole) == words | {"inner": [{"number": 1, "maybe": None}], "free": None}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"inner": {}}, "`inner` must be list, got {}"),
        ({"inner": [3]}, "`inner[0]` must be dict, got 3"),
        ({"inner": [{}]}, "`inner[0].number` must be int or float, got null"),
        ({"inner": [{"number": 1, "maybe": 1.5}]}, "`inner[0].maybe` must be int or NoneType, got 1.5"),
        ({"inner": [{"number": True}]}, "`inner[0].number` must be int or float, got true"),
        ({"inner": [{"number": 10**30}]}, "`inner[0].number` must be a number of at most 10"),
        ({"inner": [{"number": 1, "b": 2}]}, "`inner[0].b` is none of number, maybe"),
        ({"named": {"a": ["b", 1]}}, "`named.a[1]` must be str, got 1"),
        ({"either": None}, "`either` must be int or float or str, got null"),
        ({"free": json.loads("[" * 60 + "]" * 60)}, "at most 50 deep, got 61"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parsed(Outer, {"inner": [], "named": {}, "either": 1} | changes)
    assert said in str(caught.value)


@pytest.mark.parametrize("value", [None, [], 3, "a"])
def test_a_file_of_another_kind_is_no_object(value: Any) -> None:
    with pytest.raises(BadInput, match="must be dict"):
        parsed(Outer, value)


@dataclasses.dataclass(frozen=True)
class Count:
    """A whole number in a file."""

    many: int


def test_the_largest_whole_number() -> None:
    """10^18 and its negative are read; one more is not, for it may have any number of digits."""
    for sign in (1, -1):
        assert parsed(Count, {"many": sign * 10**18}) == Count(sign * 10**18)
        with pytest.raises(BadInput, match=r"`many` must be a number of at most 1000000000000000000, got"):
            parsed(Count, {"many": sign * (10**18 + 1)})
