"""Covariances on their own geometry, and kinds of trials that differ now, later, or not at all."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm, logm, sqrtm
from scipy.signal import lfilter

from wavetrain.errors import BadInput
from wavetrain.lenses.population.covariance import (
    _accuracies,
    _nearest,
    _white,
    augmented,
    covariance,
    distance,
    mean,
    tangent,
)


def matrices(many: int, size: int = 4, seed: int = 0) -> np.ndarray:
    root = np.random.default_rng(seed).standard_normal((many, size, 2 * size))
    return root @ np.swapaxes(root, 1, 2) / size


def test_the_distance_is_blind_to_mixtures_and_symmetric():
    one, two = matrices(6), matrices(1, seed=1)[0]
    mix = np.random.default_rng(2).standard_normal((4, 4))
    np.testing.assert_allclose(distance(mix @ one @ mix.T, mix @ two @ mix.T), distance(one, two), rtol=1e-8)
    np.testing.assert_allclose(distance(one, two), [distance(two[None], each)[0] for each in one], rtol=1e-9)
    assert distance(one[:1], one[0])[0] < 1e-6
    assert distance(np.diag([np.e, 1.0])[None], np.eye(2))[0] == pytest.approx(1)


def test_the_mean_of_two_is_geometric_and_that_of_commuting_ones_that_of_their_logs():
    one, two = matrices(2)
    root = np.real(sqrtm(one))
    back = np.linalg.inv(root)
    wanted = root @ np.real(sqrtm(back @ two @ back)) @ root
    np.testing.assert_allclose(mean(np.stack([one, two])), wanted, rtol=1e-6, atol=1e-8)
    same = np.array([one, one @ one, np.linalg.inv(one)])
    np.testing.assert_allclose(mean(same), expm(2 * np.real(logm(one)) / 3), rtol=1e-5, atol=1e-8)
    many = matrices(20)
    assert np.abs(tangent(many, mean(many)).mean(0)).max() < 1e-6
    np.testing.assert_allclose(
        np.linalg.norm(tangent(many, mean(many)), axis=1), distance(many, mean(many)), rtol=1e-8
    )


def test_lagged_copies_hold_lagged_covariances():
    """AR(1) with a = 0.8: blocks 0.8^|i - j| / (1 - 0.64); order 1 is the trial itself, whatever the lag."""
    x = lfilter([1], [1, -0.8], np.random.default_rng(3).standard_normal((1, 200_000)))[..., None]
    wide = augmented(x, 3, 1)
    assert wide.shape == (1, 199_998, 3)
    np.testing.assert_allclose(
        np.cov(wide[0].T), 0.8 ** np.abs(np.subtract.outer(range(3), range(3))) / 0.36, rtol=0.03
    )
    np.testing.assert_array_equal(augmented(x, 1, 7), x)
    tone = np.cos(np.arange(400) / 5)[None, :, None]
    assert np.linalg.matrix_rank(np.cov(augmented(tone, 4, 2)[0].T), tol=1e-2) == 2


def pair(seed: int, apart: float = 1.0, trials: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Four sources of 10 Hz, or two of 10 + apart and two of 10 - apart Hz, of equal covariance; 128 Hz."""
    dice = np.random.default_rng(seed)
    mix = np.random.default_rng(7).standard_normal((4, 4))
    label, found = np.arange(trials) % 2, []
    for kind in label:
        source = []
        for which in range(4):
            turn = 2 * np.pi * (10 + kind * apart * (1 if which < 2 else -1)) / 128
            one = lfilter([1], [1, -2 * 0.97 * np.cos(turn), 0.97**2], dice.standard_normal(556))[300:]
            source.append(one / one.std())
        found.append(np.array(source).T @ mix + 0.5 * dice.standard_normal((256, 4)))
    return np.array(found), label


