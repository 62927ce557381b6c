"""A moving picture of channels at their places: one frame a moment, one range of colours for all of them.

It is a GIF, which every page shows, and an MP4 beside it where `ffmpeg` is found: smaller, and it can be
stopped.
"""

import base64
import subprocess
from pathlib import Path
from typing import NamedTuple

import matplotlib.style
import numpy as np
from matplotlib.animation import FFMpegWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from wavetrain.errors import BadInput
from wavetrain.report.colours import phases
from wavetrain.report.draw import STYLE

ALT = "The phase of each channel at its place, moving in time"
FRAMES = 60  # at most
PAUSE = 80  # milliseconds of a frame
COLOURS = 192  # of a GIF, the same for all frames, so that what stands still is written once
SIZE, DOTS = (4.2, 4.0), 80  # inches, and dots an inch: even numbers of pixels, as MP4 wants


class Film(NamedTuple):
    """The files of a moving picture. A notebook shows the GIF, as the last value of a cell."""

    gif: Path
    video: Path | None  # MP4
    why: str = ""  # why there is no MP4

    def _repr_html_(self) -> str:
        inside = base64.b64encode(self.gif.read_bytes()).decode()
        return f'<img alt="{ALT}" src="data:image/gif;base64,{inside}">'


def moving(
    path: Path, phase: np.ndarray, positions: np.ndarray, times: np.ndarray, *, title: str, unit: str = ""
) -> Film:
    """Write phases (moments, channels) in radians, from -pi to pi, at positions (channels, 2 or 3).

    `path` is that of the GIF. Channels whose phase is not known at a moment are grey then. Places in space
    are seen from above.
    """
    if phase.ndim != 2 or len(positions) != phase.shape[1] or len(times) != len(phase) or not len(phase):
        raise BadInput(
            f"moving picture: expected phases (moments, channels) with positions and times, got "
            f"{phase.shape}, {positions.shape} and {times.shape}"
        )
    with matplotlib.style.context(["default", STYLE]):
        scene = _Scene(phase[:FRAMES], positions, times, title, unit)
        images = [scene.frame(at) for at in range(scene.count)]
        colours = images[0].quantize(COLOURS)  # the colour bar is in it: so are all colours
        frames = [image.quantize(palette=colours, dither=Image.Dither.NONE) for image in images]
        new = path.with_name(path.name + ".new")
        frames[0].save(new, format="GIF", save_all=True, append_images=frames[1:], duration=PAUSE, loop=0)
        new.replace(path)
        video = path.with_suffix(".mp4")
        why = _video(video, scene)
    if why:
        video.unlink(missing_ok=True)  # of an earlier look
    return Film(path, None if why else video, why)


class _Scene:
    """Channels at their places, whose colours change from frame to frame."""

    def __init__(self, phase: np.ndarray, positions: np.ndarray, times: np.ndarray, title: str, unit: str):
        self.phase, self.times, self.title, self.count = phase, times, title, len(phase)
        norm, colours = phases()
        self.figure = Figure(figsize=SIZE, dpi=DOTS, layout="constrained")
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_subplot(aspect="equal")
        self.marks = self.axes.scatter(
            positions[:, 0],
            positions[:, 1],
            c=np.ma.masked_invalid(phase[0]),
            norm=norm,
            cmap=colours,
            s=90,
            plotnonfinite=True,
        )
        self.axes.set_xlabel(f"x, to the right{f' ({unit})' * bool(unit)}")
        self.axes.set_ylabel(f"y, to the front{f' ({unit})' * bool(unit)}")
        self.figure.colorbar(self.marks, ax=self.axes, shrink=0.8, label="phase (rad)")
        self.words = self.axes.set_title("", fontsize=11, loc="left")
        self.put(0)
        self.canvas.draw()
        self.figure.set_layout_engine("none")  # nothing changes from frame to frame but colours and title
        self.changing = (self.marks, self.words)
        for one in self.changing:
            one.set_animated(True)
        self.canvas.draw()
        self.still = self.canvas.copy_from_bbox(self.figure.bbox)  # all the rest, which is drawn once

    def put(self, at: int) -> None:
        """Show a moment."""
        self.marks.set_array(np.ma.masked_invalid(self.phase[at]))
        self.words.set_text(f"{self.title}\n{self.times[at]:.3f} s")

    def frame(self, at: int) -> Image.Image:
        """A moment as an image."""
        self.put(at)
        self.canvas.restore_region(self.still)
        for one in self.changing:
            self.axes.draw_artist(one)
        return Image.fromarray(np.asarray(self.canvas.buffer_rgba())).convert("RGB")


def _video(path: Path, scene: _Scene) -> str:
    """Write an MP4; returns why there is none."""
    if not FFMpegWriter.isAvailable():
        return "ffmpeg is not on the path"
    new = path.with_name(f"{path.stem}.new.mp4")
    writer = FFMpegWriter(fps=round(1000 / PAUSE), metadata={"title": scene.title})
    try:
        with writer.saving(scene.figure, str(new), DOTS):
            for at in range(scene.count):
                scene.put(at)
                writer.grab_frame()
        new.replace(path)
    except (subprocess.CalledProcessError, OSError) as error:  # such as one without an encoder for MP4
        new.unlink(missing_ok=True)
        return f"ffmpeg could not write one ({type(error).__name__})"
    return ""
