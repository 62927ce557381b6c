"""Sentences with a garden path: their first word means A or B, and for a while they look like A.

Words come one by one, each a little evidence, so that to find back takes words for the exact reader as well.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.core import TOKENS, Batch, Generated

CLEAR_A, CLEAR_B, EITHER = 0, 1, 2  # first words
FIRST_A, EACH = 3, 4  # the words of A are 3 to 6, those of B 7 to 10
VOCABULARY = FIRST_A + 2 * EACH
LIKELY = 0.8  # that EITHER means A
FAITHFUL = 0.7  # of the words of a sentence are those of its meaning


@dataclass(frozen=True)
class GardenPath(Generated):
    """Sentences of a first word and `words` others: x all but the last, y all but the first.

    The first word says A, B or either, which means A with a chance of 0.8. Each of the others is one of the
    four words of the meaning with a chance of 0.7, and else one of the other meaning's.
    """

    words: int = 15

    tokens, every_step, objective = True, True, TOKENS
    inputs = outputs = VOCABULARY
    chance = -FAITHFUL * math.log(FAITHFUL / EACH) - (1 - FAITHFUL) * math.log((1 - FAITHFUL) / EACH)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        first = torch.randint(3, (batch, 1), generator=generator)
        unclear = (torch.rand(batch, 1, generator=generator) >= LIKELY).long()
        meaning = torch.where(first == EITHER, unclear, first)
        other = (torch.rand(batch, self.words, generator=generator) >= FAITHFUL).long()
        which = torch.randint(EACH, (batch, self.words), generator=generator)
        sentence = torch.cat([first, FIRST_A + EACH * (meaning ^ other) + which], 1)
        return Batch(sentence[:, :-1], sentence[:, 1:])


def misled(many: int, lead: int, after: int, generator: torch.Generator) -> Int[Tensor, "many words"]:
    """Sentences whose first word means either: `lead` words of A, which is likelier, and then words of B."""
    which = torch.randint(EACH, (many, lead + after), generator=generator)
    of_b = (torch.arange(lead + after) >= lead).long()
    return torch.cat([torch.full((many, 1), EITHER), FIRST_A + EACH * of_b + which], 1)


def exact_b(sentences: Int[Tensor, "many words"]) -> Float[Tensor, "many words"]:
    """The chance that the word after each is one of B, to who knows how sentences are made."""
    clear = {CLEAR_A: -math.inf, CLEAR_B: math.inf, EITHER: math.log((1 - LIKELY) / LIKELY)}
    prior = torch.tensor([clear[int(one)] for one in sentences[:, 0]], dtype=torch.float64)
    sign = 2 * (sentences[:, 1:] >= FIRST_A + EACH).double() - 1
    odds = prior[:, None] + math.log(FAITHFUL / (1 - FAITHFUL)) * torch.cat(
        [torch.zeros(len(sentences), 1, dtype=torch.float64), sign.cumsum(1)], 1
    )
    return odds.sigmoid() * FAITHFUL + (1 - odds.sigmoid()) * (1 - FAITHFUL)


def recovered(of_b: Float[Tensor, "many words"], lead: int) -> float:
    """How many words of B it takes until the next is likelier to be one than not, all where it never is.

    `of_b` is the chance after each word, from the first word of the sentence on.
    """
    late = of_b[:, 1 + lead :] > 0.5
    never = torch.full((len(late), 1), True)
    return float((torch.cat([late, never], 1).long().argmax(1) + 1).clamp(max=late.shape[1]).double().mean())
