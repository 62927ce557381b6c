"""The command `look`: a recording, a layer or a model, through the lenses that apply."""

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
    data: str | None = None,
    beside: str | None = None,
    part: str = "",
    rate: float | None = None,
    positions: str = "",
    band: tuple[float, ...] = (),
    channels: tuple[str, ...] = (),
    between: tuple[float, ...] = (),
    name: str = "",
    out: Path | None = None,
    json: Json = False,
) -> None:
    """Look at a recording, a layer or a model through the lenses that apply.

    Args:
        target: a recording (.npz, .npy, .csv, .edf, .bdf, .fif, .nwb), the folder of a run or of a model that
            `fit` or `compare` kept, a layer by its name from `wavetrain list layers`, or mine.py:MyLayer
        lens: lenses by name, from `wavetrain list lenses`; all that apply where none is named
        data: a file whose rows drive a model or a layer; without it a layer is driven by noise
        beside: a recording that goes through the same lenses and stands beside the target
        part: one layer of a model, by its name in it, such as layers.0
        rate: samples per second, where the file does not say it
        positions: a file (.npy, .csv) with a row x, y or x, y, z for each channel, where the
            recording has none
        band: two frequencies in Hz, for lenses that look at one rhythm
        channels: some channels by name
        between: two times in seconds; the part between them is looked at
        name: one of several arrays or series in the file, or one of several trainings of a run
        out: a folder for the page, pictures, figures and arrays; runs/look/TARGET where none is named
    """
    import wavetrain.run.look as lenses
    from wavetrain.run.look_kept import keep, told

    for flag, given in (("--band", band), ("--between", between)):
        if len(given) not in (0, 2):
            raise BadInput(f"expected two numbers for {flag}, got {len(given)}")
    found = lenses.look(
        _target(target, data),
        lenses=lens,
        data=data,
        beside=beside,
        part=part,
        rate=rate,
        positions=_places(positions) if positions else None,
        band=(band[0], band[1]) if band else None,
        channels=channels,
        between=(between[0], between[1]) if between else None,
        name=name,
    )
    page = keep(found, out or Path("runs/look") / Path(target.replace(":", "-")).stem)
    if json:
        whole = {"target": found.target, "said": found.said, **_plain(told(found))}
        if found.beside is not None:
            other = found.beside
            whole["beside"] = {"target": other.target, "said": other.said, **_plain(told(other))}
        terminal.print_json({**whole, "page": str(page)})
        return
    _say(found)
    if any(page.parent.glob("*-moving*.gif")) and not any(page.parent.glob("*-moving*.mp4")):
        console.print("moving pictures are GIF alone: ffmpeg, which writes MP4, is not on the path")
    console.print(f"page: {page}", soft_wrap=True)


def _target(words: str, data: str | None) -> Any:
    """A path, or a layer where no file is called so: with as many inputs as the data have channels."""
    if Path(words).exists() or ("." in words and ":" not in words):
        return words
    from wavetrain import find

    layer = find.named(words, ("layers",)).load()
    if data is None:
        return layer(8)
    from wavetrain.formats.recordings import read_recording

    return layer(8, inputs=read_recording(data, rate=1.0).signal.shape[1])


def _plain(lenses: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures by lens, and why others have none."""
    return {
        "lenses": {one["lens"]: one["figures"] for one in lenses if "figures" in one},
        "left out": {one["lens"]: one["why"] for one in lenses if "why" in one},
    }


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
    from wavetrain.run.look_kept import paired, table

    other = found.beside
    for look in (found, *([] if other is None else [other])):
        for line in look.said:
            console.print(f"{look.target}: {line}" if other is not None else line, soft_wrap=True)
    rows = table(found)
    for one, two in paired(found):
        mine = [row for row in rows if row.lens == one.lens]
        if not mine:
            continue
        seconds = one.seconds + (0.0 if two is None else two.seconds)
        console.print(f"\n{one.lens}: {one.title} ({seconds:.1f} s)", soft_wrap=True)
        columns = {"figure": [row.name for row in mine]}
        if other is None:
            columns["value"] = [row.value for row in mine]
        else:
            columns[found.target] = [row.value for row in mine]
            columns[f"beside: {other.target}"] = [row.beside for row in mine]
        console.print(columns_table({**columns, "what it is": [row.about for row in mine]}))
    left = {one.lens: one.why for one, _ in paired(found) if not any(row.lens == one.lens for row in rows)}
    if left:
        console.print("\nlenses that do not apply:")
    for lens, why in left.items():
        console.print(f"  {lens}: {why}", soft_wrap=True)
