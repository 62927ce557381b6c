"""The mean of angles: no turn too many, none where there is no direction, and NaN is no angle."""

import numpy as np
import pytest

from wavetrain.parts import circular


def test_it_lies_on_the_circle():
    assert float(circular.mean(np.arange(0, 2, 0.1)).direction) == pytest.approx(0.95)
    assert abs(float(circular.mean(np.array([np.pi - 0.1, 0.1 - np.pi])).direction)) == pytest.approx(np.pi)
    ends = circular.mean(np.array([[-np.pi], [np.pi]]))
    assert (ends.direction == np.pi).all()  # in (-pi, pi], of either sign of rounding
    turned = circular.mean(np.arange(0, 2, 0.1) + 20 * np.pi)
    assert float(turned.direction) == pytest.approx(0.95)


def test_angles_that_cancel_have_no_direction():
    for angles in ([0, np.pi / 2, np.pi, 3 * np.pi / 2], [0.3, 0.3 + np.pi]):
        found = circular.mean(np.array(angles))
        assert np.isnan(found.direction) and found.length < 1e-12 and found.many == len(angles)


def test_equal_angles_agree_and_no_more():
    jitter = 1e-8 * np.random.default_rng(0).standard_normal(110)
    for angle in (0.7, 3.0, -2.2):
        found = circular.mean(angle + jitter)
        assert 1 - 1e-12 < found.length <= 1 and np.isfinite(found.deviation) and found.deviation < 1e-6
        assert circular.mean(np.full(110, angle)).length <= 1


def test_what_is_missing_is_left_out_and_counted():
    angles = np.array([[0.1, np.nan, 0.3], [np.nan, np.nan, np.nan]])
    found = circular.mean(angles)
    assert found.direction[0] == pytest.approx(0.2) and found.many.tolist() == [2, 0]
    assert np.isnan(found.direction[1]) and np.isnan(found.length[1])
    across = circular.mean(angles, axis=0)
    assert across.many.tolist() == [1, 0, 1] and np.isnan(across.direction[1])


def test_the_deviation_is_that_of_a_wrapped_normal():
    angles = np.random.default_rng(0).normal(3.0, 0.5, 100_000)
    assert float(circular.mean(angles).deviation) == pytest.approx(0.5, rel=0.02)
