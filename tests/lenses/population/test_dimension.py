"""The dimension of activity whose spread is known."""

import numpy as np
import pytest

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.lenses.population.dimension import dimension, ratio
from wavetrain.parts.nulls import least_shift

DICE = np.random.default_rng(0)


def test_the_ratio_is_a_real_number_and_centred():
    """10 isotropic units far from zero have 10, not 1; eigenvalues (2, 1) have 9 / 5."""
    found = dimension(DICE.standard_normal((5000, 10)) + 10, draws=0)
    assert found.ratio == pytest.approx(10 * 5000 / 5010, abs=0.02)
    exact = np.linalg.qr(np.c_[np.ones(40), DICE.standard_normal((40, 2))])[0][:, 1:]
    assert dimension(exact * np.sqrt([2, 1]), draws=0).ratio == pytest.approx(1.8)


@pytest.mark.parametrize("many", [1, 3, 6])
def test_so_many_equal_directions_count_as_many(many: int):
    exact = np.linalg.qr(np.c_[np.ones(60), DICE.standard_normal((60, many))])[0][:, 1:]
    turn = np.linalg.qr(DICE.standard_normal((8, 8)))[0][:many]
    found = dimension(exact @ turn, draws=0)
    assert found.ratio == pytest.approx(many)
    np.testing.assert_allclose(found.variance[:many], 1 / many)
    assert found.components == int(np.ceil(0.9 * many - 1e-9)) and found.variance.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.axes[:, :many] @ found.axes[:, :many].T, turn.T @ turn, atol=1e-9)


def test_it_lies_between_one_and_the_units():
    for seed in range(20):
        dice = np.random.default_rng(seed)
        rows = dice.standard_normal((30, 7)) @ np.diag(dice.exponential(size=7))
        assert 1 <= ratio(rows) <= 7


def test_units_that_share_a_signal_are_told_from_units_that_do_not():
    dice = np.random.default_rng(1)
    shared = dice.standard_normal((200, 2)) @ dice.standard_normal((2, 10)) + dice.standard_normal((200, 10))
    found = dimension(shared, draws=99)
    assert found.p == 0.01 and found.ratio < found.null.min() and found.error > 0
    passed = sum(dimension(dice.standard_normal((50, 6)), draws=19).p <= 0.05 for _ in range(200))
    assert 1 <= passed <= 21


def test_slow_units_that_share_nothing_pass_as_often_as_the_test_says():
    dice, passed = np.random.default_rng(2), 0
    for _ in range(200):
        walk = dice.standard_normal((2, 120, 4))
        for t in range(1, 120):
            walk[:, t] += 0.8 * walk[:, t - 1]
        passed += dimension(walk, draws=19).p <= 0.05
    assert 1 <= passed <= 21


def test_the_error_is_the_spread_over_recordings():
    def one(seed: int):
        dice = np.random.default_rng(seed)
        return dimension(dice.standard_normal((100, 6)) * np.sqrt([6, 3, 2, 1, 1, 1]), draws=0)

    found = [one(seed) for seed in range(100)]
    spread = np.std([two.ratio for two in found])
    assert np.mean([two.error for two in found]) == pytest.approx(spread, rel=0.25)


def test_what_does_not_vary_has_none():
    found = dimension(np.ones((50, 3)), draws=3)
    assert np.isnan([found.ratio, found.p]).all() and found.components == 0 and np.isnan(found.variance).all()


def test_a_table_the_wrong_way_round_is_refused():
    with pytest.raises(BadInput, match="got 10 samples of 5000 units; time comes before units"):
        dimension(normal(10, 5000))
    with pytest.raises(BadInput, match="finite numbers"):
        dimension(normal(10, 3) * np.inf)


@pytest.mark.parametrize("shape", [(12, 3), (2, 30, 3)])
def test_the_null_moves_each_unit_by_itself(shape: tuple[int, ...]):
    """Samples in another order, or times round the end by a tenth or more, of a seed for each draw."""
    seen = np.random.default_rng(4).standard_normal(shape).cumsum(-2) + 5
    found = dimension(seen, draws=8, seed=2)
    null = []
    for draw in range(8):
        dice = np.random.default_rng((2, draw))
        if len(shape) == 2:
            moved = dice.permuted(seen, axis=0)
        else:
            least = least_shift(30, None)
            by = dice.integers(least, 30 - least + 1, (2, 1, 3))
            moved = np.array(
                [
                    np.stack([np.roll(seen[batch, :, unit], by[batch, 0, unit]) for unit in range(3)], 1)
                    for batch in range(2)
                ]
            )
        values = np.linalg.eigvalsh(np.cov(moved.reshape(-1, 3).T))
        null.append(values.sum() ** 2 / (values**2).sum())
    np.testing.assert_allclose(found.null, null)
    assert found.p == (1 + (np.array(null) <= found.ratio).sum()) / 9 and found.samples == seen[..., 0].size


def test_components_hold_90_percent_or_more():
    exact = np.linalg.qr(np.c_[np.ones(40), DICE.standard_normal((40, 3))])[0][:, 1:]
    for shares, many in (((0.9, 0.07, 0.03), 1), ((0.89, 0.08, 0.03), 2), ((0.5, 0.39, 0.11), 3)):
        found = dimension(7 * exact[:, ::-1] * np.sqrt(shares), draws=0)
        assert found.components == many
        np.testing.assert_allclose(found.variance, shares)


def test_as_many_samples_as_units_are_enough_and_one_is_not():
    assert (
        dimension(np.eye(2), draws=0).ratio == pytest.approx(1) and dimension(np.eye(2), draws=0).samples == 2
    )
    with pytest.raises(BadInput, match="got 1 samples of 1 units"):
        dimension(np.ones((1, 1)))
    assert np.isnan(ratio(np.ones((3, 2))))
