"""Synchrony: a constant lag is 1, chance is told from locking, and units do not matter."""

import numpy as np
import pytest
from scipy.signal import lfilter

from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.lenses.space.synchrony import synchrony
from wavetrain.parts.nulls import least_shift

RATE = 250.0
TIME = np.arange(5000) / RATE


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def rhythm(seed: int = 0, time: np.ndarray = TIME) -> np.ndarray:
    """The phase of 10 Hz that wanders."""
    return 2 * np.pi * 10 * time + 0.15 * noise(len(time), seed=seed).cumsum()


@pytest.mark.parametrize("lag", [np.pi / 2, -np.pi / 2, 0.9 * np.pi, -0.9 * np.pi, 0.3])
def test_a_constant_lag_is_one_whatever_it_is(lag: float):
    """Differences of wrapped angles would have half of the signs wrong."""
    found = synchrony(np.stack([np.cos(rhythm()), np.cos(rhythm() - lag)], 1), RATE, (8, 12), draws=19)
    assert found.pli[0, 1] == pytest.approx(1, abs=0.01) and found.pli[0, 1] == found.pli[1, 0]
    assert found.plv[0, 1] == pytest.approx(1, abs=0.01) and found.plv[0, 1] == pytest.approx(found.plv[1, 0])
    assert found.lag[0, 1] == pytest.approx(lag, abs=0.03) and found.lag[1, 0] == pytest.approx(
        -lag, abs=0.03
    )
    assert found.p_plv[0, 1] == found.p_pli[0, 1] == 1 / 20
    assert found.coherence[0, 1] > 0.95
    assert found.imaginary[0, 1] == pytest.approx(np.sin(lag), abs=0.05)


def test_no_lag_is_locked_and_does_not_lag():
    both = np.cos(rhythm())[:, None] + 0.1 * noise(5000, 2)
    found = synchrony(both, RATE, (8, 12), draws=19)
    assert found.plv[0, 1] > 0.95 and found.pli[0, 1] < 0.25
    assert synchrony(np.repeat(both[:, :1], 2, 1), RATE, (8, 12), draws=1).pli[0, 1] == 0


def test_all_are_in_their_ranges_and_follow_no_unit():
    """Coherence over the product, and not its root, would depend on the unit."""
    field = noise(5000, 3) + np.cos(rhythm())[:, None] * [1, 0.5, 0]
    one, two = (
        synchrony(field, RATE, (8, 12), draws=5),
        synchrony(field * [1, 1e-6, 1e9], RATE, (8, 12), draws=5),
    )
    for name in ("plv", "pli", "coherence", "imaginary", "null_plv", "p_plv"):
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), atol=1e-10, equal_nan=True)
    for name in ("plv", "pli", "coherence"):
        values = getattr(one, name)
        assert (values >= 0).all() and (values <= 1 + 1e-12).all() and np.allclose(values, values.T)
    assert (np.abs(one.imaginary) <= 1).all() and np.allclose(one.imaginary, -one.imaginary.T)
    assert np.allclose(np.diag(one.plv), 1) and np.isnan(np.diag(one.p_plv)).all()


def test_channels_that_know_nothing_of_each_other_pass_as_often_as_the_test_says():
    """Noise of a narrow band, 120 pairs: at most a tenth below 0.05."""
    p = []
    for seed in range(12):
        found = synchrony(noise(2000, 5, seed=seed), RATE, (9, 11), draws=39)
        p.append([one[np.triu_indices(5, 1)] for one in (found.p_plv, found.p_pli, found.p_coherence)])
        assert found.plv[np.triu_indices(5, 1)].max() < 0.95, "one epoch is not 1"
    for one in np.concatenate(p, 1):
        assert (one <= 0.05).mean() <= 0.1 and abs(np.mean(one) - 0.5) < 0.1


def test_slow_noise_passes_as_often_as_the_test_says():
    """Two channels whose level wanders by themselves, as slow as 1 s."""
    p = []
    for seed in range(15):
        drawn = lfilter([1], [1, 1 / RATE - 1], noise(2000, 4, seed=seed), axis=0)
        p.append(synchrony(drawn, RATE, (2, 6), draws=39).p_plv[np.triu_indices(4, 1)])
    assert (np.concatenate(p) <= 0.05).mean() <= 0.1


def test_chance_is_the_floor():
    """sqrt(pi / 4n) for n independent phases: within a third, over pairs of noise."""
    found = synchrony(noise(20_000, 6), RATE, (8, 12), draws=1)
    assert found.independent == pytest.approx(80 * 4, rel=0.02)
    assert found.plv[np.triu_indices(6, 1)].mean() == pytest.approx(found.floor, rel=0.35)


def test_locking_in_noise_is_found_and_its_error_is_told():
    spread = []
    for seed in range(12):
        field = np.stack([np.cos(rhythm(seed)), np.cos(rhythm(seed) - 0.7)], 1) + noise(
            5000, 2, seed=seed + 50
        )
        found = synchrony(field, RATE, (8, 12), draws=19)
        assert found.p_plv[0, 1] == 1 / 20 and 0.5 < found.plv[0, 1] < 0.99
        spread.append(found.lag[0, 1])
    assert np.mean(spread) == pytest.approx(0.7, abs=0.05)
    assert 0.4 < found.lag_error[0, 1] / np.std(spread) < 2.5


