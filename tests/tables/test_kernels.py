"""Random kernels against the definition of a convolution, and the statistics of what is drawn."""

import functools

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables import kernels
from wavetrain.tables.kernels import Found, Kernel, fitted

DICE = np.random.default_rng(0)
X = DICE.normal(3.0, 2.0, size=(20, 40, 2))


@functools.cache
def drawn() -> tuple[Found, np.ndarray]:
    return fitted(X, kernels=200)


@pytest.mark.parametrize(("dilation", "padding"), [(1, 0), (3, 0), (2, 4)])
def test_a_filter_is_a_sum_over_places(dilation: int, padding: int):
    one = Kernel(DICE.normal(size=(5, 2)), 0.3, dilation, padding)
    padded = np.concatenate([np.zeros((padding, 2)), X[0], np.zeros((padding, 2))])
    last = len(padded) - 4 * dilation
    response = [
        0.3 + sum((padded[first + place * dilation] * one.weights[place]).sum() for place in range(5))
        for first in range(last)
    ]
    np.testing.assert_allclose(
        one.features(X[:1])[0], [max(response), np.mean(np.array(response) > 0)], atol=1e-12
    )


def test_training_reads_in_its_own_units():
    np.testing.assert_allclose(drawn()[0].centre, X.mean((0, 1)))
    np.testing.assert_allclose(drawn()[0].spread, X.std((0, 1)))
    np.testing.assert_allclose(drawn()[0].read(X), drawn()[1])
    np.testing.assert_allclose(drawn()[1].mean(0), 0, atol=1e-12)
    deviation = drawn()[1].std(0)
    assert ((np.abs(deviation - 1) < 1e-9) | (deviation == 0)).all() and (deviation > 0).mean() > 0.9


def test_what_never_varies_has_a_unit():
    found, read = fitted(np.ones((4, 20, 1)), kernels=5)
    assert found.spread.tolist() == [1.0] and (read == 0).all() and (found.width == 1).all()


def test_what_is_drawn():
    """Lengths, dilations up to where a filter still fits, and both kinds of padding."""
    assert {len(one.weights) for one in drawn()[0].kernels} == {7, 9, 11} == set(kernels.LENGTHS)
    reach = [(len(one.weights) - 1) * one.dilation for one in drawn()[0].kernels]
    assert max(reach) <= 39 and max(one.dilation for one in drawn()[0].kernels) >= 4
    padded = [one.padding for one in drawn()[0].kernels]
    assert 0.4 < np.mean(np.array(padded) > 0) < 0.6
    assert all(one in (0, size // 2) for one, size in zip(padded, reach, strict=True))
    biases = np.array([one.bias for one in drawn()[0].kernels])
    assert biases.min() < -0.9 and biases.max() > 0.9 and np.abs(biases).max() <= 1
    for one in drawn()[0].kernels:
        np.testing.assert_allclose(one.weights.mean(0), 0, atol=1e-12)
    used = [np.count_nonzero(one.weights.any(0)) for one in drawn()[0].kernels]
    assert set(used) == {1, 2}


def test_a_sequence_shorter_than_a_filter():
    found, _ = fitted(X[:, :5], kernels=20)
    assert {len(one.weights) for one in found.kernels} == {5} and {one.dilation for one in found.kernels} == {
        1
    }


def test_many_sequences_are_read_as_few_are():
    many = np.concatenate([X] * 4)
    np.testing.assert_allclose(drawn()[0].read(many), np.concatenate([drawn()[1]] * 4))
    assert (kernels.KERNELS, kernels.TOGETHER) == (500, 64)


def test_holes_are_the_last_value_before_them_and_the_mean_at_the_start():
    holed = X[:1].copy()
    holed[0, 10:13, 1] = np.nan
    filled = X[:1].copy()
    filled[0, 10:13, 1] = X[0, 9, 1]
    np.testing.assert_allclose(drawn()[0].read(holed), drawn()[0].read(filled))
    holed[0, 0], filled[0, 0] = np.nan, drawn()[0].centre
    np.testing.assert_allclose(drawn()[0].read(holed), drawn()[0].read(filled))
    holed[0, :2], filled[0, :2] = np.nan, drawn()[0].centre
    np.testing.assert_allclose(drawn()[0].read(holed), drawn()[0].read(filled))


def test_what_is_too_short_for_the_widest_filter_is_refused():
    """Padding helps a filter to fit."""
    wide = [(len(one.weights) - 1) * one.dilation + 1 - 2 * one.padding for one in drawn()[0].kernels]
    least = max(wide)
    assert 11 < least <= 40 and np.isfinite(drawn()[0].read(X[:, :least])).all()
    with pytest.raises(BadInput, match=f"at least {least} steps, got {least - 1}"):
        drawn()[0].read(X[:, : least - 1])


def test_sequences_of_other_channels_are_refused():
    for wrong in (np.zeros((3, 40, 1)), np.zeros((3, 40))):
        with pytest.raises(BadInput, match=r"expected sequences \(N, T, 2\), got"):
            drawn()[0].read(wrong)
