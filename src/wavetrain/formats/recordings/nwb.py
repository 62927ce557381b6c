"""Recordings of NWB files: an `ElectricalSeries` or another `TimeSeries` of channels, by pynwb.

Stored numbers become the series' own unit by `data * channel_conversion * conversion + offset`, in float64,
and sample i was taken at `starting_time + i / rate`, or at its own timestamp. The series `units` is the table
of spikes, counted in bins.
"""

from pathlib import Path
from typing import Any

import numpy as np

from wavetrain.errors import BadInput, unknown
from wavetrain.parts import spikes
from wavetrain.parts.recording import Recording, laid_out, rate_of

SPIKES = "units"
UNITS = {"volts": "V", "volt": "V", "tesla": "T"}


def read_nwb(path: Path, name: str = "", rate: float | None = None) -> Recording:
    """The series `name` of an NWB file, or the only one; needs the extra `neuro`.

    With the name "units" it is the spikes of each unit, counted in bins, `rate` of them a second.
    """
    try:
        import pynwb
    except ImportError as error:
        raise BadInput(f"{path.name} is read by pynwb: pip install 'wavetrain[neuro]'") from error
    try:
        with pynwb.NWBHDF5IO(path, mode="r", load_namespaces=True) as file:
            held = file.read()
            if name == SPIKES:
                return _of_spikes(held, path, rate)
            series = {
                one.name: one
                for one in held.objects.values()
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


def _of_spikes(held: Any, path: Path, rate: float | None) -> Recording:
    """The table of units, over the time of the longest series in the file, or to the last spike."""
    if held.units is None or not len(held.units):
        raise BadInput(f"{path.name}: expected a table of units with spikes, got none")
    if rate is None:
        raise BadInput(f"{path.name}: expected a rate, in bins a second, that spikes are counted in")
    names = [str(one) for one in held.units.id[:]]
    trains = [np.asarray(held.units["spike_times"][at]) for at in range(len(names))]
    lengths = [_end(one) for one in held.acquisition.values() if hasattr(one, "starting_time")]
    known = max((one for one in lengths if one is not None), default=None)
    trains = spikes.checked(trains, names, seconds=known)
    last = max((float(one[-1]) for one in trains if len(one)), default=0.0)
    seconds = known if known is not None else last + 1 / rate
    found = spikes.counts(trains, rate=rate, start=0.0, seconds=seconds)
    total = int(found.sum())
    return Recording(
        signal=found,
        rate=rate,
        channels=tuple(names),
        unit="spikes",
        said=(f"{total:,} spikes of {len(names)} units, counted in {len(found):,} bins of {1 / rate:g} s",),
    )


def _end(series: Any) -> float | None:
    """When a series ends, in seconds."""
    if series.rate is None:
        return (
            float(series.timestamps[-1]) if series.timestamps is not None and len(series.timestamps) else None
        )
    return float(series.starting_time or 0.0) + len(series.data) / float(series.rate)
