"""Words of a text as a task.

WikiText-2 as the thesis and its kind read it: words between spaces, an end of line as a word, and the
commonest words of the part that is trained on as the vocabulary; all others are `<unk>`, which is a word like
any other. The validation file is trained on and the test file is asked, since the training file is not here.
"""

import functools
from collections import Counter
from dataclasses import dataclass, field

import torch
from jaxtyping import Int
from torch import Tensor

from wavetrain.core import TOKENS, Batch, Task
from wavetrain.data import _files
from wavetrain.data.texts.text import WIKITEXT_TEST, WIKITEXT_VALID
from wavetrain.errors import BadInput

UNKNOWN, END = "<unk>", "<eos>"


@dataclass(frozen=True, eq=False)
class Words(Task):
    """x (B, window) words, y (B, window) the word after each; the last `held` words are to look at."""

    ids: Int[Tensor, "words"] = field(repr=False)
    vocabulary: int
    window: int = 35
    held: int = 7000

    tokens = True
    every_step = True
    objective = TOKENS

    def __post_init__(self) -> None:
        if len(self.ids) - self.held <= self.window or self.held <= self.window:
            raise BadInput(
                f"Words: expected more words than a window of {self.window} on both sides of the last "
                f"{self.held}, got {len(self.ids)}"
            )
        share = self.ids[: -self.held].bincount().double()
        share = share[share > 0] / share.sum()
        self.set_facts(
            inputs=self.vocabulary, outputs=self.vocabulary, chance=float(-(share * share.log()).sum())
        )

    def by_frequency(self, words: Int[Tensor, "*many"]) -> float:
        """The perplexity of words to who knows how often each comes, one more than was trained on."""
        counts = self.ids[: -self.held].bincount(minlength=self.vocabulary).double() + 1
        chance = (counts / counts.sum()).log()
        return float((-chance[words.flatten().cpu()].mean()).exp())

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        last = len(self.ids) - self.held - self.window
        first = torch.randint(last, (batch, 1), generator=generator)
        windows = self.ids[first + torch.arange(self.window + 1)]
        return Batch(windows[:, :-1], windows[:, 1:])

    def valid(self) -> Batch:
        part = self.ids[-self.held :]
        many = (len(part) - 1) // self.window
        x, y = (side[: many * self.window].view(many, -1) for side in (part[:-1], part[1:]))
        return Batch(x, y)

    def test(self) -> Batch:
        return self.valid()


def split(text: bytes) -> list[str]:
    """Words in order, an end of line among them."""
    return [word for line in text.decode().rstrip("\n").split("\n") for word in (*line.split(), END)]


def kinds(words: list[str], vocabulary: int) -> dict[str, int]:
    """The number of each of the commonest words, of which `<unk>` is one; equals go by their letters."""
    counted = Counter(words)
    counted.setdefault(UNKNOWN, 0)
    common = sorted(set(counted) - {UNKNOWN}, key=lambda word: (-counted[word], word))
    return {word: index for index, word in enumerate([UNKNOWN, *common[: vocabulary - 1]])}


def numbered(words: list[str], known: dict[str, int]) -> Int[Tensor, "words"]:
    return torch.tensor([known.get(word, known[UNKNOWN]) for word in words])


@functools.cache
def wikitext(vocabulary: int, train: int) -> tuple[Words, Int[Tensor, "words"]]:
    """The first `train` words of the validation file and some behind them to look at; the test file."""
    words = split(_files.unzipped(*WIKITEXT_VALID.where()))[: train + 7000]
    known = kinds(words[:train], vocabulary)
    asked = split(_files.unzipped(*WIKITEXT_TEST.where()))
    return Words(numbered(words, known), len(known)), numbered(asked, known)


def few_kinds() -> tuple[Words, Int[Tensor, "words"]]:
    """WikiText-2 with 2,000 kinds of words, learned from 200,000."""
    return wikitext(2000, 200_000)


def many_kinds() -> tuple[Words, Int[Tensor, "words"]]:
    """The same with 10,000 kinds."""
    return wikitext(10_000, 200_000)


def toy() -> tuple[Words, Int[Tensor, "words"]]:
    """A sentence over and over, for a try."""
    words = split(b"the cat saw the dog and the dog saw a cat in the old house\n" * 20)
    known = kinds(words, 8)
    ids = numbered(words, known)
    return Words(ids, len(known), window=10, held=60), ids


def streams(ids: Int[Tensor, "words"], many: int, steps: int, seed: int) -> Batch:
    """Words (many, steps) of a text in as many pieces, from a place of the seed, and those that follow."""
    piece = len(ids) // many
    if piece <= steps:
        raise BadInput(f"expected a text of more than {many * (steps + 1)} words, got {len(ids)}")
    first = int(torch.randint(piece - steps, (), generator=torch.Generator().manual_seed(seed)))
    rows = ids[: many * piece].view(many, piece)[:, first : first + steps + 1]
    return Batch(rows[:, :-1], rows[:, 1:])
