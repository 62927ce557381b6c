"""Demixed variance of activity whose parts are known."""

import copy

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.lenses.population.demixed import demixed

TIME, UNITS = 8, 10


def planted(seed: int, noise: float, trials: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Time with a variance of 4, the first label 2, the second 0, their product 1, each along an axis."""
    dice = np.random.default_rng(seed)
    label = np.stack([np.arange(trials) % 2, np.arange(trials) // 2 % 2], 1)
    sign = 2 * label - 1
    ramp = np.linspace(-1, 1, TIME)
    ramp = 2 * ramp / np.sqrt((ramp**2).mean())
    axes = np.linalg.qr(np.random.default_rng(99).standard_normal((UNITS, 3)))[0]
    value = ramp[:, None] * axes[:, 0]
    value = value + np.sqrt(2) * sign[:, :1, None] * axes[:, 1] + sign.prod(1)[:, None, None] * axes[:, 2]
    return value + noise * dice.standard_normal((trials, TIME, UNITS)), label


def test_parts_add_up_and_are_what_was_planted():
    found = demixed(*planted(0, 0.0), draws=9)
    np.testing.assert_allclose(found.share, [4 / 7, 2 / 7, 0, 1 / 7], atol=1e-9)
    assert found.labels.tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]] and np.isnan(found.p[0])
    assert found.share.sum() == pytest.approx(1) and found.p[1] == 0.1


def test_three_directions_are_explained_by_three_components():
    """Rank 3, a component for each part: all of the variance, to 1e-8, and never more."""
    found = demixed(*planted(0, 0.0), components=1, draws=0)
    assert found.explained == pytest.approx(1, abs=1e-8)
    for seed in range(5):
        assert demixed(*planted(seed, 2.0), draws=0).explained <= 1 + 1e-12
    axis = found.encoder[1, :, 0]
    value, _ = planted(0, 0.0)
    assert np.abs((value[0] - value[1]).mean(0) @ axis) / np.linalg.norm((value[0] - value[1]).mean(0)) > 0.8


def test_noise_is_taken_out_of_the_shares():
    found = [demixed(*planted(seed, 1.5), draws=0) for seed in range(30)]
    signal = np.mean([one.signal for one in found], 0)
    np.testing.assert_allclose(signal, [4 / 7, 2 / 7, 0, 1 / 7], atol=0.03)
    assert np.mean([one.share[2] for one in found]) > 0.03, "noise looks like a label"
    assert any(one.signal[2] < 0 for one in found)


def test_a_label_that_does_nothing_passes_as_often_as_the_test_says():
    p = np.array([demixed(*planted(seed, 1.5), draws=19, seed=seed).p for seed in range(100)])
    assert (p[:, 1] == 0.05).all() and (p[:, 3] <= 0.1).mean() > 0.9
    dice = np.random.default_rng(1)
    label = np.arange(24) % 3
    p = [demixed(dice.standard_normal((24, 4, 5)), label, draws=19, seed=seed).p[1] for seed in range(150)]
    assert 1 <= (np.array(p) <= 0.05).sum() <= 17 and abs(np.mean(p) - 0.525) < 0.1


def test_a_test_leaves_what_was_found_as_it_was():
    value, label = planted(2, 1.0)
    kept = copy.deepcopy(value)
    one, two = demixed(value, label, draws=0), demixed(value, label, draws=9)
    for name in ("share", "signal", "encoder", "decoder", "explained"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(value, kept)


def test_unequal_numbers_of_trials_do_not_mix_labels():
    value, label = planted(3, 0.0)
    kept = np.r_[0:24, 24:48:4]
    np.testing.assert_allclose(
        demixed(value[kept], label[kept], draws=0).share, demixed(value, label, draws=0).share, atol=1e-9
    )


def test_the_error_is_the_spread_over_recordings():
    found = [demixed(*planted(seed, 1.5), draws=0) for seed in range(40)]
    spread = np.std([one.share[1] for one in found])
    assert np.mean([one.error[1] for one in found]) == pytest.approx(spread, rel=0.4)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (np.arange(11) % 2, "labels of 12 trials"),
        (np.zeros(12, int), "two values or more of each label"),
        (np.stack([np.arange(12) % 2, np.arange(12) % 2], 1), "all 4 combinations of labels, got none of 2"),
    ],
)
def test_what_does_not_fit_is_refused(label, message):
    with pytest.raises(BadInput, match=message):
        demixed(np.random.default_rng(0).standard_normal((12, 3, 4)), label)
    with pytest.raises(BadInput, match=r"\(trials, time, units\)"):
        demixed(np.ones((12, 3)), np.arange(12) % 2)
