"""A replay confirms a result or makes it stale: what is written and said, and what is worse than before."""

import dataclasses
import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wavetrain.errors import BadInput
from wavetrain.evidence import result as reading
from wavetrain.evidence.replay import Agreement
from wavetrain.evidence.result import CONFIRMED, OLDER, OPEN, STALE, Confirmation, Replay, Result, Witness
from wavetrain.run import confirm
from wavetrain.run.confirm import Check, checks, confirmed

COMMITTED = sorted((Path(__file__).parents[2] / "results").glob("*.json"))
WITNESS = Witness(smoke=Replay(trainings={}, figures={"x": 1.0}), start=None)
NOW = "code of today"


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> Result:
    """A result that was measured with other code than today's and never replayed."""
    found = reading.read(COMMITTED[0])
    assert found is not None
    monkeypatch.setattr(confirm, "judged", lambda result: result)
    monkeypatch.setattr(confirm.today, "digest", lambda name: NOW if name == found.experiment else "")
    monkeypatch.setattr(confirm, "environment", lambda device, threads: {"hardware": f"{device} {threads}"})
    return dataclasses.replace(found, code="1", witness=WITNESS, confirmation=None)


def at(same: bool, code: str) -> Confirmation:
    return Confirmation(same=same, code=code, date="2000-01-01", hardware="old")


@pytest.mark.parametrize(
    ("code", "last", "same", "new", "worse"),
    [
        ("1", None, True, True, False),  # measured with other code
        ("1", None, False, True, True),
        (NOW, None, True, False, False),  # measured with today's: nothing to write
        (NOW, None, False, True, True),  # the same code on the same machine, and other figures
        ("1", at(True, NOW), True, False, False),
        ("1", at(True, NOW), False, True, True),
        ("1", at(True, "2"), True, True, False),
        ("1", at(False, NOW), False, False, False),  # stale before: no news, and no worse
        ("1", at(False, NOW), True, True, False),
        ("1", at(False, "2"), False, True, False),
    ],
)
def test_what_a_replay_makes_of_a_result(
    one: Result, code: str, last: Confirmation | None, same: bool, new: bool, worse: bool
) -> None:
    old = dataclasses.replace(one, code=code, confirmation=last)
    told = confirm._told(Check(old, "cpu"), Agreement(same, "" if same else "a loss"))
    assert (told.standing, told.why) == ((CONFIRMED, "") if same else (STALE, "a loss"))
    assert told.worse is worse
    if new:
        today = datetime.date.today().isoformat()
        wanted = Confirmation(same=same, code=NOW, date=today, hardware="cpu 1")
        assert told.result == dataclasses.replace(old, confirmation=wanted)
    else:
        assert told.result == old


def test_a_replay_that_cannot_tell_changes_nothing(one: Result) -> None:
    for old, standing in (
        (dataclasses.replace(one, code=NOW), OPEN),
        (one, OPEN),
        (dataclasses.replace(one, witness=None), OLDER),
    ):
        told = confirm._told(Check(old, "cpu"), Agreement(None, "no recording"))
        assert told == (old, standing, "no recording", False)


def test_why_a_replay_is_not_made_or_ends(one: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings that are missing say nothing; whatever else is raised makes it stale."""
    asked, raised = list[Any](), list[Exception]()

    def again(*given: Any) -> Witness:
        asked.append(given)
        if raised:
            raise raised[0]
        return dataclasses.replace(WITNESS, smoke=Replay(trainings={}, figures={"x": 2.0}))

    experiment = SimpleNamespace(name=one.experiment)
    monkeypatch.setattr(confirm.find, "named", lambda name, kinds: experiment)
    monkeypatch.setattr(confirm.witness, "again", again)
    monkeypatch.setattr(confirm, "settings", lambda experiment, scale: one.settings)
    monkeypatch.setattr(confirm, "environment", lambda device, threads: here)
    here = dict(one.environment)
    check = Check(dataclasses.replace(one, seeds=(5, 3)), "cpu")
    why = "smoke scale: x was 1.0, and is 2.0"
    assert confirm._found(check, print) == (False, why)
    assert asked == [(WITNESS, experiment, one.scale, 5, "cpu")]
    here["torch"] = "another"
    assert confirm._found(check, print) == (None, why)  # elsewhere a figure cannot tell
    raised.append(BadInput("mnist is not here"))
    assert confirm._found(check, print) == (None, "it cannot be replayed here: mnist is not here")
    raised[0] = ValueError("other shapes")
    assert confirm._found(check, print) == (False, "its replay ended with ValueError: other shapes")
    monkeypatch.setattr(confirm, "settings", lambda experiment, scale: {"steps": -1})
    asked.clear()
    assert confirm._found(check, print) == (False, f"its {one.scale} scale has other settings")
    bare = Check(dataclasses.replace(one, witness=None), "cpu")
    assert confirm._found(bare, print) == (None, "it has no witness; run it again to make one") and not asked


def test_only_what_changed_is_written(one: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = dataclasses.replace(one, experiment="other", code=NOW)
    monkeypatch.setattr(confirm.today, "digest", lambda name: NOW)
    pool = SimpleNamespace(each=lambda work, asked, tell: ((check, same) for check in asked))
    same = Agreement(True, "")
    found = list(confirmed(tmp_path, [Check(one, "cpu"), Check(two, "cpu")], pool))
    assert [told.result.experiment for told in found] == [one.experiment, "other"]
    assert [path.name for path in tmp_path.iterdir()] == [one.name]
    assert reading.read(tmp_path / one.name) == found[0].result


def test_results_are_chosen_by_name(one: Result, tmp_path: Path) -> None:
    for name in ("a", "b"):
        for scale in ("small", "smoke"):
            reading.write(tmp_path, dataclasses.replace(one, experiment=name, scale=scale))
    assert [(check.result.name, check.device) for check in checks(tmp_path, ["b"], "cuda")] == [
        ("b-small.json", "cuda"),
        ("b-smoke.json", "cuda"),
    ]
    assert len(checks(tmp_path, [], "cpu")) == 4
    with pytest.raises(BadInput, match="holds no result of c; `wavetrain run c` makes one"):
        checks(tmp_path, ["d", "a", "c"], "cpu")


@pytest.mark.parametrize("scale", ["smoke", "small"])
def test_figures_are_judged_by_the_claim_of_today(scale: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they were where the scale has other settings; the smoke scale decides nothing."""
    found = reading.read(COMMITTED[0])
    assert found is not None
    old = dataclasses.replace(found, scale=scale, about="old words")
    experiment = confirm.find.named(old.experiment, ("experiments",))
    monkeypatch.setattr(confirm, "settings", lambda experiment, scale: {"other": 1})
    assert confirm.judged(old) is old
    monkeypatch.setattr(confirm, "settings", lambda experiment, scale: old.settings)
    new = confirm.judged(old)
    assert new.about == experiment.about and (new.figures, new.seeds) == (old.figures, old.seeds)
    words = {part.why for part in new.verdict.parts}
    assert (words == {"this scale only shows that the program runs"}) is (scale == "smoke")
