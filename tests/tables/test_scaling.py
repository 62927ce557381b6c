"""Tokens are numbered in order, what training has not seen is one number more, and scaling is by training."""

import numpy as np
import pytest

from wavetrain.tables import scaling


def test_what_training_has_not_seen_is_one_token_more():
    """Below all, between two and above all that was seen."""
    tokens, count = scaling.tokens(np.array([[9, 3, 5], [2, 6, 10]]), np.array([[3, 9], [5, 3]]))
    assert tokens.tolist() == [[2, 0, 1], [3, 3, 3]] and count == 4
    assert tokens.dtype == np.int64


def test_channels_are_scaled_by_what_training_has():
    train = np.array([[[1.0, 7], [3, 7]], [[5, 7], [7, 7]]])
    seen = scaling.scaled(np.array([[[4.0, 8], [9, 6]]]), train)
    np.testing.assert_allclose(seen, [[[0, 1], [5 / 5**0.5, -1]]], rtol=1e-6)  # the second was constant
    assert seen.dtype == np.float32
    assert scaling.scaled(train, train).mean((0, 1)) == pytest.approx(0, abs=1e-7)
