"""Rules on files learned one after another: the table of what each keeps, and its page."""

import shutil
from pathlib import Path

from wavetrain.evidence.in_turn import InTurn, Kept
from wavetrain.report.catalogue import shown
from wavetrain.report.pages import HERE, templates


def kept_columns(result: InTurn) -> dict[str, list[str]]:
    """Columns of cells by heading, a row for each rule, best first; two to hold them against at the end.

    >>> from wavetrain.evidence.in_turn import InTurn, Kept
    >>> one = Kept(rule="backpropagation", after=((0.9, 0.5), (0.6, 0.8)), average=0.7, spread=0.01,
    ...            learned=0.85, forgetting=0.3, backward=-0.3, anytime=0.8)
    >>> result = InTurn(files=("a", "b"), said=(), scenario="", chance=0.5, layer="gru", width=8,
    ...                 parameters=100, rate=0.01, terms={}, rules=(one,), frozen=one, at_once=0.9,
    ...                 picture="", environment={}, folder="")
    >>> kept_columns(result)["forgot-\\nten"]
    ['0.300', '0.300', '']
    """
    rows = [(one.rule.replace("_", " "), one) for one in result.rules]
    rows.append(("frozen after file 1 †", result.frozen))
    columns = {
        "rule": [name for name, _ in rows] + ["all files at once †"],
        "in the\nend": [_spread(one) for _, one in rows] + [_number(result.at_once)],
        "at own\nend": [_number(one.learned) for _, one in rows] + [""],
        "forgot-\nten": [_number(one.forgetting) for _, one in rows] + [""],
    }
    for place in range(len(result.files)):
        columns[f"file\n{place + 1}"] = [_number(one.after[-1][place]) for _, one in rows] + [""]
    return columns


def write_page(result: InTurn, folder: Path) -> Path:
    """Write `index.html` beside the result."""
    for name in ("site.css", "site.js"):
        shutil.copyfile(HERE / name, folder / name)
    resolved = folder.resolve()
    words = {
        "root": "",
        "home": "",
        "alone": True,
        "one": result,
        "columns": kept_columns(result),
        "picture": shown(resolved, folder.name, result.picture),
    }
    page = folder / "index.html"
    text = templates().get_template("in_turn.html.j2").render(words)
    page.write_text(text, encoding="utf-8", errors="replace")
    return page


def _number(value: float | None) -> str:
    return "diverged" if value is None else f"{value:.3f}"


def _spread(one: Kept) -> str:
    around = "" if one.spread is None else f" ± {one.spread:.3f}"
    return _number(one.average) + around