def test_spectra_that_differ_are_seen_by_lags_alone():
    """Equal covariances: without lags chance, with four copies four steps apart nine in ten and more."""
    trials, label = pair(0)
    plain, lagged = covariance(trials, label, draws=19), covariance(trials, label, 4, 4, draws=19)
    assert 0.35 < plain.accuracy < 0.65 and plain.p > 0.05
    assert lagged.accuracy > 0.9 and lagged.nearest > 0.7 and lagged.p == 0.05
    assert lagged.matrix.shape == (100, 16, 16) and plain.rank == 4


def test_variances_that_differ_need_no_lags():
    dice = np.random.default_rng(1)
    label = np.arange(60) % 2
    trials = dice.standard_normal((60, 128, 6))
    trials[label == 1, :, :2] *= 1.5
    mixed = trials @ dice.standard_normal((6, 6))
    plain, lagged = covariance(mixed, label, draws=0), covariance(mixed, label, 2, 2, draws=0)
    assert plain.accuracy > 0.95 and lagged.accuracy > 0.95 and plain.nearest > 0.95
    assert covariance(mixed * 1e-6, label, draws=0).accuracy == plain.accuracy


def test_random_labels_stay_at_chance_and_pass_as_often_as_the_test_says():
    found = []
    for seed in range(60):
        trials = np.random.default_rng(seed).standard_normal((40, 30, 4))
        found.append(covariance(trials, np.arange(40) % 2, draws=19, seed=seed))
    assert np.mean([one.accuracy for one in found]) == pytest.approx(0.5, abs=0.06)
    p = np.array([one.p for one in found])
    assert (p <= 0.05).sum() <= 9 and abs(p.mean() - 0.525) < 0.13
    again = covariance(np.random.default_rng(0).standard_normal((40, 30, 4)), np.arange(40) % 2, draws=0)
    assert (
        again.accuracy
        == covariance(
            np.random.default_rng(0).standard_normal((40, 30, 4)), np.arange(40) % 2, draws=0
        ).accuracy
    )


def test_a_common_reference_takes_one_direction():
    trials = np.random.default_rng(4).standard_normal((20, 40, 8))
    found = covariance(trials - trials.mean(2, keepdims=True), np.arange(20) % 2, draws=0)
    assert found.rank == 7 and np.isfinite(found.matrix).all() and np.isfinite(found.apart).all()
    few = covariance(np.random.default_rng(5).standard_normal((20, 10, 16)), np.arange(20) % 2, draws=0)
    assert few.rank == 16 and np.isfinite(few.apart).all(), "fewer steps than channels: shrunk"


def test_eyes_open_and_closed():
    """Of one person, two seconds each; lags where covariances of all channels are made alike."""
    path = Path(os.environ.get("WAVETRAIN_DATA", "")) / "eeg_motor_imagery.npz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in WAVETRAIN_DATA")
    with np.load(path) as file:
        names = list(file["channel"])
        some = [names.index(one) for one in ("O1", "Oz", "O2", "Pz", "Cz", "Fz")]
        both = [file[run][some].T.reshape(30, 320, 6).astype(float) for run in ("run01", "run02")]
    found = covariance(np.concatenate(both), np.repeat([0, 1], 30), draws=19)
    assert found.accuracy > 0.8 and found.p == 0.05


@pytest.mark.parametrize(
    ("shape", "label", "words", "message"),
    [
        ((20, 30), np.arange(20) % 2, {}, r"\(trials, time, channels\)"),
        ((20, 30, 2), np.arange(19) % 2, {}, "a label for each of 20 trials"),
        ((20, 30, 2), np.zeros(20, int), {}, "two kinds of trials or more"),
        ((8, 30, 2), np.arange(8) % 2, {}, "5 trials of each, got 4, 4"),
        ((20, 30, 2), np.arange(20) % 2, {"order": 0}, "order 0, lag 1 and 30 steps"),
        ((20, 30, 2), np.arange(20) % 2, {"lag": 0}, "order 1, lag 0 and 30 steps"),
        ((20, 30, 2), np.arange(20) % 2, {"order": 5, "lag": 7}, "order 5, lag 7 and 30 steps"),
        ((20, 8, 2), np.arange(20) % 2, {"order": 3, "lag": 3}, "order 3, lag 3 and 8 steps"),
    ],
)
def test_what_does_not_fit_is_refused(shape, label, words, message):
    with pytest.raises(BadInput, match=message):
        covariance(np.random.default_rng(0).standard_normal(shape), label, **words)


