"""Plane waves over the scalp: the predicates, planted waves, smooth noise, and one direction for all."""

import dataclasses

import numpy as np
import pytest

from tests.answers import answers
from wavetrain.data.neural._recordings import RUNS, resting_eeg
from wavetrain.errors import BadInput
from wavetrain.experiments.recordings import eeg_alpha_waves as module
from wavetrain.experiments.recordings.eeg_alpha_waves import (
    averaged_out,
    cap,
    claim,
    moments,
    planted,
    small,
)
from wavetrain.parts.recording import Recording
from wavetrain.train.lab import Lab

WHOLE = {"share_open": 0.1, "share_closed": 0.3, "p_travel_open": 0.05, "p_travel_closed": 0.01}
WHOLE |= {"p_directed_open": 0.075, "p_directed_closed": 1.0}
FEW = dataclasses.replace(small, seconds=30.0, turned=19, still=19, held=1)


def test_each_part_on_either_side():
    assert answers(claim, WHOLE) == [True, True, True]
    assert answers(claim, WHOLE | {"share_open": 0.099}) == [False, True, True]
    assert answers(claim, WHOLE | {"p_travel_closed": 0.055}) == [True, False, True]
    assert answers(claim, WHOLE | {"p_directed_open": 0.05}) == [True, True, False]


def test_planted_waves_meet_all_limits(tmp_path):
    found = module.exact(FEW, Lab(tmp_path, seed=0))
    assert answers(claim, found) == [True, True, True]
    assert found["speed_open"] == pytest.approx(2 * np.pi * 10 * 0.09 / 2, rel=0.1)
    assert found["travel_closed"] > 0.3 and found["p_travel_closed"] == 0.05


def smooth(seconds: float, seed: int) -> Recording:
    """Noise without propagation, smooth in space: channels near each other are alike."""
    dice, (place, positions) = np.random.default_rng(seed), cap()
    far = np.linalg.norm(place[:, None] - place, axis=-1)
    root = np.linalg.cholesky(np.exp(-(far**2) / 2) + 1e-6 * np.eye(64))
    signal = dice.standard_normal((round(160 * seconds), 64)) @ root.T
    return Recording(signal=signal, rate=160.0, channels=tuple(map(str, range(64))), positions=positions)


def test_smooth_noise_travels_no_more_than_its_surrogates(tmp_path):
    """Whatever smoothness gives against turned montages, it gives surrogates, too."""
    found = module._figures(
        {eyes: smooth(30.0, seed) for seed, eyes in enumerate(RUNS)}, FEW, Lab(tmp_path, seed=0)
    )
    assert answers(claim, found)[1] is False
    assert found["share_open"] == pytest.approx(found["still_open"], abs=0.15)


def test_the_average_is_taken_out():
    one = averaged_out(planted(5.0, 0))
    assert np.abs(one.signal.mean(1)).max() < 1e-12 and one.signal.shape == (800, 64)


def test_waves_of_one_direction_have_it(tmp_path):
    one = planted(30.0, 0)
    place = cap()[0]
    time = np.arange(len(one)) / one.rate
    wave = np.cos(2 * np.pi * 10 * time[:, None] + 0.5 * np.sin(time)[:, None] - 2 * place @ [0.6, 0.8])
    noisy = dataclasses.replace(one, signal=wave + np.random.default_rng(0).standard_normal(wave.shape))
    found = module._figures(dict.fromkeys(RUNS, noisy), FEW, Lab(tmp_path, seed=0))
    assert found["heading_open"] == pytest.approx(np.rad2deg(np.arctan2(0.8, 0.6)), abs=3)
    assert found["directed_open"] > 0.95


def test_half_of_the_blocks_count_and_only_strong_moments():
    field, counts = moments(planted(60.0, 0), seed=0)
    other = moments(planted(60.0, 0), seed=1)[1]
    assert field.shape == (600, 64) and 100 < counts.sum() < 200 and (counts != other).any()
    blocks = counts.reshape(12, 50).any(1)
    assert blocks.sum() == 6
    size = np.median(np.abs(field), 1)
    assert size[counts].min() > np.median(size[field.any(1)])


def test_the_recording_is_two_minutes_of_one_person():
    try:
        found = [resting_eeg(eyes) for eyes in RUNS]
    except BadInput as error:
        pytest.skip(str(error))
    for one in found:
        assert one.signal.shape == (9600, 64) and one.rate == 160 and one.channels[0] == "Fc5"
        np.testing.assert_allclose(np.linalg.norm(one.positions, axis=1), 1, atol=1e-3)
    with pytest.raises(BadInput, match="no state of the eyes is called 'shut'"):
        resting_eeg("shut")
