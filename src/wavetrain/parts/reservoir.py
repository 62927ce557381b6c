"""A fair sample of a stream without end: each item so far is in it with the same chance.

Vitter 1985, ACM Transactions on Mathematical Software 11:37 (algorithm R). Item number n, from 1 on, is kept
if there is room; later it takes the place j that is drawn evenly from 1 to n, if j is a place at all. After n
items each is there with chance size / n. What is kept does not hang on whether items come one by one or
together, nor on what is drawn from it in between.
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from wavetrain.core import check_width
from wavetrain.errors import BadInput
from wavetrain.parts.kept import into_draws, of_draws, under


class Reservoir:
    """So many items of a stream, each a row of one or more tensors.

    >>> from wavetrain.parts.reservoir import Reservoir
    >>> kept = Reservoir(size=3)
    >>> kept.keep(torch.arange(100.0))
    >>> len(kept), kept.seen, kept.draw(2)[0].shape
    (3, 100, torch.Size([2]))
    """

    def __init__(self, size: int, seed: int = 0):
        check_width("Reservoir", size=size)
        self.size, self.seen = size, 0
        self.columns: tuple[Tensor, ...] = ()
        self._keeping, self._drawing = (np.random.default_rng((seed, which)) for which in range(2))

    def state_dict(self) -> dict[str, Tensor]:
        """What is kept, how much was seen, and what will be drawn."""
        kept = {f"column.{place}": one.clone() for place, one in enumerate(self.columns)}
        draws = {"keeping": of_draws(self._keeping), "drawing": of_draws(self._drawing)}
        return kept | draws | {"seen": torch.tensor(self.seen)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from there. Raises KeyError for what is no such state."""
        columns = under("column", state)
        self.columns = tuple(columns[str(place)].clone() for place in range(len(columns)))
        self.seen = int(state["seen"])
        into_draws(self._keeping, state["keeping"])
        into_draws(self._drawing, state["drawing"])

    def __len__(self) -> int:
        return min(self.seen, self.size)

    @property
    def bytes(self) -> int:
        """What is stored."""
        return sum(one[: len(self)].nbytes for one in self.columns)

    def keep(self, *columns: Tensor) -> None:
        """More items of the stream, a row of each tensor each; raises BadInput as `check` does."""
        if not self.columns:
            self.columns = tuple(one.new_empty(self.size, *one.shape[1:]) for one in columns)
        self.check(*columns)
        last = {place: row for row, place in enumerate(self.places(len(columns[0])).tolist()) if place >= 0}
        if last:
            for kept, more in zip(self.columns, columns, strict=True):
                kept[list(last)] = more.detach()[list(last.values())].to(kept)

    def check(self, *columns: Tensor) -> None:
        """Raise BadInput unless rows of the first columns have the shapes that they had before."""
        now, before = ([tuple(one.shape[1:]) for one in few] for few in (columns, self.columns))
        if before and now != before[: len(now)]:
            raise BadInput(
                f"a reservoir: expected items of shapes {', '.join(map(str, before[: len(now)]))} as before, "
                f"got {', '.join(map(str, now))}"
            )

    def places(self, many: int) -> Int[np.ndarray, "many"]:
        """Where the next so many items go, -1 for those that are not kept; a later one may take its place."""
        number = self.seen + np.arange(many)  # of items before it
        drawn = np.floor(self._keeping.random(many) * (number + 1)).astype(int)
        self.seen += many
        places = np.where(number < self.size, number, drawn)
        return np.where(places < self.size, places, -1)

    def draw(self, many: int) -> tuple[Tensor, ...]:
        """So many different ones of those that are kept, or all, in any order; their columns."""
        rows = self.rows(many)
        return tuple(one[rows] for one in self.columns)

    def rows(self, many: int) -> Int[np.ndarray, "drawn"]:
        """The places of so many different ones, drawn as in `draw`."""
        return self._drawing.choice(len(self), min(many, len(self)), replace=False)
