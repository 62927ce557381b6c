"""A text as windows of bytes: its parts, its vocabulary, its chance level, and what is too short."""

import numpy as np
import pytest

from wavetrain.core import TOKENS
from wavetrain.errors import BadInput
from wavetrain.tables.texts import FEWEST_BYTES, WINDOW, text


def test_parts_follow_one_another():
    content = bytes(np.random.default_rng(0).integers(97, 101, 2005).astype(np.uint8))
    task, what, named = text(content)
    assert named == "the frequencies of single bytes" and task.objective is TOKENS
    assert what == (
        "2005 bytes of 4 kinds, and one for any other; predict the next, in windows of 128; 1605 to train, "
        "200 to choose by and 200 to test, one after another"
    )
    assert task.tokens and task.every_step and task.inputs == task.outputs == 5
    assert len(task.train.x) == 1605 - WINDOW and task.test().x.shape == (1, WINDOW)
    for part, first in ((task.train, 0), (task.valid(), 1605), (task.test(), 1805)):
        wanted = [byte - 97 for byte in content[first : first + WINDOW + 1]]
        assert part.x[0].tolist() == wanted[:-1] and part.y[0].tolist() == wanted[1:]
    share = np.bincount(task.test().y.flatten()) / WINDOW
    assert task.chance == pytest.approx(-(share * np.log(share)).sum())


def test_the_shortest_text():
    assert FEWEST_BYTES == 10 * (WINDOW + 1)
    shortest = b"ab" * (FEWEST_BYTES // 2)
    assert text(shortest)[0].test().x.shape == (1, WINDOW)
    with pytest.raises(BadInput, match=r"^expected at least 1290 bytes for windows of 128, got 1289$"):
        text(shortest[:-1])
    with pytest.raises(BadInput, match=r"^expected text, got one byte repeated: b'a'$"):
        text(b"a" * FEWEST_BYTES)
