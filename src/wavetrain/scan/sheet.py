"""Conductance-based cells that send each other spikes over sparse connections with delays."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.scan.cpu import host
from wavetrain.scan.routes import fast, took, whole

ROOM = 1 << 20  # spikes that a walk keeps before it hands them over


class SheetState(NamedTuple):
    """What cells carry from one step to the next; the ring has a slot for each step of the longest delay.

    >>> from wavetrain.scan import SheetState
    >>> rest, none = torch.full((1, 3), -65.0), torch.zeros(1, 3)
    >>> coming = torch.zeros(1, 2, 4, 3, dtype=torch.int16)  # delays of at most 4 steps
    >>> SheetState(rest, none, none, none.int(), coming, torch.zeros(1, dtype=torch.int64)).v.tolist()
    [[-65.0, -65.0, -65.0]]
    """

    v: Float[Tensor, "batch cells"]  # mV, after the reset
    ge: Float[Tensor, "batch cells"]  # nS
    gi: Float[Tensor, "batch cells"]  # nS
    silent: Int[Tensor, "batch cells"]  # steps for which a cell is held
    coming: Int[Tensor, "batch 2 depth cells"]  # spikes on their way, of excitatory and inhibitory sources
    clock: Int[Tensor, "batch"]  # the slot of what arrives in the next step


class SheetCells(NamedTuple):
    """The numbers of a step, the same for all cells.

    >>> from wavetrain.scan import SheetCells
    >>> SheetCells(1.0, 1.0, 2.0, 2.0, 0.5, 0.1, 0.0, 10.0, -5.0, 1.0, 0.0, 3, 1).silence  # steps
    3
    """

    fade_e: float  # what a step leaves of a conductance
    fade_i: float
    weight_e: float  # nS that a spike adds
    weight_i: float
    rate: float  # ms / pF: a step over the capacity
    leak: float  # nS
    rest: float  # mV, to which the leak draws
    draw_e: float  # mV, to which the conductances do
    draw_i: float
    threshold: float  # mV
    reset: float  # mV
    silence: int  # steps without a spike after each
    excitatory: int  # cells from the first on that are excitatory


class SheetWalk(NamedTuple):
    """What was seen on the way: spikes in the order of time and then of cells, and sums of currents.

    >>> from wavetrain.scan import SheetWalk
    >>> one = SheetWalk(*torch.tensor([[0, 0], [3, 7], [1, 0]]), torch.zeros(1, 10, 2, 4))
    >>> one.step.tolist(), one.cell.tolist()  # cell 1 in step 3, cell 0 in step 7
    ([3, 7], [1, 0])
    """

    row: Int[Tensor, "spikes"]  # sequence of the batch
    step: Int[Tensor, "spikes"]  # from 0 in this walk
    cell: Int[Tensor, "spikes"]
    currents: Float[Tensor, "batch samples 2 pools"]  # pA, excitatory and inhibitory, summed over a pool


def sheet_step(
    state: SheetState,
    targets: Int[Tensor, "cells each"],
    delays: Int[Tensor, "cells each"],
    cells: SheetCells,
) -> tuple[Bool[Tensor, "batch cells"], SheetState]:
    """One step: which cells spike, and the next state.

    Conductances decay and take what arrives; potentials move by Euler's rule, but not of cells that are held;
    those above the threshold spike; spikes are sent to arrive `delays` steps on; who spiked is reset. Raises
    BadInput for what `sheet` refuses.

    >>> from wavetrain.scan import SheetCells, SheetState, sheet_step
    >>> cells = SheetCells(1.0, 1.0, 2.0, 2.0, 0.5, 0.1, 0.0, 10.0, -5.0, 1.0, 0.0, 3, 1)
    >>> none, coming, clock = torch.zeros(1, 2), torch.zeros(1, 2, 2, 2).short(), torch.zeros(1).long()
    >>> start = SheetState(torch.tensor([[2.0, 0.0]]), none, none, none.int(), coming, clock)
    >>> to, late = torch.tensor([[1], [0]], dtype=torch.int32), torch.full((2, 1), 2, dtype=torch.int16)
    >>> spikes, state = sheet_step(start, to, late, cells)
    >>> spikes.tolist(), state.v.tolist(), state.silent.tolist()
    ([[True, False]], [[0.0, 0.0]], [[3, 0]])
    >>> for _ in range(2):
    ...     spikes, state = sheet_step(state, to, late, cells)
    >>> state.ge.tolist()  # two steps later, with its weight
    [[0.0, 2.0]]
    """
    _check(state, targets, delays)
    return _step(state, targets, delays, cells)


def _step(state: SheetState, targets: Tensor, delays: Tensor, cells: SheetCells) -> tuple[Tensor, SheetState]:
    v, ge, gi, silent, coming, clock = state
    rows, depth = torch.arange(len(v), device=v.device), coming.shape[2]
    arrived = coming[rows, :, clock].to(v.dtype)  # (B, 2, N)
    ge = cells.fade_e * ge + cells.weight_e * arrived[:, 0]
    gi = cells.fade_i * gi + cells.weight_i * arrived[:, 1]
    _steady(int((cells.rate * (cells.leak + ge + gi) > 2).sum()))
    current = cells.leak * (cells.rest - v) + ge * (cells.draw_e - v) + gi * (cells.draw_i - v)
    held = silent > 0
    v = torch.where(held, v, v + cells.rate * current)
    spikes = (v > cells.threshold) & ~held
    coming = coming.clone()
    coming[rows, :, clock] = 0
    row, source = spikes.nonzero(as_tuple=True)
    slot = (clock[row, None] + delays[source]) % depth  # (S, K)
    kind = (source >= cells.excitatory).long()[:, None].expand_as(slot)
    place = row[:, None].expand_as(slot), kind, slot, targets[source].long()
    coming.index_put_(place, coming.new_ones(()), accumulate=True)
    v = torch.where(spikes, torch.full_like(v, cells.reset), v)
    silent = torch.where(spikes, torch.full_like(silent, cells.silence), (silent - 1).clamp(min=0))
    return spikes, SheetState(v, ge, gi, silent, coming, (clock + 1) % depth)


@whole
def sheet(
    state: SheetState,
    targets: Int[Tensor, "cells each"],
    delays: Int[Tensor, "cells each"],
    cells: SheetCells,
    steps: int,
    pool: Int[Tensor, "cells"] | None = None,
    every: int = 0,
) -> tuple[SheetWalk, SheetState]:
    """Many steps: the spikes, and the last state. Cut anywhere it is the whole; no gradient goes back.

    After each `every` steps the currents of the cells of each pool are summed, if `pool` says to which each
    belongs, -1 to none. Raises BadInput where steps are not whole samples, for targets that are not there,
    for delays below one step or longer than the ring, and where conductances are so large that Euler's rule
    diverges.

    >>> from wavetrain.scan import SheetCells, SheetState, sheet
    >>> cells = SheetCells(1.0, 1.0, 2.0, 2.0, 0.5, 0.1, 20.0, 10.0, -5.0, 1.0, 0.0, 3, 1)
    >>> none, coming, clock = torch.zeros(1, 2), torch.zeros(1, 2, 2, 2).short(), torch.zeros(1).long()
    >>> start = SheetState(none, none, none, none.int(), coming, clock)
    >>> to, late = torch.zeros(2, 0, dtype=torch.int32), torch.zeros(2, 0, dtype=torch.int16)
    >>> walk, state = sheet(start, to, late, cells, steps=12)
    >>> walk.step.tolist(), walk.cell.tolist()  # two steps up to the threshold, three held
    ([1, 1, 6, 6, 11, 11], [0, 1, 0, 1, 0, 1])
    """
    if steps < 0 or (every and steps % every) or (pool is not None) != (every > 0):
        raise BadInput(
            "sheet: expected steps from 0 on, whole samples of them where pools are given, got "
            f"{steps} steps and a sample each {every}, {'no pools' if pool is None else 'pools'}"
        )
    _check(state, targets, delays)
    if pool is not None and (pool.shape != state.v.shape[1:] or int(pool.min()) < -1):
        raise BadInput(f"sheet: expected a pool from -1 on for each of {state.v.shape[1]} cells, got {pool}")
    if fast(state.v, state.ge, state.gi):
        took("sheet", "numba")
        return _walked(state, targets, delays, cells, steps, pool, every)
    took("sheet", "plain")
    return _plain(state, targets, delays, cells, steps, pool, every)


def _plain(
    state: SheetState,
    targets: Tensor,
    delays: Tensor,
    cells: SheetCells,
    steps: int,
    pool: Tensor | None,
    every: int,
) -> tuple[SheetWalk, SheetState]:
    """Step by step: the definition."""
    seen, currents = [], _room(state, steps, pool, every)
    for t in range(steps):
        spikes, state = _step(state, targets, delays, cells)
        row, cell = spikes.nonzero(as_tuple=True)
        seen.append(torch.stack([row, torch.full_like(row, t), cell]))
        if pool is not None and (t + 1) % every == 0:
            inside = pool >= 0
            for kind, (g, draw) in enumerate(((state.ge, cells.draw_e), (state.gi, cells.draw_i))):
                drawn = (g * (draw - state.v)).double()[:, inside]
                currents[:, (t + 1) // every - 1, kind].index_add_(1, pool[inside], drawn)
    found = torch.cat(seen, 1) if seen else torch.zeros(3, 0, dtype=torch.long)
    row, step, cell = found[:, torch.argsort(found[0], stable=True)]
    return SheetWalk(row, step, cell, currents), state


def _walked(
    state: SheetState,
    targets: Tensor,
    delays: Tensor,
    cells: SheetCells,
    steps: int,
    pool: Tensor | None,
    every: int,
) -> tuple[SheetWalk, SheetState]:
    """The numba route, sequence by sequence."""
    from wavetrain.scan.cpu.sheet import walk

    state = SheetState(*(part.detach().clone(memory_format=torch.contiguous_format) for part in state))
    currents, many = _room(state, steps, pool, every), state.v.shape[1]
    fired = np.empty(max(ROOM, many), np.int32)
    when = np.empty_like(fired)
    constants = tuple(np.array(cells[:-2], host.array(state.v).dtype))  # in the precision of the state
    lies = host.array(targets), host.array(delays)
    of = host.array(torch.full((many,), -1, dtype=torch.int32) if pool is None else pool.int())
    seen = []
    for row in range(len(state.v)):
        mine = [part[row].numpy() for part in state[:-1]]
        clock, t = int(state.clock[row]), 0
        while t < steps:
            whole_numbers = clock, t, steps, cells.excitatory, cells.silence, every
            clock, t, count, beyond = walk(
                *mine, *lies, of, fired, when, currents[row].numpy(), constants, whole_numbers
            )
            _steady(beyond)
            found = np.stack([np.full(count, row), when[:count], fired[:count]])
            seen.append(torch.from_numpy(found.astype(np.int64)))
        state.clock[row] = clock
    row_of, step, cell = torch.cat(seen, 1) if seen else torch.zeros(3, 0, dtype=torch.long)
    return SheetWalk(row_of, step, cell, currents), state


def _room(
    state: SheetState, steps: int, pool: Tensor | None, every: int
) -> Float[Tensor, "batch samples 2 pools"]:
    """Zeros for the sums of currents, in float64."""
    samples, pools = (0, 0) if pool is None else (steps // every, int(pool.max()) + 1)
    return torch.zeros(len(state.v), samples, 2, pools, dtype=torch.float64, device=state.v.device)


def _check(state: SheetState, targets: Tensor, delays: Tensor) -> None:
    """Raise for what would be read or written where nothing is, or wrap around the ring unseen."""
    batch, many = state.v.shape
    depth = state.coming.shape[2] if state.coming.ndim == 4 else 0
    expected = ((batch, many),) * 4 + ((batch, 2, depth, many), (batch,))
    got = tuple(tuple(part.shape) for part in state)
    if got != expected or depth < 1:
        raise BadInput(f"sheet: expected a state of shapes {expected}, got {got}")
    if targets.ndim != 2 or len(targets) != many or targets.shape != delays.shape:
        raise BadInput(
            f"sheet: expected targets and delays ({many}, each), got {tuple(targets.shape)} and "
            f"{tuple(delays.shape)}"
        )
    for name, part, low, high in (
        ("targets", targets, 0, many - 1),
        ("delays", delays, 1, depth),
        ("places in the ring", state.clock, 0, depth - 1),
    ):
        if part.numel() and not (low <= int(part.min()) and int(part.max()) <= high):
            raise BadInput(
                f"sheet: expected {name} from {low} to {high}, got {int(part.min())} to {int(part.max())}"
            )


def _steady(beyond: int) -> None:
    """Above 1 a move goes beyond where it is drawn to; above 2 each is larger than the one before."""
    if beyond:
        raise BadInput(
            "sheet: the step is too long for the conductances that came: dt (ge + gi + leak) / capacity is "
            f"above 2 in {beyond} places, where Euler's rule diverges; take a shorter dt or weaker weights"
        )
