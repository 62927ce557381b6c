"""Networks that are similar to themselves at every scale, and networks whose weights have no order."""

import os
from pathlib import Path

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.lenses.machines.coarse_graining import INPUTS, coarse_graining, ensemble_spikes, fired, merging


def tree(units: int, spread: float = 0.0, seed: int = 0) -> np.ndarray:
    """0.6 to the power of how far up two leaves meet, times lognormal noise."""
    at = np.arange(units)
    far = np.frompyfunc(int.bit_length, 1, 1)(at[:, None] ^ at).astype(float)
    weight = 0.6 ** (far - 1) * np.exp(spread * np.random.default_rng(seed).standard_normal((units, units)))
    weight = np.triu(weight, 1)
    return weight + weight.T


def test_a_tree_is_merged_into_a_tree_of_one_level_fewer():
    """Siblings are merged, weights are four times 0.6 of those before: exact self-similarity."""
    member, merged = merging(tree(32), 3)
    for level in (1, 2, 3):
        assert len(set(member[level].tolist())) == 32 >> level
        np.testing.assert_array_equal(member[level], member[level][:: 1 << level].repeat(1 << level))
        np.testing.assert_allclose(
            np.sort(merged[level].ravel()) / merged[level].max(), np.sort(tree(32 >> level).ravel())
        )
    found = coarse_graining(tree(48), levels=4, draws=0)
    assert np.isnan(found.exchanged).all() and found.exchanged.shape == (5,)
    assert found.ensembles.tolist() == [48, 24, 12, 6, 3]


def test_equal_weights_stay_equal():
    """All to all: the same at every level, four times as much with each."""
    flat = np.ones((24, 24)) - np.eye(24)
    _, merged = merging(flat, 2)
    np.testing.assert_allclose(merged[2], 16 * (np.ones((6, 6)) - np.eye(6)))
    assert coarse_graining(flat, levels=2, draws=0).variation.max() < 1e-12


def test_weights_are_kept_but_for_those_inside():
    weight = tree(40, 0.5)
    member, merged = merging(weight, 2)
    for level in (1, 2):
        same = member[level][:, None] == member[level]
        assert merged[level].sum() == pytest.approx(weight.sum() - weight[same].sum())


def test_units_have_no_order_of_their_own():
    weight, order = tree(32, 0.5), np.random.default_rng(1).permutation(32)
    one, two = merging(weight, 2)[0], merging(weight[np.ix_(order, order)], 2)[0]
    same = one[2][:, None] == one[2]
    np.testing.assert_array_equal(two[2][:, None] == two[2], same[np.ix_(order, order)])


def test_structure_of_a_noisy_tree_is_similar_to_itself_and_exchanged_weights_are_not():
    found = coarse_graining(tree(128, 0.5), levels=4, draws=19)
    assert found.p == 0.05 and found.variation[3] / found.variation[1] > 0.5
    assert found.exchanged[0] == pytest.approx(found.variation[0])  # the same weights, elsewhere
    assert found.exchanged[-1] / found.exchanged[0] == pytest.approx(found.null.mean())
    dice = np.random.default_rng(2)
    p = []
    for seed in range(100):
        weight = np.triu(dice.lognormal(0, 0.5, (16, 16)), 1)
        p.append(coarse_graining(weight + weight.T, levels=2, draws=19, seed=seed).p)
    assert 1 <= (np.array(p) <= 0.05).sum() <= 13 and abs(np.mean(p) - 0.525) < 0.11


def test_single_units_fire_as_leaky_units_do():
    """Without connections: 1 / (rest + tau log(I / (I - 1))) above threshold, and hardly below."""
    rate = fired(np.zeros((40, 40)), 2000, 0).mean((0, 2))
    wanted = 1 / (3 + 10 * np.log(INPUTS[3:] / (INPUTS[3:] - 1)))
    np.testing.assert_allclose(rate[3:], wanted, rtol=0.12)
    assert rate[0] < 1e-3


def test_ensemble_spikes():
    spikes = fired(tree(16), 200, 0)
    own = ensemble_spikes(spikes, np.arange(16), 1, 1)
    np.testing.assert_array_equal(own, spikes)
    member = np.arange(16) // 4
    counts = [ensemble_spikes(spikes, member, 3, least).sum() for least in (1, 2, 3, 4)]
    assert counts == sorted(counts, reverse=True) and ensemble_spikes(spikes, member, 3, 1).shape == (
        66,
        6,
        4,
    )


