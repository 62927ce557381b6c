"""One layer and its read-out: tokens are one-hot vectors, every step is read or the last."""

import pytest
import torch
from torch import nn

from tests.parts.test_stack import mixed
from tests.promises import close, normal
from wavetrain.errors import BadInput
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.reader import Reader, one_hot


def test_tokens_are_one_hot_vectors():
    tokens = torch.tensor([[0, 2, 1], [1, 1, 2]])
    vectors = nn.functional.one_hot(tokens, 3).double()
    close(mixed()(tokens), mixed()(vectors), "tokens, one-hot vectors")
    reader = Reader(Elman(5, inputs=3), outputs=2, every_step=True).double()
    close(reader(tokens), reader(vectors), "tokens, one-hot vectors")
    assert one_hot(vectors, 3, torch.float32) is vectors
    for bad in (tokens + 1, tokens - 1):
        with pytest.raises(BadInput, match="expected tokens from 0 to 2, got"):
            mixed()(bad)


@pytest.mark.parametrize("hidden", [None, 7])
def test_reader_reads_every_step_or_the_last(hidden: int | None):
    torch.manual_seed(0)
    layer, x = GRU(5, inputs=3), normal(2, 6, 3, dtype=torch.float32)
    every, last = (
        Reader(layer, outputs=2, every_step=every_step, hidden=hidden) for every_step in (True, False)
    )
    last.read = every.read
    assert every(x).shape == (2, 6, 2) and last(x).shape == (2, 2)
    torch.testing.assert_close(last(x), every(x)[:, -1])
    torch.testing.assert_close(every(x), every.read(layer(x)[0]))
