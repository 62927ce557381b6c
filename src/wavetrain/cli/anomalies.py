"""The command `anomalies`: unusual rows of series of one's own, with the plain rule beside them."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name
from wavetrain.errors import BadInput

if TYPE_CHECKING:
    from wavetrain.estimators.watch import Seen, Watch
    from wavetrain.tables.panel import Panel

console = terminal.Terminal()
SHOWN = 10  # events in the table
LAYER, RATE = "gru", 0.01  # where none is named


def anomalies(
    data: Name,
    target: tuple[str, ...] = (),
    time: tuple[str, ...] = (),
    id: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    labels: str = "",
    layer: str = "",
    rate: float | None = None,
    learn: float = 0.5,
    context: int | None = None,
    width: int = 32,
    depth: int = 2,
    steps: int = 300,
    seed: int = 0,
    out: Path | None = None,
    picture: Path | None = None,
    model: Path | None = None,
    json: Json = False,
) -> None:
    """Find unusual rows: score and likelihood of each, alarms at a rate, and a plain rule beside them.

    Args:
        data: a table (CSV, TSV, Parquet, Excel, JSON, NPZ, NPY, gz of them), or - for standard input
        target: columns to watch; all columns of numbers where none is named
        time: the column of times, found where it is not named; or one of days and one of clocks
        id: the column that tells the series apart, found where it is not named
        missing: what else says that nothing was measured, such as -999
        labels: a column that is 1 where a row is known to be unusual; it is scored by, never learned from
        layer: a name from `wavetrain list layers`, mine.py:MyLayer, temporal_memory, last_value,
            seasonal_naive or ridge; gru where none is named
        rate: the share of usual rows that may have an alarm; 0.01 where none is given
        learn: the share of the rows of each series, the first ones, that is learned from
        context: rows that a forecast begins with; two seasons and at least 32 where it is not given
        width: of the layers
        depth: layers in the stack
        steps: of training
        seed: of the random numbers
        out: a CSV of all rows: value, expected, score, likelihood, p-value, alarm
        picture: a PNG; an SVG is written beside it. Beside the CSV, or anomalies.png, where none is named
        model: a folder; what it keeps is taken up, and all rows are new; where it keeps nothing it is written
    """
    from wavetrain.estimators import AnomalyDetector
    from wavetrain.estimators._kept_files import DETECTOR
    from wavetrain.estimators.watch import Watch, check_share, labelled
    from wavetrain.report.draw import draw

    shown = _places(out, picture)
    detector = AnomalyDetector(
        layer or LAYER,
        rate=RATE if rate is None else rate,
        context=context,
        width=width,
        depth=depth,
        steps=steps,
        random_state=seed,
    )
    detector.check()
    check_share(learn)
    if model is not None:
        terminal.folder(model)
    asked = {"time": list(time), "id": list(id), "missing": list(missing)}
    kept = None
    if model is not None and (model / DETECTOR).exists():
        kept = Watch.load(model)
        _check_same(kept, layer, target, rate)
        asked = {role: names or kept.model.asked_.get(role, []) for role, names in asked.items()}
    panel = _read(data, target if kept is None else kept.model.targets_, asked, labels)
    panel, truth = labelled(panel, labels) if labels else (panel, None)
    if not json:
        _understood(panel, labels)
    watch = kept or Watch.learn(panel, detector, share=learn)
    if model is not None and kept is None:
        watch.model.asked_ = asked
        watch.save(model)
    seen = watch.look(panel)
    if out is not None:
        _write(out, seen)
    draw(seen.picture("standard input" if data == "-" else Path(data).name), shown)
    scores = [] if truth is None else seen.scores(truth)
    if json:
        terminal.print_json(_told(seen, watch, panel, out, shown) | {"labels": scores})
        return
    _say(seen, watch.model.rate)
    for line in (seen.verdict(), *scores, f"picture: {shown}"):
        console.print(line, soft_wrap=True)
    for what, place in (("all rows", out), ("model", model)):
        if place is not None:
            console.print(f"{what}: {place}", soft_wrap=True)


def _understood(panel: "Panel", labels: str) -> None:
    """What the file was taken for; its words are those of a forecast."""
    for line in panel.said:
        told = line.replace(f"; known ahead {labels}", f"; labels {labels}") if labels else line
        console.print("watch " + told.removeprefix("forecast ") if told.startswith("forecast ") else told)


def _places(out: Path | None, picture: Path | None) -> Path:
    """Where the picture goes; raises before hours of work where something cannot be written."""
    shown = picture or (Path("anomalies.png") if out is None else out.with_suffix(".png"))
    for path in (out, shown):
        if path is not None and not path.absolute().parent.is_dir():
            raise BadInput(f"{path} cannot be written: there is no folder {path.parent}")
    if shown.suffix.lower() != ".png":
        raise BadInput(f"expected a picture that ends in .png, got {str(shown)!r}")
    return shown


def _check_same(kept: "Watch", layer: str, target: tuple[str, ...], rate: float | None) -> None:
    """Raise where a kept detector is asked to be another one."""
    for name, asked, is_ in (
        ("layer", layer, kept.layer),
        ("target", target, kept.model.targets_),
        ("rate", rate, kept.model.rate),
    ):
        if asked and asked != is_:
            told = " ".join(is_) if isinstance(is_, tuple) else is_
            raise BadInput(
                f"the folder keeps a detector with --{name} {told}; leave it out, or name another folder"
            )


def _read(data: str, target: tuple[str, ...], asked: dict[str, list[str]], labels: str) -> "Panel":
    from wavetrain.tables.read import read

    return read(
        data,
        target=target,
        time=asked["time"] or None,
        id=asked["id"] or None,
        missing=asked["missing"],
        known=[labels] * bool(labels),
    )


def _say(seen: "Seen", rate: float) -> None:
    from wavetrain.report.tables import columns_table

    learned, calibrated = int(seen.learned.sum()), int(seen.calibrated.sum())
    if learned:
        console.print(f"learned from the first {learned:,} rows, of which the last {calibrated:,} calibrate")
    alarms, new = seen.alarms(seen.found), int((~seen.learned).sum())
    events = seen.table()
    many = f"{len(events)} event{'s' * (len(events) != 1)}"
    console.print(
        f"{seen.layer}: {alarms:,} alarms in {new:,} new rows, in {many}; "
        f"{100 * rate:g} % of usual rows may have one",
        soft_wrap=True,
    )
    if not events:
        return
    shown = events[:SHOWN]
    several = len({one["series"] for one in events}) > 1
    named = ["series"] * several + ["time"] + ["column"] * (len(seen.found.columns) > 1)
    figures = {name: [f"{one[name]:.5g}" for one in shown] for name in ("value", "expected")}
    console.print(
        columns_table(
            {
                **{name: [str(one[name]) for one in shown] for name in named},
                **figures,
                "score": [f"{one['score']:.3g}" for one in shown],
                "likelihood": [f"{one['likelihood']:.4f}" for one in shown],
                "alarms": [str(one["alarms"]) for one in shown],
                "plain": [f"{one['plain']} of {len(seen.plain)}" for one in shown],
            }
        )
    )
    if len(events) > SHOWN:
        console.print(f"and {len(events) - SHOWN} more events")
    rules = seen.rules()
    console.print(
        columns_table(
            {
                "": [str(one["name"]) for one in rules],
                "of these events": [f"{one['events']:,}" for one in rules],
                "alarms": [f"{one['alarms']:,}" for one in rules],
                "usual error": [f"{one['error']:.4g}" for one in rules],
            }
        )
    )


def _told(seen: "Seen", watch: "Watch", panel: "Panel", out: Path | None, shown: Path) -> dict[str, Any]:
    return {
        "data": list(panel.said),
        "layer": seen.layer,
        "rate": watch.model.rate,
        "threshold": watch.model.threshold_,
        "learned from": int(seen.learned.sum()),
        "new rows": int((~seen.learned).sum()),
        "alarms": seen.alarms(seen.found),
        "events": seen.table(),
        "rules": seen.rules(),
        "verdict": seen.verdict(),
        "out": None if out is None else str(out),
        "picture": str(shown),
    }


def _write(path: Path, seen: "Seen") -> None:
    """All rows as a CSV, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(seen.rows())
    new = path.with_name(path.name + ".new")
    new.write_text(text.getvalue(), encoding="utf-8")
    new.replace(path)