def test_rates_of_ensembles_fit_at_a_scale_that_needs_connections():
    found = coarse_graining(tree(64, 0.5), levels=4, steps=600, draws=0)
    assert found.mismatch.shape == (3, 5) and (found.mismatch[:, 0] == 0).all()
    assert (np.diff(found.mismatch[2, 1:]) > 0).all(), "without connections it only gets worse"
    assert found.mismatch[0, 1:].min() < 0.5 * found.mismatch[2, 1:].min()
    assert found.window[0] == found.least[0] == 1 and found.rate[-1] > found.rate[0]


def test_structure_of_the_human_connectome():
    """Functional weights of 400 parcels: variation falls by 4 to 11 percent a level, by half if exchanged."""
    path = Path(os.environ.get("WAVETRAIN_DATA", "")) / "human_connectome.npz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in WAVETRAIN_DATA")
    with np.load(path) as file:
        weight = file["functional_400"].astype(float)
    found = coarse_graining((weight + weight.T) / 2, levels=4, draws=19)
    np.testing.assert_allclose(found.variation, [0.722, 0.687, 0.645, 0.592, 0.528], atol=0.003)
    assert found.p == 0.05 and found.null.max() < 0.1


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones((20, 20)), "48 units or more"),
        (np.ones((50, 49)), r"\(units, units\), got \(50, 49\)"),
        (-np.ones((50, 50)), "at least 0"),
        (np.triu(np.ones((50, 50))), "the same both ways"),
        (np.zeros((50, 50)), "not all 0"),
        (np.full((50, 50), np.nan), "finite weights"),
    ],
)
def test_what_does_not_fit_is_refused(weight, message):
    with pytest.raises(BadInput, match=message):
        coarse_graining(weight)


HAND = np.zeros((6, 6))
HAND[np.triu_indices(6, 1)] = [6, 3, 1, 1, 0, 2, 1, 0, 1, 5, 2, 1, 0, 1, 4]
HAND += HAND.T


@pytest.mark.parametrize("unit", [1.0, 1000.0, 1e-200])
def test_six_units_by_hand(unit: float):
    """0 with 1, 2 with 3, 4 with 5; between them 7, 2 and 4. Weights of units to themselves are left out."""
    found = coarse_graining(unit * (HAND + 50 * np.eye(6)), levels=1, draws=9)
    assert found.member.tolist() == [[0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 2, 2]]
    between, sums = [HAND[np.triu_indices(6, 1)], [7, 2, 4]], [[11, 10, 13, 8, 7, 7], [9, 11, 6]]
    np.testing.assert_allclose(found.variation, [np.std(one) / np.mean(one) for one in between])
    np.testing.assert_allclose(found.strength, [np.std(one) / np.mean(one) for one in sums])
    np.testing.assert_allclose(found.distance, [0, 1 / 3])  # a third of the ensembles is below all units
    ratio = found.variation[1] / found.variation[0]
    assert found.p == pytest.approx((1 + (found.null >= ratio - 1e-9).sum()) / 10)
    assert found.exchanged[1] == pytest.approx(found.null.mean() * found.variation[0])
    assert np.isnan(found.mismatch).all() and np.isnan(found.rate).all() and found.window.tolist() == [0, 0]


def test_a_unit_that_is_left_over_stays_by_itself():
    """And of connections that are equally strong the first is merged first."""
    odd = np.pad(HAND, (0, 1))
    assert merging(odd, 1)[0].tolist() == [[0, 1, 2, 3, 4, 5, 6], [0, 0, 1, 1, 2, 2, 3]]
    assert merging(odd, 2)[0][2].tolist() == [0, 0, 0, 0, 1, 1, 1], "7 is more than 4; then the rest"
    np.testing.assert_allclose(merging(odd, 1)[1][1], [[0, 7, 2, 0], [7, 0, 4, 0], [2, 4, 0, 0], [0] * 4])
    assert merging(np.ones((5, 5)), 1)[0][1].tolist() == [0, 0, 1, 1, 2]


