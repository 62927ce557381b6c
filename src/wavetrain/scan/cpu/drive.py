"""A linear map of few inputs on CPU, and the gradients of its weights: a row of the result is touched once.

A matrix product is made for sums of many products. Here a number of a row as wide as a layer is the sum of a
few, and its gradient goes into a sum for each input and one for the bias: moving the rows is what takes time.
"""

from wavetrain.scan.cpu.compiled import compiled
from wavetrain.scan.cpu.tiles import BYTES, gather_many, gather_one, gather_single

ROWS = 16  # whose gradients are summed in registers before they join the totals, with less rounding


@compiled
def forward(x, weights, bias, rows, first, last):
    """Fill rows (R, D) from x (R, I), weights (I, D) and bias (D), from the first row to the last.

    The bias is added at the end, as PyTorch does: the same bits.
    """
    for r in range(first, last):
        row = rows[r]
        _scale(row, weights[0], x[r, 0])
        for k in range(1, x.shape[1]):
            _add(row, weights[k], x[r, k])
        _add(row, bias, x.dtype.type(1))


@compiled
def gradients(rows, x, shape, sums, first, last):
    """Add to sums (I + 1, D) the rows (R, D) times x (R, I), and at the end the rows themselves.

    shape is a tuple of as many numbers as there are inputs.
    """
    width, lanes = rows.shape[1], BYTES // rows.itemsize
    rows[last - 1], x[last - 1, len(shape) - 1], sums[len(shape), width - 1]  # where bounds are checked
    for top in range(first, last, ROWS):
        count, left = min(ROWS, last - top), 0
        while left + 4 * lanes <= width:
            gather_many(shape, rows, top, count, left, x, sums)
            left += 4 * lanes
        while left + lanes <= width:
            gather_one(shape, rows, top, count, left, x, sums)
            left += lanes
        while left < width:
            gather_single(shape, rows, top, count, left, x, sums)
            left += 1


@compiled
def _scale(row, values, factor):
    for i in range(row.size):
        row[i] = factor * values[i]


@compiled
def _add(sums, values, factor):
    for i in range(sums.size):
        sums[i] += factor * values[i]
