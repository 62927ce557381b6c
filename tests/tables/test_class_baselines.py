"""Simple classifiers tell what is easy to tell, and answer in the labels that they were given."""

import functools
import inspect

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifierCV

from wavetrain.errors import BadInput
from wavetrain.tables.class_baselines import ALPHAS, ClassBaseline, Majority, RandomKernels

DICE = np.random.default_rng(0)


def waves(count: int, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Slow and fast waves of any phase."""
    fast = np.arange(count) % 2
    phase = DICE.uniform(0, 2 * np.pi, (count, 1, 1))
    time = np.arange(40)[:, None] * np.where(fast, 1.5, 0.5)[:, None, None]
    return np.sin(time + phase) + 0.1 * DICE.normal(size=(count, 40, channels)), fast


X, Y = waves(60)


@functools.cache
def fitted() -> RandomKernels:
    """Once, for all who only ask it."""
    return RandomKernels.fit(X, Y, kernels=60)


@pytest.mark.parametrize("labels", [[5, 7], [-1, 1], ["b", "a"], [True, False]])
def test_waves_are_told_apart_whatever_their_labels(labels: list):
    named = np.array(labels)
    model = RandomKernels.fit(X, named[Y], kernels=60)
    other, fast = waves(40)
    assert (model.predict(other) == named[fast]).mean() > 0.9
    assert model.predict(other).dtype == named.dtype
    assert model.classes.tolist() == sorted(labels)
    one = model.predict(other[fast == 1])  # a test part of one class
    assert (one == named[1]).mean() > 0.9


def test_three_classes_of_two_channels():
    x, fast = waves(90, 2)
    y = np.where(np.arange(90) % 3 == 2, 2, fast)
    x[y == 2] = DICE.normal(size=(30, 40, 2))
    model = RandomKernels.fit(x[:60], y[:60], kernels=100)
    assert model.scores(x[60:]).shape == (30, 3)
    assert (model.predict(x[60:]) == y[60:]).mean() > 0.8


def test_the_same_seed_gives_the_same_answers_and_no_neighbour_counts():
    again = RandomKernels.fit(X, Y, kernels=60)
    assert (again.scores(X) == fitted().scores(X)).all()
    assert (RandomKernels.fit(X, Y, kernels=60, seed=1).scores(X) != fitted().scores(X)).any()
    np.testing.assert_allclose(
        np.concatenate([fitted().scores(X[n : n + 1]) for n in range(9)]), fitted().scores(X)[:9]
    )


def test_units_do_not_matter_and_holes_are_read_over():
    assert (RandomKernels.fit(1e6 * X + 3, Y, kernels=60).predict(1e6 * X + 3) == fitted().predict(X)).all()
    holed = X.copy()
    holed[:, 35:] = np.nan
    assert np.isfinite(fitted().scores(holed)).all()


def test_noise_is_not_told_apart():
    x, y = DICE.normal(size=(200, 20, 1)), np.arange(200) % 2
    model = RandomKernels.fit(x[:100], y[:100], kernels=60)
    assert 0.3 < (model.predict(x[100:]) == y[100:]).mean() < 0.7


def test_the_most_frequent_class():
    model = Majority.fit(X[:5], np.array(["b", "a", "b", "c", "b"]))
    assert model.predict(X[:2]).tolist() == ["b", "b"] and model.scores(X[:2])[0].tolist() == [0.2, 0.6, 0.2]


def test_what_cannot_be_classified_is_refused():
    with pytest.raises(BadInput, match=r"got \(60, 40\) and \(60,\)"):
        Majority.fit(X[..., 0], Y)
    with pytest.raises(BadInput, match="two classes or more, got 1 alone"):
        RandomKernels.fit(X, np.ones(60, int))
    with pytest.raises(BadInput, match=r"sequences \(N, T, 1\), got \(60, 40, 2\)"):
        fitted().predict(np.zeros((60, 40, 2)))
    with pytest.raises(BadInput, match="steps, got 3"):
        fitted().predict(X[:, :3])


def test_prices_and_seed_are_the_usual_ones():
    assert ALPHAS == (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
    for fit in (ClassBaseline.fit, Majority.fit, RandomKernels.fit):
        assert inspect.signature(fit).parameters["seed"].default == 0


def test_two_classes_are_told_by_one_function():
    """The class with the larger score is the one that scikit-learn answers, and the scores are its own."""
    assert fitted().weights.shape == (120, 2) and fitted().bias.shape == (2,)
    scores = fitted().scores(X)
    np.testing.assert_allclose(scores[:, 0], -scores[:, 1])
    assert (fitted().predict(X) == Y).mean() > 0.9


@pytest.mark.parametrize("classes", [2, 3])
def test_scores_are_those_of_a_ridge_whose_price_is_chosen(classes: int):
    y = np.arange(60) % classes
    model = RandomKernels.fit(X, y, kernels=30)
    read = model.found.read(X)
    wanted = RidgeClassifierCV(alphas=np.logspace(-3, 5, 9)).fit(read, y).decision_function(read)
    wanted = np.stack([-wanted, wanted], 1) if classes == 2 else wanted
    np.testing.assert_allclose(model.scores(X), wanted, atol=1e-9)
