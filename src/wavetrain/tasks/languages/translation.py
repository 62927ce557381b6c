"""Translation: from a language that says each verb after its noun to one that keeps verbs for the end.

The word orders are those of an English chain of clauses and of a German one with its verbs at the end, which
stand inside out; the lexicon is made up. A clause is a noun and a verb, drawn evenly. A closing verb ends a
chain, an embedding verb puts the next clause inside its own: after each clause but the last of the sentence
the chain goes on with chance `embed`. Each verb of the target has two forms and agrees with the gender of its
own noun, with which it stood in the source:

    source   boy sees girl hears dog sleeps,  cat runs
    target   boy girl dog sleeps hears sees,  cat runs      each verb in the form of its noun

In a chain of n clauses noun and verb of the first are 2 n - 1 words apart in the target, 1 in the source. A
sentence and its translation have 2 `clauses` words. The layout is that of Sutskever, Vinyals and Le 2014,
arXiv 1409.3215: the target so far stands behind the source, so that any causal layer can translate.

    x  A u B v C w END a b c w' v' u'       nouns A B C, embedding verbs u v, closing verb w; ' in its form
    y  - - - - - - a b c w' v' u' END       - (class 0) is not asked

A class is the token of the same number, so that what is said can be fed back; END is token 1. Held out are
the sentences whose last verb has the number of the sum of all other words, modulo `verbs`: no sentence among
them is ever drawn for training, however few there are, and each word is as likely as in training. Chance is
exact: END at its place, elsewhere the likeliest word there, whatever the source says.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import Batch, Generated, HeldOut
from wavetrain.errors import BadInput
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least

END = 1  # ends the source, and the translation


@dataclass(frozen=True)
class Translation(Generated):
    """x (B, 4 clauses + 1) tokens, y alike; the last 2 `clauses` + 1 steps are asked.

    Tokens: 1 is END, then the target's nouns, closing verbs and embedding verbs (a verb's two forms side by
    side), then the source's nouns, closing verbs and embedding verbs; 0 is none.

    >>> from wavetrain.tasks import Translation
    >>> x, y = Translation(clauses=2).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [46, 55, 49, 52, 1, 6, 21, 9, 15]
    >>> y[0].tolist()  # token 1 is the end; a class is the token of the same number
    [0, 0, 0, 0, 6, 21, 9, 15, 1]
    """

    clauses: int = 4
    nouns: int = 4  # of each gender
    verbs: int = 8  # of each kind
    embed: float = 0.5  # chance that a verb takes the next clause inside its own

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("translation", 2, clauses=self.clauses, verbs=self.verbs)
        at_least("translation", 1, nouns=self.nouns)
        if not 0 <= self.embed <= 1:
            raise BadInput(f"translation: embed must be a chance from 0 to 1, got {self.embed!r}")
        target, source = 2 * self.nouns + 4 * self.verbs, 2 * self.nouns + 2 * self.verbs
        self.set_facts(inputs=2 + target + source, outputs=2 + target, chance=self._chance())

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return self._draw(batch, generator, False)

    def valid(self) -> Batch:
        return self._draw(self.held_out, HeldOut.VALID.generator(), True)

    def test(self) -> Batch:
        return self._draw(self.held_out, HeldOut.TEST.generator(), True)

    def _draw(self, batch: int, generator: torch.Generator, held_out: bool) -> Batch:
        size = batch, self.clauses
        noun = torch.randint(2 * self.nouns, size, generator=generator)  # those of the second gender last
        verb = torch.randint(self.verbs, size, generator=generator)
        shift = torch.randint(1, self.verbs, (batch,), generator=generator) * (not held_out)
        verb[:, -1] = (noun.sum(1) + verb[:, :-1].sum(1) + shift) % self.verbs
        embeds = torch.rand(size, generator=generator) < self.embed
        embeds[:, -1] = False
        return self._lay(noun, verb + self.verbs * embeds, embeds)

    def _lay(self, noun: Tensor, verb: Tensor, embeds: Tensor) -> Batch:
        """Source and target of the words of each clause, (B, clauses)."""
        batch, place = len(noun), torch.arange(self.clauses).expand_as(noun)
        last = (
            torch.where(embeds, self.clauses, place).flip(1).cummin(1).values.flip(1)
        )  # clause of its chain
        first = torch.where(embeds.roll(1, 1), 0, place).cummax(1).values
        source = torch.stack([noun, 2 * self.nouns + verb], -1).flatten(1) + self.outputs  # (B, 2 clauses)
        form = 2 + 2 * self.nouns + 2 * verb + (noun >= self.nouns)
        target = torch.zeros_like(source)
        target.scatter_(1, first + place, 2 + noun)  # from 2 first on
        target.scatter_(1, first + 2 * last + 1 - place, form)  # back from the end of the chain, 2 last + 1
        end = torch.full((batch, 1), END)
        y = torch.cat([torch.zeros_like(source), target, end], 1)
        return Batch(torch.cat([source, end, target], 1), y)

    def _chance(self) -> float:
        """The mean over places of the chance of the likeliest word."""
        share = np.zeros((3, 2 * self.clauses))  # of nouns, closing and embedding verbs at each place
        for first in range(self.clauses):
            begins = 1 - self.embed if first else 1.0
            for more in range(self.clauses - first):
                ends = 1 - self.embed if first + more + 1 < self.clauses else 1.0
                chain, middle = begins * self.embed**more * ends, 2 * first + more + 1
                share[0, 2 * first : middle] += chain
                share[1, middle] += chain
                share[2, middle + 1 : middle + 1 + more] += chain
        likeliest = (share / [[2 * self.nouns], [2 * self.verbs], [2 * self.verbs]]).max(0)
        return float((likeliest.sum() + 1) / (2 * self.clauses + 1))


def sentences(classes: Tensor) -> list[list[int]]:
    """What is said before END in each row of classes (B, U)."""
    rows = classes.tolist()
    return [row[: row.index(END)] if END in row else row for row in rows]


def bleu(said: Sequence[Sequence[int]], right: Sequence[Sequence[int]], most: int = 4) -> float:
    """BLEU of a corpus, from 0 to 1, with one reference for each sentence, without smoothing.

    Papineni, Roukos, Ward and Zhu 2002: the geometric mean over n = 1 to `most` of the share of n-grams said
    that are in the reference, each as often as there at the most; times exp(1 - r / c) where the c words
    said are fewer than the r of the references.
    """
    if len(said) != len(right):
        raise BadInput(f"bleu: expected as many sentences as references, got {len(said)} and {len(right)}")
    log_mean = 0.0
    for n in range(1, most + 1):
        ours, theirs = (
            [Counter(tuple(row[i : i + n]) for i in range(len(row) - n + 1)) for row in rows]
            for rows in (said, right)
        )
        found = sum((a & b).total() for a, b in zip(ours, theirs, strict=True))
        if not found:
            return 0.0
        log_mean += np.log(found / sum(a.total() for a in ours)) / most
    short = sum(map(len, right)) / sum(map(len, said))
    return float(np.exp(log_mean + min(0.0, 1 - short)))
