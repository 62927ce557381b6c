"""What the result files say: read, checked, and their figures set beside the published ones.

A result is what the runner writes to `results/NAME-SCALE.json`: one experiment at one scale over its seeds.
Other JSON files in the folder are left alone; a result that is damaged raises BadInput with its name.
"""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple

from wavetrain.errors import BadInput

Result = dict[str, Any]
DEEPEST = 50  # nesting of a result
LARGEST = 10**18  # whole number in a result
SCALES = ("full", "small", "smoke")  # the most telling first
PARTS: dict[str, type] = {
    "experiment": str,
    "about": str,
    "claim": dict,
    "scale": str,
    "settings": dict,
    "verdict": dict,
    "seeds": list,
    "figures": list,
    "seconds": list,
    "routes": dict,
    "environment": dict,
    "command": str,
    "date": str,
    "pictures": list,
}
INSIDE: dict[str, dict[str, type]] = {
    "claim": {
        "text": str,
        "source": str,
        "seed": str,
        "systems": list,
        "published": dict,
        "notes": str,
        "unrun": str,
    },
    "verdict": {"word": str, "agree": int, "seeds": int, "why": str},
}


class Row(NamedTuple):
    """One figure of a result: as published, and as measured over the seeds."""

    name: str
    published: float | str | None  # None where the source prints none
    measured: tuple[float | None, ...]  # one a seed, None where the training diverged; empty if not measured

    @property
    def words(self) -> str:
        """The name as words."""
        return self.name.replace("_", " ")

    @property
    def finite(self) -> list[float]:
        return [value for value in self.measured if value is not None]

    @property
    def lost(self) -> str:
        """How many seeds diverged, in words; they are told and not averaged, for they have no figure."""
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


def read(folder: Path) -> list[Result]:
    """The results in a folder, by experiment and then by scale, the largest first."""
    if not folder.is_dir():
        raise BadInput(f"no folder of results at {folder}; `wavetrain run NAME` makes one")
    found = [_load(path) for path in sorted(folder.glob("*.json"))]
    results = [result for result in found if result is not None]
    if not results:
        raise BadInput(f"{folder} holds no result (NAME-SCALE.json); `wavetrain run NAME` writes one")
    return sorted(results, key=lambda result: (result["experiment"], _rank(result["scale"])))


def rows(result: Mapping[str, Any]) -> list[Row]:
    """The figures of a result, in the order of the first seed that has them; at last those only published."""
    published = result["claim"]["published"]
    names = dict.fromkeys(name for seed in result["figures"] for name in seed) | dict.fromkeys(published)
    measured = {name: tuple(seed[name] for seed in result["figures"] if name in seed) for name in names}
    return [Row(name, published.get(name), measured[name]) for name in names]


def leading(figures: Sequence[Row], most: int) -> list[Row]:
    """So many figures of a claim as fit beside those of others: what is published too comes first."""
    return sorted(figures, key=lambda row: row.published is None)[:most]


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


def agreement(result: Mapping[str, Any]) -> str:
    """How many seeds satisfy the claim."""
    return f"{result['verdict']['agree']} of {result['verdict']['seeds']}"


def _rank(scale: str) -> tuple[int, str]:
    return SCALES.index(scale) if scale in SCALES else len(SCALES), scale


def _load(path: Path) -> Result | None:
    """One result, or None where the file is another kind of JSON."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path} cannot be read as JSON ({error}); make it anew or move it away") from error
    if not isinstance(result, dict) or "experiment" not in result or "claim" not in result:
        return None
    _check(path, result)
    result["figures"] = [{name: _finite(value) for name, value in seed.items()} for seed in result["figures"]]
    return result


def _check(path: Path, result: Result) -> None:
    if _depth(result) > DEEPEST:
        raise BadInput(f"{path}: expected lists and objects at most {DEEPEST} deep, got {_depth(result)}")
    for part, kind in PARTS.items():
        _expect(path, part, result.get(part), kind)
    name = result["experiment"]
    if not (name.isascii() and name.isidentifier()):  # it becomes the name of a page
        raise BadInput(f"{path}: `experiment` must be the name of an experiment, got {name!r}")
    for whole, parts in INSIDE.items():
        for part, kind in parts.items():
            _expect(path, f"{whole}.{part}", result[whole].get(part), kind)
    if path.name != f"{name}-{result['scale']}.json":
        raise BadInput(f"{path} must be called {name}-{result['scale']}.json, after what it holds")
    for index, system in enumerate(result["claim"]["systems"]):
        _expect(path, f"claim.systems[{index}]", system, str)
    for figure, value in result["claim"]["published"].items():
        _expect(path, f"claim.published.{figure}", value, (int, float, str))
    _check_seeds(path, result)


def _depth(value: Any) -> int:
    """How deep lists and objects are nested; without recursion, since that has an end of its own."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


def _check_seeds(path: Path, result: Result) -> None:
    if not len(result["figures"]) == len(result["seeds"]) == len(result["seconds"]):
        raise BadInput(f"{path}: `seeds`, `figures` and `seconds` must be equally many")
    for index, (seconds, seed) in enumerate(zip(result["seconds"], result["figures"], strict=True)):
        _expect(path, f"seconds[{index}]", seconds, (int, float))
        _expect(path, f"figures[{index}]", seed, dict)
        for figure, value in seed.items():
            _expect(path, f"figures[{index}].{figure}", value, (int, float, NoneType))


def _expect(path: Path, part: str, value: Any, kind: type | tuple[type, ...]) -> None:
    if isinstance(value, int) and abs(value) > LARGEST:
        raise BadInput(
            f"{path}: `{part}` must be a number of at most {LARGEST}, got one of {len(str(value))} digits"
        )
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        names = " or ".join(one.__name__ for one in kinds)
        raise BadInput(f"{path}: `{part}` must be {names}, got {json.dumps(value)[:60]}")


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
