"""Writes the generated part of the README: the table of claims, from results/."""

from pathlib import Path

from wavetrain.evidence.result import read_all
from wavetrain.report.tables import markdown_claims

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- claims: written by `make readme` from results/ -->\n", "<!-- end of claims -->"


def renewed(text: str) -> str:
    """The README with its table of claims made anew."""
    before, rest = text.split(START)
    _, after = rest.split(END)
    return before + START + markdown_claims(read_all(ROOT / "results")) + END + after


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(renewed(readme.read_text(encoding="utf-8")), encoding="utf-8")
