"""Correlation matrix memory: orthogonal keys without error, others with the cross talk of the formula."""

import numpy as np
import pytest
import torch

from tests.promises import close, normal
from wavetrain.errors import BadInput
from wavetrain.memories.correlation_matrix import CorrelationMatrix


def test_orthonormal_keys_bring_back_their_values():
    memory = CorrelationMatrix(6, values=4).double()
    key = torch.linalg.qr(normal(2, 6, 6)).Q.mT
    value = normal(2, 6, 4, seed=2)
    state = memory.write(memory.empty(2), key, value)
    assert state.shape == (2, 6, 4)
    close(memory.read(state, key), value, "read, written")
    close(
        memory.read(state, key[:, :2] + key[:, 2:4]), value[:, :2] + value[:, 2:4], "sum of cues, of values"
    )


def test_cross_talk_is_the_overlap_of_keys():
    memory = CorrelationMatrix(5).double()
    key, value, cue = normal(1, 3, 5), normal(1, 3, 5, seed=2), normal(1, 2, 5, seed=3)
    state = memory.write(memory.empty(1), key, value)
    by_hand = sum((cue[0] @ key[0, m])[:, None] * value[0, m] for m in range(3))
    close(memory.read(state, cue)[0], by_hand, "read, sum of values by overlaps")


def test_along_is_write_and_read_in_turn():
    memory = CorrelationMatrix(5, values=3).double()
    key, value, cue = normal(2, 70, 5), normal(2, 70, 3, seed=2), normal(2, 70, 5, seed=3)
    state = first = memory.write(memory.empty(2), normal(2, 1, 5, seed=4), normal(2, 1, 3, seed=5))
    read = []
    for t in range(70):
        state = memory.write(state, key[:, t : t + 1], value[:, t : t + 1])
        read.append(memory.read(state, cue[:, t : t + 1]))
    close(memory.along(first, key, value, cue), (torch.cat(read, 1), state), "at once, in turn")


def test_hundreds_of_records_are_those_of_a_plain_loop():
    """Each record is written, and what is read after it is the sum of values by overlaps, term by term."""
    memory = CorrelationMatrix(4, values=3).double()
    key, value, cue = normal(1, 300, 4), normal(1, 300, 3, seed=2), normal(1, 300, 4, seed=3)
    matrix, read, state, stepped = np.zeros((4, 3)), [], memory.empty(1), []
    for t in range(300):
        for i in range(4):
            for j in range(3):
                matrix[i, j] += float(key[0, t, i]) * float(value[0, t, j])
        read.append([sum(float(cue[0, t, i]) * matrix[i, j] for i in range(4)) for j in range(3)])
        state = memory.write(state, key[:, t : t + 1], value[:, t : t + 1])
        stepped.append(memory.read(state, cue[:, t : t + 1])[0, 0])
    wanted = torch.tensor(np.array(read))[None], torch.from_numpy(matrix)[None]
    close((torch.stack(stepped)[None], state), wanted, "memory, loop")
    close(memory.along(memory.empty(1), key, value, cue), wanted, "at once, loop")


def test_bad_patterns_are_refused():
    memory = CorrelationMatrix(5, values=3)
    good, state = torch.ones(1, 2, 5), memory.empty(1)
    with pytest.raises(BadInput, match=r"expected key \(batch, many, 5\), got \(1, 2, 4\)"):
        memory.write(state, torch.ones(1, 2, 4), torch.ones(1, 2, 3))
    with pytest.raises(BadInput, match=r"expected value \(batch, many, 3\), got \(1, 2, 5\)"):
        memory.write(state, good, good)
    with pytest.raises(BadInput, match=r"expected cue \(batch, many, 5\), got \(2, 5\)"):
        memory.read(state, good[0])
    with pytest.raises(BadInput, match="size must be a whole number"):
        CorrelationMatrix(0)
