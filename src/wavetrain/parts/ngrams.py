"""What the order of spikes says: a table of which n units that fired one after another came with which class.

Steps without a spike are left out. In each n of the others that follow one another, every choice of one unit
from each step is a tuple; units that fire in one step are alternatives. The table counts tuples by class, and
a sequence is of the class for which the rows of its tuples add up to most:

    C[g, label] += 1    for each tuple g of a sequence with this label
    score = sum of C[g] over the tuples of a sequence

A tuple that was not seen adds nothing. With n = 1 the scores are votes by counts of single spikes. After
Saunders, Patel, Hazan, Siegelmann and Kozma 2019, arXiv 1904.06269; in the authors' code what is learned and
what is asked are enumerated differently, here they are the same.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import product

import torch
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.parts.zero_or_one import zero_or_one

Gram = tuple[int, ...]


class NGrams:
    """Classes by tuples of `n` units in the order in which they fired.

    >>> from wavetrain.parts.ngrams import NGrams
    >>> spikes = torch.eye(3)[torch.tensor([[0, 1, 2], [2, 1, 0]])]  # two sequences of three steps
    >>> grams = NGrams(n=2, classes=2)
    >>> grams.learn(spikes, torch.tensor([0, 1]))
    >>> grams.scores(spikes).tolist(), grams.answers(spikes.flip(1)).tolist()
    ([[2.0, 0.0], [0.0, 2.0]], [1, 0])
    """

    def __init__(self, n: int, classes: int):
        if n < 1 or classes < 1:
            raise BadInput(f"NGrams: expected n and classes of 1 or more, got {n} and {classes}")
        self.n, self.classes = n, classes
        self.table: dict[Gram, list[int]] = {}

    def learn(self, spikes: Float[Tensor, "batch time units"], labels: Int[Tensor, "batch"]) -> None:
        """Count the tuples of sequences with labels, beside those that have been counted.

        Raises BadInput for sequences of fewer steps than n, spikes not of 0 or 1, labels that are no class.
        """
        if labels.shape != spikes.shape[:1]:
            raise BadInput(f"NGrams: expected a label for each of {len(spikes)}, got {tuple(labels.shape)}")
        if len(labels) and not (int(labels.min()) >= 0 and int(labels.max()) < self.classes):
            raise BadInput(
                f"NGrams: expected labels from 0 to {self.classes - 1}, got {int(labels.min())} to "
                f"{int(labels.max())}"
            )
        for response, label in zip(self._fired(spikes), labels.tolist(), strict=True):
            for gram in self.grams(response):
                self.table.setdefault(gram, [0] * self.classes)[label] += 1

    def scores(self, spikes: Float[Tensor, "batch time units"]) -> Float[Tensor, "batch classes"]:
        """How often the tuples of each sequence came with each class. Raises as `learn`."""
        found = [[0] * self.classes for _ in range(len(spikes))]
        for row, response in zip(found, self._fired(spikes), strict=True):
            for gram in self.grams(response):
                for label, count in enumerate(self.table.get(gram, ())):
                    row[label] += count
        return torch.tensor(found, dtype=torch.float64).reshape(len(spikes), self.classes)

    def answers(self, spikes: Float[Tensor, "batch time units"]) -> Int[Tensor, "batch"]:
        """The class with the highest score; of equals the first, also where no tuple is known."""
        return self.scores(spikes).argmax(1)

    def grams(self, response: list[list[int]]) -> Iterator[Gram]:
        """The tuples of one sequence, given who fired in each step that has a spike."""
        for first in range(len(response) - self.n + 1):
            yield from product(*response[first : first + self.n])

    def _fired(self, spikes: Tensor) -> list[list[list[int]]]:
        """For each sequence who fired, step by step, without empty steps."""
        if spikes.ndim != 3:
            raise BadInput(f"NGrams: expected spikes (batch, time, units), got {tuple(spikes.shape)}")
        zero_or_one("NGrams", spikes)
        if spikes.shape[1] < self.n:
            raise BadInput(
                f"NGrams: expected sequences of at least n = {self.n} steps, got {spikes.shape[1]}"
            )
        steps: list[dict[int, list[int]]] = [defaultdict(list) for _ in range(len(spikes))]
        for row, time, unit in spikes.nonzero().tolist():  # in the order of time
            steps[row][time].append(unit)
        return [list(one.values()) for one in steps]
