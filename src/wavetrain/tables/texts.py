"""A text in any encoding, as bytes of which the next is predicted."""

import numpy as np
import torch

from wavetrain.core import TOKENS, Recorded
from wavetrain.errors import BadInput
from wavetrain.tables import parts, scaling

WINDOW = 128  # steps
FEWEST_BYTES = 10 * (WINDOW + 1)  # the held-out parts are a tenth each, and hold a window and the byte after


def text(content: bytes) -> tuple[Recorded, str, str]:
    """The task, what it is in words, and the answer that its chance level belongs to."""
    count = len(content)
    if count < FEWEST_BYTES:
        raise BadInput(f"expected at least {FEWEST_BYTES} bytes for windows of {WINDOW}, got {count}")
    held = count // 10
    train = count - 2 * held
    raw = np.frombuffer(content, np.uint8)
    if (raw == raw[0]).all():
        raise BadInput(f"expected text, got one byte repeated: {content[:1]!r}")
    tokens, vocabulary = scaling.tokens(raw, raw[:train])
    learn, valid, test = parts.windows(torch.from_numpy(tokens), train, held, WINDOW)
    share = test.y.flatten().bincount().double() / test.y.numel()
    chance = float(torch.special.entr(share).sum())  # nats
    what = (
        f"{count} bytes of {vocabulary - 1} kinds, and one for any other; predict the next, in windows of "
        f"{WINDOW}; {train} to train, {held} to choose by and {held} to test, one after another"
    )
    task = Recorded(learn, valid, test, vocabulary, vocabulary, True, True, TOKENS, chance)
    return task, what, "the frequencies of single bytes"
