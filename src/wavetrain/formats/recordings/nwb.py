"""Recordings of NWB files: an `ElectricalSeries` or another `TimeSeries` of channels, by pynwb.

Stored numbers become the series' own unit by `data * channel_conversion * conversion + offset`, in float64,
and sample i was taken at `starting_time + i / rate`, or at its own timestamp.
"""

from pathlib import Path
from typing import Any

import numpy as np

from wavetrain.errors import BadInput, unknown
from wavetrain.parts.recording import Recording, laid_out, rate_of

UNITS = {"volts": "V", "volt": "V", "tesla": "T"}


def read_nwb(path: Path, name: str = "") -> Recording:
    """The series `name` of an NWB file, or the only one; needs the extra `neuro`."""
    try:
        import pynwb
    except ImportError as error:
        raise BadInput(f"{path.name} is read by pynwb: pip install 'wavetrain[neuro]'") from error
    try:
        with pynwb.NWBHDF5IO(path, mode="r", load_namespaces=True) as file:
            series = {
                one.name: one
                for one in file.read().objects.values()
                if isinstance(one, pynwb.TimeSeries) and np.issubdtype(one.data.dtype, np.number)
            }
            return _of(_chosen(series, name, path), path)
    except BadInput:
        raise
    except Exception as error:  # HDF5 and the schema raise almost anything for a damaged file
        raise BadInput(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error


def _chosen(series: dict[str, Any], name: str, path: Path) -> Any:
    if name and name not in series:
        raise unknown("series", name, series)
    electrical = {called: one for called, one in series.items() if hasattr(one, "electrodes")}
    some = electrical or series
    if not name and len(some) != 1:
        found = ", ".join(sorted(some)) or "none"
        raise BadInput(f"{path.name}: expected one series, or the name of one, got {found}")
    return series[name] if name else next(iter(some.values()))


def _of(series: Any, path: Path) -> Recording:
    stored = np.asarray(series.data)
    signal = stored.reshape(len(stored), -1).astype(np.float64)
    each = getattr(series, "channel_conversion", None)
    if each is not None:
        signal = signal * np.asarray(each, dtype=np.float64)
    signal = signal * float(series.conversion) + float(series.offset)
    said = [f"series {series.name}: {signal.shape[1]} channels, {len(signal):,} samples"]
    if series.rate is not None:
        rate, start = float(series.rate), float(series.starting_time or 0.0)
    else:
        times = np.asarray(series.timestamps, dtype=np.float64)
        rate, start = rate_of(times), float(times[0])
        cuts = np.flatnonzero(np.diff(times) > 1.5 / rate) + 1
        signal = laid_out(np.split(signal, cuts), [float(times[at]) for at in (0, *cuts)], rate)
        if len(cuts):
            said.append(f"{len(cuts)} gaps in its timestamps")
    unit = UNITS.get(str(series.unit), "" if str(series.unit) in ("unknown", "n/a", "") else str(series.unit))
    names, positions, placed = _electrodes(series, signal.shape[1])
    return Recording(
        signal=signal,
        rate=rate,
        channels=names,
        positions=positions,
        unit=unit,
        start=start,
        said=(f"{said[0]} at {rate:g} Hz", *said[1:], placed),
    )


def _electrodes(series: Any, count: int) -> tuple[tuple[str, ...], np.ndarray | None, str]:
    """Names and positions of the channels, by the rows of the electrodes' table that the series points at."""
    plain = tuple(str(channel) for channel in range(count))
    if not hasattr(series, "electrodes"):
        return plain, None, "no positions of channels"
    table = series.electrodes.to_dataframe()
    names = next((tuple(map(str, table[key])) for key in ("channel_name", "label") if key in table), ())
    names = names if len(set(names)) == count else tuple(str(row) for row in table.index)
    for axes in (("rel_x", "rel_y", "rel_z"), ("rel_x", "rel_y"), ("x", "y", "z"), ("x", "y")):
        if all(axis in table for axis in axes):
            found = table[list(axes)].to_numpy(dtype=float)
            if np.isfinite(found).all(1).any():
                frame = "along the probe" if axes[0] == "rel_x" else "in the file's own frame"
                return names, found, f"positions {', '.join(axes)}, {frame}, their unit unknown"
    return names, None, "no positions of channels"
