"""What a witness must satisfy: how two replays of one experiment compare.

On the machine and with the versions that a witness was made with, every number must be the same, bit for
bit. Elsewhere sums are rounded in another order. There the losses of the first steps decide: they may differ
by ROUNDING, relative to their size. A score counts whole sequences and a figure may be a place in a ranking,
so that rounding can move either by a whole step; where only these differ, another machine cannot tell.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from wavetrain.evidence.result import Replay, Start, Witness

ROUNDING = 1e-3
KIND = (
    "hardware",
    "model",
    "instructions",
    "device",
    "system",
    "python",
    "torch",
    "numpy",
    "numba",
    "scipy",
    "scikit-learn",
)


class Agreement(NamedTuple):
    """Whether a replay came out the same, and if not, why."""

    same: bool | None  # None where this machine cannot tell
    why: str  # the first difference


def same_kind(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two environments are expected to compute the same bits."""
    return all(one.get(name) == other.get(name) for name in KIND)


def agreed(one: Replay, other: Replay) -> Replay:
    """What two replays of the same code have in common: a time that was measured is none of it."""
    starts = {name: start for name, start in one.trainings.items() if other.trainings.get(name) == start}
    figures = {name: value for name, value in one.figures.items() if other.figures.get(name, ...) == value}
    return Replay(
        trainings=starts,
        figures=figures,
        varying=tuple(sorted({*one.figures, *other.figures} - figures.keys())),
    )


def compared(old: Witness, new: Witness, exact: bool) -> Agreement:
    """Hold a replay to a witness; `exact` where both ran on the same kind of machine."""
    unclear = ""
    for place, before, after, decides in _pairs(old, new):
        if before == after:
            continue
        why = f"{place} was {_said(before)}, and is {_said(after)}"
        if exact or (decides and not _near(before, after)):
            return Agreement(False, why)
        if not decides and not _near(before, after):
            unclear = unclear or why
    return Agreement(None, unclear) if unclear else Agreement(True, "")


def _pairs(old: Witness, new: Witness) -> Iterator[tuple[str, Any, Any, bool]]:
    """Place, what was, what is, and whether a difference beyond rounding decides on any machine."""
    for scale, before, after in (
        ("smoke scale", old.smoke, new.smoke),
        ("first steps", old.start, new.start),
    ):
        if before is None or after is None:
            yield f"{scale}: the replay", before is not None, after is not None, True
            continue
        yield from _trainings(scale, before.trainings, after.trainings)
        names = {*before.figures, *before.varying}
        yield f"{scale}: the names of figures", sorted(names), sorted({*after.figures, *after.varying}), True
        for name, value in before.figures.items():
            yield f"{scale}: {name}", value, after.figures.get(name), False


def _trainings(
    scale: str, before: Mapping[str, Start], after: Mapping[str, Start]
) -> Iterator[tuple[str, Any, Any, bool]]:
    missing = sorted(before.keys() - after.keys())
    yield f"{scale}: trainings", [], missing, True
    for name, start in before.items():
        if name in after:
            yield from (
                (f"{scale}: loss {step} of {name}", was, now, True)
                for step, (was, now) in enumerate(zip(start.losses, after[name].losses, strict=False), 1)
            )
            yield f"{scale}: steps of {name}", len(start.losses), len(after[name].losses), True
            yield f"{scale}: step by step, {name}", start.stepped, after[name].stepped, True
            yield f"{scale}: scores of {name}", start.scores, after[name].scores, False
            yield f"{scale}: generators after {name}", start.states, after[name].states, False


def _near(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        return all(map(_near, one, other))
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return one == other or (numbers and abs(one - other) <= ROUNDING * max(abs(one), abs(other), 1e-3))


def _said(value: Any) -> str:
    """A number with all its digits, since the last one may be what differs."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
