"""Bessel low-pass filters of signals over time: causal, in short blocks, and without delay over a record.

A `Bessel` is the digital filter of `scipy.signal.bessel`. What its cut-off means, a `Cutoff` says. Cut-offs
are shares of the Nyquist frequency; delays are counted in steps. A constant passes unchanged.

    causal       what has come so far; a low frequency is late by `delay` steps
    zero_phase   forward and backward over the whole record (filtfilt): nothing is late, all must be there
    blocked      forward and backward over the last steps alone, of which one is given out (`Block`)

Zhou, Sun and Basu 2023, arXiv 2312.15889, have the last: "last" gives the newest step of 32, late by nothing,
"middle" the sixteenth, late by 16. On a block of fixed length filtfilt is linear, so that `blocked` is a
filter of as many weights, which are worked out once. `causal` and `blocked` go on from a state, so that a
signal may be cut anywhere. Ends are continued by their odd reflection, as scipy does by default.
"""

import enum
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy import signal

from wavetrain.errors import BadInput


class Cutoff(enum.Enum):
    """Where the cut-off of a Bessel filter lies; the words are scipy's."""

    POWER = "mag"  # where half the power is left
    PHASE = (
        "phase"  # where 1 and the gain of high frequencies meet; about half the last phase; scipy's default
    )


@dataclass(frozen=True)
class Bessel:
    """A low-pass filter of `order`, its `cutoff` a share of the Nyquist frequency, between 0 and 1.

    >>> from wavetrain.parts.bessel import Bessel
    >>> smooth = Bessel(order=4, cutoff=0.2)
    >>> y, state = smooth.causal(np.ones((50, 2)))
    >>> bool(np.allclose(y, 1)), round(smooth.delay, 2)
    (True, 3.25)
    >>> smooth.zero_phase(np.ones((50, 2))).shape
    (50, 2)
    """

    order: int
    cutoff: float
    where: Cutoff = Cutoff.POWER

    def __post_init__(self) -> None:
        if not (isinstance(self.order, int) and 1 <= self.order <= 10):
            raise BadInput(f"Bessel: expected an order of 1 to 10, got {self.order!r}")
        if not 0 < self.cutoff < 1:
            raise BadInput(
                "Bessel: expected a cut-off between 0 and 1, the Nyquist frequency (half the sampling rate), "
                f"got {self.cutoff!r}"
            )

    @cached_property
    def sections(self) -> Float[np.ndarray, "sections 6"]:
        """The filter in sections of second order, as scipy has them."""
        found: np.ndarray = signal.bessel(self.order, self.cutoff, norm=self.where.value, output="sos")
        return found

    @property
    def delay(self) -> float:
        """By how many steps the causal filter is late at the lowest frequencies: its group delay at 0."""
        late = 0.0
        for section in self.sections:
            for taps, sign in ((section[:3], 1), (section[3:], -1)):
                late += sign * float(np.arange(3) @ taps / taps.sum())  # the mean place of its taps
        return late

    @property
    def pad(self) -> int:
        """Steps by which a record is continued at both ends; it must be longer."""
        return 3 * (self.order + 1)

    def begin(
        self, first: Float[np.ndarray, "*batch channels"]
    ) -> Float[np.ndarray, "sections *batch channels 2"]:
        """The state in which the filter has always had its first value: a constant passes at once."""
        settled = signal.sosfilt_zi(self.sections)  # (sections, 2)
        lone = settled.reshape(len(settled), *[1] * first.ndim, 2)
        return lone * first[None, ..., None]

    def causal(
        self,
        x: Float[np.ndarray, "*batch time channels"],
        state: Float[np.ndarray, "sections *batch channels 2"] | None = None,
    ) -> tuple[Float[np.ndarray, "*batch time channels"], Float[np.ndarray, "sections *batch channels 2"]]:
        """x filtered, from a state on, and the last state; begins settled at the first step of x.

        Raises BadInput where x is empty or not finite.
        """
        x = checked(x, 1)
        state = self.begin(x[..., 0, :]) if state is None else state
        y, last = signal.sosfilt(self.sections, np.moveaxis(x, -2, -1), zi=state)
        return np.moveaxis(y, -1, -2), last

    def zero_phase(
        self, x: Float[np.ndarray, "*batch time channels"]
    ) -> Float[np.ndarray, "*batch time channels"]:
        """x filtered forward and backward: its spectrum times the squared gain, and nothing is late.

        Raises BadInput where x is not longer than `pad`, or not finite.
        """
        found: np.ndarray = signal.sosfiltfilt(
            self.sections, checked(x, self.pad + 1), axis=-2, padlen=self.pad
        )
        return found


@dataclass(frozen=True)
class Block:
    """Forward and backward over the last `length` steps, of which the one at place `at` is given out.

    >>> from wavetrain.parts.bessel import Bessel, Block
    >>> block = Block(Bessel(4, 0.2), length=32, at=15)
    >>> y, state = block.blocked(np.ones((50, 2)))
    >>> block.delay, y.shape, state.shape, bool(np.allclose(y, 1))
    (16, (50, 2), (31, 2), True)
    """

    filter: Bessel
    length: int
    at: int

    def __post_init__(self) -> None:
        if not self.length > self.filter.pad:
            raise BadInput(
                f"Block: expected a length above {self.filter.pad} steps for order {self.filter.order}, "
                f"got {self.length!r}"
            )
        if not 0 <= self.at < self.length:
            raise BadInput(f"Block: expected a place of 0 to {self.length - 1}, got {self.at!r}")

    @property
    def delay(self) -> int:
        """By how many steps what is given out is late."""
        return self.length - 1 - self.at

    @cached_property
    def weights(self) -> Float[np.ndarray, "length"]:
        """What each step of a block, the oldest first, adds to what is given out; their sum is 1."""
        found: np.ndarray = self.filter.zero_phase(np.eye(self.length))[self.at]
        return found

    def begin(self, first: Float[np.ndarray, "*batch channels"]) -> Float[np.ndarray, "*batch past channels"]:
        """The state in which the first value has come forever."""
        return np.repeat(first[..., None, :], self.length - 1, axis=-2)

    def blocked(
        self,
        x: Float[np.ndarray, "*batch time channels"],
        state: Float[np.ndarray, "*batch past channels"] | None = None,
    ) -> tuple[Float[np.ndarray, "*batch time channels"], Float[np.ndarray, "*batch past channels"]]:
        """What is given out with each step of x, and the steps that the next ones need.

        Step t tells the filtered x of step t - `delay`. Raises BadInput where x is empty or not finite.
        """
        x = checked(x, 1)
        past = self.begin(x[..., 0, :]) if state is None else state
        seen = np.concatenate([past, x], axis=-2)
        blocks = np.lib.stride_tricks.sliding_window_view(
            seen, self.length, axis=-2
        )  # (..., time, channels, length)
        return blocks @ self.weights, seen[..., x.shape[-2] :, :]


def checked(x: np.ndarray, shortest: int) -> Float[np.ndarray, "*batch time channels"]:
    """A signal in float64; raises BadInput where it is too short, has no channels, or is not finite."""
    found = np.asarray(x, dtype=np.float64)
    if found.ndim < 2 or found.shape[-2] < shortest:
        raise BadInput(f"expected a signal (time, channels) of {shortest} steps or more, got {found.shape}")
    bad = np.argwhere(~np.isfinite(found))
    if len(bad):
        raise BadInput(f"expected a finite signal, got {found[tuple(bad[0])]} at step {bad[0][-2]}")
    return found
