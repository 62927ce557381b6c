"""Draws pictures: from the data in `picture` to PNG and SVG files.

One figure is 6.4 x 4 inches at 150 dots an inch and is read at the width of a phone. Lines and groups differ
by colour and by stroke or marker; the colours are those of Okabe and Ito, which colour-blind readers tell
apart. A quantity of one sign goes from light (small) to dark (large); one of both signs diverges from white
at 0. A map has a colour bar that says what its colours are. The same picture always gives the same bytes.
An SVG lies beside each PNG, for large screens and for print. A PNG carries the picture's title and a sentence
that describes it, which the site uses as its caption and alternative text.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from wavetrain.errors import BadInput
from wavetrain.evidence import picture
from wavetrain.evidence.picture import Alarms, Curve, Field, Maps, Matrix, Paths, Picture, Points, Raster
from wavetrain.report.alarms import alarms
from wavetrain.report.colours import phases, scale
from wavetrain.report.panels import panels
from wavetrain.report.words import spelled

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#8C4A84", "#C98A00", "#56B4E9", "#3C3C3C")
STROKES = ("-", (0, (5, 1.6)), (0, (1.2, 1.4)), (0, (6, 1.6, 1.2, 1.6)))
MARKERS = "os^DvPX"
LETTERS = (34, 28, 22, 16)  # in a line of a vertical label: the most that does not reach into the title
STYLE = {
    "font.size": 12,
    "figure.titlesize": 13,
    "figure.constrained_layout.w_pad": 0.1,  # inches
    "figure.constrained_layout.h_pad": 0.07,
    "axes.labelcolor": "#333333",
    "axes.edgecolor": "#8a8a8a",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "xtick.color": "#8a8a8a",
    "ytick.color": "#8a8a8a",
    "xtick.labelcolor": "#333333",
    "ytick.labelcolor": "#333333",
    "legend.frameon": False,
    "legend.fontsize": 11.5,
    "legend.handlelength": 2.2,
    "text.parse_math": False,  # a dollar is a dollar
    "svg.hashsalt": "wavetrain",  # the same bytes each time
    "svg.fonttype": "path",
}


class _Few(LogFormatter):
    """Says only some of the ticks between powers of ten, each as a number is written."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def draw(one: Picture, path: Path) -> None:
    """Draw a picture as a PNG at `path` and an SVG beside it; BadInput where its arrays do not fit.

    Each file is written whole or not at all.
    """
    _check(one)
    if path.suffix.lower() != ".png":
        raise BadInput(f"expected a picture that ends in .png, got {str(path)!r}")
    if not path.parent.is_dir():
        raise BadInput(f"a picture cannot be written to {path}: there is no folder {path.parent}")
    with matplotlib.style.context(["default", STYLE]):
        size, letters = ((5.2, 4.6), 40) if isinstance(one, Matrix) else ((6.4, 4.0), 52)
        figure = Figure(figsize=size, dpi=150, layout="constrained")
        title = textwrap.wrap(one.title, letters)
        figure.suptitle("\n".join(title), x=0.1 / figure.get_figwidth(), ha="left")
        if not isinstance(one, Maps | Paths | Alarms):
            axes = figure.add_subplot()
            axes.set_xlabel(one.xlabel)
        match one:
            case Curve():
                _curve(one, figure, axes)
            case Field() | Matrix():
                _heat(one, figure, axes)
            case Maps() | Paths():
                panels(one, figure, COLOURS)
            case Raster():
                _raster(one, axes)
            case Points():
                _points(one, figure, axes)
            case Alarms():
                alarms(one, figure, COLOURS)
        _lay_out(figure, one)
        figure.set_layout_engine("none")  # once for both files
        new = path.with_name(path.name + ".new")
        words = {"Title": one.title, "Description": describe(one), "Software": None}  # no version, no date
        figure.savefig(new, format="png", metadata=words)
        vector = path.with_suffix(".svg.new")
        figure.savefig(vector, format="svg", metadata={"Title": one.title, "Creator": None, "Date": None})
    new.replace(path)
    vector.replace(path.with_suffix(".svg"))


def draw_all(folder: Path, names: Mapping[str, str] | None = None, seeds: Sequence[Path] = ()) -> list[Path]:
    """Draw every NAME.npz of a folder as NAME.png beside it; the paths of the PNGs, sorted.

    With `names`, the words of a claim, labels that are keys are spelled out: `identity100` and `lstm`. What
    lies by the same name in the folders of further `seeds` is drawn with it, where it belongs there.
    """
    drawn = []
    for path in sorted(folder.glob("*.npz")):
        others = [other / path.name for other in seeds]
        one = picture.together([_loaded(each) for each in (path, *others) if each.exists()])
        if names is not None and isinstance(one, Curve | Points | Maps | Paths):
            one = replace(one, labels=tuple(spelled(label, names) for label in one.labels))
        draw(one, path.with_suffix(".png"))
        drawn.append(path.with_suffix(".png"))
    return drawn


