"""Band power: how strong each rhythm is, and whether it stands out from noise without any.

Welch 1967, IEEE Trans. Audio Electroacoustics 15:70. Power as such is no rhythm: a rhythm is a peak above a
background that falls as a power of frequency (Donoghue et al. 2020, Nat Neurosci 23:1655). Power is the mean
over Hann windows of `window` seconds, side by side without overlap, each less its mean; those with a gap are
left out.

    power   integral of the density over a band, in the squared unit of the recording, with its standard
            error over windows
    share   of the power from the lowest to the highest band, which together need not cover all
    excess  power over that of the background: a line through log power over log frequency outside the band

Any recording has power everywhere, so p is the rank of the excess among surrogates: Gaussian noise with the
background's own spectrum in as many windows, for which the background is fitted again.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Real
from scipy import fft, signal
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.parts import nulls

card = Card(
    title="The use of fast Fourier transform for the estimation of power spectra",
    authors="Welch, Peter D.",
    year=1967,
    source="IEEE Transactions on Audio and Electroacoustics 15(2):70, doi 10.1109/TAU.1967.1161901",
    family="rhythms",
    topic="Waves in recordings",
)

BANDS = ((4.0, 8.0), (8.0, 13.0), (13.0, 30.0), (30.0, 45.0))  # theta, alpha, beta, low gamma
LEAST = 3  # frequencies in a band, and windows


class BandPower(NamedTuple):
    """Of C channels in B bands; NaN for a channel that is flat or has too few windows."""

    power: Float[np.ndarray, "channels bands"]  # squared unit of the recording
    power_error: Float[np.ndarray, "channels bands"]  # its standard error
    share: Float[np.ndarray, "channels bands"]
    peak: Float[np.ndarray, "channels bands"]  # Hz, of the largest excess in the band
    excess: Float[np.ndarray, "channels bands"]  # times the background
    slope: Float[np.ndarray, "channels"]  # power of frequency that the whole spectrum falls with
    null: Float[np.ndarray, "draws channels bands"]  # excess of noise without a rhythm
    p: Float[np.ndarray, "channels bands"]  # rank of the excess
    density: Float[np.ndarray, "channels frequencies"]  # squared unit per Hz
    frequency: Float[np.ndarray, "frequencies"]  # Hz
    windows: Float[np.ndarray, "channels"]  # how many


def band_power(
    recording: Real[Tensor, "*trials time channels"] | Real[np.ndarray, "*trials time channels"],
    rate: float,
    bands: tuple[tuple[float, float], ...] = BANDS,
    window: float = 2.0,
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> BandPower:
    """Of a recording (..., T, C) with `rate` samples per second; bands in Hz, `window` in s.

    Raises BadInput for a recording, bands or a rate that do not fit, a window with fewer than three
    frequencies in a band, and where no channel has three windows.

    >>> from wavetrain.lenses import band_power
    >>> time = torch.arange(12000)[:, None] / 200
    >>> alpha = torch.sin(2 * torch.pi * 10 * time)  # of power 1/2
    >>> found = band_power(alpha + torch.randn(12000, 1).cumsum(0) / 5, rate=200.0)
    >>> round(float(found.power[0, 1]), 1), float(found.peak[0, 1]), (found.p[0] <= 0.05).tolist()
    (0.5, 10.0, [False, True, False, False])
    """
    what = "band power"
    series = _rhythm.read(what, recording, rate)
    asked = [_rhythm.band_of(what, band, rate) for band in bands]
    steps = round(window * rate) if np.isfinite(window) else 0
    frequency = fft.rfftfreq(max(steps, 1), 1 / rate)
    inside = np.array([(frequency >= band.low) & (frequency < band.high) for band in asked])
    if not len(asked) or inside.sum(1).min() < LEAST:
        raise BadInput(
            f"{what}: expected one band or more, each with {LEAST} frequencies or more in windows of "
            f"{window:g} s"
        )
    power, count = _windows(series, steps, rate)
    told = count >= LEAST
    if not told.any():
        raise BadInput(
            f"{what}: expected a channel that varies, with {LEAST} windows of {window:g} s or more without a "
            f"gap, got {int(count.max())}"
        )
    shown = (frequency >= min(band.low for band in asked)) & (frequency < max(band.high for band in asked))
    background = shown & (frequency > 0)
    found = {
        name: np.full((series.shape[2], len(asked)), np.nan)
        for name in ("power", "error", "share", "peak", "excess")
    }
    slope, null = np.full(series.shape[2], np.nan), np.full((draws, series.shape[2], len(asked)), np.nan)
    density = np.full((series.shape[2], len(frequency)), np.nan)
    dice = np.random.default_rng(seed)
    hertz = rate / steps
    for channel in np.flatnonzero(told):
        own, size = power[channel]
        with np.errstate(over="ignore"):  # of a square that is no number
            unit = np.float64(size) ** 2
        density[channel] = own.mean(0) * unit
        for number, within in enumerate(inside):
            each = own[:, within].sum(1) * hertz
            found["power"][channel, number] = each.mean() * unit
            found["error"][channel, number] = each.std(ddof=1) / np.sqrt(len(each)) * unit
            found["share"][channel, number] = each.mean() / (own[:, shown].mean(0).sum() * hertz)
        lines, slopes = _line(own.mean(0)[None], frequency, background)
        line, slope[channel] = lines[0], slopes[0]
        found["excess"][channel] = _excess(own.mean(0)[None], frequency, background, inside)[0]
        over = np.where(background, own.mean(0) / np.where(background, line, 1), 0)
        found["peak"][channel] = [frequency[within][over[within].argmax()] for within in inside]
        noise = dice.standard_normal((draws, len(own), len(frequency) + 2, 2)).view(complex)[..., 0]
        tapered = noise[..., 1:-1] - (noise[..., 2:] + noise[..., :-2]) / 2  # as a Hann window mixes them
        drawn = (np.abs(tapered) ** 2).mean(1) * line / 3
        null[:, channel] = _excess(drawn, frequency, background, inside)
    return BandPower(
        power=found["power"],
        power_error=found["error"],
        share=found["share"],
        peak=found["peak"],
        excess=found["excess"],
        slope=slope,
        null=null,
        p=nulls.rank(found["excess"].ravel(), null.reshape(draws, found["excess"].size)).reshape(
            found["excess"].shape
        ),
        density=density,
        frequency=frequency,
        windows=count.astype(float),
    )


def _windows(
    series: np.ndarray, steps: int, rate: float
) -> tuple[list[tuple[np.ndarray, float]], np.ndarray]:
    """For each channel the one-sided density of each window (W, F) over its size squared, the size, and W."""
    taper = signal.windows.hann(steps, sym=False)
    weight = 2 / (rate * (taper**2).sum())
    found = []
    for channel in range(series.shape[2]):
        cut = [
            series[trial, at : at + steps, channel]
            for trial in range(len(series))
            for at in range(0, series.shape[1] - steps + 1, steps)
        ]
        whole = [part for part in cut if np.isfinite(part).all()]
        parts = np.array(whole, dtype=float).reshape(-1, steps)
        size, centred = _rhythm.normal(parts.reshape(1, -1)) if len(parts) else (np.zeros(1), parts)
        pieces = centred.reshape(-1, steps) if size[0] > 0 else np.empty((0, steps))
        pieces = (pieces - pieces.mean(1, keepdims=True)) * taper if len(pieces) else pieces
        found.append((np.abs(fft.rfft(pieces, axis=1)) ** 2 * weight, float(size[0])))
    return found, np.array([len(own) for own, _ in found])


def _line(density: np.ndarray, frequency: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Backgrounds of densities (rows, F) at all frequencies, and slopes; from those that are used."""
    x = np.log(np.maximum(frequency, frequency[1]))
    y = np.log(np.maximum(density[:, used], np.finfo(float).tiny))
    way = x[used] - x[used].mean()
    slope = y @ way / (way @ way)
    line = np.exp(y.mean(1, keepdims=True) + slope[:, None] * (x - x[used].mean()))
    return line, slope


def _excess(density: np.ndarray, frequency: np.ndarray, used: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Power (rows, bands) over that of the background, which is fitted without the band."""
    found = np.empty((len(density), len(inside)))
    for number, within in enumerate(inside):
        outside = used & ~within
        line, _ = _line(density, frequency, outside if outside.sum() >= LEAST else used)
        found[:, number] = density[:, within].sum(1) / line[:, within].sum(1)
    return found
