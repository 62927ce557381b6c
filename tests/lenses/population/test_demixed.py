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


def parts_of(value: np.ndarray, label: np.ndarray) -> list[np.ndarray]:
    """Time, two labels and what they add together (2, 3, time, units), of means of conditions."""
    x = np.array([[value[(label == (a, b)).all(1)].mean(0) for b in range(3)] for a in range(2)])
    x = x - x.mean((0, 1, 2))
    time, one, two = x.mean((0, 1)), x.mean(1), x.mean(0)
    parts = [
        time + 0 * x,
        (one - time)[:, None] + 0 * x,
        (two - time)[None] + 0 * x,
        x - one[:, None] - two[None] + time,
    ]
    np.testing.assert_allclose(sum(parts), x, atol=1e-12)
    return parts


def shares_of(value: np.ndarray, label: np.ndarray) -> np.ndarray:
    squares = np.array([(part**2).sum() for part in parts_of(value, label)])
    return squares / squares.sum()


def uneven() -> tuple[np.ndarray, np.ndarray]:
    """Two labels of two and three kinds, three to eight trials of each of their combinations."""
    many = [3, 4, 3, 8, 5, 3]
    at = np.random.default_rng(8).permutation(np.repeat(np.arange(6), many))
    label = np.stack([at // 3, at % 3], 1)
    dice = np.random.default_rng(7)
    value = dice.standard_normal((len(at), 4, 5)) + label[:, :1, None] * np.arange(5)
    return value + np.arange(4.0)[:, None] + 3, label


def test_two_labels_of_unequal_kinds_by_hand():
    """Shares, what noise gives, errors by leaving out every third trial, nulls and their ranks, in loops."""
    value, label = uneven()
    found = demixed(value, label, draws=6, seed=3)
    share = shares_of(value, label)
    np.testing.assert_allclose(found.share, share, atol=1e-12)
    squares = np.array([(part**2).sum() for part in parts_of(value, label)])
    noise = []
    for a in range(2):
        for b in range(3):
            trials = value[(label == (a, b)).all(1)]
            noise.append(trials.var(0, ddof=1).sum() / len(trials))
    clean = squares - np.mean(noise) * np.array([1 - 1 / 4, 1, 2, 2])
    np.testing.assert_allclose(found.signal, clean / clean.sum(), atol=1e-12)
    place = np.array([(label[:now] == label[now]).all(1).sum() % 3 for now in range(len(label))])
    left = [shares_of(value[place != out], label[place != out]) for out in range(3)]
    np.testing.assert_allclose(found.error, np.sqrt(2 * np.var(left, 0)), atol=1e-12)
    dice = np.random.default_rng(3)
    null = np.array([shares_of(value, label[dice.permutation(len(label))]) for _ in range(6)])
    np.testing.assert_allclose(found.null, null, atol=1e-12)
    np.testing.assert_allclose(found.p[1:], (1 + (null >= share).sum(0)[1:]) / 7)
    assert found.labels.tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]


@pytest.mark.parametrize("components", [1, 2])
def test_axes_are_the_best_of_each_part_that_the_whole_tells(components: int):
    """The part by least squares of the whole, and of that the largest singular values."""
    value, label = uneven()
    found = demixed(value, label, components=components, draws=0)
    parts = parts_of(value, label)
    x = sum(parts).reshape(-1, 5)
    guess = 0
    for part, encoder, decoder in zip(parts, found.encoder, found.decoder, strict=True):
        fitted = x @ np.linalg.lstsq(x, part.reshape(-1, 5), rcond=None)[0]
        left, sizes, right = np.linalg.svd(fitted, full_matrices=False)
        best = (left * sizes)[:, :components] @ right[:components]
        np.testing.assert_allclose(x @ decoder @ encoder.T, best, atol=1e-7)
        kept = min(components, np.linalg.matrix_rank(fitted))
        np.testing.assert_allclose(encoder.T @ encoder, np.diag(np.arange(components) < kept), atol=1e-9)
        guess = guess + best
    assert found.explained == pytest.approx(1 - ((x - guess) ** 2).sum() / (x**2).sum(), abs=1e-8)


def test_beyond_the_rank_of_a_part_axes_are_zero():
    found = demixed(*planted(0, 0.0), draws=0)
    assert not found.encoder[2].any() and not found.decoder[2].any()
    for part in (0, 1, 3):
        assert not found.encoder[part, :, 1:].any() and not found.decoder[part, :, 1:].any()


def test_the_ridge_is_a_ten_billionth_of_the_mean_variance():
    """A unit of just that variance is read out by half; it has all of time, the other all of the label."""
    label = np.arange(4) % 2
    value = np.zeros((4, 2, 2))
    value[:, :, 0] = (2.0 * label - 1)[:, None]
    value[:, :, 1] = np.array([-1, 1]) * np.sqrt(1e-10 / 2)
    found = demixed(value, label, components=1, draws=0)
    np.testing.assert_allclose(found.encoder[0, 1] * found.decoder[0, 1], [0.5], atol=1e-6)
    np.testing.assert_allclose(found.encoder[1, 0] * found.decoder[1, 0], [1.0], atol=1e-9)


def test_errors_leave_out_a_tenth_of_the_trials_and_no_less():
    dice = np.random.default_rng(0)
    label = np.repeat([0, 1], 12)
    value = dice.standard_normal((24, 3, 2)) + label[:, None, None]
    place = np.tile(np.arange(12) % 10, 2)
    left = [demixed(value[place != out], label[place != out], draws=0).share for out in range(10)]
    np.testing.assert_allclose(demixed(value, label, draws=0).error, 3 * np.std(left, 0), atol=1e-12)


def test_few_trials_or_none_that_vary_have_no_figures():
    """One of each label tells no noise, two do; more noise than there is in all leaves no signal."""
    dice = np.random.default_rng(0)
    one = demixed(dice.standard_normal((2, 3, 4)), np.arange(2), draws=0)
    assert np.isfinite(one.share).all() and np.isnan(one.signal).all() and np.isnan(one.error).all()
    two = demixed(dice.standard_normal((4, 3, 4)) + np.arange(3)[:, None], np.arange(4) % 2, draws=0)
    assert np.isfinite(two.signal).all() and np.isfinite(two.error).all()
    noisy = np.array([1.0, 1, -1, -1])[:, None, None] + 0.01 * dice.standard_normal((4, 3, 4))
    assert np.isnan(demixed(noisy, np.arange(4) % 2, draws=0).signal).all()
    flat = demixed(np.full((4, 3, 4), 2.0), np.arange(4) % 2, draws=2)
    for part in (flat.share, flat.signal, flat.error, flat.explained, flat.null):
        assert np.isnan(part).all()
    assert not flat.encoder.any() and not flat.decoder.any()


def test_a_component_is_one_or_more():
    with pytest.raises(BadInput, match="expected one component or more, got 0"):
        demixed(*planted(0, 1.0), components=0)


def test_activity_that_varies_by_little_is_as_good():
    value, label = uneven()
    one, two = (demixed(given, label, draws=1) for given in (value, value / 1000 + 7))
    for name in ("share", "signal", "error", "explained", "null"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-8)
