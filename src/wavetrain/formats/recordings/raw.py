"""Recordings that MNE reads or holds: EDF, BDF and FIF files, `Raw` and `Epochs` objects.

MNE keeps potentials in volts. What it gets wrong in silence is looked after here: a unit that it cannot read
and takes for volts, records of EDF+D with gaps between them, and joins over which nothing may be filtered.
"""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.formats.recordings.edf_header import EdfHeader, edf_header
from wavetrain.parts.recording import VOLTS, Recording, laid_out

if TYPE_CHECKING:
    import mne

KINDS = ("eeg", "meg", "seeg", "ecog", "dbs", "fnirs")  # what a wave is looked for in
UNITS = {"eeg": "V", "seeg": "V", "ecog": "V", "dbs": "V", "mag": "T", "grad": "T/m", "ref_meg": "T"}


def read_raw(path: Path) -> Recording:
    """An EDF, BDF or FIF file; needs the extra `neuro`."""
    try:
        import mne
    except ImportError as error:
        raise BadInput(f"{path.name} is read by MNE: pip install 'wavetrain[neuro]'") from error
    opened = {".edf": mne.io.read_raw_edf, ".bdf": mne.io.read_raw_bdf, ".fif": mne.io.read_raw_fif}
    suffix = path.suffix.lower()
    header = None if suffix == ".fif" else edf_header(path)
    try:
        raw = opened[suffix](path, preload=True, verbose="ERROR")
    except Exception as error:  # readers raise almost anything for a damaged file
        raise BadInput(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    found = taken(raw)
    if header is None:
        return found
    odd = [label for label, unit in header.units.items() if unit not in VOLTS]
    if odd:
        many = f"{', '.join(odd[:4])}{' and more' * (len(odd) > 4)}"
        found = replace(found, unit="", said=(*found.said, f"unit unknown: that of {many} is none of volts"))
    return found if header.onsets is None else _apart(found, header, path)


def taken(given: Any) -> Recording:
    """What an object of MNE holds: `Raw`, or `Epochs` one after another with NaN between them."""
    return _of_epochs(given) if hasattr(given, "events") and hasattr(given, "tmin") else _of_raw(given)


def _of_raw(raw: "mne.io.BaseRaw") -> Recording:
    """A continuous recording, with NaN where it was joined and where nothing was recorded."""
    names, kinds = _channels(raw)
    rate = float(raw.info["sfreq"])
    signal = raw.get_data(picks=names).T.astype(np.float64)
    begin = float(raw.first_time) if raw.annotations.orig_time is not None else 0.0
    joins, events = 0, []
    for onset, seconds, name in zip(
        raw.annotations.onset - begin, raw.annotations.duration, raw.annotations.description, strict=True
    ):
        first = round(onset * rate)
        if name.startswith("EDGE"):
            signal[first : first + 1] = np.nan
            joins += 1
        elif name.startswith("BAD_ACQ_SKIP"):
            signal[first : first + round(seconds * rate)] = np.nan
        elif name != "BAD boundary":
            events.append((float(onset), str(name)))
    said = [
        f"{len(names)} channels ({', '.join(sorted(set(kinds)))}) at {rate:g} Hz, {len(signal):,} samples"
    ]
    if joins:
        said.append(f"{joins} joins, each with one sample left out, so that nothing runs across")
    positions, placed = _positions(raw, names)
    return Recording(
        signal=signal,
        rate=rate,
        channels=tuple(names),
        positions=positions,
        unit=UNITS.get(kinds[0], "") if len(set(kinds)) == 1 else "",
        length="m" if positions is not None else "",
        events=tuple(events),
        said=(*said, placed),
    )


def _of_epochs(epochs: "mne.BaseEpochs") -> Recording:
    """Epochs (n, C, T) on one clock, a sample of NaN between them; MNE counts both ends of an epoch."""
    names, kinds = _channels(epochs)
    rate = float(epochs.info["sfreq"])
    cut = epochs.get_data(picks=names).astype(np.float64)
    many, _, steps = cut.shape
    whole = np.full((many, steps + 1, len(names)), np.nan)
    whole[:, :steps] = cut.transpose(0, 2, 1)
    positions, placed = _positions(epochs, names)
    return Recording(
        signal=whole.reshape(-1, len(names))[:-1],
        rate=rate,
        channels=tuple(names),
        positions=positions,
        unit=UNITS.get(kinds[0], "") if len(set(kinds)) == 1 else "",
        length="m" if positions is not None else "",
        said=(
            f"{many} epochs of {steps} samples, both ends counted, from {epochs.times[0]:g} to "
            f"{epochs.times[-1]:g} s at {rate:g} Hz, laid one after another with a gap of one sample",
            placed,
        ),
    )


def _channels(given: Any) -> tuple[list[str], list[str]]:
    """Names and kinds of the channels that measure a brain; without any, of all that are no markers."""
    kinds = dict(zip(given.ch_names, given.get_channel_types(), strict=True))
    meg = {"mag", "grad"}
    names = [name for name, kind in kinds.items() if kind in KINDS or kind in meg]
    names = names or [name for name, kind in kinds.items() if kind not in ("stim", "syst", "exci")]
    if not names:
        raise BadInput("recording: expected a channel of EEG, MEG or a field potential, got none")
    return names, [kinds[name] for name in names]


def _positions(given: Any, names: list[str]) -> tuple[np.ndarray | None, str]:
    """Where channels are, by name, in MNE's head frame: x to the right, y to the front, metres."""
    at = {one["ch_name"]: np.array(one["loc"][:3], dtype=float) for one in given.info["chs"]}
    found = np.stack([at[name] for name in names])
    known = np.isfinite(found).all(1) & found.any(1)
    if not known.any():
        return None, "no positions of channels"
    found[~known] = np.nan
    missing = f"; {int((~known).sum())} channels have none" if not known.all() else ""
    return found, f"positions in the head frame (x to the right, y to the front, m){missing}"


def _apart(found: Recording, header: EdfHeader, path: Path) -> Recording:
    """A recording whose records were strung together, each brought back to its own time."""
    import mne

    assert header.onsets is not None
    each = round(header.seconds * found.rate)
    apart = np.flatnonzero(np.abs(np.diff(header.onsets) - header.seconds) > 0.5 / found.rate) + 1
    bounds = [0, *apart.tolist(), len(header.onsets)]
    pieces = [found.signal[a * each : b * each] for a, b in itertools.pairwise(bounds)]
    starts = [float(header.onsets[at]) for at in bounds[:-1]]
    gaps = [f"{header.onsets[at - 1] + header.seconds:g} to {header.onsets[at]:g} s" for at in apart]
    told = mne.read_annotations(path)
    said = [f"nothing was recorded from {', '.join(gaps[:3])}{' and more' * (len(gaps) > 3)}"] if gaps else []
    return replace(
        found,
        signal=laid_out(pieces, starts, found.rate),
        start=starts[0],
        events=tuple((float(at), str(name)) for at, name in zip(told.onset, told.description, strict=True)),
        said=(*found.said, *said),
    )
