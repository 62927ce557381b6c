"""Band power: power that is known, rhythms above a background, and backgrounds without any."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.lenses.space.band_power import BANDS, band_power

RATE = 200.0
TIME = np.arange(12_000) / RATE


def fall(power: float, seed: int = 0, size: int = 12_000) -> np.ndarray:
    """Gaussian noise whose density falls with that power of frequency."""
    frequency = np.fft.rfftfreq(size)
    frequency[0] = frequency[1]
    drawn = np.fft.rfft(np.random.default_rng(seed).standard_normal(size)) * frequency ** (-power / 2)
    noise = np.fft.irfft(drawn, size)
    return noise / noise.std()


def test_a_sine_has_half_its_amplitude_squared():
    found = band_power(3 * np.sin(2 * np.pi * 10 * TIME)[:, None] + 1e-3 * fall(0)[:, None], RATE, draws=2)
    assert found.power[0, 1] == pytest.approx(4.5, rel=1e-3) and found.share[0, 1] > 0.999
    assert found.peak[0, 1] == 10 and found.power_error[0, 1] < 0.01
    assert found.windows.tolist() == [30]


def test_white_noise_has_its_variance_spread_over_all_frequencies():
    found = band_power(2 * fall(0)[:, None], RATE, bands=((4, 8), (8, 40)), draws=2)
    np.testing.assert_allclose(found.power[0], 4 * np.array([4, 32]) / 100, rtol=0.15)
    np.testing.assert_allclose(found.share[0], [4 / 36, 32 / 36], rtol=0.15)
    assert found.slope[0] == pytest.approx(0, abs=0.15)
    np.testing.assert_allclose(np.abs(found.power[0] - [0.16, 1.28]) / found.power_error[0], 0, atol=4)


@pytest.mark.parametrize("slope", [1.0, 2.0])
def test_the_background_is_found_and_a_rhythm_above_it(slope: float):
    noise = fall(slope)
    found = band_power((noise + 0.3 * np.sin(2 * np.pi * 10 * TIME))[:, None], RATE, draws=99)
    assert band_power(noise[:, None], RATE, draws=1).slope[0] == pytest.approx(-slope, abs=0.2)
    assert found.p[0, 1] == 0.01 and found.peak[0, 1] == 10 and found.excess[0, 1] > 1.5


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_noise_without_a_rhythm_passes_as_often_as_the_test_says(slope: float):
    field = np.stack([fall(slope, seed, 4000) for seed in range(60)], 1)
    p = band_power(field, RATE, draws=39).p
    for one in p.T:
        assert (one <= 0.05).mean() <= 0.15 and abs(one.mean() - 0.5) < 0.15


def test_units_zero_gaps_flat_channels_and_trials():
    series = fall(1.0) + 0.3 * np.sin(2 * np.pi * 10 * TIME)
    one, two = (
        band_power(series[:, None], RATE, draws=5),
        band_power(1e-6 * series[:, None] + 3e-6, RATE, draws=5),
    )
    np.testing.assert_allclose(two.power, 1e-12 * one.power, rtol=1e-6)
    np.testing.assert_allclose(two.excess, one.excess, rtol=1e-6)
    field = np.stack([series, np.full(12_000, 2.0), np.full(12_000, np.nan)], 1)
    field[1000:1100, 0] = np.nan
    found = band_power(field, RATE, draws=5)
    assert found.windows.tolist() == [29 - 0, 0, 0] and np.isnan(found.power[1:]).all()
    assert np.isnan(found.p[1:]).all() and found.power[0, 1] == pytest.approx(one.power[0, 1], rel=0.1)
    trials = band_power(series.reshape(3, 4000, 1), RATE, draws=5)
    np.testing.assert_allclose(trials.power, one.power, rtol=0.05)


@pytest.mark.parametrize(
    ("series", "given", "message"),
    [
        (TIME[:, None], {"bands": ((50, 120),)}, "wants a rate above 240 Hz, got 200 Hz"),
        (fall(0)[:, None], {"window": 0.5}, "3 frequencies or more in windows of 0.5 s"),
        (fall(0)[:, None], {"bands": ()}, "one band or more"),
        (fall(0)[:1000, None], {}, "3 windows of 2 s or more without a gap, got 2"),
        (np.ones((4000, 1)), {}, "a channel that varies"),
        (fall(0)[:, None], {"window": np.nan}, "in windows of nan s"),
    ],
)
def test_what_cannot_be_read_is_refused(series, given, message):
    with pytest.raises(BadInput, match=message):
        band_power(series, RATE, **given)


def test_bands_are_theta_alpha_beta_and_low_gamma():
    assert BANDS == ((4, 8), (8, 13), (13, 30), (30, 45))


def densities(series: np.ndarray, steps: int) -> np.ndarray:
    """Of each whole window (W, F), one-sided, of the sum over all times of a cosine and a sine."""
    time, found = np.arange(steps), []
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * time / steps)
    for trial in series:
        for at in range(0, len(trial) - steps + 1, steps):
            part = trial[at : at + steps]
            if np.isfinite(part).all():
                part = (part - part.mean()) * taper
                lines = [part @ np.exp(-2j * np.pi * f * time / steps) for f in range(steps // 2 + 1)]
                found.append(2 * np.abs(lines) ** 2 / (40 * (taper**2).sum()))
    return np.array(found)


def line(density: np.ndarray, frequency: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, float]:
    slope, zero = np.polyfit(np.log(frequency[used]), np.log(density[used]), 1)
    return np.exp(zero + slope * np.log(np.maximum(frequency, frequency[1]))), float(slope)


def test_all_figures_by_hand():
    """Two trials with a gap, windows of 2 s at 40 Hz, three bands that leave a part between them."""
    dice = np.random.default_rng(5)
    series = 1e-3 * (dice.standard_normal((2, 330, 2)).cumsum(1) + 9 + dice.standard_normal((2, 330, 2)))
    series[1, 200, 0] = np.nan
    bands = ((1.0, 3.0), (3.0, 5.0), (9.0, 12.5))
    found = band_power(series, 40.0, bands=bands, window=2.0, draws=3, seed=4)
    frequency = np.arange(41) / 2
    np.testing.assert_allclose(found.frequency, frequency)
    inside = [(frequency >= low) & (frequency < high) for low, high in bands]
    shown = (frequency >= 1) & (frequency < 12.5)
    dice = np.random.default_rng(4)
    for channel, many in enumerate((7, 8)):
        own = densities(series[..., channel], 80)
        assert len(own) == found.windows[channel] == many
        mean = own.mean(0)
        np.testing.assert_allclose(found.density[channel], mean, rtol=1e-6, atol=1e-15)
        whole, slope = line(mean, frequency, shown)
        assert found.slope[channel] == pytest.approx(slope)
        noise = dice.standard_normal((3, many, 43, 2)).view(complex)[..., 0]
        tapered = noise[..., 1:-1] - (noise[..., 2:] + noise[..., :-2]) / 2
        drawn = (np.abs(tapered) ** 2).mean(1) * whole / 3
        for band, within in enumerate(inside):
            power = own[:, within].sum(1) / 2
            assert found.power[channel, band] == pytest.approx(power.mean())
            error = power.std(ddof=1) / np.sqrt(many)
            assert found.power_error[channel, band] == pytest.approx(error)
            assert found.share[channel, band] == pytest.approx(power.mean() / (mean[shown].sum() / 2))
            over = np.where(within, mean / whole, 0)
            assert found.peak[channel, band] == frequency[over.argmax()]
            excess = [
                one[within].sum() / line(one, frequency, shown & ~within)[0][within].sum()
                for one in (mean, *drawn)
            ]
            assert found.excess[channel, band] == pytest.approx(excess[0])
            np.testing.assert_allclose(found.null[:, channel, band], excess[1:])
            rank = (1 + (np.array(excess[1:]) >= excess[0]).sum()) / 4
            assert found.p[channel, band] == rank


def test_three_windows_and_three_frequencies_are_enough():
    series = np.random.default_rng(0).standard_normal((240, 1))
    found = band_power(series, 40.0, bands=((4.0, 5.5),), draws=1)
    assert found.windows.tolist() == [3] and np.isfinite(found.power).all()
    own = line(found.density[0], found.frequency, np.isin(np.arange(41), [8, 9, 10]))[0]
    wanted = found.density[0, 8:11].sum() / own[8:11].sum()
    assert found.excess[0, 0] == pytest.approx(wanted), "the background is that of the band itself"
    for given, message in ((series[:239], "got 2"), (series, "3 frequencies or more")):
        with pytest.raises(BadInput, match=message):
            band_power(given, 40.0, bands=((4.0, 5.5 if len(given) < 240 else 5.0),), draws=1)
