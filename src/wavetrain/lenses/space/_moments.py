"""A recording at even moments: the analytic signal of each channel, and how fast it turns."""

from typing import NamedTuple

import numpy as np
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.lenses.space import _montage
from wavetrain.lenses.space._still import phasors


class Moments(NamedTuple):
    """A recording at its moments."""

    time: np.ndarray  # (moments,), s
    field: np.ndarray  # (trials, moments, C), analytic, 0 where unknown
    amplitude: np.ndarray  # (trials, moments), median over channels
    frequency: np.ndarray  # (trials, moments)


def known_moments(what: str, field: np.ndarray) -> np.ndarray:
    """The moments (trials, moments) at which half of the channels and as many as a wave wants are known."""
    channels = field.shape[2]
    used = (field != 0).sum(2) >= max(_montage.LEAST, channels / 2)
    if not used.any():
        raise BadInput(
            f"{what}: expected a moment at which half of the {channels} channels are known, got none"
        )
    return np.asarray(used)


def moments(
    what: str, recording: Tensor | np.ndarray, rate: float, band: _rhythm.Band, every: float | None
) -> Moments:
    """The analytic signal at even moments, and its frequency from the samples before to those behind."""
    complex_given = recording.is_complex() if isinstance(recording, Tensor) else np.iscomplexobj(recording)
    if complex_given:
        given = recording.detach().cpu().numpy() if isinstance(recording, Tensor) else np.asarray(recording)
        parts = [_rhythm.read(what, part, rate) for part in (given.real, given.imag)]
        series = parts[0] + 1j * parts[1]
    else:
        series = _rhythm.read(what, recording, rate)
    pace = 1 / band.low if every is None else every
    step = round(pace * rate) if np.isfinite(pace) else 0
    if not 1 <= step <= series.shape[1] / 3:
        raise BadInput(
            f"{what}: expected a time between moments from one sample to a third of the {series.shape[1]} "
            f"samples ({series.shape[1] / 3 / rate:.3g} s), got {pace:g} s"
        )
    moment = np.arange(step // 2 + 1, series.shape[1] - 1, step)
    around = (moment[:, None] + [-1, 0, 1]).ravel()
    value = np.full((len(series), series.shape[2], len(around)), np.nan, complex)
    if complex_given:
        value[:] = series[:, around].swapaxes(1, 2)
    else:
        for trial, channels, steps, piece, size in _rhythm.pieces(what, series, band):
            inside = np.flatnonzero((around >= steps.start) & (around < steps.stop))
            value[trial, channels[:, None], inside] = piece[:, around[inside] - steps.start] * size[:, None]
    three = value.reshape(*value.shape[:2], len(moment), 3).transpose(0, 2, 1, 3)  # (trials, M, C, 3)
    size = np.abs(three[..., 1])
    there = np.isfinite(three).all(3) & (size > 0)
    unit = phasors(np.where(np.isfinite(three), three, 0))
    turn = np.angle(unit[..., 2] * unit[..., 0].conj())
    return Moments(
        time=moment / rate,
        field=np.where(there, three[..., 1], 0),
        amplitude=_median(size, there),
        frequency=_median(turn, there) * rate / (4 * np.pi),
    )


def _median(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Over channels; NaN where there is none."""
    middle = np.full(values.shape[:2], np.nan)
    some = there.any(2)
    middle[some] = np.nanmedian(np.where(there, values, np.nan)[some], 1)
    return middle
