"""The clips of Speech Commands that are at hand, and in which part each speaker is."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from wavetrain.data import _files

FILE = _files.File(
    "speech_commands.npz",
    "32e60f28514be9ab6e6b144ee327593203ef5c5aa589b30cc61e676c0ef0c25b",
    "thegtagamer/PICO-tinyML-benchmark",
)
HELD_OUT = 0.15  # share of the clips in the validation part, and in the test part
RATE = 16_000  # samples a second


class Clips(NamedTuple):
    """Clips of a second, and what is said in each."""

    sound: Float[np.ndarray, "clips samples"]  # in [-1, 1)
    label: Int[np.ndarray, "clips"]
    words: tuple[str, ...]  # that labels stand for
    part: Int[np.ndarray, "clips"]  # 0 to train, 1 to choose by, 2 to report


def clips() -> Clips:
    """All clips. Raises BadInput where the recording is not there."""
    arrays = _files.arrays(*FILE.where())
    speaker = np.array([name.partition("_")[0] for name in arrays["name"]])
    return Clips(
        arrays["audio"].astype(np.float64) / 2**15,
        arrays["label"].astype(np.int64),
        tuple(str(word) for word in arrays["words"]),
        parts(speaker),
    )


def parts(speaker: np.ndarray) -> np.ndarray:
    """For the speaker of each clip (N,) the part it is in: 0 to train, 1 to choose by, 2 to report."""
    names, clips = np.unique(speaker, return_counts=True)
    part = np.zeros(len(names), dtype=np.int64)
    order = iter(np.random.default_rng(0).permutation(len(names)))
    for place in (2, 1):
        while clips[part == place].sum() < HELD_OUT * len(speaker):
            part[next(order)] = place
    return part[np.searchsorted(names, speaker)]
