"""A moving picture of channels at their places: one frame a moment, one range of colours for all of them."""

import io
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from PIL import Image

from wavetrain.errors import BadInput
from wavetrain.report.colours import phases
from wavetrain.report.draw import STYLE

FRAMES = 60  # at most
PAUSE = 80  # milliseconds of a frame


def moving(
    path: Path, phase: np.ndarray, positions: np.ndarray, times: np.ndarray, *, title: str, unit: str = ""
) -> Path:
    """Write a GIF of phases (moments, channels) in radians, from -pi to pi, at positions (channels, 2 or 3).

    Channels whose phase is not known at a moment are grey then. Places in space are seen from above.
    """
    if phase.ndim != 2 or len(positions) != phase.shape[1] or len(times) != len(phase) or not len(phase):
        raise BadInput(
            f"moving picture: expected phases (moments, channels) with positions and times, got "
            f"{phase.shape}, {positions.shape} and {times.shape}"
        )
    norm, colours = phases()
    shown = [
        _frame(phase[at], positions, times[at], norm, colours, title, unit)
        for at in range(min(FRAMES, len(phase)))
    ]
    new = path.with_name(path.name + ".new")
    shown[0].save(new, format="GIF", save_all=True, append_images=shown[1:], duration=PAUSE, loop=0)
    new.replace(path)
    return path


def _frame(
    phase: np.ndarray,
    positions: np.ndarray,
    time: float,
    norm: Normalize,
    colours: Colormap,
    title: str,
    unit: str,
) -> Image.Image:
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(4.2, 4.0), dpi=80, layout="constrained")
        axes = figure.add_subplot(aspect="equal")
        values = np.ma.masked_invalid(phase)
        marks = axes.scatter(
            positions[:, 0], positions[:, 1], c=values, norm=norm, cmap=colours, s=90, plotnonfinite=True
        )
        axes.set_title(f"{title}\n{time:.3f} s", fontsize=11, loc="left")
        axes.set_xlabel(f"x, to the right{f' ({unit})' * bool(unit)}")
        axes.set_ylabel(f"y, to the front{f' ({unit})' * bool(unit)}")
        figure.colorbar(marks, ax=axes, shrink=0.8, label="phase (rad)")
        content = io.BytesIO()
        figure.savefig(content, format="png")
    content.seek(0)
    return Image.open(content).convert("P", palette=Image.Palette.ADAPTIVE)
