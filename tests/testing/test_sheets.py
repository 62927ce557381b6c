"""What sheets promise: sheets that break one promise each, and what is said of them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from wavetrain.parts.conductances import Conductances
from wavetrain.parts.wiring import Wiring
from wavetrain.scan import SheetState
from wavetrain.spiking.delay_sheet import DelaySheet, Recorded
from wavetrain.testing import check_sheet, contract, sheets


class Walks(DelaySheet):
    """Runs step by step, so that a bug is in one place."""

    def run(
        self, steps: int, state: SheetState, wide: int | None = None, rate: float = 1000.0
    ) -> tuple[Recorded, SheetState]:
        seen, none = [], super().run(0, state)[0]
        for step in range(steps):
            spikes, state = self.step(state)
            row, cell = spikes.nonzero(as_tuple=True)
            seen += [(int(one), (step + 1) * self.dt, int(who)) for one, who in zip(row, cell, strict=True)]
        row, time, cell = (torch.tensor(column) for column in zip(*seen, strict=True)) if seen else none[:3]
        return none._replace(row=row, time=time, cell=cell), state


class Silent(Walks):
    """Says nothing of its order."""


class Graded(Walks):
    """Numbers for truth values."""

    def step(self, state: SheetState) -> tuple[Tensor, SheetState]:
        spikes, state = super().step(state)
        return spikes.double(), state


class Euler(Walks):
    """Conductances decay by 1 - dt / tau."""

    def __init__(self, wiring: Wiring, cell: Conductances):
        super().__init__(wiring, cell)
        self.cells = self.cells._replace(fade_e=1 - wiring.dt / cell.tau_e)


class Oversleeps(Walks):
    """Silent for a step too many."""

    def step(self, state: SheetState) -> tuple[Tensor, SheetState]:
        spikes, state = super().step(state)
        return spikes, state._replace(silent=state.silent + spikes)


class Early(Walks):
    """What is sent arrives a step too soon."""

    def __init__(self, wiring: Wiring, cell: Conductances):
        super().__init__(Wiring(wiring.sheet, wiring.targets, wiring.delays - 1, wiring.dt), cell)


class Twice(Walks):
    """What arrives in a slot stays in the ring."""

    def step(self, state: SheetState) -> tuple[Tensor, SheetState]:
        at = state.clock[0]
        spikes, after = super().step(state)
        after.coming[:, :, at] += state.coming[:, :, at]
        return spikes, after


class Heavy(Walks):
    """Inhibition has the weight of excitation."""

    def __init__(self, wiring: Wiring, cell: Conductances):
        super().__init__(wiring, cell)
        self.cells = self.cells._replace(weight_i=cell.weight_e)


class Mixes(Walks):
    """Rows hear a little of each other."""

    def step(self, state: SheetState) -> tuple[Tensor, SheetState]:
        spikes, state = super().step(state)
        return spikes, state._replace(v=state.v + 1e-13 * state.v.mean())


class WakesAtTheCut(Walks):
    """A run forgets who was silent."""

    def run(
        self, steps: int, state: SheetState, wide: int | None = None, rate: float = 1000.0
    ) -> tuple[Recorded, SheetState]:
        return super().run(steps, state._replace(silent=torch.zeros_like(state.silent)))


class Jitters(Walks):
    """Draws in each step."""

    def step(self, state: SheetState) -> tuple[Tensor, SheetState]:
        spikes, state = super().step(state)
        return spikes, state._replace(v=state.v + 1e-12 * torch.randn(1))


class Same(Walks):
    """Whatever the seed."""

    def begin(self, batch: int, generator: torch.Generator, dtype: torch.dtype | None = None) -> SheetState:
        return super().begin(batch, torch.Generator().manual_seed(0), dtype)


class InPlace(Walks):
    """Changes what was handed in."""

    def step(self, state: SheetState) -> tuple[Tensor, SheetState]:
        spikes, after = super().step(state)
        state.v.copy_(after.v)
        return spikes, after


class Stutters(Walks):
    """Records each spike twice."""

    def run(
        self, steps: int, state: SheetState, wide: int | None = None, rate: float = 1000.0
    ) -> tuple[Recorded, SheetState]:
        seen, state = super().run(steps, state)
        parts = {name: getattr(seen, name).repeat(2) for name in ("row", "time", "cell")}
        return seen._replace(**parts), state


class TakesAll(Walks):
    """Any state, and any step."""

    def __init__(self, wiring: Wiring, cell: Conductances):
        object.__setattr__(cell, "check_step", lambda dt: None)
        super().__init__(wiring, cell)


BROKEN: list[tuple[type[Walks], Callable[[Any], None], str]] = [
    (Silent, sheets.check_says, 'expected a docstring with "A step:"'),
    (Graded, sheets.check_spikes, "expected who spikes as truth values"),
    (Euler, sheets.check_decay, "ge after 1 steps of 0.1 ms"),
    (Oversleeps, sheets.check_silence, "0 silent steps: expected a spike every 1 steps, got them"),
    (Early, sheets.check_delivery, "conductances . steps after a spike of cell 0"),
    (Twice, sheets.check_delivery, "after a spike of cell 0|still on its way"),
    (Heavy, sheets.check_delivery, "conductances . steps after a spike of cell 36"),
    (Twice, sheets.check_conservation, "all of ge, that of all spikes"),
    (Heavy, sheets.check_conservation, "all of gi, that of all spikes"),
    (Mixes, sheets.check_rows, "row 0, alone"),
    (WakesAtTheCut, sheets.check_cuts, "then run"),
    (Jitters, sheets.check_seeds, "a second run from the same state"),
    (Same, sheets.check_seeds, "two seeds have the same first state"),
    (InPlace, sheets.check_states_stay, "the state that was handed in"),
    (Stutters, sheets.check_cuts, "a spike is recorded twice"),
    (TakesAll, sheets.check_refuses, "nothing was refused"),
]


@pytest.mark.parametrize(("kind", "check", "what"), BROKEN, ids=lambda one: getattr(one, "__name__", None))
def test_a_sheet_that_breaks_a_promise_is_seen(kind: Any, check: Callable[[Any], None], what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        check(kind)


def test_one_that_walks_keeps_all_but_its_words() -> None:
    for check in sheets.PROMISES:
        if check is not sheets.check_says:
            check(Walks)
    with pytest.raises(AssertionError, match="Early breaks the promise 'says'"):
        check_sheet(Early)


def test_a_sheet_is_held_by_its_own_contract() -> None:
    found = contract("delay_sheet")
    assert {"delivery", "conservation", "cuts", "card"} <= {promise.name for promise in found.promises}
    assert contract(DelaySheet).kind == "spiking"
