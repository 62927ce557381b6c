"""The look of pages and of the tour's pictures: the colours of the result pages, in Sphinx's theme."""

import sys
from typing import Any

import matplotlib

from wavetrain.report.draw import COLOURS, STYLE

SERIF = "Charter, 'Bitstream Charter', 'Iowan Old Style', 'Palatino Linotype', Palatino, Georgia, serif"
LIGHT = {
    "font-stack--headings": SERIF,
    "color-brand-primary": "#17597c",
    "color-brand-content": "#17597c",
    "color-brand-visited": "#5b4a86",
    "color-background-primary": "#fcfbf8",
    "color-background-secondary": "#f4f2ec",
    "color-foreground-muted": "#5d666b",
}
DARK = {
    "color-brand-primary": "#86c6d6",
    "color-brand-content": "#86c6d6",
    "color-brand-visited": "#c3b3ea",
    "color-background-primary": "#13181b",
    "color-background-secondary": "#1c2327",
    "color-foreground-muted": "#a3adb0",
}


def begin(gallery: dict[str, Any], file: str | None) -> None:
    """Before each page that is run: the style of all pictures, and nothing that an earlier page has set."""
    if "accelerate" in sys.modules:  # a process has one precision, unless it is told to forget it
        sys.modules["accelerate"].state.AcceleratorState._reset_state(reset_partial_state=True)
    matplotlib.rcParams.update(STYLE)
    matplotlib.rcParams["axes.prop_cycle"] = matplotlib.cycler(color=COLOURS)
    matplotlib.rcParams["figure.figsize"] = (6.4, 3.8)
    matplotlib.rcParams["image.interpolation"] = "nearest"
    matplotlib.rcParams["image.aspect"] = "auto"
    matplotlib.rcParams["text.parse_math"] = True  # powers of ten at an axis
