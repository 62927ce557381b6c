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
