"""Coupling of gamma to theta: the predicates, a planted coupling and its absence, and the controls."""

import numpy as np
import pytest

from tests.answers import answers
from wavetrain.data.neural._recordings import hippocampus_lfp
from wavetrain.errors import BadInput
from wavetrain.experiments.recordings import lfp_theta_gamma as module
from wavetrain.experiments.recordings.lfp_theta_gamma import (
    SITES,
    Scale,
    claim,
    planted,
    with_other_phases,
    without_harmonics,
)
from wavetrain.train.lab import Lab

WHOLE = {"locking": 0.91} | {
    f"{figure}_{site}": value
    for figure, value in (
        ("z", 5.1),
        ("z_redrawn", -2.9),
        ("z_narrow", 5.1),
        ("z_notched", 5.1),
        ("apart", 0.78),
    )
    for site in SITES
}
SHORT = Scale(recorded=False, blocks=8, draws=40, redrawn=1, step=100.0)


def test_each_part_on_either_side():
    assert answers(claim, WHOLE) == [True] * 5
    assert answers(claim, WHOLE | {"z_ca1": 5.0}) == [False, True, True, True, True]
    assert answers(claim, WHOLE | {"z_redrawn_ca1": -3.1}) == [False, True, True, True, True]
    assert answers(claim, WHOLE | {"z_ec3": 5.0}) == [True, False, True, True, True]
    for one in ("z_narrow_ca1", "z_notched_ca1", "z_narrow_ec3", "z_notched_ec3"):
        assert answers(claim, WHOLE | {one: 4.9}) == [True, True, False, True, True]
    assert answers(claim, WHOLE | {"apart_ec3": -0.8}) == [True, True, True, False, True]
    assert answers(claim, WHOLE | {"locking": 0.9}) == [True, True, True, True, False]


def test_a_planted_coupling_meets_all_limits_and_none_meets_them_not(tmp_path):
    found = module.exact(SHORT, Lab(tmp_path, seed=1))
    assert answers(claim, found) == [True] * 5
    assert found["phase_ca1"] == pytest.approx(0.5, abs=0.3) and found["phase_ec3"] == pytest.approx(
        2.0, abs=0.3
    )
    assert found["lag"] == pytest.approx(-0.25, abs=0.05) and found["theta"] == pytest.approx(8, abs=0.5)
    none = module._figures(planted(SHORT, 1, depth=0.0), SHORT, Lab(tmp_path, seed=1))
    assert answers(claim, none)[:3] == [False] * 3


def test_halves_share_no_block(tmp_path):
    """A recording that is coupled in one half of its blocks alone: whoever draws the others finds nothing."""
    scale = Scale(recorded=False, blocks=2, seconds=10.0, draws=40, redrawn=1, step=100.0)
    first, second = planted(scale, 3).signal, planted(scale, 3, depth=0.0).signal
    mixed = np.concatenate([first[:12500], second[12500:]])
    whole = planted(scale, 3)
    z = {
        seed: module._figures(
            type(whole)(signal=mixed, rate=whole.rate, channels=whole.channels),
            scale,
            Lab(tmp_path, seed=seed),
        )["z_ec3"]
        for seed in (0, 1, 2, 3)
    }
    assert max(z.values()) > 8 > 3 > min(z.values())


def test_harmonics_are_taken_out_and_nothing_else():
    time = np.arange(12500)[:, None] / 1250
    kept, gone = np.cos(2 * np.pi * 8 * time) + np.cos(2 * np.pi * 60 * time), np.cos(2 * np.pi * 64 * time)
    np.testing.assert_allclose(without_harmonics(kept + gone, 1250.0, 8.0), kept, atol=1e-9)


def test_other_phases_leave_the_spectrum_and_no_coupling():
    signal = np.random.default_rng(1).standard_normal((5000, 2)) + 3
    drawn = with_other_phases(signal, np.random.default_rng(0))
    one, two = (np.abs(np.fft.rfft(part, axis=0))[1:-1] for part in (signal, drawn))
    np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-6)
    assert np.abs(np.corrcoef(signal[:, 0], drawn[:, 0])[0, 1]) < 0.1


def test_the_recording_is_a_minute_of_two_places():
    try:
        found = hippocampus_lfp()
    except BadInput as error:
        pytest.skip(str(error))
    assert found.signal.shape == (75_000, 2) and found.seconds == 60 and found.channels == ("CA1", "EC3")
