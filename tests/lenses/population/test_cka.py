"""CKA of what is known to be alike and what is not, at few samples too."""

import numpy as np
import pytest
import torch

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.lenses.population.cka import biased, cka, hsic, unbiased

DICE = np.random.default_rng(0)


def unrelated(samples: int, units: int, seeds: int, debiased: bool) -> np.ndarray:
    dice = np.random.default_rng(1)
    pairs = [dice.standard_normal((2, samples, units)) for _ in range(seeds)]
    # without errors, which take most of the time of `cka`
    scores = np.array([(unbiased if debiased else biased)(*two) for two in pairs])
    assert cka(*pairs[0], debiased=debiased, draws=0).score == pytest.approx(scores[0])
    return scores


@pytest.mark.parametrize(("samples", "units", "level"), [(32, 64, 0.665), (50, 200, 0.800)])
def test_few_samples_do_not_make_unrelated_data_alike(samples: int, units: int, level: float):
    """Without bias the mean is 0, and some are below it; with bias it is near p / (m + p)."""
    found = unrelated(samples, units, 100, debiased=True)
    assert abs(found.mean()) < 4 * found.std() / 10 and found.std() < 0.1
    assert 25 < (found < 0).sum() < 75 and np.isfinite(found).all()
    assert unrelated(samples, units, 20, debiased=False).mean() == pytest.approx(level, abs=0.015)
    assert level == pytest.approx(units / (samples - 1 + units), abs=0.02)


def test_hsic_leaves_out_the_diagonal_and_nothing_else():
    """Song's sums over the whole matrices, worked out with their diagonals put to 0."""
    x, y = DICE.standard_normal((6, 3)), DICE.standard_normal((6, 2))
    x, y = x - x.mean(0), y - y.mean(0)
    k, others = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0)
    np.fill_diagonal(others, 0)
    one = np.ones(6)
    wanted = np.trace(k @ others) + one @ k @ one * (one @ others @ one) / 20 - 2 / 4 * one @ k @ others @ one
    assert hsic(x, y) == pytest.approx(wanted / (6 * 3))


def test_with_bias_it_is_the_centred_kernels():
    x, y = DICE.standard_normal((20, 5)), DICE.standard_normal((20, 7))
    centre = np.eye(20) - 1 / 20
    k, others = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    wanted = (k * others).sum() / np.linalg.norm(k) / np.linalg.norm(others)
    assert biased(x, y) == pytest.approx(wanted, abs=1e-12)


def test_what_it_sees_and_what_it_does_not():
    x = DICE.standard_normal((60, 8))
    turn = np.linalg.qr(DICE.standard_normal((8, 8)))[0]
    for debiased in (True, False):
        for y in (x, x @ turn, -3 * x + 5, x[:, ::-1]):
            assert cka(x, y, debiased=debiased, draws=0).score == pytest.approx(1)
        stretched = cka(x, x @ np.diag(10.0 ** np.arange(8)), debiased=debiased, draws=0).score
        assert stretched < 0.5
    assert biased(x[:, :4], np.linalg.qr(x)[0][:, 4:] - 0) < 0.2
    y = DICE.standard_normal((60, 3))
    assert cka(x, y, draws=0).score == pytest.approx(cka(y, x, draws=0).score)


def test_shared_signal_in_noise_is_found_and_its_error_is_its_spread():
    def one(seed: int):
        dice = np.random.default_rng(seed)
        signal = dice.standard_normal((80, 4))
        x = signal @ dice.standard_normal((4, 12)) + 2 * dice.standard_normal((80, 12))
        y = signal @ dice.standard_normal((4, 9)) + 2 * dice.standard_normal((80, 9))
        return cka(x, y, draws=19)

    found = [one(seed) for seed in range(15)]
    assert np.mean([two.p <= 0.05 for two in found]) > 0.9 and found[0].p == 0.05
    fixed = np.random.default_rng(5)
    mix, other = fixed.standard_normal((4, 12)), fixed.standard_normal((4, 9))
    runs = []
    for seed in range(60):
        dice = np.random.default_rng(seed)
        signal = dice.standard_normal((80, 4))
        noise = dice.standard_normal((80, 21))
        runs.append(cka(signal @ mix + noise[:, :12], signal @ other + noise[:, 12:], draws=0))
    spread = np.std([run.score for run in runs])
    assert np.mean([run.error for run in runs]) == pytest.approx(spread, rel=0.3)


