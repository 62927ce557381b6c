"""Timescales of autoregressive noise, whose autocorrelation is known, at any rate and with gaps."""

import numpy as np
import pytest
from scipy.signal import lfilter

from wavetrain.errors import BadInput
from wavetrain.lenses.population.timescales import _Channel, timescales


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


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("offset", "told"), [(0.0, True), (2.0**19, True), (2.0**21, False)])
def test_a_channel_is_flat_by_its_size_whatever_its_sign(offset: float, told: bool, sign: int):
    """A deviation of 1 beside half a million varies, beside two million it does not."""
    x = slow(5, 400)[0]
    found = timescales(sign * (offset + (x - x.mean()) / x.std()), rate=1, draws=0)
    assert np.isfinite(found.autocorrelation).all() == told


@pytest.mark.parametrize(("known", "told"), [(19, False), (20, True)])
def test_twenty_samples_are_enough(known: int, told: bool):
    x = slow(3, 40)[0]
    x[known:] = np.nan
    found = timescales(x, rate=1, draws=9)
    assert np.isfinite(found.p[0]) == told == np.isfinite(found.null).all()
    with pytest.raises(BadInput, match="20 steps or more, got 19"):
        timescales(x[:19], rate=1)
    assert timescales(x[:20], rate=1, draws=0).autocorrelation.shape == (1, 6)


def test_the_autocorrelation_is_of_pairs_that_are_known_in_one_trial():
    x = slow(4, 24, trials=3)[..., 0]
    x[1, 5:9], x[2, 20] = np.nan, np.nan
    found = timescales(x[..., None], rate=1, draws=1, seed=7)
    away = x - np.nanmean(x)
    curve = [np.nanmean(away[:, : 24 - lag] * away[:, lag:]) for lag in range(7)]
    np.testing.assert_allclose(found.autocorrelation[0], np.array(curve) / curve[0], rtol=1e-10)
    moved = away.copy()
    moved[~np.isnan(x)] = np.random.default_rng((7, 0)).permutation(away[~np.isnan(x)])
    first = [np.nanmean(moved[:, : 24 - lag] * moved[:, lag:]) for lag in range(5)]
    assert found.null[0, 0] == pytest.approx(sum(first[1:]) / first[0])


def of_curve(tau: float, strength: float, steps: int, missing: int = 0) -> _Channel:
    """A channel with exactly the autocovariance that is fitted, and noise of single samples besides."""
    known = np.ones((2, steps), dtype=bool)
    known[1, steps - missing :] = False
    one = _Channel(known * 1.0, known, steps // 4)
    decay = np.exp(-np.arange(len(one.pairs)) / tau)
    mean = (one.pairs[0] + 2 * one.pairs[1:] @ decay[1:]) / one.pairs[0] ** 2
    one.curve = strength * (decay - mean)[: steps // 4 + 1]
    one.curve[0] += 2.0
    return one


@pytest.mark.parametrize("missing", [0, 33])
@pytest.mark.parametrize(("tau", "strength"), [(0.6, 3.0), (2.0, 1e-3), (5.0, 1.0), (14.0, 1e3)])
def test_what_is_of_the_form_is_fitted_exactly(tau: float, strength: float, missing: int):
    found = of_curve(tau, strength, 200, missing).fitted()
    assert found == (pytest.approx(tau, rel=1e-4), pytest.approx(strength, rel=1e-3), pytest.approx(1))


def test_lags_end_where_a_tenth_is_left_and_are_weighted_by_their_pairs():
    """After a tenth of the first the curve may do what it likes; before that each pair counts."""
    one = of_curve(4.0, 1.0, 400)
    last = int(np.flatnonzero(one.curve[1:] <= 0.1 * one.curve[1])[0]) + 1
    plain = one.fitted()
    one.curve[last + 1 :] = 0.5
    assert one.fitted() == plain
    one.curve[last - 1] += 0.15
    tau, strength, fit = one.fitted()
    lag, weight = np.arange(1, last + 1), one.pairs[1 : last + 1]
    decay = np.exp(-np.arange(1, 400) / tau)
    mean = (one.pairs[0] + 2 * one.pairs[1:400] @ decay) / one.pairs[0] ** 2
    seen, form = one.curve[1 : last + 1], np.exp(-lag / tau) - mean
    assert strength == pytest.approx((weight * form) @ seen / ((weight * form) @ form))
    middle = np.average(seen, weights=weight)
    wanted = 1 - weight @ (seen - strength * form) ** 2 / (weight @ (seen - middle) ** 2)
    assert fit == pytest.approx(wanted) and 0.8 < fit < 0.99
    flat = of_curve(4.0, 1.0, 400)
    flat.curve[1:] = [1.0, 0.05, 0.04, 0.03, *np.full(96, 9.0)]
    assert flat.fitted()[0] < 1, "four lags at least"


def test_the_error_leaves_each_trial_out_in_turn():
    x = slow(4, 60, seed=5, trials=10)
    left = []
    for one in range(10):
        rest = np.delete(x[..., 0], one, 0)
        left.append(_Channel(rest - rest.mean(), np.ones((9, 60), dtype=bool), 15).fitted()[0])
    assert timescales(x, rate=2, draws=0).error[0] == pytest.approx(3 * np.std(left) / 2, rel=1e-3)


@pytest.mark.parametrize("tau", [1.0, 3.0])
def test_a_fast_one_has_its_knee(tau: float):
    found = timescales(slow(tau, 20_000, seed=6)[0], rate=100, draws=0)
    assert found.spectral[0] == pytest.approx(tau / 100, rel=0.1)
    assert found.tau[0] == pytest.approx(tau / 100, rel=0.1)


def test_each_figure_is_that_of_the_fit():
    """In seconds and shares, of noise of which about a half lasts."""
    x = slow(6, 900, seed=8, noise=1.0)
    found = timescales(x, rate=4, draws=0)
    one = _Channel(x[..., 0] - x.mean(), np.ones((1, 900), dtype=bool), 225)
    tau, strength, fit = one.fitted()
    assert found.tau[0] == pytest.approx(tau / 4) and found.fit[0] == pytest.approx(fit)
    assert found.lasting[0] == pytest.approx(strength / one.curve[0]) and found.p[0] == 1
    assert abs(found.lasting[0] - found.fit[0]) > 0.1


def test_lags_at_which_nothing_was_seen_twice_have_no_autocorrelation():
    x = slow(6, 90)[0]
    x[1::2] = np.nan
    seen = np.isfinite(timescales(x, rate=1, draws=0).autocorrelation[0])
    assert seen.tolist() == [lag % 2 == 0 for lag in range(23)]