def test_three_steps_beyond_the_lags_and_five_trials_of_a_kind_are_enough():
    found = covariance(np.random.default_rng(0).standard_normal((10, 9, 2)), np.arange(10) % 2, 3, 3, draws=0)
    assert found.matrix.shape == (10, 6, 6)


@pytest.mark.parametrize("names", [[-7, 3], [5, 6, 9]])
def test_kinds_may_be_any_whole_numbers(names: list[int]):
    dice = np.random.default_rng(8)
    label = np.repeat(np.arange(len(names)), 6 + np.arange(len(names)))
    trials = dice.standard_normal((len(label), 12, 3)) * (1 + 0.3 * label[:, None, None])
    one = covariance(trials, label, draws=3)
    two = covariance(trials, np.array(names)[label], draws=3)
    each = np.bincount(label)
    assert one.accuracy == two.accuracy and one.nearest == two.nearest and one.p == two.p
    wanted = np.sqrt((one.accuracy * (1 - one.accuracy) / each).sum()) / len(each)
    assert one.error == pytest.approx(wanted) and wanted > 0
    np.testing.assert_allclose(one.apart, distance(one.matrix, one.mean))


def test_directions_are_white_over_all_trials_and_lost_ones_left_out():
    dice = np.random.default_rng(9)
    value = dice.standard_normal((7, 11, 4)) @ dice.standard_normal((4, 4))
    more = np.concatenate([value, value[..., :1] - value[..., 1:2], 1e-11 * value[..., :1] + 3], 2)
    for given, kept in ((value, 4), (more, 4), (value * [1, 1e3, 1e-5, 1], 4)):
        found = _white(given)
        flat = (found - found.mean(1, keepdims=True)).reshape(77, -1)
        np.testing.assert_allclose(flat.T @ flat / 77, np.eye(kept), atol=1e-6)
    with pytest.raises(BadInput, match="channels that vary inside of trials"):
        _white(np.ones((3, 4, 2)) * np.arange(3)[:, None, None])


def test_every_kind_counts_alike_however_many_trials_it_has():
    """Eight trials of one kind and four of another, of which nothing is known: all are called the first."""
    kind = np.repeat([0, 1], [8, 4])
    folds = []
    for part in range(4):
        judged = np.array([2 * part, 2 * part + 1, 8 + part])
        fitted = np.setdiff1d(np.arange(12), judged)
        folds.append((fitted, judged, np.ones((9, 2)), np.ones((3, 2))))
    assert _accuracies(folds, np.stack([kind, 1 - kind])) == [0.5, 0.5]
    three = np.repeat([0, 1, 2], [6, 3, 3])
    assert _accuracies(folds, three[None]) == [pytest.approx(1 / 3)]
    told = [(one, two, kind[one][:, None] * 1.0, kind[two][:, None] * 1.0) for one, two, _, _ in folds]
    assert _accuracies(told, kind[None]) == [1.0]
    apart = np.where(kind == 0, 1.0, 4.0)[:, None, None] * np.eye(2)
    assert _nearest(apart, kind, folds) == 1
    apart[8] = np.eye(2)  # one in four of the second kind looks like the first
    assert _nearest(apart, kind, folds) == pytest.approx((1 + 3 / 4) / 2)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_mean_is_found_however_far_apart_matrices_are(seed: int):
    """Of eigenvalues from exp(-10) to exp(10), where whole steps would go too far."""
    logs = 2 * np.random.default_rng(seed).standard_normal((6, 4, 4))
    far = np.array([expm(one + one.T) for one in logs])
    assert np.abs(tangent(far, mean(far)).mean(0)).max() < 1e-3
