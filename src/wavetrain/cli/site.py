"""The command `site`: results, comparisons and tables of speed as pages."""

from pathlib import Path

from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json

console = terminal.Terminal()
RESULTS = Path("results")  # where `run` is told to write committed results


def site(
    results: Path | None = None, runs: Path = Path("runs"), out: Path = Path("site"), json: Json = False
) -> None:
    """Build the static report pages from a folder of results, from comparisons and from tables of speed.

    Args:
        results: folder of the results; `results`, or where there is none, that of the runs
        runs: folder of the runs, in which `wavetrain compare` and `wavetrain bench` left what they found
        out: folder of the pages
    """
    from wavetrain.evidence import speed
    from wavetrain.report import pages
    from wavetrain.report.comparisons import found

    home = results or (RESULTS if RESULTS.is_dir() else runs / "results")
    page = pages.build(home, out, compared=found(runs), speeds=speed.found(runs))
    if json:
        terminal.print_json({"page": str(page)})
    else:
        console.print(f"report: {page}", soft_wrap=True)