def _loaded(path: Path) -> Picture:
    try:
        return picture.load(path)
    except Exception as error:  # a damaged archive raises almost anything
        raise BadInput(f"{path} must be a picture that `picture.save` wrote, got {error!r}") from error


def _lay_out(figure: Figure, one: Picture) -> None:
    """Place all parts; a vertical label that reaches above its axes, into the title, gets shorter lines."""
    figure.draw_without_rendering()
    if isinstance(one, Maps | Paths | Alarms) or not one.ylabel:
        return
    axes = figure.axes[0]
    for letters in LETTERS:
        axes.set_ylabel("\n".join(_even(one.ylabel, letters)))
        figure.draw_without_rendering()
        if axes.yaxis.label.get_window_extent().y1 <= axes.get_window_extent().y1 + 2:
            return


def _even(text: str, letters: int) -> list[str]:
    """As few lines as fit into so many letters, and none much shorter than the others."""
    lines = textwrap.wrap(text, letters)
    while letters > 1 and len(textwrap.wrap(text, letters - 1)) == len(lines):
        letters -= 1
    return textwrap.wrap(text, letters)


def describe(one: Picture) -> str:
    """One sentence for those who do not see the picture."""
    match one:
        case Curve():
            what = f"{one.ylabel or 'value'} over {one.xlabel or 'x'}{', logarithmic' if one.log else ''}"
            lines = f"Lines of {what}: {', '.join(one.labels)}."
            return (
                lines if one.each is None else f"{lines} Thick, means of {len(one.each)} seeds; thin, each."
            )
        case Field() | Matrix():
            rows, columns = one.values.shape
            seen = one.values[np.isfinite(one.values)]
            values = f"values from {seen.min():.3g} to {seen.max():.3g}" if seen.size else "no values"
            what = f"{one.ylabel} (down, {rows}) by {one.xlabel} (across, {columns})"
            return f"Heat map of {one.label}: {what}, {values}."
        case Maps():
            count, rows, columns = one.values.shape
            names = ", ".join(one.labels)
            means = f" Means of {one.mean} seeds." if one.mean > 1 else ""
            return f"{count} maps of {one.label}, {rows} by {columns} each: {names}.{means}"
        case Raster():
            return f"Raster of {len(one.time)} events of {len(np.unique(one.unit))} units over {one.xlabel}."
        case Points():
            groups = f" in groups: {', '.join(one.labels)}" if one.labels else ""
            return f"{len(one.x)} points of {one.ylabel or 'y'} against {one.xlabel or 'x'}{groups}."
        case Paths():
            drawn = f"{len(one.lines)} panels of {len(one.wanted)} lines in blue, their ends in orange"
            return f"{drawn}, over those that were wanted in grey: {', '.join(one.labels)}."
        case Alarms():
            rows = (
                f"{len(one.x)} rows of {one.ylabel} over {one.xlabel}, {int(one.alarm.sum())} with an alarm"
            )
            return f"{rows}; below, {one.label}, with a threshold of {one.threshold:.3g}."


def _check(one: Picture) -> None:
    match one:
        case Curve(x=x, lines=lines, labels=labels):
            fits = lines.shape == (len(labels), len(x))
            fits = fits and (one.each is None or one.each.shape[1:] == lines.shape)
            what = f"lines {lines.shape}, {len(labels)} labels, x {x.shape}"
        case Field(values=values) | Matrix(values=values):
            fits, what = values.ndim == 2 and values.size > 0, f"values {values.shape}"
        case Maps(values=values, labels=labels, columns=columns):
            fits = values.ndim == 3 and values.size > 0 and len(labels) == len(values) and columns > 0
            what = f"values {values.shape}, {len(labels)} labels, {columns} columns"
        case Raster(time=time, unit=unit):
            fits, what = time.shape == unit.shape and time.ndim == 1, f"time {time.shape}, unit {unit.shape}"
        case Points(x=x, y=y, group=group, labels=labels):
            fits = x.shape == y.shape == group.shape == (x.size,)
            fits = fits and (not x.size or 0 <= group.min() <= group.max() < len(labels))
            what = f"x {x.shape}, y {y.shape}, group {group.shape}, {len(labels)} labels"
        case Paths(lines=lines, labels=labels, wanted=wanted, columns=columns):
            fits = lines.ndim == 4 and lines.size > 0 and lines.shape[1:] == wanted.shape
            fits = fits and wanted.shape[-1] == 2 and len(labels) == len(lines) and columns > 0
            what = f"lines {lines.shape}, wanted {wanted.shape}, {len(labels)} labels, {columns} columns"
        case Alarms(x=x):
            parts = one.x, one.value, one.expected, one.unusual, one.alarm
            fits = x.size > 0 and all(part.shape == (x.size,) for part in parts) and one.alarm.dtype == bool
            what = f"x {x.shape}, {', '.join(str(part.shape) for part in parts[1:])}"
    if not fits:
        raise BadInput(f"picture {one.title!r}: arrays that fit together are expected, got {what}")


