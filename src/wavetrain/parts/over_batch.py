"""How the changes that each sequence of a batch asks for become one: their sum, their mean or the largest.

All start from the same weights. Of B equal sequences the sum is B times the change of one, and the others are
that of one. The largest is taken for each weight by itself, by its value: a growth wins over a decay.
"""

import enum

from jaxtyping import Float
from torch import Tensor


class OverBatch(enum.Enum):
    """One change (...) out of the changes of all sequences (B, ...).

    >>> from wavetrain.parts.over_batch import OverBatch
    >>> changes = torch.tensor([[1.0, -4.0], [3.0, 2.0]])
    >>> {one.value: one(changes).tolist() for one in OverBatch}
    {'sum': [4.0, -2.0], 'mean': [2.0, -1.0], 'largest': [3.0, 2.0]}
    """

    SUM = "sum"  # so that a batch changes as much as its sequences would one after another
    MEAN = "mean"  # whatever the size of the batch
    LARGEST = "largest"

    def __call__(self, changes: Float[Tensor, "batch *axes"]) -> Float[Tensor, "*axes"]:
        """The change that is made."""
        if self is OverBatch.SUM:
            return changes.sum(0)
        return changes.mean(0) if self is OverBatch.MEAN else changes.amax(0)
