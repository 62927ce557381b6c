"""Random kernels against the definition of a convolution, and the statistics of what is drawn."""

import functools
import inspect

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


class Draws:
    """A generator of which all that is drawn is known."""

    def __init__(self, *uniform: float, length: int = 7, random: float = 0.0):
        self.uniforms, self.length, self.chance = iter(uniform), length, random
        self.asked: list[tuple[float, float]] = []

    def choice(self, lengths: tuple[int, ...]) -> int:
        assert lengths == (7, 9, 11)
        return self.length

    def uniform(self, low: float, high: float) -> float:
        self.asked.append((low, high))
        return next(self.uniforms)

    def permutation(self, count: int) -> np.ndarray:
        return np.arange(count)[::-1]

    def normal(self, size: tuple[int, int]) -> np.ndarray:
        return np.arange(float(size[0] * size[1])).reshape(size)

    def random(self) -> float:
        return self.chance


@pytest.mark.parametrize(
    ("steps", "channels", "length", "reach"),
    [
        (39, 5, 7, 38 / 6),  # the last place of the filter is the last step
        (39, 30, 11, 38 / 10),
        (7, 1, 7, 1.0),
        (3, 2, 3, 1.0),
        (2, 2, 2, 1.0),
        (1, 2, 1, 1.0),
    ],
)
def test_a_filter_reaches_at_most_over_the_whole_sequence(
    steps: int, channels: int, length: int, reach: float
):
    draws = Draws(0.0, 0.0, 0.25, length=max(length, 7))
    one = kernels._drawn(draws, steps, channels)  # type: ignore[arg-type]
    wanted = [(0.0, np.log2(reach)), (0.0, np.log2(min(channels, length) + 1)), (-1.0, 1.0)]
    np.testing.assert_allclose(draws.asked, wanted, atol=1e-12)
    weights = np.zeros((length, channels))
    weights[:, -1] = np.arange(length) - (length - 1) / 2  # the first channel that was drawn
    np.testing.assert_allclose(one.weights, weights, atol=1e-12)
    assert (one.bias, one.dilation, one.padding) == (0.25, 1, (length - 1) // 2)


@pytest.mark.parametrize(("chance", "padding"), [(0.0, 9), (0.499, 9), (0.5, 0), (0.9, 0)])
def test_half_of_the_filters_are_padded_by_half_of_their_reach(chance: float, padding: int):
    one = kernels._drawn(Draws(1.9, 1.3, 0.0, random=chance), 39, 4)  # type: ignore[arg-type]
    assert (one.dilation, one.padding) == (3, padding)
    assert np.count_nonzero(one.weights.any(0)) == 2  # channels, of 2^1.3


def test_a_response_of_nothing_is_not_above_zero():
    assert Kernel(np.zeros((3, 1)), 0.0, 1, 0).features(np.ones((2, 5, 1))).tolist() == [[0.0, 0.0]] * 2


def test_seed_and_number_are_the_usual_ones():
    usual, few = inspect.signature(fitted).parameters, X[:3, :8]
    assert (usual["seed"].default, usual["kernels"].default) == (0, 500)
    np.testing.assert_array_equal(fitted(few, kernels=4)[1], fitted(few, seed=0, kernels=4)[1])
    assert (fitted(few, kernels=4)[1] != fitted(few, seed=1, kernels=4)[1]).any()


def test_a_channel_that_never_varies_leaves_the_others_theirs():
    x = np.stack([X[..., 0], np.full((20, 40), 7.0), 1e3 * X[..., 1]], -1)
    found, _ = fitted(x, kernels=2)
    np.testing.assert_allclose(found.spread, [X[..., 0].std(), 1.0, 1e3 * X[..., 1].std()])
    holed = x.copy()
    holed[3, 5:, 2] = np.nan  # what was not measured counts nowhere
    np.testing.assert_allclose(fitted(holed, kernels=2)[0].centre[2], np.nanmean(holed[..., 2]))
    np.testing.assert_allclose(fitted(holed, kernels=2)[0].spread[2], np.nanstd(holed[..., 2]))
