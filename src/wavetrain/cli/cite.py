"""The command `cite`: how to cite what a member rests on."""

from wavetrain import find
from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name

console = terminal.Terminal()


def cite(name: Name, json: Json = False) -> None:
    """The BibTeX entry of what a system or a lens rests on."""
    from wavetrain.report.bibtex import bibtex

    found = find.named(name, find.CITED)
    if json:
        terminal.print_json({"name": name, **found.facts, "bibtex": bibtex(found)})
    else:
        console.print(bibtex(found), soft_wrap=True)
