"""Sequences that were planted in noise, and cells that have no order."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from wavetrain.errors import BadInput
from wavetrain.lenses.population.sequences import _alike, _covariances, _latencies, sequences


def song(seed: int, cells: int = 12, noise: float = 0.3, apart: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Five sequences at times of their own, cells in a hidden order, three samples apart; and that order."""
    dice = np.random.default_rng(seed)
    order = dice.permutation(cells)
    value = noise * dice.standard_normal((600, cells))
    for start in 110 * np.arange(5) + dice.integers(0, 50, 5):
        for place, cell in enumerate(order):
            value[start + apart * place, cell] += 8
    return gaussian_filter1d(value, 2, axis=0), order


def slow(seed: int) -> np.ndarray:
    """Bursts of single cells, of a hundred samples now and then, that know nothing of each other."""
    dice = np.random.default_rng(seed)
    return gaussian_filter1d((dice.random((400, 10)) < 0.03) * 5.0, 3, axis=0) + 0.01


def test_a_planted_order_is_found_with_its_latencies():
    for seed in range(4):
        value, order = song(seed)
        found = sequences(value, rate=30, draws=19)
        assert found.order.tolist() == order.tolist() and found.p == 0.05 and found.score > 0.8
        wanted = 0.1 * (np.arange(12) - 5.5)
        np.testing.assert_allclose(found.latency[order], wanted, atol=0.05)
        assert found.lag[order[0], order[1]] == pytest.approx(0.1, abs=0.04)


def test_trials_never_meet():
    value, order = song(5)
    trials = value[: 5 * 110].reshape(5, 110, 12)
    found = sequences(trials, rate=30, longest=0.9, draws=19)
    assert found.order.tolist() == order.tolist() and found.p == 0.05


def test_cells_that_know_nothing_of_each_other_pass_no_more_often_than_the_test_says():
    p = np.array([sequences(slow(seed), rate=30, draws=19, seed=seed).p for seed in range(40)])
    assert (p <= 0.05).sum() <= 7


def test_cells_that_fire_together_are_no_sequence():
    """All in one step, twelve times: what they share has no order."""
    p = []
    for seed in range(20):
        dice = np.random.default_rng(seed)
        value = np.zeros((600, 10))
        value[dice.integers(0, 600, 12)] = 5
        value = gaussian_filter1d(value, 3, axis=0) + 0.3 * dice.standard_normal((600, 10))
        p.append(sequences(value, rate=30, draws=19, seed=seed).p)
    assert (np.array(p) <= 0.05).sum() <= 4


def test_cells_that_do_not_vary_are_told_and_leave_others_alone():
    value, order = song(1)
    found = sequences(np.c_[value, np.ones(600)], rate=30, draws=5)
    assert np.isnan(found.latency[12]) and found.order.tolist() == [*order.tolist(), 12]


def test_calcium_of_a_singing_bird():
    """75 cells of HVC at 30 Hz for 22 s: their order comes again."""
    path = Path(os.environ.get("WAVETRAIN_DATA", "")) / "songbird_hvc.npz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in WAVETRAIN_DATA")
    with np.load(path) as file:
        calcium = file["calcium"].T.astype(float)
    found = sequences(calcium, rate=30, longest=0.7, draws=19)
    assert found.p == 0.05 and found.score > 0.1


@pytest.mark.parametrize(
    ("given", "words", "message"),
    [
        (np.random.default_rng(0).standard_normal((100, 3)), {}, "4 cells or more that vary, got 3 of 3"),
        (np.full((100, 5), np.nan), {}, "without gaps"),
        (np.random.default_rng(0).standard_normal((100, 5)), {"longest": 20.0}, "4 times as much"),
    ],
)
def test_what_does_not_fit_is_refused(given, words, message):
    with pytest.raises(BadInput, match=message):
        sequences(given, 1.0, **words)


