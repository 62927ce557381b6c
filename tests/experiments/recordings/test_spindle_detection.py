"""Synthetic nights: their spindles are as loud as said, detections are counted once, and the predicates."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from tests.answers import answers, exact_answers
from wavetrain.experiments.recordings import spindle_detection as module
from wavetrain.experiments.recordings.spindle_detection import (
    BAND,
    LEVELS,
    RATE,
    burst,
    claim,
    filtered,
    matched,
    night,
    pink,
)

WHOLE = {"f1_12": 0.9, "f1_6": 0.8, "f1_0": 0.79, "alarms_background": 0.99}
WHOLE |= {"counted_background": 0.1, "counted_6": 1.0}


def test_each_part_on_either_side():
    assert answers(claim, WHOLE) == [True] * 4
    assert answers(claim, WHOLE | {"f1_6": 0.799}) == [False, True, True, True]
    assert answers(claim, WHOLE | {"f1_0": 0.8}) == [True, False, True, True]
    assert answers(claim, WHOLE | {"f1_12": 0.8}) == [True, False, True, True]
    assert answers(claim, WHOLE | {"alarms_background": 1.0}) == [True, True, False, True]
    assert answers(claim, WHOLE | {"counted_background": 0.11}) == [True, True, True, False]
    assert answers(claim, WHOLE | {"counted_6": 0.99}) == [True, True, True, False]


def test_a_matched_filter_meets_the_limits():
    """So they ask for no more than the noise allows."""
    assert exact_answers("spindle_detection") == [True] * 4


def test_a_filter_of_another_frequency_finds_less(monkeypatch: pytest.MonkeyPatch):
    nights = [night(2, 6.0, np.random.default_rng(0))]
    good = filtered(nights)
    shape = burst(1.0)
    monkeypatch.setattr(module, "burst", lambda power: shape * np.exp(2j * np.pi * 4 * np.arange(100) / RATE))
    assert filtered(nights) < 0.6 < 0.8 < good


@pytest.mark.parametrize("level", LEVELS)
def test_spindles_are_as_loud_as_said(level: int):
    """The night less the noise that the same dice draw first."""
    one, noise = night(4, float(level), np.random.default_rng(3)), pink(4, np.random.default_rng(3))
    burst = one.signal - noise
    there = np.abs(np.arange(len(noise)) / RATE - 0.5 - one.onset[:, None]).min(0) < 0.51
    assert np.abs(burst[~there]).max() < 1e-12 and there.sum() == pytest.approx(20 * RATE, rel=0.03)
    own = sosfiltfilt(butter(3, BAND, "bandpass", fs=RATE, output="sos"), noise).var()
    power = (burst**2).sum() / (len(one.onset) * RATE)
    assert 10 * np.log10(power / own) == pytest.approx(level, abs=0.05)


def test_five_a_minute_three_seconds_apart():
    onset = night(3, 6.0, np.random.default_rng(0)).onset
    assert len(onset) == 15 and np.diff(onset).min() > 2.98 and onset[0] >= 5 and onset[-1] <= 174


def test_noise_is_pink():
    spectrum = np.abs(np.fft.rfft(pink(10, np.random.default_rng(1)))) ** 2
    octaves = [spectrum[first : 2 * first].sum() for first in (500, 1000, 4000, 8000)]
    np.testing.assert_allclose(octaves, octaves[0], rtol=0.2)


def test_each_detection_finds_one_spindle_at_most():
    spindle = np.array([10.0, 20.0, 30.0])
    assert matched(np.array([10.1, 20.5]), np.array([1.0, 0.5]), spindle) == 2
    assert matched(np.array([10.0, 10.5]), np.array([0.5, 0.5]), spindle) == 1
    assert matched(np.array([9.0]), np.array([1.1]), spindle) == 0, "they touch, and share too little"
    assert (
        matched(np.array([15.0]), np.array([1.0]), spindle) == matched(np.empty(0), np.empty(0), spindle) == 0
    )
