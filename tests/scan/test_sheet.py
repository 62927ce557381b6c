"""The walk of a sheet: its kernel against the definition bit for bit, delivery, silence, and refusals."""

import sys
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.scan.agree import few
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.scan import SheetCells, SheetState

CELLS = SheetCells(0.9, 0.8, 2.0, 5.0, 0.05, 0.5, -65.0, 0.0, -80.0, -50.0, -70.0, 3, 4)
# no leak, no decay, and weights that add up exactly; the reset lies on the threshold
COUNTING = CELLS._replace(fade_e=1.0, fade_i=1.0, weight_e=2.0**-20, weight_i=2.0**-21, leak=0.0, silence=0)


def state(v: Tensor, depth: int, **parts: Tensor) -> SheetState:
    none = torch.zeros_like(v)
    coming = torch.zeros(len(v), 2, depth, v.shape[1], dtype=torch.int16)
    start = SheetState(none + v, none, none, none.int(), coming, torch.zeros(len(v), dtype=torch.long))
    return start._replace(**parts)


def connections(targets: Any, delays: Any) -> tuple[Tensor, Tensor]:
    return torch.tensor(targets, dtype=torch.int32), torch.tensor(delays, dtype=torch.int16)


def exactly(one: Any, other: Any) -> None:
    torch.testing.assert_close(tuple(one), tuple(other), rtol=0, atol=0)


