"""Timescales of autoregressive noise, whose autocorrelation is known, at any rate and with gaps."""

import numpy as np
import pytest
from scipy.signal import lfilter

from wavetrain.errors import BadInput
from wavetrain.lenses.population.timescales import timescales


def slow(tau: float, steps: int, seed: int = 0, trials: int = 1, noise: float = 0.0) -> np.ndarray:
    """Noise of variance 1 that is forgotten in tau steps, (trials, steps, 1), with white noise of its own."""
    dice, keep = np.random.default_rng(seed), np.exp(-1 / tau)
    drive = dice.standard_normal((trials, steps + 2000)) * np.sqrt(1 - keep**2)
    x = lfilter([1], [1, -keep], drive, axis=1)[:, 2000:]
    return (x + noise * dice.standard_normal(x.shape))[..., None]


def test_fifty_milliseconds_by_lag_and_by_frequency():
    """100 s at 1 kHz: both within 15 percent, and of each other."""
    found = timescales(slow(50, 100_000)[0], rate=1000, draws=9)
    assert found.tau[0] == pytest.approx(0.05, rel=0.15) and found.error[0] < 0.01
    assert found.spectral[0] == pytest.approx(found.tau[0], rel=0.15)
    assert found.lasting[0] == pytest.approx(1, abs=0.1) and found.fit[0] > 0.98 and found.p[0] == 0.1


def test_seconds_and_not_samples():
    """20 ms seen at 1000 and at 500 samples a second."""
    whole = slow(20, 40_000, seed=1)[0]
    for every, rate in ((1, 1000), (2, 500)):
        assert timescales(whole[::every], rate=rate, draws=0).tau[0] == pytest.approx(0.02, rel=0.15)


def test_short_trials_do_not_make_it_fast():
    """Trials of five timescales, less their common mean: the median of a plain fit would be far too low."""
    found = [timescales(slow(10, 50, seed, trials=30), rate=1, draws=0) for seed in range(8)]
    taus = np.array([one.tau[0] for one in found])
    assert np.median(taus) == pytest.approx(10, rel=0.12)
    assert np.mean([one.error[0] for one in found]) == pytest.approx(taus.std(), rel=0.8)
    alone = [timescales(slow(10, 150, seed), rate=1, draws=0).tau[0] for seed in range(24)]
    assert np.nanmedian(alone) == pytest.approx(10, rel=0.25)


def test_noise_of_single_samples_is_told_apart():
    """As much white noise as there is of what lasts: half of the variance."""
    many = [timescales(slow(10, 5000, seed, noise=1.0)[0], rate=1, draws=0) for seed in range(6)]
    tau, lasting, knee = np.mean([(one.tau[0], one.lasting[0], one.spectral[0]) for one in many], 0)
    assert tau == pytest.approx(10, rel=0.15) and lasting == pytest.approx(0.5, abs=0.04)
    assert knee == pytest.approx(10, rel=0.2)


def test_gaps_are_left_out():
    x = slow(10, 8000, seed=2)[0]
    whole = timescales(x, rate=1, draws=0).tau[0]
    x[np.random.default_rng(0).random(8000) < 0.3] = np.nan
    x[3000:4000] = np.nan
    assert timescales(x, rate=1, draws=0).tau[0] == pytest.approx(whole, rel=0.15)


def test_white_noise_is_not_resolved_and_passes_as_often_as_the_test_says():
    white = np.random.default_rng(3).standard_normal((100, 150))
    found = timescales(white, rate=1, draws=19)
    passed = found.p <= 0.05
    assert 1 <= passed.sum() <= 17 and np.isnan(found.tau[~passed]).all()
    assert not (found.tau < 0.5).any()


def test_what_is_flat_or_missing_is_told_and_leaves_others_alone():
    x = np.concatenate([slow(10, 500)[0], np.ones((500, 1)), np.full((500, 1), np.nan)], 1)
    found = timescales(x, rate=1, draws=9)
    assert np.isfinite(found.tau[0]) and np.isnan(found.tau[1:]).all() and np.isnan(found.p[1:]).all()
    assert found.tau[0] == timescales(x[:, :1], rate=1, draws=9).tau[0]


@pytest.mark.parametrize(
    ("given", "rate", "message"),
    [
        (np.ones((10, 1)), 1.0, "20 steps or more, got 10"),
        (np.ones((50, 1)), 0.0, "a rate above 0"),
        (np.ones(50), 1.0, r"a recording \(..., time, channels\)"),
        (np.full((50, 1), np.inf), 1.0, "50 of 50 that are infinite"),
    ],
)
def test_what_does_not_fit_is_refused(given, rate, message):
    with pytest.raises(BadInput, match=message):
        timescales(given, rate)
