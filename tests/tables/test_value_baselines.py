"""Simple regressions find what is linear in what they read, and nothing in noise."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

from wavetrain.errors import BadInput
from wavetrain.tables.kernels import fitted
from wavetrain.tables.value_baselines import ALPHAS, KernelRidge, Mean, Summaries, ValueBaseline, summaries

DICE = np.random.default_rng(0)
X = DICE.normal(size=(120, 30, 2))


def error(kind: type[ValueBaseline], y: np.ndarray) -> float:
    """In deviations, of sequences that were not learned from."""
    made = kind.fit(X[:80], y[:80]).predict(X[80:])
    return float(np.sqrt(((made - y[80:]) ** 2).mean()) / y.std())


def test_summaries_by_hand():
    x = np.array([[[1.0], [np.nan], [4.0], [3.0]]])
    mean = 8 / 3
    deviation = np.std([1, mean, 4, 3])
    np.testing.assert_allclose(summaries(x), [[mean, deviation, 1, 4, 1, 3]])


def test_a_line_through_summaries_finds_each_of_them():
    for y in (X.mean(1), X.max(1)[:, :1], X[:, -1], X.std(1)):
        assert error(Summaries, y) < 0.01 < 0.5 < error(Mean, y)


def test_kernels_find_what_summaries_do_not():
    """How fast a wave is: its mean, deviation and ends say nothing."""
    rate = DICE.uniform(0.4, 1.6, 200)
    phase = DICE.uniform(0, 2 * np.pi, (200, 1))
    x = np.sin(rate[:, None] * np.arange(60) + phase)[..., None]
    y = rate[:, None]
    errors = {}
    for kind in (Mean, Summaries, KernelRidge):
        made = kind.fit(x[:150], y[:150]).predict(x[150:])
        errors[kind.name] = float(np.abs(made - y[150:]).mean())
    assert errors["ridge on random kernels"] < 0.5 * errors["ridge on summaries"]
    assert errors["ridge on random kernels"] < 0.3 * errors["mean"]


def test_noise_is_not_foretold():
    y = DICE.normal(size=(120, 1))
    assert error(Summaries, y) > 0.85 and error(KernelRidge, y) > 0.85


def test_units_do_not_matter_and_no_neighbour_counts():
    y = X.mean(1)
    for kind in (Mean, Summaries, KernelRidge):
        model = kind.fit(X, y)
        np.testing.assert_allclose(kind.fit(X, 1e3 * y + 5).predict(X), 1e3 * model.predict(X) + 5, rtol=1e-5)
        np.testing.assert_allclose(model.predict(X[3:4]), model.predict(X)[3:4], rtol=1e-8)


def test_what_cannot_be_learned_from_is_refused():
    with pytest.raises(BadInput, match=r"numbers \(N, K\), got \(120, 30, 2\) and \(120,\)"):
        Mean.fit(X, X[:, 0, 0])
    with pytest.raises(BadInput, match=r"sequences \(N, T, 2\), got \(9, 30, 1\)"):
        KernelRidge.fit(X, X.mean(1)).predict(np.zeros((9, 30, 1)))


def test_what_never_varies_is_no_answer_and_no_error():
    x = X[:20].copy()
    x[..., 1] = 7.0
    for kind in (Summaries, KernelRidge):
        model = kind.fit(x, x.mean(1))
        assert (model.width[1::2] == 1).all() and np.isfinite(model.predict(x)).all()
        np.testing.assert_array_equal(model.width[::2], summaries(x).std(0)[::2])
    assert ALPHAS == (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)


@pytest.mark.parametrize(
    ("x", "y"), [(X[:0], np.zeros((0, 1))), (X, np.zeros((119, 1))), (X[0], np.zeros((30, 1)))]
)
def test_sequences_and_numbers_go_together(x: np.ndarray, y: np.ndarray):
    with pytest.raises(BadInput, match=r"expected sequences \(N, T, C\) and numbers"):
        Mean.fit(x, y)


def test_summaries_of_two_channels_stand_side_by_side():
    """The second channel of the second sequence was never measured: it is 0."""
    x = np.array([[[1.0, 5.0], [np.nan, 7.0], [4.0, np.nan]], [[2.0, np.nan]] * 3])
    wide = np.std([1, 2.5, 4])
    wanted = [
        [2.5, 6, wide, np.std([5, 7, 6]), 1, 5, 4, 7, 1, 5, 4, 6],
        [2, 0, 0, 0, 2, 0, 2, 0, 2, 0, 2, 0],
    ]
    np.testing.assert_allclose(summaries(x), wanted, atol=1e-12)


@pytest.mark.parametrize("answers", [1, 2])
def test_lines_are_those_of_a_ridge_whose_price_is_chosen(answers: int):
    x, y = X[:12, :10] * [1.0, 50.0] + [0.0, 7.0], DICE.normal(3.0, 1.0, size=(12, answers))
    told = summaries(x)
    units = (told - told.mean(0)) / told.std(0)
    wanted = RidgeCV(np.logspace(-3, 5, 9)).fit(units, y).predict(units).reshape(12, answers)
    np.testing.assert_allclose(Summaries.fit(x, y).predict(x), wanted, atol=1e-9)
    _, read = fitted(x)
    both = np.concatenate([read, units], 1)
    wanted = RidgeCV(np.logspace(-3, 5, 9)).fit(both, y).predict(both).reshape(12, answers)
    np.testing.assert_allclose(KernelRidge.fit(x, y).predict(x), wanted, atol=1e-9)
