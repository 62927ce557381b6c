"""Tables of results and of what there is: for the terminal as rich tables, for the README in Markdown.

They are returned, not printed. Colour only repeats what the words say, and 80 columns are enough.
"""

import io
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from wavetrain.evidence import claims, today
from wavetrain.evidence.comparison import Figures, Record, Simple
from wavetrain.evidence.result import Result, Words
from wavetrain.find import ROOT, Found
from wavetrain.report.results import Row, agreement, duration, leading, number, part_rows, rows, tally
from wavetrain.report.words import named

COLOURS = {
    claims.REPRODUCED: "green",
    claims.PARTLY: "green",
    claims.FAILED: "red",
    claims.UNDECIDED: "yellow",
}
SIGNS = {claims.REPRODUCED: "✓", claims.PARTLY: "◐", claims.FAILED: "✗", claims.UNDECIDED: "○"}


def verdict_table(results: Iterable[Result]) -> Table:
    """Each claim with its figures, published beside measured (the median over the seeds), and its verdict."""
    table = Table(box=box.HORIZONTALS, pad_edge=False, show_header=False, show_lines=True, expand=True)
    table.add_column(ratio=1)
    for result in results:
        head = Table.grid(padding=(0, 2, 0, 0), expand=True)
        head.add_column(ratio=1, overflow="fold")
        head.add_column(width=20)
        claim = Text(result.claim.title or result.claim.sentence, "bold")
        claim.append(f"\n{result.experiment}", "default not bold dim")
        head.add_row(claim, _verdict(result))
        said = Text()
        for part in part_rows(result):
            if len(result.claim.parts) == 1 and not part.stronger:
                continue  # the claim says it
            sign = SIGNS.get(part.judged.word, "○")
            weaker = f" Weaker than the source: {part.stronger.rstrip('.')}." if part.stronger else ""
            said.append(f"{sign} {part.says} ({agreement(part.judged)}){weaker}\n")
        table.add_row(Group(head, said, _figures(result)))
    return table


def listing_table(found: Iterable[Found]) -> Table:
    """What there is of one kind: one line a member, cut off where it is too long."""
    shown = list(found)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(
        no_wrap=True, style="bold", min_width=max((len(one.name) for one in shown), default=0) + 2
    )
    table.add_column(no_wrap=True, overflow="ellipsis")
    for one in shown:
        said = one.facts["title"] if one.kind == "experiments" else one.summary
        table.add_row(Text(f"  {one.name}"), Text(" ".join(said.split()), overflow="ellipsis", no_wrap=True))
    return table


def card_table(found: Found) -> Table:
    """The facts of one member, from its card or claim."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    facts = {"kind": found.kind, "file": _file(found.path), **found.facts}
    if found.kind == "experiments":  # what figures are called is applied, and not listed
        claim = Words.of(found.facts)
        facts |= {"published": {named(name, claim).whole: one for name, one in claim.published.items()}}
        facts = {name: value for name, value in facts.items() if name not in ("figures", "names")}
    for name, value in facts.items():
        if name in ("parts", "changed"):  # sentences
            says = [_part(one) if isinstance(one, Mapping) else one for one in value]
            value = "\n".join(f"{number}. {one}" for number, one in enumerate(says, 1))
        if value not in ("", (), {}):
            table.add_row(name, Text(_words(value)))
    return table


def comparison(result: Record) -> dict[str, list[str]]:
    """The result of a comparison as columns of text by heading: layers best first, then chance."""
    columns: dict[str, list[str]] = {}
    for one in result.figures:
        row = {result.rivals: one.layer, result.measure: _score(one), **_cost(one, result)}
        for heading, cell in row.items():
            columns.setdefault(heading, []).append(cell)
    last = {result.rivals: "chance", result.measure: f"{result.chance.score:.3f}"}
    return {heading: [*cells, last.get(heading, "")] for heading, cells in columns.items()}


def scores(result: Record) -> dict[str, list[str]]:
    """The scores of layers and baselines as columns of text by heading, best first; † marks a baseline."""
    first: list[Figures | Simple] = [*result.figures, *result.baselines]
    sign = -1 if result.higher else 1
    first.sort(key=lambda one: math.inf if one.score is None else sign * one.score)
    rows = []
    for one in first:
        others = {_brief(name): value for name, value in one.metrics.items() if name != result.measure}
        rows.append(
            {
                "": one.layer if isinstance(one, Figures) else f"{one.name} †",
                _brief(result.measure): _score(one) if isinstance(one, Figures) else _figure(one.score),
                **{name: _figure(value) for name, value in others.items() if not name.startswith("quantile")},
            }
        )
    headings = dict.fromkeys(
        heading for row in rows for heading in row
    )  # a layer that diverged has one alone
    return {heading: [row.get(heading, "") for row in rows] for heading in headings}


def costs(result: Record) -> dict[str, list[str]]:
    """What the layers of a comparison cost, as columns of text by heading."""
    columns: dict[str, list[str]] = {}
    for one in result.figures:
        for heading, cell in {result.rivals: one.layer, **_cost(one, result)}.items():
            columns.setdefault(heading, []).append(cell)
    return columns


def _cost(one: Figures, result: Record) -> dict[str, str]:
    timings, context = result.timings[one.layer], one.context
    if result.rivals == "rule":  # the network is the same for all
        return {
            "learning\nrate": f"{one.rate:g}",
            "trained\ntokens/s": f"{timings.training_tokens_per_second:,}",
        }
    return {
        "param-\neters": f"{one.parameters:,}",
        "trained\ntokens/s": f"{timings.training_tokens_per_second:,}",
        "µs a\nstep": f"{timings.microseconds_per_step:.0f}",
        "state\nbytes": f"{one.state_bytes:,}",
        "mean\nreach": f"{context.mean:.1f}" if context else "",
        "90%\nwithin": str(context.reach) if context else "",
    }


def _brief(metric: str) -> str:
    """The name of a metric without its season or range: MASE of MASE (season 12)."""
    return metric.partition(" (")[0].partition(" of ")[0]


def _figure(value: float | None) -> str:
    """A figure in a column of a few letters."""
    return "none" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _part(facts: Mapping[str, Any]) -> str:
    """What a part of a claim says, and that it is weaker than its source, where it is."""
    stronger = facts.get("stronger", "").rstrip(".")
    return f"{facts['says']} (weaker than the source: {stronger})" if stronger else str(facts["says"])


def _file(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def _score(figures: Figures) -> str:
    if figures.diverged:
        return f"diverged ({len(figures.diverged)} of {len(figures.scores)})"
    if figures.score is None:
        return "none"
    spread = "" if figures.spread is None else f" ± {figures.spread:.3f}"
    return f"{figures.score:.3f}{spread}"


def columns_table(columns: Mapping[str, list[str]]) -> Table:
    """Columns of cells by heading; the first is names, the rest figures."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, heading in enumerate(columns):
        table.add_column(heading, justify="right" if place else "left", overflow="fold", no_wrap=not place)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*map(Text, row))
    return table


