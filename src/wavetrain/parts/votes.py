"""What a layer that was taught without labels says: each unit stands for a class, and its spikes are votes.

Labels come in here alone. A unit stands for the class to which it answers most, by its mean count over the
sequences of each class; classes that are rare are not at a disadvantage.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.errors import BadInput


class Votes(NamedTuple):
    """How much each unit answers to each class, and which it stands for.

    >>> from wavetrain.parts.votes import assigned
    >>> counts = torch.tensor([[4.0, 0.0, 1.0], [2.0, 0.0, 1.0], [0.0, 5.0, 1.0]])
    >>> votes = assigned(counts, torch.tensor([0, 0, 1]), classes=2)
    >>> votes.stands.tolist(), votes.answers(torch.tensor([[1.0, 2.0, 3.0]])).tolist()
    ([0, 1, 0], [0])
    """

    mean: Float[Tensor, "units classes"]  # count of each unit over the sequences of each class
    stands: Int[Tensor, "units"]  # the class with the largest

    def answers(self, counts: Float[Tensor, "many units"]) -> Int[Tensor, "many"]:
        """The class whose units fire most on average; of equals the first, also where nobody fires."""
        member = torch.nn.functional.one_hot(self.stands, self.mean.shape[1]).to(counts.dtype)
        return (counts @ (member / member.sum(0).clamp(min=1))).argmax(1)

    def by_share(self, counts: Float[Tensor, "many units"]) -> Int[Tensor, "many"]:
        """The class with the most votes, where each unit splits its own in proportion to its answers."""
        share = self.mean / self.mean.sum(1, keepdim=True).clamp(min=torch.finfo(self.mean.dtype).tiny)
        return (counts @ share.to(counts.dtype)).argmax(1)


def assigned(counts: Float[Tensor, "many units"], labels: Int[Tensor, "many"], classes: int) -> Votes:
    """For which class each unit stands, by its counts of spikes over sequences with labels.

    Raises BadInput for labels that are not from 0 to classes - 1, or of another number of sequences.
    """
    if counts.ndim != 2 or labels.shape != counts.shape[:1]:
        raise BadInput(
            f"assigned: expected counts (many, units) and labels (many,), got {tuple(counts.shape)} and "
            f"{tuple(labels.shape)}"
        )
    if ((labels < 0) | (labels >= classes)).any():
        raise BadInput(
            f"assigned: expected labels from 0 to {classes - 1}, got {int(labels.min())} to "
            f"{int(labels.max())}"
        )
    member = torch.nn.functional.one_hot(labels, classes).to(counts.dtype)
    mean = (counts.T @ member) / member.sum(0).clamp(min=1)
    return Votes(mean, mean.argmax(1))
