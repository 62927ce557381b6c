"""Dynamical similarity of linear systems whose distance is known, in any coordinates."""

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.lenses.population.dsa import _climb, _gain, _polar, angles, apart, dsa


def turn(angle: float, size: float = 0.99) -> np.ndarray:
    c, s = size * np.cos(angle), size * np.sin(angle)
    return np.array([[c, -s], [s, c]])


def driven(matrix: np.ndarray, seed: int, trials: int = 4, time: int = 300) -> np.ndarray:
    """h' = A h + noise, (trials, time, units)."""
    dice = np.random.default_rng(seed)
    h = np.zeros((trials, time, len(matrix)))
    for t in range(1, time):
        h[:, t] = h[:, t - 1] @ matrix.T + dice.standard_normal((trials, len(matrix)))
    return h


def test_equal_singular_values_are_not_equal_dynamics():
    """0.99 R(0.3) and 0.99 R(1.2): eigenvalues 0.9 rad apart, all singular values 0.99."""
    one, two = turn(0.3), turn(1.2)
    assert angles(one[None], two[None])[0] == pytest.approx(0.9, abs=1e-6)
    wanted = 0.99 * abs(np.exp(0.3j) - np.exp(1.2j))
    assert apart(np.linalg.eigvals(one), np.linalg.eigvals(two)) == pytest.approx(wanted)
    assert angles(one[None], turn(-0.3)[None])[0] < 1e-6, "a mirror image is the same in other coordinates"


@pytest.mark.parametrize("size", [2, 5, 10, 15])
def test_the_same_matrix_in_other_coordinates_is_at_no_distance(size: int):
    dice = np.random.default_rng(size)
    a = dice.standard_normal((12, size, size))
    q = np.array([ortho_group.rvs(size, random_state=seed) for seed in range(12)])
    assert angles(a, q @ a @ np.swapaxes(q, -1, -2)).max() < 1e-3
    assert angles(a, a).max() < 1e-6


def test_the_angle_is_the_least_that_a_search_from_many_starts_finds():
    dice = np.random.default_rng(3)
    a, b = dice.standard_normal((2, 6, 2, 2))
    grid = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    turns = np.stack(
        [np.stack([np.cos(grid), -np.sin(grid)], -1), np.stack([np.sin(grid), np.cos(grid)], -1)], -2
    )
    both = np.concatenate([turns, turns @ np.diag([1.0, -1.0])])
    for one, two, found in zip(a, b, angles(a, b), strict=True):
        gain = (
            (one * (both @ two @ np.swapaxes(both, -1, -2))).sum((1, 2)).max()
            / np.linalg.norm(one)
            / np.linalg.norm(two)
        )
        assert found == pytest.approx(np.arccos(gain), abs=1e-3)


def test_a_linear_system_is_read_back():
    """Without noise, with as many coordinates as there are units: the eigenvalues of A."""
    matrix = np.array([[0.9, 0.2, 0.0], [-0.2, 0.9, 0.1], [0.0, 0.0, 0.7]])
    h = [np.ones(3)]
    for _ in range(60):
        h.append(matrix @ h[-1])
    states = np.array(h) - 0
    both = np.stack([states, -states])  # of mean 0
    found = dsa([both, both @ np.diag([1.0, 3.0, 9.0])], delays=1, rank=3)
    wanted = np.linalg.eigvals(matrix)
    assert max(apart(values, wanted) for values in found.eigenvalues) < 1e-3
    assert found.spectral[0, 1] < 1e-6


def test_it_is_blind_to_the_shape_and_sees_the_dynamics():
    """CKA would find the stretched copy unlike, DSA does not; another speed it finds at any shape."""
    base = driven(turn(0.3, 0.95), 0, trials=8)
    mixed = base @ np.array([[1.0, 0.5, 2.0], [0.0, 1.0, -1.0]])
    other = driven(turn(0.6, 0.95), 1, trials=8)
    found = dsa([base, mixed, other], delays=2, rank=2)
    assert found.spectral[0, 1] < 0.02 < 0.2 < found.spectral[0, 2]
    assert found.angle[0, 1] < 0.1 < 0.25 < found.angle[0, 2]
    assert found.p[0, 2] == found.p_angle[0, 2] == 1 / 4 and found.p[0, 1] > 1 / 4