@pytest.mark.parametrize(("shape", "most"), [((160, 4), 10), ((2, 40, 4), 10)])
def test_the_largest_lag_by_default(shape: tuple[int, ...], most: int):
    """A sixteenth of the time, of trials a quarter: a copy that comes so much later is found there."""
    value = np.random.default_rng(0).standard_normal(shape)
    value[..., most:, 1] = value[..., :-most, 0]
    found = sequences(value, rate=5.0, draws=0)
    assert found.lag[0, 1] == most / 5 and found.lag[1, 0] == -most / 5
    assert np.abs(found.lag).max() <= most / 5


@pytest.mark.parametrize("longest", [np.nan, np.inf, 0.0, -1.0, 0.4])
def test_a_lag_of_no_sample_is_refused(longest: float):
    with pytest.raises(BadInput, match="lags of one sample or more"):
        sequences(np.random.default_rng(0).standard_normal((100, 5)), 1.0, longest=longest)


def test_a_half_has_four_times_the_lag_and_no_less():
    value = np.random.default_rng(0).standard_normal((81, 5))
    sequences(value, 1.0, longest=10.0, draws=0)
    with pytest.raises(BadInput, match="4 times as much in each half, got 11 of 40"):
        sequences(value, 1.0, longest=11.0, draws=0)


def test_covariances_by_lag_are_sums_over_each_trial():
    value = np.random.default_rng(1).standard_normal((2, 9, 3))
    found = _covariances(value, 2)
    for at, lag in enumerate(range(-2, 3)):
        ahead, behind = max(-lag, 0), max(lag, 0)
        first, second = value[:, ahead : 9 - behind], value[:, behind : 9 - ahead]
        np.testing.assert_allclose(found[at], np.einsum("ntc,ntd->cd", first, second) / 18, atol=1e-12)


def test_latencies_fit_the_lags_that_weigh():
    """Three cells 1 and 2 steps apart; the pair that covaries negatively says nothing."""
    covariance = np.zeros((7, 3, 3))
    for first, second, lag in ((0, 1, 1), (1, 2, 2)):
        covariance[3 + lag, first, second] = covariance[3 - lag, second, first] = 0.5
    covariance[:, 0, 2] = covariance[:, 2, 0] = -0.1
    lag, strength, latency = _latencies(covariance)
    assert lag[0, 1] == -lag[1, 0] == 1 and lag[1, 2] == -lag[2, 1] == 2 and not np.diag(lag).any()
    assert strength[0, 1] == 0.5 and strength[0, 2] == -0.1
    np.testing.assert_allclose(latency, np.array([0, 1, 3]) - 4 / 3, atol=1e-12)


def scaled(series: np.ndarray) -> np.ndarray:
    return (series - series.mean((0, 1))) / series.std((0, 1))


def lagged(series: np.ndarray, steps: int) -> np.ndarray:
    """Mean products of the first cell with the second so much later, sums over what there is of trials."""
    trials, time, cells = series.shape
    found = np.zeros((2 * steps + 1, cells, cells))
    for at, lag in enumerate(range(-steps, steps + 1)):
        for now in range(max(0, -lag), min(time, time - lag)):
            found[at] += np.einsum("nc,nd->cd", series[:, now], series[:, now + lag])
    return found / (trials * time)


def follows(series: np.ndarray, steps: int) -> np.ndarray:
    covariance = lagged(series, steps)
    order = covariance[steps + 1 :].sum(0) - covariance[:steps].sum(0)
    return order[np.triu_indices(len(order), 1)]


