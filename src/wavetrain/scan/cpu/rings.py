"""How rings, and the weights that go over them, lie in memory for the wave recurrence on CPU.

Rings lie behind each other in one flat array, each with its ends repeated on both sides. A row is an input
channel at one tap: the ring of that channel from the place `offsets` gives. Outputs are cut into tiles and
positions into blocks, of which the last may do again what the one before it did: the numbers are the same.
"""

import numpy as np

from wavetrain.scan.cpu.tiles import BYTES, MOST, ROWS

LANE = 16  # positions of a line are a multiple of this: a 512 bit register of float32
SPAN = 1024  # positions, steps beside each other, over which the gradient of the kernel is summed at a time
PAIR, ONE, QUARTER, SINGLE = range(4)  # how many vectors a block of positions is, or which part of one


def shape(channels: int) -> tuple[int, ...]:
    """A tuple as long as a tile has outputs: as few tiles as can be, and those as small as can be."""
    tiles = -(-channels // MOST)
    return (0,) * -(-channels // tiles)


def blocks(size: int, bytes_: int) -> np.ndarray:
    """The positions of a ring in blocks (start, kind), for numbers of so many bytes.

    The last one ends with the ring, and may do again what the one before it did.
    """
    lanes = BYTES // bytes_
    quarter = max(1, lanes // 4)
    widths = (2 * lanes, lanes, quarter, 1)
    found = []
    done = 0
    while done < size:
        left = size - done
        kind = PAIR if left >= 2 * lanes else ONE if left > quarter else QUARTER
        while widths[kind] > size:
            kind += 1
        start = min(done, size - widths[kind])
        found.append((start, kind))
        done = start + widths[kind]
    return np.array(found)


def span(size: int, taps: int) -> int:
    """The length of a line of steps beside each other, each a ring with its repeated ends."""
    step = size + taps - 1
    length = max(1, SPAN // step) * step
    return length + -length % LANE + taps - 1


def weights(kernel: np.ndarray) -> np.ndarray:
    """The kernel (O, C, K) in tiles of outputs, each flat: three rows for each output, and the next three."""
    outputs, channels, taps = kernel.shape
    matrix = np.pad(kernel.reshape(outputs, channels * taps), ((0, 0), (0, -channels * taps % ROWS)))
    tiles = matrix[_outputs(outputs)]  # (tiles, outputs of a tile, rows)
    tiles = tiles.reshape(*tiles.shape[:2], -1, ROWS).swapaxes(1, 2)
    return tiles.reshape(len(tiles), -1)


def untiled(tiles: np.ndarray, channels: int) -> np.ndarray:
    """Tiles of outputs (tiles, outputs of a tile, rows) as outputs (channels, rows)."""
    whole = np.empty((channels, tiles.shape[-1]), tiles.dtype)
    whole[_outputs(channels)] = tiles
    return whole


def _outputs(channels: int) -> np.ndarray:
    """The outputs of each tile; the last tile ends with the last of them, and may do some again."""
    count = len(shape(channels))
    first = np.minimum(np.arange(0, channels, count), channels - count)
    return first[:, None] + np.arange(count)


def offsets(channels: int, taps: int, stride: int) -> np.ndarray:
    """Where each row starts; the rows that fill up the last three start behind the last ring."""
    start = stride * np.arange(channels)[:, None] + np.arange(taps)  # (C, K)
    return np.pad(start.ravel(), (0, -start.size % ROWS), constant_values=stride * channels)
