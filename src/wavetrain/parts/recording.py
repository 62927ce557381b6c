"""A recording: channels over time, with what has to be known to read a number off them.

Samples lie `1 / rate` seconds apart, and sample i is at `start + i / rate`. NaN is where nothing was
recorded. A new stretch that follows without a gap begins with NaN as well, so that whatever filters or
follows a phase ends there: pieces between NaNs are looked at apart. Positions are in one frame, x to the
right and y to the front (or up the shank), and belong to their channel by its name.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wavetrain.errors import BadInput, unknown

VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6, "μV": 1e-6, "nV": 1e-9}  # both signs for micro


@dataclass(frozen=True, eq=False, kw_only=True)
class Recording:
    """Channels over time.

    >>> from wavetrain.parts.recording import Recording
    >>> one = Recording(signal=np.zeros((500, 2)), rate=250, channels=("C3", "C4"), unit="V", start=1.0)
    >>> len(one), one.seconds, one.times[[0, -1]].tolist()
    (500, 2.0, [1.0, 2.996])
    >>> one.picked(["C4"]).signal.shape, len(one.between(2, 2.5))
    ((500, 1), 125)
    """

    signal: np.ndarray  # (T, C) float64 in `unit`, NaN where nothing was recorded
    rate: float  # samples per second
    channels: tuple[str, ...]  # (C,), all different
    positions: np.ndarray | None = None  # (C, 2) or (C, 3), NaN for a channel that has none
    unit: str = ""  # empty where it is not known
    length: str = ""  # the unit of positions, empty where it is not known
    start: float = 0.0  # seconds, of the first sample
    events: tuple[tuple[float, str], ...] = ()  # seconds and name, on the clock of the samples
    said: tuple[str, ...] = ()  # what was understood, in words

    def __post_init__(self) -> None:
        if self.signal.ndim != 2 or self.signal.dtype != np.float64 or 0 in self.signal.shape:
            raise BadInput(
                "recording: expected samples (time, channels) of float64, got "
                f"{self.signal.shape} of {self.signal.dtype}"
            )
        if not (np.isfinite(self.rate) and self.rate > 0):
            raise BadInput(f"recording: expected a rate above 0 samples per second, got {self.rate}")
        if not np.isfinite(self.start):
            raise BadInput(f"recording: expected a finite time of the first sample, got {self.start}")
        if len(self.channels) != self.signal.shape[1] or len(set(self.channels)) < len(self.channels):
            raise BadInput(
                f"recording: expected {self.signal.shape[1]} different names of channels, got "
                f"{len(set(self.channels))} different ones of {len(self.channels)}"
            )
        infinite = np.argwhere(np.isinf(self.signal))
        if len(infinite):
            at, channel = infinite[0]
            raise BadInput(f"recording: channel {self.channels[channel]} is infinite at sample {at}")
        shapes = [(len(self.channels), 2), (len(self.channels), 3)]
        if self.positions is not None and self.positions.shape not in shapes:
            raise BadInput(
                f"recording: expected a position (x, y) or (x, y, z) for each of {len(self.channels)} "
                f"channels, got {self.positions.shape}"
            )

    def __len__(self) -> int:
        return len(self.signal)

    @property
    def seconds(self) -> float:
        """From the first sample to one step beyond the last."""
        return len(self) / self.rate

    @property
    def times(self) -> np.ndarray:
        """The time of each sample (T,) in seconds."""
        return self.start + np.arange(len(self)) / self.rate

    def picked(self, names: Sequence[str]) -> "Recording":
        """Some channels, in the order named, each with its own position."""
        for name in names:
            if name not in self.channels:
                raise unknown("channel", name, self.channels)
        at = [self.channels.index(name) for name in names]
        positions = None if self.positions is None else self.positions[at]
        return replace(self, signal=self.signal[:, at], channels=tuple(names), positions=positions)

    def between(self, first: float, last: float) -> "Recording":
        """The samples from `first` seconds to before `last`: as many for each stretch of one length."""
        known = np.isfinite([first, last]).all()
        count = round((last - first) * self.rate) if known else 0
        begin = round((first - self.start) * self.rate) if known else 0
        if begin < 0 or count < 1 or begin + count > len(self):
            raise BadInput(
                f"recording: expected a part of {self.start:g} to {self.start + self.seconds:g} s, got "
                f"{first:g} to {last:g} s"
            )
        kept = tuple(one for one in self.events if first <= one[0] < last)
        part = self.signal[begin : begin + count]
        return replace(self, signal=part, start=self.start + begin / self.rate, events=kept)


def rate_of(times: np.ndarray) -> float:
    """Samples per second of times (T,) in seconds that rise evenly, gaps of whole steps left aside.

    >>> from wavetrain.parts.recording import rate_of
    >>> rate_of(np.array([0.0, 0.5, 1.0, 2.5, 3.0]))
    2.0
    """
    if times.ndim != 1 or len(times) < 3 or not np.isfinite(times).all():
        raise BadInput(f"expected three finite times or more, got {times.shape}")
    steps = np.diff(times)
    if not (steps > 0).all():
        at = int(np.argmax(steps <= 0)) + 1
        raise BadInput(
            f"expected times that rise, got {times[at - 1]:g} and then {times[at]:g} at sample {at}"
        )
    whole = np.rint(steps / np.median(steps))
    step = float((times[-1] - times[0]) / whole.sum())
    off = np.abs(steps - whole * step).max()
    if off > 0.1 * step:
        raise BadInput(
            f"expected times a step of {step:g} s apart, got steps from {steps.min():g} to "
            f"{steps.max():g} s: resample them first"
        )
    return 1 / step


def laid_out(pieces: Sequence[np.ndarray], starts: Sequence[float], rate: float) -> np.ndarray:
    """Stretches (t, C), each with the time of its first sample, on one clock (T, C); NaN between them.

    A stretch that follows without a gap loses its first sample to NaN, so that it stays one of its own.

    >>> from wavetrain.parts.recording import laid_out
    >>> laid_out([np.ones((2, 1)), np.ones((2, 1))], [0.0, 3.0], 1.0).ravel().tolist()
    [1.0, 1.0, nan, 1.0, 1.0]
    """
    first = [round((start - starts[0]) * rate) for start in starts]
    for at in range(1, len(pieces)):
        if first[at] < first[at - 1] + len(pieces[at - 1]):
            raise BadInput(
                f"recording: expected stretches that follow each other, got one that begins at "
                f"{starts[at]:g} s before the one from {starts[at - 1]:g} s has ended"
            )
    total, there = first[-1] + len(pieces[-1]), sum(map(len, pieces))
    if total > max(4 * there, there + 10**7):
        longest = int(np.argmax([b - a for a, b in itertools.pairwise(first)]))
        raise BadInput(
            f"recording: {there} samples lie in {total / rate:g} s: the gap after {starts[longest]:g} s is "
            "too long to be kept; look at one part"
        )
    signal = np.full((total, pieces[0].shape[1]), np.nan)
    for at, (begin, piece) in enumerate(zip(first, pieces, strict=True)):
        signal[begin : begin + len(piece)] = piece
        if at and begin == first[at - 1] + len(pieces[at - 1]):
            signal[begin] = np.nan
    return signal