def test_the_fewest_units_and_the_least_difference_that_is_one():
    assert coarse_graining(HAND, levels=1, draws=0).ensembles.tolist() == [6, 3]
    for given in ({"levels": 2}, {"levels": 0}, {"levels": 1, "steps": -1}):
        with pytest.raises(BadInput, match="units or more"):
            coarse_graining(HAND, **given)
    with pytest.raises(BadInput, match="expected 6 units or more"):
        coarse_graining(HAND[:5, :5], levels=1)
    coarse_graining(HAND * (1 + 1e-7 * np.triu(np.ones((6, 6)))), levels=1, draws=0)
    with pytest.raises(BadInput, match="the same both ways"):
        coarse_graining(HAND * (1 + 1e-5 * np.triu(np.ones((6, 6)))), levels=1, draws=0)


def test_units_are_run_as_they_are_written():
    """By a plain loop over six inputs and three units, with the same dice."""
    weight = np.array([[0.0, 2.0, 1.0], [2.0, 0.0, 4.0], [1.0, 4.0, 0.0]])
    steps, dice = 60, np.random.default_rng(4)
    v, rest, last = np.zeros((6, 3)), np.zeros((6, 3), int), np.zeros((6, 3))
    wanted = np.zeros((steps, 6, 3), bool)
    for step in range(steps):
        noise = 0.1 * 0.1**0.5 * dice.standard_normal((6, 3))
        for one in range(6):
            for unit in range(3):
                drive = sum(last[one, other] * weight[other, unit] for other in range(3)) / (14 / 3)
                now = v[one, unit] + (0.6 + 0.2 * one - v[one, unit]) / 10 + drive + noise[one, unit]
                if rest[one, unit]:
                    now, rest[one, unit] = 0.0, rest[one, unit] - 1
                v[one, unit] = now
                if now > 1:
                    wanted[step, one, unit], v[one, unit], rest[one, unit] = True, 0.0, 2
        last = wanted[step].astype(float)
    np.testing.assert_array_equal(fired(weight, steps, 4), wanted)
    assert 20 < wanted.sum() < 400


def test_an_ensemble_fires_where_enough_of_its_spikes_fall_into_a_window():
    """Two units and one, in windows of two steps; the fifth step is no whole one."""
    spikes = np.array([[1, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1]], bool)[:, None]
    member = np.array([0, 0, 1])
    assert ensemble_spikes(spikes, member, 2, 2)[:, 0].tolist() == [[True, False], [False, True]]
    assert ensemble_spikes(spikes, member, 2, 1)[:, 0].tolist() == [[True, True], [True, True]]
    assert ensemble_spikes(spikes, member, 1, 2)[:, 0].tolist() == [[False, False]] * 4 + [[True, False]]


def test_the_mismatch_is_the_least_over_windows_and_spikes():
    """Of the network, of its weights exchanged, and without connections, each with its own ensembles."""
    weight, steps = tree(48, 0.5), 120
    found = coarse_graining(weight, levels=4, steps=steps, draws=0, seed=3)
    at = np.triu_indices(48, 1)
    moved = np.zeros((48, 48))
    moved[at] = np.random.default_rng(3).permutation(weight[at])
    moved = moved + moved.T
    spikes_of = {2: (1, 2), 4: (1, 2), 8: (1, 2, 4), 16: (1, 2, 4, 8)}
    for row, (one, member) in enumerate(
        [(weight, merging(weight, 4)[0]), (moved, merging(moved, 4)[0]), (0 * weight, merging(weight, 4)[0])]
    ):
        spikes = fired(one, steps, 3)
        base = spikes.mean((0, 2))
        assert found.mismatch[row, 0] == 0
        for level in (1, 2, 3, 4):
            fits = []
            for window in (1, 2, 4, 8, 16):
                whole = spikes[: steps // window * window].reshape(-1, window, 6, 48).sum(1)
                for least in spikes_of[2**level]:
                    groups = [whole[..., member[level] == g].sum(-1) >= least for g in range(48 >> level)]
                    off = np.mean((np.stack(groups, -1).mean((0, 2)) - base) ** 2) ** 0.5
                    fits.append((off / base.mean(), window, least))
            assert found.mismatch[row, level] == pytest.approx(min(fits)[0])
            if not row:
                assert (found.window[level], found.least[level]) == min(fits)[1:]
        if not row:
            np.testing.assert_allclose(found.rate, base)
