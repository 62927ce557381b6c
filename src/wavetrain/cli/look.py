"""The command `look`: a recording, or a layer, through the lenses that apply."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name
from wavetrain.errors import BadInput

if TYPE_CHECKING:
    from wavetrain.run.look import Look

console = terminal.Terminal()


def look(
    target: Name,
    lens: tuple[str, ...] = (),
    rate: float | None = None,
    positions: str = "",
    band: tuple[float, ...] = (),
    channels: tuple[str, ...] = (),
    between: tuple[float, ...] = (),
    name: str = "",
    out: Path | None = None,
    json: Json = False,
) -> None:
    """Look at a recording or a layer through the lenses that apply.

    Args:
        target: a recording (.npz, .npy, .csv, .edf, .bdf, .fif, .nwb), a layer by its name from
            `wavetrain list layers`, or mine.py:MyLayer
        lens: lenses by name, from `wavetrain list lenses`; all that apply where none is named
        rate: samples per second, where the file does not say it
        positions: a file (.npy, .csv) with a row x, y or x, y, z for each channel, where the
            recording has none
        band: two frequencies in Hz, for lenses that look at one rhythm
        channels: some channels by name
        between: two times in seconds; the part between them is looked at
        name: one of several arrays or series in the file
        out: a folder for the page, pictures, figures and arrays; runs/look/TARGET where none is named
    """
    import wavetrain.run.look as lenses
    from wavetrain.run.look_kept import keep
    from wavetrain.run.shown import numbers

    for flag, given in (("--band", band), ("--between", between)):
        if len(given) not in (0, 2):
            raise BadInput(f"expected two numbers for {flag}, got {len(given)}")
    found = lenses.look(
        _target(target),
        lenses=lens,
        rate=rate,
        positions=_places(positions) if positions else None,
        band=(band[0], band[1]) if band else None,
        channels=channels,
        between=(between[0], between[1]) if between else None,
        name=name,
    )
    page = keep(found, out or Path("runs/look") / Path(target.replace(":", "-")).stem)
    if json:
        told = {one.lens: numbers(one.found) for one in found.applied}
        left = {one.lens: one.why for one in found.seen if one.found is None}
        terminal.print_json(
            {"target": found.target, "said": found.said, "lenses": told, "left out": left, "page": str(page)}
        )
        return
    _say(found)
    console.print(f"page: {page}", soft_wrap=True)


def _target(words: str) -> Any:
    """A path, or a layer where no file is called so."""
    if Path(words).exists() or ("." in words and ":" not in words):
        return words
    from wavetrain import find

    return find.named(words, ("layers",)).load()(8)


def _places(words: str) -> Any:
    """Positions (channels, 2 or 3) of a file."""
    import numpy as np

    path = Path(words)
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, allow_pickle=False)
        text = path.read_text(encoding="utf-8").splitlines()
        return np.array([[float(cell) for cell in row.split(",")] for row in text if row.strip()])
    except ValueError as error:
        raise BadInput(f"{path.name}: expected rows of two or three numbers ({error})") from error


def _say(found: "Look") -> None:
    from wavetrain.report.tables import columns_table
    from wavetrain.run.shown import figures

    for line in found.said:
        console.print(line, soft_wrap=True)
    for one in found.applied:
        rows = figures(one.found)
        console.print(f"\n{one.lens}: {one.title} ({one.seconds:.1f} s)", soft_wrap=True)
        console.print(
            columns_table(
                {
                    "figure": [row.name for row in rows],
                    "value": [row.value for row in rows],
                    "what it is": [row.about for row in rows],
                }
            )
        )
    left = [one for one in found.seen if one.found is None]
    if left:
        console.print("\nlenses that do not apply:")
    for one in left:
        console.print(f"  {one.lens}: {one.why}", soft_wrap=True)
