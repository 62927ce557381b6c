"""The page "How fast": for each question of speed the newest ratios in words, and their course over the runs.

It is made of the record in `benchmarks/history/`, which `benchmarks/record.py` writes.
"""

import ast
from collections.abc import Sequence
from html import escape as html
from pathlib import Path

from history import HISTORY, Comparison, History, Rival, Run, read_all
from wavetrain.report.prose import escaped

HERE = Path(__file__).resolve().parents[2] / "benchmarks"
WIDTH, HEIGHT, EDGE = 120, 24, 4  # pixels of a line over the runs
APART = "\N{NO-BREAK SPACE}"  # a number stays on the line of its unit
LEVEL = 1.05  # up to this ratio two times are the same
HEADINGS = {
    Rival.LOOP: "Beside plain PyTorch",
    Rival.PEER: "Beside other libraries",
    Rival.FLOOR: "Beside the least that is possible",
    Rival.ITSELF: "From the beginning of a stream to its end",
}

START = """# How fast

Each table answers one question by a script of `benchmarks/`. A ratio compares two programs that were timed in
turn, round after round, in one run, so that other work on the machine falls on both alike. It is the median
over the rounds, with the range in brackets. Compare ratios, not times: a time holds for one machine at one
moment.

A *plain PyTorch loop* is the program that one writes first. *The least that is possible* is work that no
program can avoid: moving the numbers through memory once, or the matrix products alone. A ratio of 1 to it
would mean that nothing can be gained.
"""

EMPTY = "Nothing has been recorded yet: `python benchmarks/record.py` does it."


def page(folder: Path = HISTORY) -> str:
    """The page, from the record."""
    histories = [history for history in read_all(folder) if history.runs]
    parts = [START, *(_question(history) for history in histories)]
    return "\n".join(parts if histories else [START, EMPTY, ""])


def question(script: str) -> str:
    """What a script asks: its docstring up to the question mark."""
    source = (HERE / f"{script}.py").read_text(encoding="utf-8")
    about = ast.get_docstring(ast.parse(source)) or script
    return about.partition("?")[0] + "?"


def said(one: Comparison) -> str:
    """A ratio in words."""
    faster = one.rival in (Rival.LOOP, Rival.PEER)
    if 1 / LEVEL <= one.times <= LEVEL:
        return f"takes as long as ({_range(one.low, one.high)} times)"
    if faster and one.times < 1:
        return f"runs **{_short(1 / one.times)}** times as fast as ({_range(1 / one.high, 1 / one.low)})"
    return f"takes **{_short(one.times)}** times as long as ({_range(one.low, one.high)})"


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    for size, unit in ((1, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{_short(seconds / size)}{APART}{unit}"
    return f"{_short(seconds * 1e6)}{APART}µs"


def line(values: Sequence[float], label: str) -> str:
    """Ratios over the runs as a line, from the oldest to the newest; with fewer than two there is none."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0

    def point(index: int, value: float) -> str:
        x = EDGE + (WIDTH - 2 * EDGE) * index / (len(values) - 1)
        y = HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (value - low) / span
        return f"{x:.1f},{y:.1f}"

    points = [point(index, value) for index, value in enumerate(values)]
    x, y = points[-1].split(",")
    return (
        f'<svg class="course" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{html(label)}"><title>{html(label)}</title>'
        f'<polyline points="{" ".join(points)}"/><circle cx="{x}" cy="{y}" r="3"/></svg>'
    )


def course(history: History, one: Comparison) -> str:
    """The line of one comparison over all runs that made it."""
    faster = one.rival in (Rival.LOOP, Rival.PEER)
    found = [
        (run.date.split()[0], 1 / other.times if faster else other.times)
        for run in history.runs
        for other in run.comparisons
        if (other.name, other.rival, other.beside) == (one.name, one.rival, one.beside)
    ]
    values = ", ".join(f"{date}: {_short(value)}" for date, value in found)
    kind = "times as fast" if faster else "times as long"
    return line([value for _, value in found], f"{one.name}, {kind}, {values}")


def _question(history: History) -> str:
    run = history.runs[-1]
    lines = [f"## {escaped(question(history.script))}", ""]
    for rival, heading in HEADINGS.items():
        comparisons = [one for one in run.comparisons if one.rival == rival]
        if comparisons:
            lines += [f"**{heading}**", "", *_table(history, comparisons), ""]
    lines += [f"Left out, since it was not there: {escaped(name)}." for name in run.skipped]
    return "\n".join([*lines, "", *_measured(run, len(history.runs)), ""])


def _table(history: History, comparisons: Sequence[Comparison]) -> list[str]:
    courses = [course(history, one) for one in comparisons]
    more = any(courses)
    rows = [
        "| what is computed | our time | which | what it is held to | its time |"
        + (" over the runs |" if more else "")
    ]
    rows.append("|---|--:|---|---|--:|" + ("---|" if more else ""))
    for one, drawn in zip(comparisons, courses, strict=True):
        cells = [escaped(one.name), duration(one.ours), said(one), escaped(one.beside), duration(one.other)]
        rows.append("| " + " | ".join([*cells, *([drawn] if more else [])]) + " |")
    return rows


def _measured(run: Run, runs: int) -> list[str]:
    """How, where and when; and whether the machine had other work."""
    machine = run.machine
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    busy = (
        f"**The machine was busy**: {machine.load_before:g} programs wanted its {machine.cores} cores before "
        "the run, so the times are too long, and a ratio is known no better than its range says."
        if machine.busy
        else f"The machine had little else to do (load {machine.load_before:g} before the run)."
    )
    changed = ", with changes that were not committed" if run.changed else ""
    count = f"There are {runs} runs on record." if runs > 1 else "It is the first run on record."
    return [
        f"Measured on {run.date} UTC by `{run.command}`, commit `{run.commit}`{changed}: "
        f"{escaped(run.setting)}. {machine.cpu}, {machine.cores} cores, {machine.threads} in use; in the "
        f"same run it copied {machine.copy:g} GB/s and did {machine.product:g} GFLOP/s in a large matrix "
        f"product. {versions}. {busy} {count}"
    ]


def _range(low: float, high: float) -> str:
    return _short(low) if _short(low) == _short(high) else f"{_short(low)} to {_short(high)}"


def _short(value: float) -> str:
    """Three digits, whole from a hundred on."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