@pytest.mark.parametrize("shape", [(3, 12), (33,)])
def test_all_figures_by_hand(shape: tuple[int, ...]):
    """Five cells, one of which does not vary; odd and even trials, or halves without the middle sample."""
    dice = np.random.default_rng(2)
    value = 5 + dice.standard_normal((*shape, 5)).cumsum(-2) * [1, 2, 1, 30, 0.1]
    value[..., 2] = 4
    some, series = [0, 1, 3, 4], value.reshape(-1, *value.shape[-2:])
    steps = 3 if len(shape) > 1 else 2  # a quarter of a trial, a sixteenth of the time
    found = sequences(value, rate=10, draws=4, seed=6)
    halves = (series[::2], series[1::2]) if len(shape) > 1 else (series[:, :16], series[:, 17:])
    one, two = (scaled(half[..., some]) for half in halves)

    def alike(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    score = alike(follows(one, steps), follows(two, steps))
    assert found.score == pytest.approx(score)
    dice, exchanged, moved = np.random.default_rng(6), [], []
    for _ in range(4):
        order = dice.permutation(4)
        exchanged.append(alike(follows(one, steps), follows(two[..., order], steps)))
        parts = []
        for half in (one, two):
            by = dice.integers(0, half.shape[1], (len(half), 1, 4))
            shifted = [
                np.stack([np.roll(half[n, :, c], by[n, 0, c]) for c in range(4)], 1) for n in range(len(half))
            ]
            parts.append(follows(np.array(shifted), steps))
        moved.append(alike(*parts))
    np.testing.assert_allclose(found.null, exchanged)
    np.testing.assert_allclose(found.null_shifts, moved)
    assert found.p == max((1 + (np.array(null) >= score).sum()) / 5 for null in (exchanged, moved))
    covariance = lagged(scaled(series[..., some]), steps)
    strength, lag = covariance.max(0), (covariance.argmax(0) - steps) / 10
    np.fill_diagonal(lag, 0)
    np.testing.assert_allclose(found.strength[np.ix_(some, some)], strength)
    np.testing.assert_allclose(found.lag[np.ix_(some, some)], lag, atol=1e-12)
    pairs = list(itertools.combinations(range(4), 2))
    rows = np.array([[(c == j) - float(c == i) for c in range(4)] for i, j in pairs])
    weight = np.array([max(strength[pair], 0) for pair in pairs])
    wanted = np.linalg.lstsq(
        np.vstack([rows * weight[:, None], np.ones(4)]), np.r_[weight * [lag[pair] for pair in pairs], 0]
    )[0]
    np.testing.assert_allclose(found.latency[some], wanted, atol=1e-9)
    np.testing.assert_array_equal(found.order, np.argsort(found.latency, kind="stable"))
    for part in (found.latency[2], found.lag[2], found.lag[:, 2], found.strength[2], found.strength[:, 2]):
        assert np.isnan(part).all()


def test_four_cells_and_lags_of_one_sample_are_enough():
    dice = np.random.default_rng(0)
    found = sequences(dice.standard_normal((10, 4)), rate=2.0, draws=0)
    assert set(np.unique(np.abs(found.lag))) <= {0, 0.5} and np.isfinite(found.score)
    assert np.isfinite(sequences(dice.standard_normal((2, 4, 4)), rate=2.0, draws=0).score)


def test_a_cell_varies_by_more_than_rounding():
    value = np.random.default_rng(0).standard_normal((80, 6))
    value[:, 4], value[:, 5] = 1 + 1e-11 * value[:, 4], 1 + 1e-13 * value[:, 5]
    assert np.isnan(sequences(value, 1.0, draws=0).latency).tolist() == [False] * 5 + [True]


def test_tables_are_alike_whatever_their_size_and_one_of_zeros_has_no_score():
    table = np.array([[9, 1.0, 2], [9, 9, -3], [9, 9, 9]])
    other = np.array([[5, 2.0, 0], [5, 5, 1], [5, 5, 5]])
    assert _alike(1e-3 * table, 1e-4 * other) == pytest.approx(-1 / np.sqrt(14 * 5))
    assert np.isnan(_alike(table, 0 * other)) and np.isnan(_alike(0 * table, other))


def test_lags_that_tie_are_the_same_both_ways():
    """Two cells that covary as much a step before as a step after: the lesser lag, and its opposite."""
    covariance = np.zeros((5, 3, 3))
    covariance[1] = covariance[3] = 0.5
    lag = _latencies(covariance)[0]
    assert lag.tolist() == [[0, -1, -1], [1, 0, -1], [1, 1, 0]]
