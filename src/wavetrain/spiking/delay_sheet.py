"""A sheet of spiking cells that keeps itself going, in which what is sent takes time to cross the distance.

Davis, Benigno, Fletterman, Desbordes, Steward, Sejnowski, Reynolds and Muller 2021, Nature Communications
12:6057. Excitatory and inhibitory cells on a torus (`parts/sheet.py`) reach those around them
(`parts/wiring.py`), and each has two conductances (`parts/conductances.py`):

    C dv/dt = ge (Ee - v) + gi (Ei - v) + gl (El - v),   spike where v > threshold, then v <- reset
    dge/dt = -ge / tau_e,   dgi/dt = -gi / tau_i,   a spike adds a weight to ge or gi after its delay

Nothing drives it but its first state. Cells fire irregularly, a pool of them looks like noise, and its
fluctuations are said to travel over the sheet as waves.

A step: conductances decay by exp(-dt / tau) and take what arrives in this step; potentials move by Euler's
rule, but not of cells that are silent; those above the threshold spike; each spike is sent, to arrive d steps
on, d being at least 1; who spiked is reset and is silent for the refractory time, so that cells fire every
r + 1 steps at the most.

The definition is `scan.sheet_step`. Left out: gradients, neurons that differ, external input, and the
sheets of up to a million cells that the paper shows. The paper has spikes at v >= threshold.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from wavetrain import scan
from wavetrain.core import Card
from wavetrain.core.spiking import whole_steps
from wavetrain.errors import BadInput
from wavetrain.parts.conductances import Conductances
from wavetrain.parts.field_signal import field_signal
from wavetrain.parts.wiring import Wiring

FIRST_V = -68.0901, 5.7296  # mV, mean and standard deviation of the first state
FIRST_GE = 11.4244, 4.30869  # nS
FIRST_GI = 79.5233, 58.0938  # nS; some are below 0, as in the paper
MOST = np.iinfo(np.int16).max  # spikes that may arrive at one cell in one step
CELL = Conductances()


class Recorded(NamedTuple):
    """What a run showed: the spikes of each sheet in the order of time, and the mean currents of pools."""

    row: Int[Tensor, "spikes"]  # which sheet of the batch
    time: Float[Tensor, "spikes"]  # ms from the start of the run, the end of the step
    cell: Int[Tensor, "spikes"]
    currents: Float[np.ndarray, "batch samples 2 pools"]  # pA, excitatory and inhibitory, of a cell
    rate: float  # samples a second

    def field(self) -> Float[np.ndarray, "batch samples pools"]:
        """The field of each pool in pA, from 6 ms on (`parts/field_signal.py`)."""
        return field_signal(self.currents[:, :, 0], self.currents[:, :, 1], self.rate)

    def trains(self, cells: Sequence[int], row: int = 0) -> list[np.ndarray]:
        """The times of spikes of some cells, in ms."""
        mine = self.row == row
        time, cell = self.time[mine].numpy(), self.cell[mine].numpy()
        order = np.argsort(cell, kind="stable")
        begin = np.searchsorted(cell[order], cells, side="left")
        end = np.searchsorted(cell[order], cells, side="right")
        return [time[order[first:last]] for first, last in zip(begin, end, strict=True)]


class DelaySheet:
    """Cells wired as `wiring` says, all with the numbers of `cell`; steps of the wiring's dt in ms.

    The state is a `scan.SheetState`. Raises BadInput for a step above the smallest time constant, a
    refractory time that is no whole number of steps, and a cell to which too many connections lead.

    >>> from wavetrain.parts.sheet import Sheet
    >>> from wavetrain.parts.wiring import wired
    >>> from wavetrain.spiking import DelaySheet
    >>> sheet = DelaySheet(wired(Sheet(500), each=40))
    >>> state = sheet.begin(1, torch.Generator().manual_seed(0))
    >>> seen, state = sheet.run(100, state)  # 10 ms
    >>> state.v.shape, len(seen.time) > 10
    (torch.Size([1, 500]), True)
    """

    card = Card(
        title="Spontaneous traveling waves naturally emerge from horizontal fiber time delays and travel "
        "through locally asynchronous-irregular states",
        authors="Davis, Zachary W. and Benigno, Gabriel B. and Fletterman, Charlee and Desbordes, Theo and "
        "Steward, Christopher and Sejnowski, Terrence J. and Reynolds, John H. and Muller, Lyle",
        year=2021,
        source="Nature Communications 12:6057, doi 10.1038/s41467-021-26175-1",
        family="spiking",
        topic="Waves in spiking networks",
    )

    def __init__(self, wiring: Wiring, cell: Conductances = CELL):
        cell.check_step(wiring.dt)
        self.wiring, self.cell, self.dt = wiring, cell, wiring.dt
        reached = torch.bincount(wiring.targets.flatten(), minlength=wiring.sheet.cells)
        if int(reached.max()) > MOST:
            raise BadInput(
                f"DelaySheet: expected at most {MOST} connections to a cell, got {int(reached.max())}"
            )
        self.cells = cells_of(cell, wiring.dt, wiring.sheet.excitatory)

    def quiet(self, batch: int, dtype: torch.dtype | None = None) -> scan.SheetState:
        """All at rest, and nothing on its way; of PyTorch's default type where none is given."""
        many = self.wiring.sheet.cells
        none = torch.zeros(batch, many, dtype=dtype)
        coming = torch.zeros(batch, 2, self.wiring.longest, many, dtype=torch.int16)
        clock = torch.zeros(batch, dtype=torch.long)
        return scan.SheetState(none + self.cell.rest, none, none, none.int(), coming, clock)

    def begin(
        self, batch: int, generator: torch.Generator, dtype: torch.dtype | None = None
    ) -> scan.SheetState:
        """A state from which a sheet may keep itself going: potentials and conductances are drawn."""
        state = self.quiet(batch, dtype)
        v, ge, gi = (
            mean + spread * torch.randn(state.v.shape, generator=generator, dtype=torch.float64)
            for mean, spread in (FIRST_V, FIRST_GE, FIRST_GI)
        )
        return state._replace(v=v.to(state.v), ge=ge.to(state.v), gi=gi.to(state.v))

    def step(self, state: scan.SheetState) -> tuple[Bool[Tensor, "batch cells"], scan.SheetState]:
        """One step: which cells spike, and the next state. Raises BadInput for a state of another sheet."""
        self.check(state)
        return scan.sheet_step(state, self.wiring.targets, self.wiring.delays, self.cells)

    def run(
        self, steps: int, state: scan.SheetState, wide: int | None = None, rate: float = 1000.0
    ) -> tuple[Recorded, scan.SheetState]:
        """Many steps: what they showed, and the last state; the same as in parts, or step by step.

        Currents are those of pools of `wide` by `wide` excitatory cells, row by row, `rate` times a second.
        Raises BadInput for pools that do not fill the sheet, and for samples that do not fill the steps.
        """
        self.check(state)
        pool, every = None, 0
        if wide is not None:
            pool, every = torch.from_numpy(self.wiring.sheet.pools(wide)), round(1000 / (rate * self.dt))
            if every < 1 or abs(every * rate * self.dt / 1000 - 1) > 1e-6:
                raise BadInput(
                    f"DelaySheet: expected whole steps of {self.dt:g} ms between samples, got {rate:g} a "
                    "second"
                )
        lies = self.wiring.targets, self.wiring.delays
        walk, state = scan.sheet(state, *lies, self.cells, steps, pool, every)
        mean = walk.currents.numpy() / (wide or 1) ** 2
        return Recorded(walk.row, (walk.step + 1) * self.dt, walk.cell, mean, rate), state

    def check(self, state: scan.SheetState) -> None:
        """Raise BadInput for a state of another sheet."""
        many, depth = self.wiring.sheet.cells, self.wiring.longest
        got = tuple(state.coming.shape)
        if got != (len(state.v), 2, depth, many):
            raise BadInput(
                f"DelaySheet: expected a state of {many} cells with a ring of {depth} steps, got spikes on "
                f"their way {got}"
            )


def cells_of(cell: Conductances, dt: float, excitatory: int) -> scan.SheetCells:
    """The numbers of a step of `dt` ms."""
    return scan.SheetCells(
        fade_e=float(np.exp(-dt / cell.tau_e)),
        fade_i=float(np.exp(-dt / cell.tau_i)),
        weight_e=cell.weight_e,
        weight_i=cell.weight_i,
        rate=dt / cell.capacity,
        leak=cell.leak,
        rest=cell.rest,
        draw_e=cell.draw_e,
        draw_i=cell.draw_i,
        threshold=cell.threshold,
        reset=cell.reset,
        silence=whole_steps(cell.refractory, dt, "refractory"),
        excitatory=excitatory,
    )
