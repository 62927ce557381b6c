"""Recordings for the lenses: field potentials of hippocampus, EEG, and a songbird's cells with its song.

They are no tasks: nothing is to be learned of them. All lie in the data folder as other recordings do.
"""

from typing import NamedTuple

import numpy as np

from wavetrain.data import _files
from wavetrain.errors import unknown
from wavetrain.parts.recording import Recording

LFP = _files.File(
    "hippocampus_lfp.npz",
    "cefab6b05a5fa8b7607548e524af32ab0002c8919540984b83e14e97c03a1631",
    "bycycle-tools/bycycle",
)
EEG = _files.File(
    "eeg_motor_imagery.npz",
    "385c81ad087e511f04cb18c3834bf586536afd3a5a26b92a0d914e60d134b6f4",
    "Quixotte/bci_practical_heyni_boorn_janssen",
)
SONGBIRD = _files.File(
    "songbird_hvc.npz",
    "c92f20f97aa7515e920f3fc61a7b809f84c2cfa656e8d279205b11037d107dd2",
    "FeeLab/seqNMF",
)
RUNS = {"open": "run01", "closed": "run02"}  # eyes


class Sung(NamedTuple):
    """Cells of a singing bird, and its song on the same clock."""

    cells: Recording
    song: Recording  # a channel for each frequency of the spectrogram


def hippocampus_lfp() -> Recording:
    """A minute of a rat's CA1 and layer 3 of entorhinal cortex, mV, 1250 Hz."""
    found = _files.arrays(*LFP.where())
    signal = np.stack([found["ca1"], found["ec3"]], 1).astype(np.float64)
    return Recording(signal=signal, rate=float(found["rate"]), channels=("CA1", "EC3"), unit="mV")


def resting_eeg(eyes: str) -> Recording:
    """A minute of one person's EEG, 64 channels on the unit sphere, 160 Hz; eyes `open` or `closed`."""
    if eyes not in RUNS:
        raise unknown("state of the eyes", eyes, tuple(RUNS))
    found = _files.arrays(*EEG.where())
    return Recording(
        signal=found[RUNS[eyes]].T * float(found["microvolt_per_count"]),
        rate=float(found["rate"]),
        channels=tuple(map(str, found["channel"])),
        positions=found["position"].astype(np.float64),
        unit="µV",
    )


def songbird_hvc() -> Sung:
    """22 s of 75 cells in HVC of a zebra finch, calcium at 30 Hz, with its song at 200 Hz."""
    found = _files.arrays(*SONGBIRD.where())
    cells, song = (
        Recording(
            signal=found[name].T.astype(np.float64),
            rate=float(found[f"{name}_rate"]),
            channels=tuple(f"{one} {number}" for number in range(len(found[name]))),
        )
        for name, one in (("calcium", "cell"), ("song", "bin"))
    )
    return Sung(cells, song)
