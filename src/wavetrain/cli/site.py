"""The command `site`: results as pages."""

from pathlib import Path

from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json

console = terminal.Terminal()


def site(results: Path = Path("results"), out: Path = Path("site"), json: Json = False) -> None:
    """Build the static report pages from a folder of results.

    Args:
        results: folder of the results
        out: folder of the pages
    """
    from wavetrain.report import pages

    page = pages.build(results, out)
    if json:
        terminal.print_json({"page": str(page)})
    else:
        console.print(f"report: {page}", soft_wrap=True)
