"""Procrustes distances of turned, scaled, unrelated and narrower populations."""

import numpy as np
import pytest

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.lenses.population.procrustes import procrustes

DICE = np.random.default_rng(0)
X = DICE.standard_normal((50, 3))
TURN = np.linalg.qr(DICE.standard_normal((3, 3)))[0]


def test_a_turned_copy_is_brought_back_and_not_turned_the_other_way():
    found = procrustes(X, X @ TURN, draws=0)
    np.testing.assert_allclose(found.rotation, TURN, atol=1e-12)
    centred = X - X.mean(0)
    assert np.linalg.norm(centred @ found.rotation - centred @ TURN) < 1e-12
    assert np.linalg.norm(centred @ found.rotation.T - centred @ TURN) > 1, "the turn the wrong way round"
    assert found.distance < 1e-12 and found.angle < 1e-12 and found.before > 1


def test_alignment_never_makes_it_worse_and_both_ways_are_alike():
    for seed in range(20):
        one, two = np.random.default_rng(seed).standard_normal((2, 30, 4))
        there, back = procrustes(one, two, draws=0), procrustes(two, one, draws=0)
        assert there.distance <= there.before
        assert there.distance == pytest.approx(back.distance) and there.angle == pytest.approx(back.angle)
        np.testing.assert_allclose(there.rotation, back.rotation.T, atol=1e-9)


def test_the_distance_sees_the_size_and_the_angle_does_not():
    found = procrustes(X, 2 * X, draws=0)
    assert found.angle == pytest.approx(0, abs=1e-12)
    assert found.distance == pytest.approx(np.linalg.norm(X - X.mean(0)))


def test_nothing_shared_is_a_right_angle():
    basis = np.linalg.qr(np.c_[np.ones(20), DICE.standard_normal((20, 6))])[0][:, 1:]
    found = procrustes(basis[:, :3], basis[:, 3:], draws=0)
    assert found.angle == pytest.approx(np.pi / 2) and found.distance == pytest.approx(6**0.5)


def test_a_smaller_population_is_filled_up_with_zeros():
    wide = np.c_[X @ TURN, np.zeros((50, 2))]
    found = procrustes(X, wide, draws=0)
    assert found.distance == pytest.approx(0, abs=1e-6) and found.angle == pytest.approx(0, abs=1e-6)
    assert found.rotation.shape == (3, 5) and np.isnan(found.before)
    other = procrustes(wide, X, draws=0)
    assert other.angle == pytest.approx(0, abs=1e-6) and other.rotation.shape == (5, 3)
    y = DICE.standard_normal((50, 5))
    padded = procrustes(np.c_[X, np.zeros((50, 2))], y, draws=0)
    assert procrustes(X, y, draws=0).angle == pytest.approx(padded.angle)
    assert procrustes(X, y, draws=0).distance == pytest.approx(padded.distance)


def test_no_way_round_is_shorter():
    for seed in range(20):
        a, b, c = np.random.default_rng(seed).standard_normal((3, 12, 3))
        ab, bc, ac = (procrustes(*two, draws=0) for two in ((a, b), (b, c), (a, c)))
        assert ac.angle <= ab.angle + bc.angle + 1e-9
        assert ac.distance <= ab.distance + bc.distance + 1e-9


def test_a_turned_copy_in_noise_is_found_and_unrelated_data_pass_as_often_as_the_test_says():
    dice = np.random.default_rng(1)
    seen = [procrustes(X, X @ TURN + dice.standard_normal(X.shape), draws=39) for _ in range(10)]
    assert all(one.p == 1 / 40 and 0 < one.angle < 1.2 and one.error > 0 for one in seen)
    passed = sum(procrustes(*dice.standard_normal((2, 25, 4)), draws=39).p <= 0.05 for _ in range(200))
    assert 1 <= passed <= 21


def test_what_does_not_vary_has_no_angle():
    found = procrustes(np.ones((50, 3)), X, draws=3)
    assert np.isnan([found.angle, found.p]).all()
    assert found.distance == pytest.approx(np.linalg.norm(X - X.mean(0)))


def test_what_does_not_fit_is_refused():
    with pytest.raises(BadInput, match="2 samples or more, got 1"):
        procrustes(normal(1, 2), normal(1, 2))
    with pytest.raises(BadInput, match="the same samples"):
        procrustes(normal(5, 2), normal(4, 2))


@pytest.mark.parametrize("units", [(3, 3), (2, 4), (4, 2)])
@pytest.mark.parametrize("size", [1e-3, 1.0, 5e4])
def test_angle_and_distance_by_the_nuclear_norm(units: tuple[int, int], size: float):
    dice = np.random.default_rng(2)
    x, y = size * dice.standard_normal((9, units[0])) + 4, 0.3 * dice.standard_normal((9, units[1])) - 2
    one, two = x - x.mean(0), y - y.mean(0)
    nuclear = np.linalg.norm(one.T @ two, "nuc")
    norms = np.linalg.norm(one), np.linalg.norm(two)
    found = procrustes(x, y, draws=0)
    assert found.angle == pytest.approx(np.arccos(nuclear / norms[0] / norms[1]), abs=1e-9)
    wanted = np.sqrt(norms[0] ** 2 + norms[1] ** 2 - 2 * nuclear)
    assert found.distance == pytest.approx(wanted, rel=1e-7)
    left, _, right = np.linalg.svd(one.T @ two, full_matrices=False)
    np.testing.assert_allclose(found.rotation, left @ right, atol=1e-9)
    if units[0] == units[1]:
        assert found.before == pytest.approx(np.linalg.norm(one - two))
    else:
        assert np.isnan(found.before)
    assert found.samples == 9


def test_the_null_is_the_angle_of_samples_that_do_not_belong_together():
    dice = np.random.default_rng(3)
    x, y = dice.standard_normal((2, 12, 2))
    found, dice = procrustes(x, y, draws=5, seed=4), np.random.default_rng(4)
    null = [procrustes(x, y[dice.permutation(12)], draws=0).angle for _ in range(5)]
    np.testing.assert_allclose(found.null, null)
    assert found.p == (1 + (np.array(null) <= found.angle).sum()) / 6


def test_two_samples_are_enough():
    assert procrustes(np.array([[0.0], [1]]), np.array([[0.0], [3]]), draws=0).distance == pytest.approx(
        2**0.5
    )
