"""The figures of results set beside the published ones, and numbers as a reader wants them."""

import dataclasses
import itertools
import re
import statistics
from typing import NamedTuple

from wavetrain.evidence.claims import Judged, chosen
from wavetrain.evidence.result import Result
from wavetrain.report.words import Named, named, naming


class Row(NamedTuple):
    """One figure of a result: as published, and as measured over the seeds."""

    name: str
    named: Named
    published: float | str | None  # None where the source prints none
    measured: tuple[float | None, ...]  # one a seed, None where the training diverged; empty if not measured

    @property
    def finite(self) -> list[float]:
        return [value for value in self.measured if value is not None]

    @property
    def lost(self) -> str:
        """How many seeds diverged, in words. They have no figure, so the median leaves them out."""
        lost = len(self.measured) - len(self.finite)
        return f"{lost} diverged" if lost else ""

    @property
    def median(self) -> str:
        """The median over the seeds that have a figure."""
        if not self.measured:
            return "–"
        return number(statistics.median(self.finite)) if self.finite else "diverged"

    @property
    def span(self) -> str:
        """The smallest and the largest over the seeds; empty where they are one."""
        low, high = (number(min(self.finite)), number(max(self.finite))) if self.finite else ("", "")
        return "" if low == high else f"{low} to {high}"


def rows(result: Result) -> list[Row]:
    """The figures of a result, in the order of the first seed that has them; at last those only published."""
    published, claim = result.claim.published, naming(result)
    names = dict.fromkeys(name for seed in result.figures for name in seed) | dict.fromkeys(published)
    measured = {name: tuple(seed[name] for seed in result.figures if name in seed) for name in names}
    return [Row(name, named(name, claim), published.get(name), measured[name]) for name in names]


class PartRow(NamedTuple):
    """One part of a claim: what it says, what the seeds say to it, and the figures it is judged by."""

    says: str
    stronger: str  # what the source states, where the part tests something weaker
    judged: Judged
    figures: list[Row]  # those that were measured


def part_rows(result: Result) -> list[PartRow]:
    """The parts of a result in their order."""
    figures = {row.name: row for row in rows(result)}

    def readable(judged: Judged) -> Judged:
        """A reason may quote the name of a figure."""
        why = re.sub("'(.+?)'", lambda quoted: f"“{named(quoted[1], naming(result)).says}”", judged.why)
        return dataclasses.replace(judged, why=why)

    return [
        PartRow(
            part.says,
            part.stronger.rstrip("."),
            readable(judged),
            [figures[name] for name in chosen(figures, part.figures) if figures[name].measured],
        )
        for part, judged in zip(result.claim.parts, result.verdict.parts, strict=True)
    ]


def leading(result: Result, most: int) -> list[Row]:
    """So many measured figures as fit beside those of other claims.

    First one of each part, as that is what the verdict rests on; then those that are published too.
    """
    parts = itertools.zip_longest(*(part.figures for part in part_rows(result)))
    judged = [row for turn in parts for row in turn if row is not None]
    others = sorted(rows(result), key=lambda row: row.published is None)
    return [row for row in dict.fromkeys([*judged, *others]) if row.measured][:most]


def number(value: float | str | None, none: str = "diverged") -> str:
    """A figure for a table: four digits, thousands apart; words stay as they are."""
    if value is None:
        return none
    if isinstance(value, str):
        return value
    if abs(value) < 1e6 and (value == round(value) or abs(value) >= 1e4):
        return f"{round(value):,}".replace("-", "−")
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    return (mantissa + (f"e{int(exponent)}" if exponent else "")).replace("-", "−")


def duration(seconds: float) -> str:
    """A time for a reader: 41 s, 5 min, 2.3 h."""
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def agreement(judged: Judged) -> str:
    """How many seeds satisfy a part."""
    return f"{judged.agree} of {judged.seeds}"


def tally(result: Result) -> str:
    """How many parts are reproduced over how many seeds, in a few words."""
    parts, seeds = result.verdict.parts, f"{len(result.seeds)} seed{'s' if len(result.seeds) != 1 else ''}"
    if len(parts) == 1:
        return f"{parts[0].agree} of {seeds}"
    return f"{result.verdict.reproduced} of {len(parts)} parts, {seeds}"
