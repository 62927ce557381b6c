"""Kernels read and write what is theirs: one small shape each, in new memory that holds no number.

`make check-memory` runs this with numba's bounds checked, which compiles all kernels anew.
"""

import math
import os
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch.utils import deterministic

from tests.scan.agree import agree, draw
from tests.scan.cpu.test_pieces import TILES, emptied, plain, problem
from wavetrain import scan
from wavetrain.memories.temporal_memory import (
    Dendrites,
    Sets,
    SoftmaxClassifier,
    SpatialPooler,
    TemporalMemory,
    categories,
)
from wavetrain.scan import Activation, blocks
from wavetrain.scan.cpu import host
from wavetrain.scan.cpu.compiled import compiled
from wavetrain.scan.operators import SPARE

CHECKED = os.environ.get("NUMBA_BOUNDSCHECK") == "1"


@pytest.fixture(autouse=True)
def no_numbers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Memory of ours and of PyTorch's that is not written yet is NaN."""
    monkeypatch.setattr(host, "fresh", emptied)
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    monkeypatch.setattr(deterministic, "fill_uninitialized_memory", True)
    assert torch.empty(3).isnan().all()
    yield
    torch.use_deterministic_algorithms(before)


@pytest.mark.skipif(not CHECKED, reason="bounds are checked by `make check-memory`")
def test_a_kernel_that_leaves_its_array_is_caught():
    def beyond(x, place):
        return x[place]

    with pytest.raises(IndexError):
        compiled(beyond)(np.zeros(3), 5)


@pytest.mark.parametrize("name", [name for name, _ in TILES])
def test_recurrences(name: str):
    run, inputs = problem(name, batch=3, width=9, time=5)
    agree(name, run, inputs, 1e-10, plain(name))


@pytest.mark.parametrize("name", ["selective", "unitary"])
def test_recurrences_in_several_chunks_of_time(name: str):
    run, inputs = problem(name, batch=2, width=5, time=131)
    agree(name, run, inputs, 1e-9, plain(name))


@pytest.mark.parametrize(
    ("name", "time", "marks"),
    [("unitary", 127, 0), ("unitary", 128, 1), ("unitary", 300, 2)]
    + [("selective", time, marks) for time, marks in ((1, 1), (16, 1), (17, 2), (33, 3))],
)
def test_one_state_a_chunk_is_kept_where_gradients_are_wanted(
    name: str, time: int, marks: int, monkeypatch: pytest.MonkeyPatch
):
    made: list[tuple[int, ...]] = []

    def noted(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        made.append(tuple(shape))
        return emptied(shape, dtype)

    monkeypatch.setattr(host, "fresh", noted)
    run, inputs = problem(name, batch=2, width=5, time=time)
    state = (2, 2, 5) if name == "unitary" else (2, 5)
    for wanted, kept in ((False, 0), (True, marks)):
        made.clear()
        run(*(part.detach().requires_grad_(wanted) for part in inputs))
        assert (math.prod((2, kept, *state)) + SPARE,) in made and len(made) == 3


@pytest.mark.parametrize("activation", list(Activation))
def test_waves(activation: Activation):
    inputs = [draw(2, 4, 8, 19), draw(8, 8, 5) / 7, draw(2, 8, 19)]
    agree("wave", lambda drive, kernel, state: scan.wave(drive, kernel, state, activation), inputs, 1e-10)


def test_a_complex_recurrence_that_drops_its_state():
    reset = torch.rand(3, 6) < 0.4
    inputs = [0.7 * draw(5, dtype=torch.complex128), draw(3, 6, 5, dtype=torch.complex128)]
    agree("linear", lambda a, b: scan.linear(a, b, None, reset), inputs)


def test_blocks():
    jacobian, b = draw(3, 6, 2, 2, 5) / 2, draw(3, 6, 2, 5)
    jacobian[:, 0] = 0
    torch.testing.assert_close(blocks.walk(jacobian, b), blocks.reduce(jacobian, b))


def test_temporal_memory():
    """Segments come, grow beyond one block of synapses, and go; a record that was learned is foreseen."""
    dice = torch.Generator().manual_seed(0)
    symbols = categories(4, 128, 40, dice)
    how = Dendrites(activation=12, matching=10, grow=40, segments=3, synapses=40, punish=0.2)
    memory = TemporalMemory(128, 3, how, seed=1)
    order = torch.randint(0, 4, (60,), generator=dice)
    _, state = memory.forward(symbols[order])
    trace, state = memory.forward(symbols[torch.arange(4).repeat(20)], state)
    assert trace.anomaly[-4:].max() < 0.2 < trace.anomaly[0]
    dead = memory.without(state, 0.3, dice)
    assert len(memory.predict(dead)) == len(memory.predict(state))
    memory.forward(symbols[order], dead)


def test_spatial_pooler():
    pooler = SpatialPooler(40, 64, 6)
    x = torch.rand(5, 40, generator=torch.Generator().manual_seed(0)) < 0.3
    active, _ = pooler.forward(x)
    assert active.shape == (5, 64) and (active.sum(1) == 6).all()


def test_classifier():
    """The last record may be an empty set, and the last cell and bucket there are may come."""
    active = Sets(torch.tensor([0, 3, 8, 8]), torch.tensor([2, 3, 4, 4]))
    chances, _ = SoftmaxClassifier(9, 3, ahead=1).forward(active, torch.tensor([0, 2, 1, 2]))
    torch.testing.assert_close(chances.sum(1), torch.ones(4))