def _curve(one: Curve, figure: Figure, axes: Axes) -> None:
    lines = np.where(np.isfinite(one.lines), one.lines, np.nan).astype(float)  # (L, K)
    for index, (line, label) in enumerate(zip(lines, one.labels, strict=True)):
        stroke = STROKES[(index % len(COLOURS) + index // len(COLOURS)) % len(STROKES)]
        (drawn,) = axes.plot(one.x, line, color=_colour(index), linestyle=stroke, linewidth=1.7, label=label)
        if np.isfinite(line).sum() <= 12:
            drawn.set(marker="o", markersize=4)
        for own in () if one.each is None else one.each[:, index]:
            there = np.isfinite(own)
            axes.plot(one.x[there], own[there], color=_colour(index), linewidth=0.8, alpha=0.4, zorder=1.5)
    if one.log and (lines > 0).any():
        axes.set_yscale("log", nonpositive="mask")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(_Few())
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.margins(x=0.02)
    _legend(figure, one.labels)
    if not np.isfinite(lines).any():
        _say_empty(axes)


def _heat(one: Field | Matrix, figure: Figure, axes: Axes) -> None:
    values = np.ma.masked_invalid(one.values.astype(float))
    cyclic = isinstance(one, Field) and one.cyclic
    norm, colours = phases() if cyclic else scale(values)
    extent = one.extent if isinstance(one, Field) else None
    image = axes.imshow(values, norm=norm, cmap=colours, extent=extent)
    axes.set_aspect("equal" if isinstance(one, Matrix) else "auto")
    axes.spines[:].set_visible(False)
    axes.locator_params(integer=extent is None, nbins=6, min_n_ticks=1)
    bar = figure.colorbar(image, ax=axes, shrink=0.9, aspect=28, pad=0.02, label=one.label)
    bar.outline.set_visible(False)
    if values.count() == 0:
        _say_empty(axes)


def _raster(one: Raster, axes: Axes) -> None:
    units = int(np.ptp(one.unit)) + 1 if one.unit.size else 1
    height = min(8.0, max(1.4, 200 / units))  # points; the axes are some 230 points high
    axes.plot(one.time, one.unit, "|", color=COLOURS[0], markersize=height, markeredgewidth=0.9)
    axes.margins(x=0.01, y=0.03)
    axes.locator_params(axis="y", integer=True)
    if not one.time.size:
        _say_empty(axes)


def _points(one: Points, figure: Figure, axes: Axes) -> None:
    area = 34.0 if len(one.x) <= 200 else 12.0 if len(one.x) <= 2000 else 4.0
    for index, label in enumerate(one.labels):
        chosen = one.group == index
        marks = axes.scatter(
            one.x[chosen], one.y[chosen], area, marker=MARKERS[index % len(MARKERS)], label=label
        )
        marks.set_rasterized(len(one.x) > 2000)  # an SVG of that many marks would be slow to show
        marks.set(color=_colour(index), alpha=0.75, linewidth=0)
    axes.grid(color="#ececec", linewidth=0.7)
    axes.set_axisbelow(True)
    _legend(figure, one.labels)
    if not one.x.size:
        _say_empty(axes)


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _legend(figure: Figure, labels: tuple[str, ...]) -> None:
    """Below the axes, in as many columns as fit; the figure grows where there are many rows."""
    shown = [label for label in labels if label and label[0] != "_"]  # matplotlib hides the others
    if shown:
        columns = max(1, min(len(shown), 72 // (max(map(len, shown)) + 9)))
        rows = -(-len(shown) // columns)
        figure.set_figheight(figure.get_figheight() + 0.24 * max(0, rows - 2))
        figure.legend(loc="outside lower left", ncols=columns)


def _say_empty(axes: Axes) -> None:
    axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center", color="#777777")
