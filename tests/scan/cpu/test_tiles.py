"""Blocks cover a ring, tiles cover the outputs, and the two products are what NumPy says, at every place."""

import numpy as np
import pytest
from numba import njit

from wavetrain.scan.cpu import rings, tiles


@pytest.mark.parametrize("bytes_", [4, 8])
def test_blocks_cover_each_ring_and_stay_in_it(bytes_: int):
    lanes = tiles.BYTES // bytes_
    widths = {rings.PAIR: 2 * lanes, rings.ONE: lanes, rings.QUARTER: max(1, lanes // 4), rings.SINGLE: 1}
    for size in (*range(1, 70), 100, 256, 1200):
        seen = np.zeros(size, int)
        for start, kind in rings.blocks(size, bytes_):
            assert 0 <= start <= size - widths[kind]
            seen[start : start + widths[kind]] += 1
        assert seen.min() == 1
        assert seen.sum() < size + lanes


@pytest.mark.parametrize("channels", range(1, 30))
def test_weights_are_cut_into_tiles_and_put_together(channels: int):
    kernel = np.random.default_rng(0).standard_normal((channels, channels, 3))
    outputs = len(rings.shape(channels))
    tiled = rings.weights(kernel)
    assert outputs <= tiles.MOST and len(tiled) == -(-channels // outputs)
    whole = tiled.reshape(len(tiled), -1, outputs, tiles.ROWS).swapaxes(1, 2).reshape(len(tiled), outputs, -1)
    assert (rings.untiled(whole, channels) == kernel.reshape(channels, -1)).all()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_gradient_of_the_weights_is_a_sum_over_positions(kind: type):
    """Of whole numbers, which are added without rounding."""
    dice = np.random.default_rng(0)
    signals, states = dice.integers(-9, 9, (2, 64)).astype(kind), dice.integers(-9, 9, 99).astype(kind)
    offsets, out = np.array([0, 30, 35]), np.ones((2, 3), kind)

    @njit
    def run(shape, signals, states, offsets, out):
        tiles.total(shape, (signals, 0, 64), states, offsets, 0, 64, (out, 0, 3))

    run((0, 0), signals.ravel(), states, offsets, out.ravel())
    rows = np.stack([states[offset : offset + 64] for offset in offsets])
    assert (out == 1 + signals @ rows.T).all()
