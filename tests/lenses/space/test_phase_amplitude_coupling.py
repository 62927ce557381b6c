"""Coupling of known depth and phase, of none, and of what must not be taken for it."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.lenses.space.phase_amplitude_coupling import (
    _profile,
    _spliced,
    modulation_index,
    phase_amplitude_coupling,
)

RATE = 500.0


def coupled(
    depth: float, seed: int = 0, seconds: int = 30, phase: float = 0.0, wander: float = 0.15
) -> np.ndarray:
    """Theta of 6.13 Hz that wanders, and noise of 50 to 90 Hz whose size follows its phase (T,)."""
    dice = np.random.default_rng(seed)
    time = np.arange(seconds * int(RATE)) / RATE
    theta = 2 * np.pi * 6.13 * time + wander * dice.standard_normal(len(time)).cumsum()
    gamma = sosfiltfilt(
        butter(3, (50, 90), "bandpass", fs=RATE, output="sos"), dice.standard_normal(len(time))
    )
    return (
        3 * np.cos(theta)
        + (1 + depth * np.cos(theta - phase)) * gamma
        + 0.1 * dice.standard_normal(len(time))
    )


def look(series: np.ndarray, draws: int = 99, **given):
    return phase_amplitude_coupling(series.reshape(len(series), -1), RATE, draws=draws, **given)


@pytest.mark.parametrize(
    ("depth", "index"), [(0.0, 0.0), (0.25, 0.00539), (0.5, 0.02213), (0.75, 0.05238), (1.0, 0.10451)]
)
def test_the_index_and_vector_of_a_cosine_are_known(depth: float, index: float):
    phase = (np.arange(18_000) + 0.5) * 2 * np.pi / 18_000 - np.pi
    bins = np.minimum((phase + np.pi) * 18 / (2 * np.pi), 17).astype(int)[:, None]
    share, vector = _profile(bins, np.exp(1j * phase)[:, None], 1 + depth * np.cos(phase - 1)[:, None])
    assert modulation_index(share)[0, 0] == pytest.approx(index, abs=1e-4)
    assert np.abs(vector[0, 0]) == pytest.approx(depth / 2)
    assert depth == 0 or np.angle(vector[0, 0]) == pytest.approx(1)


def test_all_in_one_bin_is_one_and_flat_is_none():
    """0 log 0 is 0, and no base of a logarithm matters."""
    one = np.zeros(18)
    one[4] = 1
    assert modulation_index(one) == pytest.approx(1) and abs(modulation_index(np.full(18, 1 / 18))) < 1e-12
    some = np.random.default_rng(0).dirichlet(np.ones(18))
    assert modulation_index(some) == pytest.approx(1 + (some * np.log2(some)).sum() / np.log2(18))
    assert np.isnan(modulation_index(np.full(18, np.nan)))


@pytest.mark.parametrize("phase", [0.0, 2.0, np.pi])
def test_coupling_is_found_at_its_phase(phase: float):
    found = look(coupled(0.7, phase=phase))
    assert found.p[0, 0] == 0.01 and found.z[0, 0] > 5
    off = np.angle(np.exp(1j * (found.preferred[0, 0] - phase)))
    assert abs(off) < 0.3 and abs(off) < 4 * found.preferred_error[0, 0]
    assert 0.2 < found.vector[0, 0] < 0.35  # half of the depth, less what the filter smooths
    assert found.null[:, 0, 0].mean() < 0.1 * found.modulation[0, 0]
    assert found.profile[0, 0].sum() == pytest.approx(1)


def test_deeper_coupling_has_a_larger_index():
    found = [look(coupled(depth), draws=9).modulation[0, 0] for depth in (0, 0.25, 0.5, 1)]
    assert found == sorted(found) and found[-1] > 20 * found[0]


def test_ten_seconds_in_one_piece_are_enough():
    assert look(coupled(0.9, seconds=10)).p[0, 0] == 0.01


def test_no_coupling_passes_as_often_as_the_test_says():
    """Of forty recordings at most 6 below 0.05, which the binomial law leaves to one in a hundred."""
    found = [look(coupled(0.0, seed, 8), draws=39) for seed in range(40)]
    p = np.array([one.p[0, 0] for one in found])
    assert (p <= 0.05).sum() <= 6 and abs(p.mean() - 0.5) < 0.15
    assert (np.abs([one.z[0, 0] for one in found]) > 3).sum() <= 2


def test_a_rhythm_that_never_varies_does_not_hide_coupling_or_make_it():
    """Moved as a whole, its amplitude would stay coupled, in surrogates as in what is tested."""
    found = look(coupled(0.8, wander=0.0))
    assert found.p[0, 0] == 0.01 and found.null[:, 0, 0].mean() < 0.1 * found.modulation[0, 0]
    assert look(coupled(0.0, seed=3, wander=0.0)).p[0, 0] > 0.05


def test_phase_of_one_channel_and_amplitude_of_another():
    """Of two, the first has the rhythm alone, and the second the fast noise alone."""
    whole = coupled(0.8)
    slow = sosfiltfilt(butter(3, 20, fs=RATE, output="sos"), whole)
    found = look(
        np.stack([slow + 0.01 * np.random.default_rng(1).standard_normal(len(slow)), whole - slow], 1)
    )
    assert found.p[0, 1] == 0.01 and found.p[1, 0] > 0.05
    assert abs(found.preferred[0, 1]) < 0.3


def test_index_follows_no_unit_and_no_shift_of_phase():
    series = coupled(0.5)
    one, two = look(series, draws=9), look(1e-6 * series + 3, draws=9)
    np.testing.assert_allclose(two.modulation, one.modulation, rtol=1e-6)
    np.testing.assert_allclose(two.null, one.null, rtol=1e-6)


def test_two_clean_tones_are_coupled_nowhere():
    """6 Hz and 90 Hz without noise: bands off the tones have no signal, and the cell on both no coupling."""
    time = np.arange(5000) / RATE
    tones = np.cos(2 * np.pi * 6 * time) + 0.3 * np.cos(2 * np.pi * 90 * time)
    for slow in ((2, 4), (8, 10), (12, 20)):
        with pytest.raises(BadInput, match="channel with power from"):
            look(tones, slow=slow, fast=(70, 120))
    with pytest.raises(BadInput, match="channel with power from 30 to 60 Hz"):
        look(tones, fast=(30, 60))
    assert look(tones, fast=(70, 110)).modulation[0, 0] < 1e-4


def test_a_sawtooth_is_coupled_to_itself():
    """As the file says: its harmonics lie at one phase. No second rhythm is there."""
    phase = (6.13 * np.arange(10_000) / RATE) % 1
    saw = phase + 0.01 * np.random.default_rng(0).standard_normal(10_000)
    assert look(saw).modulation[0, 0] > 0.01


def test_pieces_change_places_and_all_samples_stay():
    for order in _spliced(2000, 80.0, 5, 0):
        assert sorted(order) == list(range(2000))
        joins = np.flatnonzero(np.diff(order) % 2000 != 1)
        assert 8 <= len(joins) <= 26 and np.sort(np.diff(joins))[2:].min() >= 79


def test_gaps_flat_channels_and_trials():
    series = np.stack([coupled(0.8), np.ones(15_000), np.full(15_000, np.nan)], 1)
    series[7000:7100, 0] = np.nan
    found = look(series)
    assert found.p[0, 0] == 0.01 and 0.9 < found.used < 0.99
    assert (
        np.isnan(found.modulation[1:]).all()
        and np.isnan(found.p[:, 1:]).all()
        and np.isnan(found.z[1:, 0]).all()
    )
    trials = phase_amplitude_coupling(coupled(0.8).reshape(3, 5000, 1), RATE, draws=19)
    assert trials.p[0, 0] == 0.05 and trials.used < found.used


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fast": (60, 70)}, "16 Hz wide or more"),
        ({"fast": (7, 40)}, "a fast band above 8 Hz"),
        ({"fast": (200, 260)}, "wants a rate above 520 Hz, got 500 Hz"),
        ({"slow": (0.1, 1)}, "without a gap, got 15000"),
    ],
)
def test_what_cannot_be_read_is_refused(given, message):
    with pytest.raises(BadInput, match=message):
        look(coupled(0.5), **given)


def test_all_figures_by_hand():
    """Two trials of two channels: mean amplitudes in 18 bins of phase, and those of spliced pieces."""
    dice = np.random.default_rng(3)
    theta = 2 * np.pi * 6 * np.arange(3000) / 400 + 0.1 * dice.standard_normal((2, 3000)).cumsum(1)
    field = (1 + np.cos(theta))[..., None] * dice.standard_normal((2, 3000, 2)) + 4 * np.cos(theta)[..., None]
    field[0, 1500, 1] = np.nan
    found = phase_amplitude_coupling(field, 400.0, draws=3, seed=5)
    slow, fast = (
        _rhythm.phasors("a test", field, _rhythm.band_of("a test", band, 400.0))
        for band in ((4, 8), (50, 90))
    )
    known = (np.isfinite(slow) & np.isfinite(fast)).all(2)
    assert found.used == pytest.approx(known.mean())
    phase, size = np.angle(slow[known]), np.abs(fast[known])
    orders = [np.arange(len(size)), *_spliced(len(size), 400 / 6, 3, 5)]
    for i in range(2):
        for j in range(2):
            at = np.floor((phase[:, i] + np.pi) / (2 * np.pi / 18)).astype(int).clip(0, 17)
            index, vectors, profiles = [], [], []
            for order in orders:
                moved = size[order, j] / size[:, j].mean()
                share = np.array([moved[at == one].mean() for one in range(18)])
                profiles.append(share / share.sum())
                index.append(1 + (profiles[-1] * np.log(profiles[-1])).sum() / np.log(18))
                vectors.append((moved * np.exp(1j * phase[:, i])).mean())
            np.testing.assert_allclose(found.profile[i, j], profiles[0])
            assert found.modulation[i, j] == pytest.approx(index[0])
            assert found.vector[i, j] == pytest.approx(abs(vectors[0]))
            assert found.preferred[i, j] == pytest.approx(np.angle(vectors[0]))
            null = np.array(index[1:])
            np.testing.assert_allclose(found.null[:, i, j], null)
            assert found.z[i, j] == pytest.approx((index[0] - null.mean()) / null.std())
            assert found.p[i, j] == (1 + (null >= index[0]).sum()) / 4
            spread = np.sqrt(np.mean(np.abs(vectors[1:]) ** 2) / 2)
            assert found.preferred_error[i, j] == pytest.approx(spread / abs(vectors[0]))
