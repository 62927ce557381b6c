"""Recordings of plain files: arrays of NumPy (.npy, .npz) and tables (.csv, .tsv, gz of them).

In a .npz the names say what is what: the signal is `signal`, `recording`, `data`, `eeg`, `lfp` or `activity`,
or the array that is named, or the only one that could be it; `rate`, `sampling_rate` or `fs` are samples per
second; `time` or `times` are seconds; `channel` or `channels` are names; `position` or `positions` belong to
the channels; `unit` is a text. Which axis is time follows from these, and otherwise the longer one is.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wavetrain.errors import BadInput, unknown
from wavetrain.parts.recording import Recording, laid_out, rate_of

SIGNAL = ("signal", "recording", "data", "eeg", "lfp", "activity")
RATE = ("rate", "sampling_rate", "fs", "sfreq")
TIME = ("time", "times", "timestamps", "t")
CHANNEL = ("channel", "channels", "ch_names")
POSITION = ("position", "positions")
SMALL = 3  # samples of a recording


def read_npy(path: Path, rate: float | None, positions: np.ndarray | None) -> Recording:
    """A lone array (time, channels) or (channels, time)."""
    try:
        found = np.load(path, allow_pickle=False)
    except Exception as error:  # numpy raises almost anything for a damaged file
        raise BadInput(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    return recording_of({"signal": found}, path.name, rate=rate, positions=positions)


def read_npz(path: Path, name: str, rate: float | None, positions: np.ndarray | None) -> Recording:
    """One array of several, with what the others say about it."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {key: file[key] for key in file.files}
    except Exception as error:  # zip, inflate and numpy have a dozen errors for damaged bytes
        raise BadInput(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    return recording_of(found, path.name, name=name, rate=rate, positions=positions)


def read_table(path: Path, rate: float | None, positions: np.ndarray | None) -> Recording:
    """A table of numbers with a row for each sample and a column for each channel, one of them the time."""
    import pandas as pd

    try:
        table = pd.read_csv(path, sep=None, engine="python", comment="#")
    except Exception as error:  # parsers raise almost anything
        raise BadInput(f"{path.name} cannot be read as a table: {' '.join(str(error).split())}") from error
    odd = [str(name) for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    if odd:
        raise BadInput(f"{path.name}: expected columns of numbers, got {', '.join(odd[:4])}")
    timed = [name for name in table if str(name).lower().split(" ")[0].rstrip("s") in ("time", "t", "second")]
    arrays = {"signal": table.drop(columns=timed[:1]).to_numpy(dtype=np.float64)}
    arrays["channel"] = np.array([str(name) for name in table if name not in timed[:1]])
    if timed:
        arrays["time"] = table[timed[0]].to_numpy(dtype=np.float64)
    return recording_of(arrays, path.name, rate=rate, positions=positions)


def recording_of(
    arrays: Mapping[str, np.ndarray],
    called: str,
    *,
    name: str = "",
    rate: float | None = None,
    positions: np.ndarray | None = None,
) -> Recording:
    """A recording of arrays by their names; `rate` and `positions` where the arrays do not say them."""
    key = _signal(arrays, called, name)
    signal = np.asarray(arrays[key])
    if signal.dtype.kind not in "fiub" or signal.ndim not in (1, 2) or not signal.size:
        raise BadInput(
            f"{called}: expected numbers (time, channels) or (time,), got {key} {signal.shape} of "
            f"{signal.dtype}"
        )
    times, names = _first(arrays, TIME), _first(arrays, CHANNEL)
    found = _first(arrays, POSITION) if positions is None else positions
    if positions is None and found is not None:
        few = min(signal.shape) if signal.ndim == 2 else 1
        found = found if found.shape in ((few, 2), (few, 3)) else None  # where an animal was
    signal = signal.astype(np.float64).reshape(len(signal), -1)
    turned, why = _turned(signal, times, names, found)
    signal = signal.T if turned else signal
    count = signal.shape[1]
    if len(signal) < SMALL:
        raise BadInput(f"{called}: expected {SMALL} samples or more, got {key} with {len(signal)}")
    start, said = 0.0, [f"{key}: {count} channels, {len(signal):,} samples{why}"]
    if times is not None and times.shape == signal.shape[:1]:
        times = times.astype(np.float64)
        rate, start = rate_of(times), float(times[0])
        cuts = np.flatnonzero(np.diff(times) > 1.5 / rate) + 1
        signal = laid_out(np.split(signal, cuts), [float(times[at]) for at in (0, *cuts)], rate)
        said += [f"{len(cuts)} gaps in {called}'s times"] * bool(len(cuts))
    if rate is None:
        told = _first(arrays, RATE)
        if told is None or told.size != 1:
            raise BadInput(
                f"{called}: expected a rate in samples per second, or a time for each sample; name the rate"
            )
        rate = float(told.reshape(-1)[0])
    if found is not None and found.shape not in ((count, 2), (count, 3)):
        if positions is not None:
            raise BadInput(
                f"expected positions ({count}, 2) or ({count}, 3) of the channels, got {found.shape}"
            )
        found = None  # those of something else
    channels = list(map(str, range(count))) if names is None else _texts(names)
    unit = _first(arrays, ("unit",))
    return Recording(
        signal=signal,
        rate=rate,
        channels=tuple(channels if len(channels) == count else map(str, range(count))),
        positions=None if found is None else found.astype(np.float64),
        unit=_texts(unit)[0] if unit is not None and unit.dtype.kind in "US" and unit.size == 1 else "",
        start=start,
        said=(
            f"{said[0]} at {rate:g} Hz",
            *said[1:],
            "no positions of channels"
            if found is None
            else "positions of the channels, in the frame of the file",
        ),
    )


def _signal(arrays: Mapping[str, np.ndarray], called: str, name: str) -> str:
    """The name of the array that is the signal."""
    if name:
        if name not in arrays:
            raise unknown("array", name, arrays)
        return name
    usual = [key for key in SIGNAL if key in arrays]
    told = {*RATE, *TIME, *CHANNEL, *POSITION}
    some = usual[:1] or [
        key
        for key, one in arrays.items()
        if key not in told and one.ndim in (1, 2) and one.dtype.kind in "fiu" and max(one.shape) >= 100
    ]
    if len(some) != 1:
        found = ", ".join(f"{key} {one.shape}" for key, one in arrays.items()) or "none"
        raise BadInput(f"{called}: expected one array that is the signal, or its name, got {found}")
    return some[0]


def _first(arrays: Mapping[str, np.ndarray], names: Sequence[str]) -> np.ndarray | None:
    return next((np.asarray(arrays[name]) for name in names if name in arrays), None)


def _texts(array: np.ndarray) -> list[str]:
    """What an array says, also where it is of bytes."""
    return [str(one) for one in array.astype(str).reshape(-1)]


def _turned(
    signal: np.ndarray, times: np.ndarray | None, names: np.ndarray | None, positions: np.ndarray | None
) -> tuple[bool, str]:
    """Whether channels come first, and how that is known."""
    down, across = signal.shape
    if down == across:
        return False, ""
    for told, axis in ((times, 0), (names, 1), (positions, 1)):
        if told is not None and len(told) in (down, across):
            return len(told) != signal.shape[axis], ""
    return across > down, f", time along the longer axis of {signal.shape}" if min(down, across) > 1 else ""
