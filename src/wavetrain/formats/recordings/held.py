"""Recordings in memory: arrays and objects of pandas, xarray, MNE and neo are taken as they are."""

from typing import Any

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.formats.recordings import raw
from wavetrain.formats.recordings.arrays import recording_of
from wavetrain.parts.recording import Recording


def held(given: Any, rate: float | None, positions: Any, name: str = "") -> Recording:
    """A recording of an object; `rate` and `positions` where it does not say them."""
    placed = None if positions is None else np.asarray(positions, dtype=np.float64)
    home = type(given).__module__.partition(".")[0]
    if isinstance(given, Recording):
        return given
    if home == "mne":
        return raw.taken(given)
    if home == "neo":
        return _of_neo(given, name)
    if home == "xarray":
        return _of_xarray(given, rate, placed)
    if home == "pandas":
        return _of_frame(given, rate, placed)
    if hasattr(given, "detach"):
        given = given.detach().cpu().numpy()
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise BadInput(f"expected a recording, got {type(given).__name__}: {error}") from error
    return recording_of({"signal": array}, "the array", rate=rate, positions=placed)


def _of_frame(frame: Any, rate: float | None, positions: np.ndarray | None) -> Recording:
    """A frame with a column for each channel; an index of times or of seconds gives the rate."""
    frame = frame.to_frame() if frame.ndim == 1 else frame
    arrays = {"signal": frame.to_numpy(dtype=np.float64), "channel": np.array([str(name) for name in frame])}
    index = frame.index
    if index.dtype.kind == "M":
        arrays["time"] = (index - index[0]).total_seconds().to_numpy()
    elif index.dtype.kind == "m":
        arrays["time"] = index.total_seconds().to_numpy()
    elif index.dtype.kind == "f":
        arrays["time"] = index.to_numpy()
    return recording_of(arrays, "the frame", rate=rate, positions=positions)


def _of_xarray(array: Any, rate: float | None, positions: np.ndarray | None) -> Recording:
    """An array whose dimension `time` has coordinates in seconds or as moments; the other is channels."""
    if "time" not in array.dims or array.ndim != 2:
        raise BadInput(f"expected dimensions time and another one, got {', '.join(map(str, array.dims))}")
    other = next(name for name in array.dims if name != "time")
    array = array.transpose("time", other)
    arrays = {"signal": np.asarray(array.values, dtype=np.float64)}
    if "time" in array.coords:
        times = array["time"].values
        moments = times.dtype.kind in "Mm"
        arrays["time"] = (times - times[0]) / np.timedelta64(1, "s") if moments else times.astype(np.float64)
    if other in array.coords:
        arrays["channel"] = array[other].values.astype(str)
    arrays["unit"] = np.array(str(array.attrs.get("units", "")))
    told = rate if rate is not None or "time" in arrays else array.attrs.get("rate", array.attrs.get("fs"))
    return recording_of(arrays, "the array", rate=told, positions=positions)


def _of_neo(given: Any, name: str) -> Recording:
    """An analog signal of neo, in volts where it measures a potential; its own units and start are kept."""
    if hasattr(given, "segments"):
        given = _one(given.segments, "segment", "")
    if hasattr(given, "analogsignals"):
        given = _one(given.analogsignals, "analog signal", name)
    try:
        signal, unit = given.rescale("V"), "V"
    except ValueError:  # it measures something else
        signal, unit = given, str(given.dimensionality)
    annotations = getattr(given, "array_annotations", {})
    names = annotations.get("channel_names", annotations.get("channel_ids", range(signal.shape[1])))
    values = np.asarray(signal.magnitude, dtype=np.float64)
    rate = float(given.sampling_rate.rescale("Hz").magnitude)
    return Recording(
        signal=values,
        rate=rate,
        channels=tuple(map(str, names)),
        unit=unit,
        start=float(given.t_start.rescale("s").magnitude),
        said=(
            f"{values.shape[1]} channels, {len(values):,} samples at {rate:g} Hz",
            "no positions of channels",
        ),
    )


def _one(some: Any, what: str, name: str) -> Any:
    found = [one for one in some if not name or one.name == name]
    if len(found) != 1:
        names = ", ".join(str(one.name) for one in some) or "none"
        raise BadInput(f"expected one {what}, got {names}; hand over the one that is meant")
    return found[0]
