"""How the changes that each sequence of a batch asks for become one: their sum, their mean or the largest.

All start from the same weights. Of B equal sequences the sum is B times the change of one, and the others are
that of one. The largest is taken for each weight by itself, by its value: a growth wins over a decay.
"""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor


class OverBatch(ABC):
    """One change (...) out of the changes of all sequences (B, ...)."""

    @abstractmethod
    def __call__(self, changes: Float[Tensor, "batch *axes"]) -> Float[Tensor, "*axes"]:
        """The change that is made."""


class Sum(OverBatch):
    """All of them, so that a batch changes as much as its sequences would one after another.

    >>> from wavetrain.parts.over_batch import Largest, Mean, Sum
    >>> changes = torch.tensor([[1.0, -4.0], [3.0, 2.0]])
    >>> [one(changes).tolist() for one in (Sum(), Mean(), Largest())]
    [[4.0, -2.0], [2.0, -1.0], [3.0, 2.0]]
    """

    def __call__(self, changes: Float[Tensor, "batch *axes"]) -> Float[Tensor, "*axes"]:
        return changes.sum(0)


class Mean(OverBatch):
    """Their mean, whatever the size of the batch."""

    def __call__(self, changes: Float[Tensor, "batch *axes"]) -> Float[Tensor, "*axes"]:
        return changes.mean(0)


class Largest(OverBatch):
    """The largest value of each."""

    def __call__(self, changes: Float[Tensor, "batch *axes"]) -> Float[Tensor, "*axes"]:
        return changes.amax(0)
