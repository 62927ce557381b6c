"""A shelf keeps all it is given: a whole sequence reads what was there before and what came so far."""

import pytest
import torch
from torch import Tensor

from tests.promises import close, normal
from wavetrain.memories._shelf import Shelf


class Sum(Shelf):
    """Every value that is readable, times the first channel of its key and of the cue, doubled."""

    def weigh(self, cue: Tensor, key: Tensor, readable: Tensor) -> Tensor:
        return cue[..., :1] * key[:, None, :, 0] * readable

    def prepared(self, pattern: Tensor) -> Tensor:
        return 2 * pattern


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_sequence_reads_what_came_before_each_step_and_at_it(kept: int):
    memory, time = Sum(2, 3).double(), 4
    key, value, cue = normal(2, kept + time, 2), normal(2, kept + time, 3), normal(2, time, 2)
    state = memory.store(memory.empty(2), key[:, :kept], value[:, :kept])
    read, (keys, values, taken) = memory.whole(state, key[:, kept:], value[:, kept:], cue)
    for step in range(time):
        last = kept + step + 1
        own = 4 * cue[:, step, :1] * key[:, :last, 0]
        close(read[:, step], (own[..., None] * value[:, :last]).sum(1), f"step {step}, written out")
    assert taken.all() and taken.shape == (2, kept + time)
    close(keys, 2 * key, "keys, as they are prepared")
    close(values, value, "values")
    again = memory.fetch((keys, values, taken.index_fill(1, torch.tensor(0), False)), cue)
    own = 4 * cue[..., :1] * key[:, None, 1:, 0]
    close(again, own @ value[:, 1:], "what is not taken is not read")


def test_is_empty_at_first():
    keys, values, taken = Sum(2).empty(3)
    assert (keys.shape, values.shape, taken.shape) == ((3, 0, 2), (3, 0, 2), (3, 0))
    assert taken.dtype == torch.bool
