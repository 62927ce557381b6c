"""A matrix as text, for a terminal."""

import numpy as np

from wavetrain.errors import BadInput


def ascii_matrix(values: np.ndarray, width: int = 48) -> str:
    """A matrix (rows, columns) for a terminal, at most `width` characters wide: darker is larger in size.

    Each character shows the largest size in its part of the matrix, so that a thin diagonal stays in sight.
    A character is about twice as high as wide, which is made up for.
    """
    values = np.abs(np.asarray(values, dtype=float))
    if values.ndim != 2 or not values.size or width < 2:
        raise BadInput(f"expected a matrix and a width of 2 or more, got {values.shape} and width {width}")
    sizes = np.where(np.isfinite(values), values, 0.0)
    rows, columns = sizes.shape
    cells = min(columns, width // 2)  # two characters wide, one high
    if columns > cells:  # one character a cell across and half as many down shows more of a large matrix
        across = min(columns, width)
        down = max(1, min(rows, round(across * rows / columns / 2)))
        wide = 1
    else:
        across, down, wide = cells, min(rows, width), 2
    sizes = np.maximum.reduceat(sizes, np.arange(down) * rows // down, axis=0)
    sizes = np.maximum.reduceat(sizes, np.arange(across) * columns // across, axis=1)  # (down, across)
    level = np.ceil(4 * (sizes / (sizes.max() or 1.0) - 0.02)).astype(int)  # under 2% is blank
    return "\n".join("".join(" ░▒▓█"[max(cell, 0)] * wide for cell in row).rstrip() for row in level)