@few
@given(
    batch=st.integers(1, 3),
    cells=st.sampled_from([1, 2, 5, 17, 64]),
    each=st.sampled_from([0, 1, 3, 11]),
    depth=st.sampled_from([1, 2, 7]),
    steps=st.sampled_from([0, 2, 6, 60]),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_kernel_is_the_definition_to_the_last_bit(dtype, batch, cells, each, depth, steps, seed):
    """States, spikes, and currents of pools; each run cut in two in the middle."""
    draw = torch.Generator().manual_seed(seed)
    start = state(
        -60 + 20 * torch.randn(batch, cells, generator=draw, dtype=dtype),
        depth,
        ge=4 * torch.rand(batch, cells, generator=draw, dtype=dtype),
        silent=torch.randint(4, (batch, cells), generator=draw, dtype=torch.int32),
        coming=torch.randint(3, (batch, 2, depth, cells), generator=draw, dtype=torch.int16),
        clock=torch.randint(depth, (batch,), generator=draw),
    )
    to = torch.randint(cells, (cells, each), generator=draw, dtype=torch.int32)
    late = torch.randint(1, depth + 1, (cells, each), generator=draw, dtype=torch.int16)
    numbers = CELLS._replace(excitatory=(cells + 1) // 2, rest=0.0, rate=0.02, leak=2.0, weight_i=0.5)
    pool = torch.arange(cells, dtype=torch.int32) % 3 - (1 if cells > 1 else 0)
    before = [part.clone() for part in start]
    walk, last = scan.sheet(start, to, late, numbers, steps, pool, every=2)
    assert scan.routes()["sheet"] == "numba"
    exactly(start, before)
    with scan.only_plain():
        plain, same = scan.sheet(start, to, late, numbers, steps, pool, every=2)
    assert scan.routes()["sheet"] == "plain"
    exactly(walk[:3], plain[:3])
    exactly(last, same)
    torch.testing.assert_close(walk.currents, plain.currents, rtol=1e-12, atol=1e-9)
    first, between = scan.sheet(start, to, late, numbers, steps // 2)
    second, end = scan.sheet(between, to, late, numbers, steps - steps // 2)
    exactly(end, last)
    assert len(first.cell) + len(second.cell) == len(walk.cell)
    assert len(walk.cell) > 0 or steps < 60


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("delay", [1, 2, 7, 20, 40])
def test_an_impulse_arrives_once_after_its_delay_with_its_weight(delay: int, plain: bool):
    """Sent in step 5, as the cell is held until then; felt in step 5 + delay, and never again."""
    start = state(torch.tensor([[0.0, -80.0]], dtype=torch.float64), 40)
    start.silent[0, 0] = 5
    to, late = connections([[1], [0]], [[delay], [delay]])
    numbers, felt = COUNTING._replace(excitatory=1, reset=-60.0, rate=0.0), []
    for _ in range(50):
        if plain:
            _, after = scan.sheet_step(start, to, late, numbers)
        else:
            _, after = scan.sheet(start, to, late, numbers, 1)
        felt.append(float(after.ge[0, 1] - start.ge[0, 1]) / numbers.weight_e)
        start = after
    assert felt == [float(t == 5 + delay) for t in range(50)]


def test_parallel_connections_have_their_own_delays_and_kinds_their_own_weights():
    start = state(torch.tensor([[0.0, -80.0, -80.0, -80.0]], dtype=torch.float64), 6)
    to, late = connections([[1, 2, 3]] * 4, [[1, 3, 6]] * 4)
    for excitatory, part, weight in ((4, "ge", COUNTING.weight_e), (0, "gi", COUNTING.weight_i)):
        after, seen = start, []
        for _ in range(8):
            numbers = COUNTING._replace(excitatory=excitatory, reset=-60.0, rate=0.0)
            _, after = scan.sheet(after, to, late, numbers, 1)
            seen.append((getattr(after, part)[0, 1:] / weight).tolist())
        assert [row.count(1.0) for row in seen] == [0, 1, 1, 2, 2, 2, 3, 3]
        other = after.gi if part == "ge" else after.ge
        assert not other.any()


@pytest.mark.parametrize("silence", [0, 1, 2, 10])
def test_intervals_are_one_more_than_the_silent_steps(silence: int):
    """Always far above the threshold; what comes while a cell is silent does not move it."""
    start = state(torch.full((1, 2), -70.0), 3)
    to, late = connections([[], []], [[], []])
    numbers = CELLS._replace(rest=1e6, silence=silence)
    walk, _ = scan.sheet(start, to, late, numbers, 3000)
    for cell in (0, 1):
        assert set(walk.step[walk.cell == cell].diff().tolist()) == {silence + 1}
    for _ in range(silence):
        _, start = scan.sheet(start, to, late, numbers, 1)
        assert start.v.tolist() == [[numbers.reset] * 2]


def test_the_threshold_itself_is_not_above_it():
    start = state(torch.tensor([[-50.0, -49.999]], dtype=torch.float64), 1)
    spikes, after = scan.sheet_step(start, *connections([[], []], [[], []]), CELLS._replace(rate=0.0))
    assert spikes.tolist() == [[False, True]] and after.v.tolist() == [[-50.0, -70.0]]


def test_no_spike_of_many_steps_is_lost_or_kept_back(monkeypatch: pytest.MonkeyPatch):
    """Two cells that fire in every step of 100,000, handed over in many pieces, and delivered."""
    monkeypatch.setattr(sys.modules["wavetrain.scan.sheet"], "ROOM", 1001)
    start = state(torch.zeros(1, 2, dtype=torch.float64), 20)
    to, late = connections([[1], [0]], [[20], [7]])
    numbers = COUNTING._replace(rate=0.0, reset=-10.0, excitatory=1)
    walk, last = scan.sheet(start, to, late, numbers, 100_000)
    for cell in (0, 1):
        assert torch.equal(walk.step[walk.cell == cell], torch.arange(100_000))
    assert last.ge.tolist() == [[0.0, (100_000 - 20) * numbers.weight_e]]
    assert last.gi.tolist() == [[(100_000 - 7) * numbers.weight_i, 0.0]]
    assert last.coming.sum(2).tolist() == [[[0, 20], [7, 0]]]


def test_a_spike_in_flight_survives_the_end_of_a_run():
    """Delay 20, sent three steps before the end of one run: it arrives in step 17 of the next."""
    start = state(torch.tensor([[0.0, -80.0]], dtype=torch.float64), 20)
    start.silent[0, 0] = 47
    to, late = connections([[1], [0]], [[20], [20]])
    numbers = COUNTING._replace(rate=0.0, reset=-60.0, excitatory=2)
    walk, between = scan.sheet(start, to, late, numbers, 50)
    assert walk.step.tolist() == [47] and not between.ge.any()
    _, before = scan.sheet(between, to, late, numbers, 17)
    _, after = scan.sheet(between, to, late, numbers, 18)
    assert not before.ge.any() and after.ge[0, 1] == numbers.weight_e


def test_what_cannot_be_walked_is_refused():
    start, lies = state(torch.zeros(1, 2), 1), connections([[], []], [[], []])
    with pytest.raises(BadInput, match="expected steps from 0 on"):
        scan.sheet(start, *lies, CELLS, -1)
    with pytest.raises(BadInput, match="got 5 steps and a sample each 2, pools"):
        scan.sheet(start, *lies, CELLS, 5, torch.zeros(2, dtype=torch.int32), 2)
    with pytest.raises(BadInput, match="got 4 steps and a sample each 2, no pools"):
        scan.sheet(start, *lies, CELLS, 4, None, 2)
    strong, held = start._replace(gi=torch.tensor([[0.0, 40.0]])), CELLS._replace(fade_i=1.0)
    for walk in (lambda: scan.sheet(strong, *lies, held, 1), lambda: scan.sheet_step(strong, *lies, held)):
        with pytest.raises(BadInput, match="above 2 in 1 places, where Euler's rule diverges"):
            walk()
    weaker = strong._replace(gi=torch.full((1, 2), 39.0))
    assert -160 < scan.sheet(weaker, *lies, held, 1)[1].v.min() < -80  # beyond, but not as far again


@pytest.mark.parametrize("walk", [scan.sheet_step, lambda *given: scan.sheet(*given, 1)])
def test_what_is_not_there_is_neither_read_nor_written(walk: Any):
    start = state(torch.zeros(1, 2), 3)
    for lies, words in (
        (connections([[2], [0]], [[1], [1]]), "expected targets from 0 to 1, got 0 to 2"),
        (connections([[-1], [0]], [[1], [1]]), "expected targets from 0 to 1, got -1 to 0"),
        (connections([[1], [0]], [[1], [4]]), "expected delays from 1 to 3, got 1 to 4"),
        (connections([[1], [0]], [[0], [3]]), "expected delays from 1 to 3, got 0 to 3"),
        (connections([[1], [0]], [[-2], [3]]), "got -2 to 3"),
        (connections([[1]], [[1]]), r"expected targets and delays \(2, each\), got \(1, 1\)"),
        (connections([[1], [0]], [[1, 1], [1, 1]]), r"got \(2, 1\) and \(2, 2\)"),
    ):
        with pytest.raises(BadInput, match=words):
            walk(start, *lies, CELLS)
    fine = connections([[1], [0]], [[3], [3]])
    for wrong, words in (
        (start._replace(clock=torch.tensor([3])), "places in the ring from 0 to 2, got 3 to 3"),
        (start._replace(ge=torch.zeros(1, 3)), "expected a state of shapes"),
        (start._replace(coming=start.coming[:, :, :0]), "expected a state of shapes"),
        (start._replace(v=torch.zeros(64, 2)), "expected a state of shapes"),
    ):
        with pytest.raises(BadInput, match=words):
            walk(wrong, *fine, CELLS)
    walk(start, *fine, CELLS)
    with pytest.raises(BadInput, match="a pool from -1 on for each of 2 cells"):
        scan.sheet(start, *fine, CELLS, 2, torch.tensor([0, -2]), 1)
