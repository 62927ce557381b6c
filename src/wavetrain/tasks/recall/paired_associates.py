"""Paired associates: pairs of a cue and its answer are shown, one pair a step; then a cue: say its answer.

The oldest test of memory (Calkins 1894), put as vectors, so that a pair is one token: the sum of the vector
of its key and that of its value, as when two things are seen together. The query is the vector of a key
alone. This form of it is ours, for the loop that Muller, Churchland and Sejnowski 2024 ask about.

    x  k3 + v1    3 pairs; the vectors are normal, of length about 1, drawn once by `seed`
       k1 + v3
       k2 + v2
       k1         the query
    y  3          of the pair k1 + v3

Keys and values are different in every pair, so that each value is there once where there are as many pairs as
values: who reads all places alike learns nothing, and gets one in `values` right. (Were values drawn with
replacement, naming what was shown most often would be right in a third of trials of 8 pairs.) With 8 keys and
8 values in 32 channels the vectors are not orthogonal; `given` is the linear read-out that tells the value of
a token exactly, whatever its key.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least, some


@dataclass(frozen=True, eq=False)
class PairedAssociates(Generated):
    """x (B, pairs + 1, width), y (B,): the value of the key that is asked.

    >>> from wavetrain.tasks import PairedAssociates
    >>> task = PairedAssociates(pairs=3, keys=3, values=3, width=8)
    >>> x, y = task.draw(2, torch.Generator().manual_seed(0))
    >>> x.shape, y.tolist()
    (torch.Size([2, 4, 8]), [2, 1])
    >>> (x[:, :3] @ task.given().T).round().argmax(-1)  # the values that were shown, in their order
    tensor([[2, 0, 1],
            [1, 2, 0]])
    """

    pairs: int = 8
    keys: int = 8
    values: int = 8
    width: int = 32
    seed: int = 0
    key: Float[Tensor, "keys width"] = field(init=False, repr=False)
    value: Float[Tensor, "values width"] = field(init=False, repr=False)

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = False
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("paired associates", 1, pairs=self.pairs)
        at_least("paired associates", max(2, self.pairs), keys=self.keys, values=self.values)
        at_least("paired associates", 1, width=self.width)
        if self.width < self.keys + self.values:
            raise BadInput(
                f"paired associates: {self.keys} keys and {self.values} values are told apart in "
                f"{self.keys + self.values} channels or more, got a width of {self.width}"
            )
        draw = torch.Generator().manual_seed(self.seed)
        vectors = torch.randn(self.keys + self.values, self.width, generator=draw) * self.width**-0.5
        object.__setattr__(self, "key", vectors[: self.keys])
        object.__setattr__(self, "value", vectors[self.keys :])
        self.set_facts(inputs=self.width, outputs=self.values, chance=1 / self.values)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        key = some(batch, self.keys, self.pairs, generator)
        value = some(batch, self.values, self.pairs, generator)
        asked = torch.randint(self.pairs, (batch, 1), generator=generator)
        query = self.key[key.gather(1, asked)]  # (B, 1, D)
        x = torch.cat([self.key[key] + self.value[value], query], 1)
        return Batch(x, value.gather(1, asked)[:, 0])

    def given(self) -> Float[Tensor, "values width"]:
        """The read-out that gives 1 for the value in a token, and 0 for all others and for every key."""
        return self._told()[self.keys :]

    def asks(self) -> Float[Tensor, "keys width"]:
        """The read-out that gives 1 for the key in a token, and 0 for all others and for every value."""
        return self._told()[: self.keys]

    def _told(self) -> Tensor:
        both = torch.cat([self.key, self.value]).double()
        return torch.linalg.pinv(both).T.float()  # rows that are orthogonal to all vectors but their own