def test_distances_are_symmetric_zero_to_oneself_and_know_their_error():
    found = dsa([driven(turn(0.3, 0.9), seed) for seed in range(4)], delays=2, rank=2)
    for distance in (found.angle, found.spectral, found.error):
        np.testing.assert_allclose(distance, distance.T)
        assert (np.diag(distance) == 0).all()
    assert (found.p.diagonal() == 1).all() and (found.angle >= 0).all() and (found.angle <= np.pi).all()
    assert found.operator.shape == (4, 2, 2) and found.floor.shape == (4,)


def test_runs_of_one_system_pass_no_more_often_than_the_test_says():
    """Nineteen runs: each p is at least 0.05, and that of a pair of runs seldom so."""
    found = dsa([driven(turn(0.4, 0.9), seed, time=150) for seed in range(19)], delays=1, rank=2)
    pairs = found.p[np.triu_indices(19, 1)]
    assert (pairs <= 0.05 + 1e-9).mean() <= 0.08
    assert (found.p_angle[np.triu_indices(19, 1)] <= 0.05 + 1e-9).mean() <= 0.08


def test_steps_of_different_trials_never_meet():
    """Each trial stays where it is: the matrix is 1, although the next trial is elsewhere."""
    held = np.repeat(np.array([[-3.0], [1.0], [2.0]])[:, None], 20, 1)
    found = dsa([held, held], delays=1, rank=1)
    np.testing.assert_allclose(found.operator, 1, atol=1e-6)


def test_the_rank_is_found_and_the_recordings_are_left_alone():
    base = torch.from_numpy(driven(turn(0.3, 0.95), 0))
    kept = base.clone()
    found = dsa([base, base @ normal(2, 9)], delays=1)
    assert found.operator.shape == (2, 2, 2) and torch.equal(base, kept)
    assert dsa([normal(400, 30), normal(400, 30, seed=1)]).operator.shape == (2, 15, 15)
    assert dsa(normal(2, 12, 6)).operator.shape == (2, 2, 2), "a third of eight steps"


@pytest.mark.parametrize(
    ("given", "words", "message"),
    [
        ([normal(50, 2)], {}, "two recordings or more"),
        ([normal(50, 2)] * 2, {"delays": 0}, "delays and a rank of 1 or more"),
        ([normal(50, 2)] * 2, {"rank": 0}, "delays and a rank of 1 or more"),
        ([normal(50, 2)] * 2, {"rank": 9}, "a rank of at most 8, .* got 9"),
        ([normal(4, 2)] * 2, {}, "more than 4 steps a trial, as many as delays, got 4"),
        ([normal(6, 2)] * 2, {}, "three steps or more beyond the delays, got 2"),
        ([torch.ones(50, 2)] * 2, {}, "activity that varies, got the same at all steps of recording 0"),
        ([normal(50, 2), normal(50, 2) * torch.nan], {}, "finite numbers in recording 1, got 100 of 100"),
        ([normal(50), normal(50)], {}, r"recording 0 \(samples, units\)"),
    ],
)
def test_what_does_not_fit_is_refused(given, words, message):
    with pytest.raises(BadInput, match=message):
        dsa(given, **words)


def matrix_of(trials: np.ndarray, delays: int, rank: int) -> np.ndarray:
    """The matrix by loops: rows of the newest step first, whitened, and least squares with a ridge."""
    rows = [
        [np.concatenate([one[t - lag] for lag in range(delays)]) for t in range(delays - 1, len(one))]
        for one in trials
    ]
    return fitted(np.array(rows), rank)


def fitted(rows: np.ndarray, rank: int) -> np.ndarray:
    flat = rows.reshape(-1, rows.shape[2])
    left, _, _ = np.linalg.svd(flat, full_matrices=False)
    at = left[:, :rank].reshape(len(rows), -1, rank) * np.sqrt(len(flat))
    now, after = np.concatenate(at[:, :-1]), np.concatenate(at[:, 1:])
    return np.linalg.lstsq(now, after, rcond=None)[0].T


