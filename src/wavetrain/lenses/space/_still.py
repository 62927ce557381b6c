"""Fields that are as smooth and as slow as a given one, as strong at each moment, and do not travel.

A field is a sum of standing patterns, the eigenvectors of the real part of its covariance over channels, each
with a course in time. It travels where patterns keep a lag: a wave along x is cos(kx), and sin(kx) a quarter
of a cycle behind. Surrogates keep each pattern, its amplitude at each moment and the spectrum of its course,
and draw the phases of the course anew, so that no pattern knows of another. A standing wave, some that come
and go by themselves, and smoothed noise are such fields.

Two limits. A rhythm that never varies keeps any lag for ever, in a surrogate, too: it is one observation, and
a wave of it is told from a standing one only by chance. And where several standing waves share one rhythm, or
beat at constant strength, their patterns are bound to each other: such fields come below 0.1 up to three
times in ten, by a small difference.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Complex
from scipy import fft


def still(
    field: Complex[np.ndarray, "trials moments channels"], draws: int, seed: int
) -> Iterator[Complex[np.ndarray, "trials moments channels"]]:
    """Unit phasors of surrogates of a field that is 0 where a channel is missing; with the same missing."""
    channels = field.shape[2]
    there = field != 0
    rows, known = field.reshape(-1, channels), there.reshape(-1, channels).astype(float)
    largest = np.abs(rows).max(0)
    even = field / np.where(largest > 0, largest, 1)
    size = np.sqrt((np.abs(even.reshape(-1, channels)) ** 2).sum(0) / np.maximum(known.sum(0), 1))
    even = even / np.where(size > 0, size, 1)
    rows = even.reshape(-1, channels)
    covariance = (rows.T @ rows.conj()).real / np.maximum(known.T @ known, 1)
    _, pattern = np.linalg.eigh(covariance)
    course = even @ pattern
    strength, spectrum = np.abs(course), np.abs(fft.fft(course, axis=1))
    dice = np.random.default_rng(seed)
    for _ in range(draws):
        drawn = fft.ifft(spectrum * np.exp(2j * np.pi * dice.random(spectrum.shape)), axis=1)
        yield phasors((strength * phasors(drawn)) @ pattern.T * there)


def phasors(field: Complex[np.ndarray, "*axes"]) -> Complex[np.ndarray, "*axes"]:
    """Numbers of size 1, 0 where there is none."""
    size = np.abs(field)
    return np.divide(field, size, out=np.zeros_like(field), where=size > 0)
