"""The page of a comparison on data of one's own, in its folder, which opens without a server."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from wavetrain.errors import BadInput
from wavetrain.evidence.comparison import Record, read_record
from wavetrain.report.catalogue import Shown, shown
from wavetrain.report.pages import HERE, templates
from wavetrain.report.tables import comparison, costs, scores

ORDER = ("forecast", "residuals", "steps", "cost")


class Compared(NamedTuple):
    """A comparison as its page shows it."""

    record: Record
    folder: Path
    pictures: list[Shown]
    operators: list[Shown]

    @property
    def title(self) -> str:
        """What was compared."""
        many = len(self.record.figures)
        return (
            f"{self.record.data.name}: {many} {self.record.rivals}{'s' * (many != 1)} and what they are worth"
        )

    @property
    def ranked(self) -> dict[str, list[str]]:
        """The table of scores."""
        return scores(self.record) if self.record.baselines else comparison(self.record)

    @property
    def costs(self) -> dict[str, list[str]]:
        """The table of costs, where it is another."""
        return costs(self.record) if self.record.baselines else {}

    def moved(self, place: str) -> "Compared":
        """With its pictures in a folder of a site."""
        pictures, operators = (
            [
                replace(one, path=f"{place}/{one.path}", vector=one.vector and f"{place}/{one.vector}")
                for one in few
            ]
            for few in (self.pictures, self.operators)
        )
        return self._replace(pictures=pictures, operators=operators)

    @property
    def forecasts(self) -> list[str]:
        """The tables of forecasts, in CSV and in JSON."""
        found = (self.folder / "forecasts").glob("*")
        return sorted(path.name for path in found if path.suffix in (".csv", ".json"))


def compared(record: Record, folder: Path) -> Compared:
    """A comparison with its pictures."""
    folder = folder.resolve()
    drawn = [record.drawn[name] for name in ORDER if name in record.drawn]
    return Compared(
        record,
        folder,
        [shown(folder, folder.name, path) for path in drawn],
        [shown(folder, folder.name, path) for path in record.pictures.values()],
    )


def write_page(record: Record, folder: Path) -> Path:
    """Write `index.html` beside the result."""
    for name in ("site.css", "site.js"):
        shutil.copyfile(HERE / name, folder / name)
    page = folder / "index.html"
    words = {"root": "", "home": "", "one": compared(record, folder), "alone": True}
    text = templates().get_template("comparison.html.j2").render(words)
    page.write_text(text, encoding="utf-8", errors="replace")
    return page


def found(runs: Path) -> Sequence[Compared]:
    """The comparisons that are over in a folder of runs, by name; damaged ones are left out."""
    all_of = []
    for path in sorted(runs.glob("compare-*/result.json")):
        try:
            all_of.append(compared(read_record(path), path.parent))
        except BadInput:
            continue
    return all_of
