"""Cells that hold a number with its unit: € 1.50, 10.2 kWh, 21 °C; and negative ones in brackets, (3.20).

The unit is the same in all cells of a column. A word counts as one only behind a space, so that codes such as
A1 and 3b stay what they are.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

FEW = 50  # cells that are looked at first
SIGN = r"[+\-−]?"
MONEY = r"(?:US|A|C|R)?[$€£¥₹₽]"
NUMBER = r"\d[\d.,'’ \u00a0\u202f]*(?:[eE][+-]?\d+)?|[.,]\d+"
CELL = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>{SIGN})\s*(?P<before>{MONEY})?\s*(?P<inner>{SIGN})(?P<number>{NUMBER}?)"
    r"(?P<behind>\s*[€$£¥₹₽°‰]\w{0,3}|[ \u00a0]+[^\W\d_][^\d()]{0,11})?\s*(?P<close>\))?"
)


class Shorn(NamedTuple):
    """Cells without their unit."""

    cells: list[str]
    unit: str


def shorn(cells: Sequence[str], told: Sequence[str]) -> Shorn | None:
    """Cells as plain numbers, where all that say something (`told`) have one unit or stand in brackets.

    >>> from wavetrain.tables.read.units import shorn
    >>> shorn(["€ 1.50", "-€2", ""], ["€ 1.50", "-€2"]), shorn(["A1", "A2"], ["A1", "A2"])
    (Shorn(cells=['1.50', '-2', ''], unit='€'), None)
    """
    some = [CELL.fullmatch(cell) for cell in told[:: max(1, len(told) // FEW)]]
    if not all(some) or not (
        any(one and (one["before"] or one["behind"]) for one in some) or "(" in "".join(told)
    ):
        return None  # as nearly all columns are: told by a few cells
    found = {cell: CELL.fullmatch(cell) for cell in told}
    matches = [match for match in found.values() if match is not None]
    if not matches or len(matches) < len(found):
        return None
    units = {((one["before"] or "").strip(), (one["behind"] or "").strip()) for one in matches}
    brackets = any(one["open"] or one["close"] for one in matches)
    whole = all(
        bool(one["open"]) == bool(one["close"]) and not (one["sign"] and one["inner"]) for one in matches
    )
    if len(units) > 1 or not whole or not (brackets or any(units.copy().pop())):
        return None
    before, behind = units.pop()
    plain = {cell: _plain(match) for cell, match in found.items() if match is not None}
    return Shorn([plain.get(cell, cell) for cell in cells], before or behind)


def _plain(match: re.Match[str]) -> str:
    sign = "-" if match["open"] else match["sign"] or match["inner"]
    return sign + match["number"].strip()
