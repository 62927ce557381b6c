"""Addition of two numbers, each one symbol, learned from some of the pairs and asked of the others.

After Chateau-Laurent and VanRullen 2025, arXiv 2503.01906, whose splits were not available; these are ours,
for numbers from 0 to L:

    PAIRS   seven in ten of all pairs, at random, are learned
    SUMS    sums up to L are learned, larger ones asked: no network that answers in classes has ever said them
    FIRST   a up to half of L and any b are learned; asked are larger a whose sum has occurred

Of what is asked a third chooses and the rest is for the report. A line fitted to the two numbers solves all
three, so that what fails here fails on symbols.
"""

import enum

import torch

from wavetrain.core import CLASSES, Batch, Recorded, majority
from wavetrain.tasks._draws import at_least


class Split(enum.Enum):
    """Which pairs are learned."""

    PAIRS = "seven in ten at random"
    SUMS = "sums up to the largest number"
    FIRST = "first numbers up to half of the largest"


def addition(largest: int = 9, split: Split = Split.PAIRS, seed: int = 0) -> Recorded:
    """x (N, 2) numbers from 0 to `largest`, y (N,) their sum; `seed` draws what is learned and chooses.

    >>> from wavetrain.tasks import addition
    >>> task = addition(largest=9)
    >>> task.train.x[0].tolist(), task.train.y[0].item()
    ([4, 4], 8)
    >>> len(task.train.x), len(task.test().x)  # of the 100 pairs
    (70, 20)
    """
    at_least("addition", 3, largest=largest)
    pairs = torch.cartesian_prod(torch.arange(largest + 1), torch.arange(largest + 1))
    pairs = pairs[torch.randperm(len(pairs), generator=torch.Generator().manual_seed(seed))]
    first, total = pairs[:, 0], pairs.sum(1)
    if split is Split.PAIRS:
        learned = torch.arange(len(pairs)) < round(0.7 * len(pairs))
        asked = ~learned
    elif split is Split.SUMS:
        learned = total <= largest
        asked = ~learned
    else:
        half = (largest + 1) // 2
        learned = first <= half
        asked = ~learned & (total <= half + largest)
    x = pairs[asked]
    parts = [pairs[learned], x[: len(x) // 3], x[len(x) // 3 :]]
    train, valid, test = (Batch(part, part.sum(1)) for part in parts)
    return Recorded(
        train=train,
        held_valid=valid,
        held_test=test,
        inputs=largest + 1,
        outputs=2 * largest + 1,
        tokens=True,
        every_step=False,
        objective=CLASSES,
        chance=majority(test.y),
    )