def slow(dice: np.random.Generator) -> np.ndarray:
    """Three sequences of 100 steps that forget in ten."""
    walk = dice.standard_normal((3, 100, 5))
    for t in range(1, 100):
        walk[:, t] += 0.9 * walk[:, t - 1]
    return walk


def test_unrelated_data_pass_as_often_as_the_test_says():
    """Independent samples, and slow sequences: 0.05 of 150, and what chance leaves to one in a thousand."""
    dice = np.random.default_rng(2)
    free = sum(cka(*dice.standard_normal((2, 30, 6)), draws=19).p <= 0.05 for _ in range(150))
    timed = sum(cka(slow(dice), slow(dice), draws=19).p <= 0.05 for _ in range(150))
    assert 1 <= free <= 17 and 1 <= timed <= 17


def test_sequences_that_share_a_signal_in_time_are_told_from_slow_noise():
    dice = np.random.default_rng(3)
    signal = slow(dice)
    found = cka(signal + 0.3 * slow(dice), signal[..., :3] + 0.3 * slow(dice)[..., :3], draws=99)
    assert found.p == 0.01 and len(found.null) == 99


def test_what_does_not_vary_has_no_score():
    found = cka(np.ones((50, 3)), DICE.standard_normal((50, 3)), draws=5)
    assert np.isnan([found.score, found.p]).all() and found.samples == 50
    assert np.isnan(unbiased(np.ones((9, 1)), np.ones((9, 1))))
    assert np.isnan(cka(normal(10, 3), normal(10, 3), draws=0).error), "too few for ten parts"


@pytest.mark.parametrize(
    ("one", "two", "message"),
    [
        (normal(3, 2), normal(3, 2), "four samples|4 samples or more, got 3"),
        (normal(9, 2), normal(8, 2), r"the same samples, got \(9, 2\) and \(8, 2\)"),
        (normal(2, 6, 2), normal(12, 2), "the same samples"),
        (normal(9), normal(9), r"activity \(samples, units\) or \(batch, time, units\), got \(9,\)"),
        (normal(9, 2) * torch.nan, normal(9, 2), "finite numbers in activity, got 18 of 18"),
        (normal(9, 2), normal(9, 2) * torch.inf, "finite numbers in other"),
        (normal(9, 2) * 1j, normal(9, 2), "real numbers in activity"),
        (normal(0, 2), normal(0, 2), "expected activity"),
    ],
)
def test_what_does_not_fit_is_refused(one, two, message):
    with pytest.raises(BadInput, match=message):
        cka(one, two)


def test_four_samples_are_enough_and_three_are_not():
    assert np.isfinite(hsic(np.eye(4), np.eye(4))) and np.isnan(hsic(np.eye(3), np.eye(3)))
    x = DICE.standard_normal((4, 2))
    assert cka(x, x, draws=0).score == pytest.approx(1) and cka(x, x, draws=0).samples == 4


@pytest.mark.parametrize("size", [1e-4, 1e3])
def test_no_score_depends_on_the_size(size: float):
    x, y = DICE.standard_normal((9, 2)), DICE.standard_normal((9, 3))
    for score in (biased, unbiased):
        assert score(size * x, y / size**2) == pytest.approx(score(x, y))
        assert np.isnan(score(np.ones((9, 2)), y)) and np.isnan(score(y, np.ones((9, 2))))
    assert unbiased(x, y) == pytest.approx(hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y)))


@pytest.mark.parametrize("debiased", [True, False])
def test_the_null_is_the_score_of_samples_that_do_not_belong_together(debiased: bool):
    dice = np.random.default_rng(3)
    x, y = dice.standard_normal((2, 12, 2))
    found, dice = cka(x, y, debiased=debiased, draws=5, seed=4), np.random.default_rng(4)
    one = unbiased if debiased else biased
    np.testing.assert_allclose(found.null, [one(x, y[dice.permutation(12)]) for _ in range(5)])
    assert found.p == (1 + (found.null >= found.score).sum()) / 6


def test_what_is_far_from_zero_has_the_score_it_has_near_it():
    x, y = DICE.standard_normal((9, 2)), DICE.standard_normal((9, 3))
    for score in (biased, unbiased, hsic):
        for one, two in ((x + 1e7, y), (x, y + 1e7), (x - 1e7, y - 1e7)):
            assert score(one, two) == pytest.approx(score(x, y), rel=1e-6)
