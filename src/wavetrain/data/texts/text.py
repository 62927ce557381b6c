"""Text as bytes, one a step; predict the next: Tiny Shakespeare, WikiText-2, or any file, gzipped or not.

Tiny Shakespeare: karpathy/char-rnn, 1,115,394 bytes of 65 kinds. WikiText-2: Merity et al. 2016, arXiv
1609.07843, the validation and the test file as pytorch/examples keeps them (not the training file). Each
file is cut in three parts, one after another: the last tenth is to report, the tenth before it to choose
by, the rest to train. A training window starts anywhere in its part. The held-out windows lie end to end
and start with the last byte that was asked of the one before: all bytes of a part are asked once, but for
its first, and fewer than a window at its end.
"""

import functools
import gzip
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from wavetrain.core import TOKENS, Batch, Task
from wavetrain.data import _files
from wavetrain.errors import BadInput

SHAKESPEARE = _files.File(
    "tiny_shakespeare.txt",
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    "karpathy/char-rnn",
    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
)
WIKITEXT_VALID = _files.File(
    "wikitext2_valid.txt.gz",
    "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
    "pytorch/examples",
    "77f55b912142e11fcfdf5b530231fb9c52f181e8/word_language_model/data/wikitext-2/valid.txt",
)
WIKITEXT_TEST = _files.File(
    "wikitext2_test.txt.gz",
    "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
    "pytorch/examples",
    "77f55b912142e11fcfdf5b530231fb9c52f181e8/word_language_model/data/wikitext-2/test.txt",
)
FILES = {file.name: file for file in (SHAKESPEARE, WIKITEXT_VALID, WIKITEXT_TEST)}


@dataclass(frozen=True, eq=False)
class Bytes(Task):
    """x (B, window) tokens, y (B, window) the token after each; the score is in nats per token.

    The vocabulary is that of the bytes that occur in `content`, in their order, or of `all_bytes`, all 256.
    The chance level is the entropy of single bytes in the test part.
    """

    content: bytes = field(repr=False)
    window: int = 128  # steps
    all_bytes: bool = False

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    objective = TOKENS

    def __post_init__(self) -> None:
        held = len(self.content) // 10
        if not 1 <= self.window < held:
            raise BadInput(
                f"text: expected a tenth of the text to hold a window and the byte after it, got "
                f"{len(self.content)} bytes and a window of {self.window}"
            )
        self.set_facts(inputs=len(self.kinds), outputs=len(self.kinds))
        share = self.test().y.flatten().bincount().double() / self.test().y.numel()
        self.set_facts(chance=float(torch.special.entr(share).sum()))

    @functools.cached_property
    def kinds(self) -> Tensor:
        """The byte of each token, (inputs,)."""
        return torch.arange(256) if self.all_bytes else self._raw().unique().long()

    @functools.cached_property
    def place(self) -> Tensor:
        """The token of each byte, (256,), -1 where it has none."""
        place = torch.full((256,), -1)
        place[self.kinds] = torch.arange(len(self.kinds))
        return place

    @functools.cached_property
    def parts(self) -> tuple[Tensor, ...]:
        """Tokens to train on, to choose by and to report."""
        raw = self._raw()
        held = len(raw) // 10
        tokens = self.place.clamp(min=0).to(torch.uint8)[raw.long()]
        return tokens.split((len(raw) - 2 * held, held, held))

    def _raw(self) -> Tensor:
        return torch.frombuffer(bytearray(self.content), dtype=torch.uint8)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        first = torch.randint(len(self.parts[0]) - self.window, (batch, 1), generator=generator)
        windows = self.parts[0][first + torch.arange(self.window + 1)].long()
        return Batch(windows[:, :-1], windows[:, 1:])

    def valid(self) -> Batch:
        return self._held_out(self.parts[1])

    def test(self) -> Batch:
        return self._held_out(self.parts[2])

    def _held_out(self, part: Tensor) -> Batch:
        count = (len(part) - 1) // self.window
        x, y = (side[: count * self.window].long().view(count, -1) for side in (part[:-1], part[1:]))
        return Batch(x, y)

    def encode(self, words: str | bytes) -> Tensor:
        """The tokens (T,) of a text, in UTF-8; a byte that the vocabulary lacks raises BadInput."""
        raw = words.encode() if isinstance(words, str) else words
        tokens = self.place[torch.tensor(list(raw), dtype=torch.long)]
        if len(raw) and int(tokens.min()) < 0:
            missing = bytes([raw[int(tokens.argmin())]])
            raise BadInput(f"text: the byte {missing!r} does not occur in the text that the vocabulary is of")
        return tokens

    def decode(self, tokens: Tensor) -> str:
        """The text of tokens (T,); what is not UTF-8 becomes a replacement character."""
        if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < self.inputs:
            raise BadInput(
                f"text: expected tokens from 0 to {self.inputs - 1}, got {int(tokens.min())} to "
                f"{int(tokens.max())}"
            )
        return bytes(self.kinds[tokens.long()].tolist()).decode(errors="replace")


def text(source: str | Path = SHAKESPEARE.name, window: int = 128, all_bytes: bool = False) -> Bytes:
    """The text of a path, unzipped where it ends in `.gz`; one of FILES by its name in the data folder.

    Raises BadInput for a text that cannot be read, or is too short for its windows.

    >>> from wavetrain.data import text
    >>> task = text(window=32)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(0))
    >>> bytes(task.kinds[token] for token in x[0]).decode().split()
    ['ke', 'a', 'loving', 'sire;', 'Thou,', 'being', 'a']
    >>> bytes(task.kinds[token] for token in y[0]).decode().split()  # the byte after each
    ['e', 'a', 'loving', 'sire;', 'Thou,', 'being', 'a', 'k']
    """
    if str(source) in FILES:
        return Bytes(_files.unzipped(*FILES[str(source)].where()), window, all_bytes)
    path = Path(source)
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path} cannot be read ({error})") from error
    return Bytes(content, window, all_bytes)


def fetch() -> Path:
    """Download all of FILES."""
    return _files.fetched(*FILES.values())