def test_gaps_flat_channels_and_trials():
    field = np.stack([np.cos(rhythm()), np.cos(rhythm() - 0.7), np.ones(5000), np.full(5000, np.nan)], 1)
    field[2000:2100, 0] = np.nan
    found = synchrony(field, RATE, (8, 12), draws=9)
    assert found.plv[0, 1] > 0.99 and found.used[0] < found.used[1] and found.used[2] == found.used[3] == 0
    for name in ("plv", "pli", "coherence", "p_plv", "p_pli"):
        assert np.isnan(getattr(found, name)[2:]).all()
    assert found.coherence[0, 1] > 0.9
    trials = synchrony(field[:, :2].reshape(2, 2500, 2), RATE, (8, 12), draws=9)
    assert trials.plv[0, 1] > 0.99 and trials.segments > 10


GOOD = noise(2000, 2)


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        (GOOD[:500], {"band": (9, 11)}, "two independent samples of phase or more, got 1.4"),
        (GOOD, {"band": (100, 130)}, "wants a rate above 260 Hz"),
        (0 * GOOD, {}, "with power from 8 to 12 Hz, got 2 without any"),
        (np.full((2000, 2), np.nan), {}, "without a gap"),
    ],
)
def test_what_cannot_be_read_is_refused(field, given, message):
    with pytest.raises(BadInput, match=message):
        synchrony(field, RATE, **({"band": (8, 12)} | given))


def test_one_window_is_refused():
    """Its coherence is exactly 1 for any data."""
    with pytest.raises(BadInput, match="coherence wants two windows of 3 s or more, as that of one is 1"):
        synchrony(noise(1300, 2), RATE, (1, 20))


def test_all_figures_by_hand():
    """Three trials of three channels, every fifth sample, windows of half a second that overlap by half."""
    field = noise(3, 700, 3, seed=4) + np.cos(rhythm(3, np.arange(700) / RATE))[:, None] * [1, 0.5, 0]
    found = synchrony(field, RATE, (8, 12), draws=4, seed=6)
    phase = np.angle(_rhythm.phasors("a test", field, _rhythm.band_of("a test", (8, 12), RATE)))
    some = phase[:, ::5]
    known = np.isfinite(some)
    dice, least = np.random.default_rng(6), least_shift(140, None)
    moves = dice.integers(least, 140 - least + 1, 4)
    independent = known[..., 0].sum() * 5 / RATE * 4
    assert found.independent == pytest.approx(independent)
    assert found.floor == pytest.approx(np.sqrt(np.pi / 4 / independent))
    np.testing.assert_allclose(found.used, np.isfinite(phase).mean((0, 1)))
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(125) / 125)
    windows = []
    for trial in field:
        for at in range(0, 576, 62):
            part = trial[at : at + 125]
            windows.append(np.fft.rfft((part - part.mean(0)) * taper[:, None], axis=0)[4:7])
    spectra = np.array(windows)
    assert found.segments == len(spectra) == 30

    def coherent(i: int, j: int, turn: int) -> tuple[float, float]:
        one, two = spectra[..., i], np.roll(spectra[..., j], turn, 0)
        ratio = (one * two.conj()).sum(0) / np.sqrt((np.abs(one) ** 2).sum(0) * (np.abs(two) ** 2).sum(0))
        return float((np.abs(ratio) ** 2).mean()), float(ratio.imag.mean())

    for i, j in ((0, 1), (0, 2), (1, 2)):

        def scores(move: int, i: int = i, j: int = j) -> tuple[complex, float]:
            off = some[..., i] - np.roll(some[..., j], move, 1)
            off = off[np.isfinite(off)]
            return np.exp(1j * off).mean(), abs(np.sign(np.sin(off)).mean())

        locked, lagging = scores(0)
        assert found.plv[i, j] == pytest.approx(abs(locked))
        assert found.lag[i, j] == pytest.approx(np.angle(locked))
        assert found.pli[i, j] == pytest.approx(lagging)
        error = np.sqrt((1 - abs(locked)) / abs(locked) / independent)
        assert found.lag_error[i, j] == pytest.approx(error)
        drawn = [scores(move) for move in moves]
        null = np.array([abs(one) for one, _ in drawn])
        np.testing.assert_allclose(found.null_plv[:, i, j], null)
        assert found.p_plv[i, j] == found.p_plv[j, i] == (1 + (null >= abs(locked)).sum()) / 5
        late = np.array([one for _, one in drawn])
        assert found.p_pli[i, j] == found.p_pli[j, i] == (1 + (late >= lagging - 1e-12).sum()) / 5
        squared, imaginary = coherent(i, j, 0)
        assert found.coherence[i, j] == pytest.approx(squared)
        assert found.imaginary[i, j] == pytest.approx(imaginary)
        null = np.array([coherent(i, j, turn)[0] for turn in (2, 3, 4, 5)])
        assert found.p_coherence[i, j] == (1 + (null >= squared).sum()) / 5


def test_no_unit_weighs_trials_by_the_size_of_one_sample():
    field = noise(4, 1000, 2, seed=7) * np.array([1.0, 0.7, 0.5, 0.3])[:, None, None]
    one = synchrony(field, RATE, (8, 12), draws=2)
    for unit in (1.3, 1.6, 1e-5):
        two = synchrony(unit * field, RATE, (8, 12), draws=2)
        np.testing.assert_allclose(two.coherence, one.coherence, atol=1e-9)
        np.testing.assert_allclose(two.imaginary, one.imaginary, atol=1e-9)


def test_a_gap_sets_no_scale():
    field = noise(4, 1000, 2, seed=7)
    field[0, 5, 0] = np.nan
    one, two = (synchrony(unit * field, RATE, (8, 12), draws=2) for unit in (1, 1e-180))
    assert np.isfinite(one.coherence).all()
    np.testing.assert_allclose(two.coherence, one.coherence, atol=1e-9)