@pytest.mark.parametrize("shape", [(3, 21, 2), (25, 2)])
def test_all_figures_by_hand(shape: tuple[int, ...]):
    """Three recordings of two units, three steps in a row, rank four; halves of trials or of time."""
    dice = np.random.default_rng(0)
    given = [dice.standard_normal(shape).cumsum(-2) * (1 + number) + number for number in range(3)]
    found = dsa(given, delays=3, rank=4)
    values, halves = [], []
    for number, one in enumerate(given):
        trials = (one - one.mean(tuple(range(one.ndim - 1)))).reshape(-1, *shape[-2:])
        matrix = matrix_of(trials, 3, 4)
        np.testing.assert_allclose(np.abs(found.operator[number]), np.abs(matrix), atol=1e-6)
        values.append(np.linalg.eigvals(matrix))
        assert apart(found.eigenvalues[number], values[-1]) < 1e-6
        rows = np.array(
            [[one[t - np.arange(3)].ravel() for t in range(2, trials.shape[1])] for one in trials]
        )
        cut = (rows[:1], rows[1:]) if len(rows) > 1 else (rows[:, :11], rows[:, 11:])
        halves.append([fitted(half, 4) for half in cut])
    parts = np.linalg.eigvals(halves)
    floor = np.array([apart(*two) for two in parts])
    np.testing.assert_allclose(found.floor, floor, atol=1e-6)
    first, second = np.swapaxes(halves, 0, 1)
    np.testing.assert_allclose(found.floor_angle, angles(first, second), atol=1e-3)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        wanted = apart(values[i], values[j])
        assert found.spectral[i, j] == found.spectral[j, i] == pytest.approx(wanted, abs=1e-6)
        error = abs(apart(parts[i][0], parts[j][1]) - apart(parts[i][1], parts[j][0])) / 2
        assert found.error[i, j] == found.error[j, i] == pytest.approx(error, abs=1e-6)
        assert found.p[i, j] == found.p[j, i] == (1 + (floor >= wanted).sum()) / 4
        assert found.p_angle[i, j] == (1 + (found.floor_angle >= found.angle[i, j]).sum()) / 4


@pytest.mark.parametrize(("shares", "rank"), [((0.95, 0.041, 0.009), 2), ((0.95, 0.039, 0.011), 3)])
def test_the_rank_that_is_found_holds_99_percent(shares: tuple[float, ...], rank: int):
    dice = np.random.default_rng(0)
    exact = np.linalg.qr(np.c_[np.ones(40), dice.standard_normal((40, 3))])[0][:, 1:]
    seen = exact * np.sqrt(shares)
    assert dsa([seen, seen[:, :1] + 0 * seen], delays=1).operator.shape == (2, rank, rank), "the larger"


def test_the_fewest_steps_and_the_largest_rank_that_are_enough():
    dice = np.random.default_rng(0)
    assert dsa(dice.standard_normal((2, 7, 2))).operator.shape == (2, 1, 1), "three pairs of steps"
    assert dsa(dice.standard_normal((2, 6, 5, 2))).operator.shape == (2, 2, 2), "one pair in each trial"
    assert dsa(dice.standard_normal((2, 50, 2)), rank=8).operator.shape == (2, 8, 8)
    assert dsa(dice.standard_normal((2, 22, 30)), rank=6).operator.shape == (2, 6, 6)
    with pytest.raises(BadInput, match="at most 6, a third of 18 steps"):
        dsa(dice.standard_normal((2, 22, 30)), rank=7)


def test_pairs_are_of_least_cost_and_opposite_numbers_half_a_turn_apart():
    """0 with 0.4 and 0.5 with 1, although 0.5 and 0.4 are nearer; the size of a matrix does not count."""
    one, two = np.array([0.0, 0.5]), np.array([0.4, 1.0])
    assert apart(one, two) == pytest.approx(0.45)
    assert angles(np.array([[[2.0]]]), np.array([[[-3.0]]]))[0] == pytest.approx(np.pi)
    assert angles(np.array([[[2.0]]]), np.array([[[3.0]]]))[0] == 0
    a = np.diag([1.0, 0.0])[None]
    assert angles(a, 7 * np.diag([1.0, 1.0])[None])[0] == pytest.approx(np.pi / 4)


def test_the_climb_finds_what_many_starts_find():
    """Of three units: seldom worse than the best of twenty turns drawn at random and then improved."""
    dice = np.random.default_rng(5)
    a, b = dice.standard_normal((2, 8, 3, 3))
    a, b = (one / np.linalg.norm(one, axis=(1, 2), keepdims=True) for one in (a, b))
    turns = np.repeat(_polar(dice.standard_normal((1, 20, 3, 3))), 8, 0)
    turns = _climb(a[:, None], b[:, None], turns, 40)
    best = np.arccos(_gain(a[:, None], b[:, None], turns).max(1))
    assert (angles(a, b) < best + 0.02).mean() > 0.8
