"""A sheet of cells on a torus: four in five are excitatory, and each kind lies on a square lattice.

The inhibitory lattice has twice the spacing of the excitatory one, and both begin in the same corner, so that
a pattern of four excitatory cells and an inhibitory one repeats over the sheet. Excitatory cells have the
first numbers, row by row, then come the inhibitory ones.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from wavetrain.errors import BadInput


@dataclass(frozen=True)
class Sheet:
    """5 n^2 cells on a torus: 2 n by 2 n excitatory ones, and n by n inhibitory ones.

    >>> from wavetrain.parts.sheet import Sheet
    >>> sheet = Sheet(12_500, length=4.0)
    >>> sheet.excitatory, sheet.side, sheet.spacing  # 100 by 100, every 0.04 mm
    (10000, 100, 0.04)
    >>> Sheet(100_000)
    Traceback (most recent call last):
    wavetrain.errors.BadInput: Sheet: expected 5 n^2 cells, such as 99405 or 100820, got 100000
    """

    cells: int
    length: float = 4.0  # mm

    def __post_init__(self) -> None:
        n = math.isqrt(max(self.cells, 0) // 5)
        if n < 1 or 5 * n * n != self.cells:
            near = f"{5 * max(n, 1) ** 2} or {5 * (max(n, 1) + 1) ** 2}"
            raise BadInput(f"Sheet: expected 5 n^2 cells, such as {near}, got {self.cells}")
        if not 0 < self.length < math.inf:
            raise BadInput(f"Sheet: expected a length above 0 mm, got {self.length!r}")

    @property
    def excitatory(self) -> int:
        """How many cells are; the others have the numbers from there on."""
        return self.cells // 5 * 4

    @property
    def side(self) -> int:
        """Excitatory cells on a side."""
        return math.isqrt(self.excitatory)

    @property
    def spacing(self) -> float:
        """Of the excitatory lattice, in mm; that of the inhibitory one is twice as long."""
        return self.length / self.side

    def places(self) -> Int[np.ndarray, "cells 2"]:
        """x and y of each cell, counted in spacings of the excitatory lattice."""
        e, i = np.arange(self.excitatory), np.arange(self.cells - self.excitatory)
        x = np.concatenate([e % self.side, i % (self.side // 2) * 2])
        y = np.concatenate([e // self.side, i // (self.side // 2) * 2])
        return np.stack([x, y], 1).astype(np.int32)

    def positions(self) -> Float[np.ndarray, "cells 2"]:
        """x and y of each cell in mm."""
        found: np.ndarray = self.places() * self.spacing
        return found

    def moved(self, by: tuple[int, int]) -> Int[np.ndarray, "cells"]:
        """Which cell each one comes to lie on when all move by so many spacings of the inhibitory lattice."""
        place = (self.places() + 2 * np.asarray(by)) % self.side
        found: np.ndarray = place[:, 1] * self.side + place[:, 0]
        wide = self.side // 2
        inhibitory = place[self.excitatory :] // 2
        found[self.excitatory :] = self.excitatory + inhibitory[:, 1] * wide + inhibitory[:, 0]
        return found

    def pools(self, wide: int) -> Int[np.ndarray, "cells"]:
        """The pool of each excitatory cell, squares of `wide` by `wide` row by row; -1 of inhibitory ones.

        Raises BadInput where the squares do not fill the sheet.
        """
        if wide < 1 or self.side % wide:
            raise BadInput(f"Sheet: expected pools that fill a side of {self.side} cells, got {wide} wide")
        x, y = self.places()[: self.excitatory].T // wide
        none = np.full(self.cells - self.excitatory, -1)
        return np.concatenate([y * (self.side // wide) + x, none]).astype(np.int32)
