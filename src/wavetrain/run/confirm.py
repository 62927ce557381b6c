"""Are the figures of a result those of today's code? Its witness is replayed, which takes seconds.

A replay that comes out the same confirms the result for the code as it is; one that comes out different makes
it stale. Either is written into the result with the digest of the code. Where the code has not changed since
the result was measured or last confirmed, and the machine is of the same kind, there is nothing to write.
The figures are also judged again by the predicates as they are today, which takes no replay.
"""

import dataclasses
import datetime
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from wavetrain import find
from wavetrain.errors import BadInput
from wavetrain.evidence import claims, today
from wavetrain.evidence.replay import Agreement, compared, same_kind
from wavetrain.evidence.result import (
    CONFIRMED,
    OLDER,
    OPEN,
    STALE,
    Confirmation,
    Result,
    Words,
    read_all,
    write,
)
from wavetrain.run import witness
from wavetrain.run.machine import environment
from wavetrain.run.order import settings
from wavetrain.run.pools import Pool
from wavetrain.train.lab import News


class Check(NamedTuple):
    """A result to hold to today's code."""

    result: Result
    device: str


class Told(NamedTuple):
    """What a check came to."""

    result: Result  # with its new confirmation, if it has one
    standing: str
    why: str  # empty where the result is confirmed
    worse: bool  # it was confirmed before and is stale now


def checks(home: Path, names: Sequence[str], device: str) -> list[Check]:
    """The results of some experiments in a folder, at every scale; without names, all."""
    found = [one for one in read_all(home) if not names or one.experiment in names]
    if missing := sorted(set(names) - {one.experiment for one in found}):
        raise BadInput(f"{home} holds no result of {missing[0]}; `wavetrain run {missing[0]}` makes one")
    return [Check(one, device) for one in found]


def confirmed(home: Path, asked: Sequence[Check], pool: Pool) -> Iterator[Told]:
    """Replay each and write what came out; yields as each ends."""
    for check, found in pool.each(_found, asked, lambda news: None):
        told = _told(check, found)
        if told.result != check.result:
            write(home, told.result)
        yield told


def _found(check: Check, tell: Callable[[News], None]) -> Agreement:
    """Replay one witness, where there is one."""
    result = check.result
    if result.standing() == OLDER:
        return Agreement(None, "it has no witness; run it again to make one")
    experiment = find.named(result.experiment, ("experiments",))
    if settings(experiment, result.scale) != result.settings:
        return Agreement(False, f"its {result.scale} scale has other settings")
    assert result.witness is not None
    try:
        new = witness.again(result.witness, experiment, result.scale, result.seeds[0], check.device)
    except BadInput as error:  # a recording that is not here
        return Agreement(None, f"it cannot be replayed here: {error}")
    except Exception as error:  # whatever changed code raises
        return Agreement(False, f"its replay ended with {type(error).__name__}: {error}")
    here = environment(check.device, threads=1)
    return compared(result.witness, new, same_kind(result.environment, here))


def judged(result: Result) -> Result:
    """The same figures, judged by the claim as it is today; as it was where its scale has other settings."""
    experiment = find.named(result.experiment, ("experiments",))
    if settings(experiment, result.scale) != result.settings:
        return result
    module = experiment.load()
    seeds = result.measured(getattr(module, result.scale))
    verdict = claims.verdict(module.claim, seeds, decides=result.scale != "smoke")
    return dataclasses.replace(
        result, claim=Words.of(vars(module.claim)), verdict=verdict, about=experiment.about
    )


def _told(check: Check, found: Agreement) -> Told:
    result = judged(check.result)
    now = today.digest(result.experiment)
    if found.same is None:
        standing = result.standing(now)
        return Told(result, OLDER if standing == OLDER else OPEN, found.why, worse=False)
    confirmation = Confirmation(
        same=found.same,
        code=now,
        date=datetime.date.today().isoformat(),
        hardware=environment(check.device, threads=1)["hardware"],
    )
    last, before = result.confirmation, result.standing()
    known = (result.code, True) if last is None else (last.code, last.same)
    if known != (now, found.same):
        result = dataclasses.replace(result, confirmation=confirmation)
    standing = CONFIRMED if found.same else STALE
    return Told(result, standing, found.why, worse=before == CONFIRMED and standing == STALE)
