"""A recording from whatever it is kept in: a file by its ending, or an object."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.formats.recordings import arrays
from wavetrain.formats.recordings.held import held
from wavetrain.formats.recordings.nwb import read_nwb
from wavetrain.formats.recordings.raw import read_raw
from wavetrain.parts.recording import VOLTS, Recording

ENDINGS = (".npz", ".npy", ".csv", ".tsv", ".csv.gz", ".tsv.gz", ".edf", ".bdf", ".fif", ".nwb")
LARGE, SMALL = 1e-2, 1e-7  # volts between which the median of a potential lies


def read_recording(
    source: Any, *, rate: float | None = None, positions: Any = None, name: str = ""
) -> Recording:
    """A recording (time, channels) with its rate, positions, unit and events.

    `source` is a path, an array, or an object of pandas, xarray, MNE or neo. `rate` (samples per second) and
    `positions` (channels, 2 or 3) are asked for where the source does not say them; `name` picks one of
    several arrays or series. Raises BadInput for what cannot be read.

    >>> from wavetrain.formats.recordings import read_recording
    >>> found = read_recording(np.zeros((4, 1000)), rate=250)
    >>> found.signal.shape, found.seconds, found.said[0]
    ((1000, 4), 4.0, 'signal: 4 channels, 1,000 samples, time along the longer axis of (4, 1000) at 250 Hz')
    """
    if rate is not None and not (np.isfinite(rate) and rate > 0):
        raise BadInput(f"expected a rate above 0 samples per second, got {rate}")
    if not isinstance(source, str | Path):
        return _plausible(held(source, rate, positions, name))
    path = Path(source)
    ending = next((one for one in ENDINGS if path.name.lower().endswith(one)), "")
    if not ending:
        raise BadInput(f"{path.name}: expected a recording that ends in {', '.join(ENDINGS)}")
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    placed = None if positions is None else np.asarray(positions, dtype=np.float64)
    if ending == ".npz":
        found = arrays.read_npz(path, name, rate, placed)
    elif ending == ".npy":
        found = arrays.read_npy(path, rate, placed)
    elif ending == ".nwb":
        found = read_nwb(path, name, rate)
    elif ending in (".edf", ".bdf", ".fif"):
        found = read_raw(path)
    else:
        found = arrays.read_table(path, rate, placed)
    return _plausible(found)


def _plausible(found: Recording) -> Recording:
    """With a word on potentials of a size that no brain makes."""
    if found.unit not in VOLTS:
        return found
    size = np.abs(found.signal[np.isfinite(found.signal)]) * VOLTS[found.unit]
    middle = float(np.median(size)) if size.size else 0.0
    if middle == 0 or SMALL <= middle <= LARGE:
        return found
    told = f"doubtful unit: half of all samples are above {middle * 1e6:.3g} µV"
    return replace(found, said=(*found.said, told))
