"""The command `list`: what there is, one line each."""

from typing import Any

import tyro

from wavetrain import find
from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json

console = terminal.Terminal()


def list_(words: tyro.conf.Positional[tuple[str, ...]] = (), json: Json = False) -> None:
    """What there is, one line each: systems, tasks, data, lenses, experiments.

    Args:
        words: kinds (layers, tasks ...), tags (wave, gate ...), or a file of one's own; all by default
    """
    found = find.select(*(word for word in words if word != "all"))
    if json:
        terminal.print_json([_listed(one) for one in found])
        return
    from rich.text import Text

    from wavetrain.report.tables import listing_table

    for place, kind in enumerate(kind for kind in find.KINDS if any(one.kind == kind for one in found)):
        of = [one for one in found if one.kind == kind]
        console.print(Text(f"{chr(10) if place else ''}{kind} ({len(of)})", "bold"))
        console.print(listing_table(of))


def _listed(one: find.Found) -> dict[str, Any]:
    return {"kind": one.kind, "name": one.name, "tags": sorted(one.tags), "summary": one.summary}