def plain_text(table: Table) -> str:
    """A table as text for a page of 100 columns, without colours."""
    console = Console(width=100, color_system=None, file=io.StringIO())
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().strip("\n").splitlines())


FEW = 2  # figures of a claim in a table of Markdown; its page shows all


def markdown_claims(results: Iterable[Result]) -> str:
    """The table of claims beside their results: a few figures of each, published ones before others.

    Below each verdict stands what the last replay of its result came to.
    """
    head = ("claim", "verdict", "measured", "parts and seeds", "experiment")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for result in results:
        figures, more = _few(result)
        cells = [
            _cell(result.claim.title or result.claim.sentence),
            f"{_cell(result.verdict.word)}<br>{result.standing()}",
            "<br>".join(figures) + more,
            tally(result),
            f"[{result.experiment}]({result.name})",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def markdown_pictures(shown: Iterable[tuple[Result, str]]) -> str:
    """The table of chosen claims for the README, each with a picture: its path from there."""
    lines = ["| what was tested | what came out |", "|---|---|"]
    for result, picture in shown:
        title = _cell(result.claim.title or result.claim.sentence)
        figures, _ = _few(result)
        verdict = f"{_cell(result.verdict.word)} ({result.scale} scale, {tally(result)})"
        said = "<br>".join([f"**{verdict}**", *figures, f"`wavetrain run {result.experiment}`"])
        about = f"**{title}**<br>{_cell(result.claim.sentence).removesuffix('.')}."
        lines.append(f'| {about} | <img src="{picture}" alt="{title}" width="380"><br>{said} |')
    return "\n".join(lines) + "\n"


def _few(result: Result) -> tuple[list[str], str]:
    """A few measured figures as cells, and how many more there are."""
    measured = sum(bool(row.measured) for row in rows(result))
    figures = [
        _cell(f"{row.named.whole}: {row.median}{_aside(row)}")
        + ("" if row.published is None else _cell(f"; published {number(row.published)}"))
        for row in leading(result, FEW)
    ]
    return figures, f" and {measured - FEW} more" if measured > FEW else ""


def _figures(result: Result) -> Table:
    """All figures of a result; the widths are fixed, so that those of all results stand below each other."""
    grid = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), expand=True, header_style="dim")
    grid.add_column("figure", ratio=1)
    grid.add_column("published", width=14, justify="right", overflow="fold")
    grid.add_column("measured", width=12, justify="right", overflow="fold")
    for row in rows(result):
        name = Text(row.named.says).append(f" ({row.named.unit})" if row.named.unit else "", "dim")
        grid.add_row(name, Text(number(row.published, "–")), Text(f"{row.median}\n{row.lost}".strip()))
    return grid


def _aside(row: Row) -> str:
    aside = ", ".join(part for part in (row.span, row.lost) if part)
    return f" ({aside})" if aside else ""


def _verdict(result: Result) -> Text:
    word = result.verdict.word
    text = Text(f"{SIGNS.get(word, '○')} {word}", COLOURS.get(word, ""))
    seconds = duration(sum(result.seconds))
    lines = f"\n{tally(result)}\n{result.scale}, {seconds}\n{today.standing(result)}"
    return text.append(lines, "default not bold")


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {number(one)}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _cell(text: str) -> str:
    """Text that stays in its cell, and stays text."""
    return " ".join(re.sub(r"([\\`*<>|\[\]])", r"\\\1", text).split())
