"""What sheets of spiking cells promise: networks that are wired once, and into which nothing comes.

    check(make) for a class, or for a `functools.partial` of it: make(wiring, cell), which are a
                `parts.wiring.Wiring` and the numbers of its cells, `parts.conductances.Conductances`

A sheet has `quiet(batch, dtype)` and `begin(batch, generator, dtype)`, which make states; `step(state)`,
which gives who spikes (B, cells) and the next state; and `run(steps, state)`, which gives what it recorded
(`row`, `time` in ms, `cell`) and the last state. A state is a `scan.SheetState`. Of what layers of spikes
promise (`spiking.py`), this is what holds here; numbers are in float64, and equal means to the last bit.
"""

import inspect
import itertools
import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from wavetrain.parts.conductances import Conductances
from wavetrain.parts.sheet import Sheet
from wavetrain.parts.wiring import Wiring, wired
from wavetrain.scan import SheetState
from wavetrain.testing.promise import Promise, keep
from wavetrain.testing.spikes import exactly
from wavetrain.testing.tools import refused

Make = Callable[[Wiring, Conductances], Any]
DOUBLE = torch.float64
STEPS, BATCH = 60, 3
LIVELY = Conductances(rest=-35.0, weight_e=1.0, weight_i=5.0)  # rests above its threshold
LASTING = Conductances(  # what arrives stays, and is told apart from what arrives beside
    tau_e=math.inf, tau_i=math.inf, weight_e=2.0**-30, weight_i=2.0**-20, refractory=100.0
)


def wiring(each: int = 10) -> Wiring:
    """36 excitatory cells and 9 inhibitory ones, whose delays are from 3 to about 20 steps of 0.1 ms."""
    return wired(Sheet(45, length=0.4), each=each, sigma=0.1)


def check_says(make: Make) -> None:
    """The step is that of the wiring; words say in which order a step does what, and times are in ms."""
    sheet, lies = make(wiring(), LIVELY), wiring()
    words = f"{inspect.getdoc(type(sheet))} {getattr(inspect.getmodule(type(sheet)), '__doc__', '')}"
    assert sheet.dt == lies.dt, f"expected the dt of the wiring, {lies.dt:g} ms, got {sheet.dt:g}"
    assert "A step:" in words, 'expected a docstring with "A step:" and what a step does in which order'
    assert re.search(r"\bms\b", words), "expected a docstring that says which times are in ms"


def check_spikes(make: Make) -> None:
    """Each cell spikes or does not, and some do; a step after a step is the run."""
    spikes, _ = _stepped(make(wiring(), LIVELY), _start(make(wiring(), LIVELY)), STEPS)
    assert spikes.dtype == torch.bool, f"expected who spikes as truth values, got {spikes.dtype}"
    assert 0 < float(spikes.double().mean()) < 1, "expected that some cells spike, and not all in each step"


def check_decay(make: Make) -> None:
    """At rest all stays; conductances have the same exact factor in each step, whatever dt is."""
    for dt in (0.1, 0.05):
        lies = wired(Sheet(45, length=0.4), each=10, sigma=0.1, dt=dt)
        sheet = make(lies, Conductances(tau_e=3.0, tau_i=7.0))
        quiet = sheet.quiet(1, DOUBLE)
        exactly(tuple(_stepped(sheet, quiet, 1)[1][:4]), tuple(quiet[:4]), "a sheet at rest, a step later")
        moved = quiet._replace(ge=quiet.ge + 1e-3, gi=quiet.gi + 2e-3)
        for steps in (1, 2, 7):
            spikes, state = _stepped(sheet, moved, steps)
            assert not spikes.any(), "somebody spikes without input"
            for name, tau, size in (("ge", 3.0, 1e-3), ("gi", 7.0, 2e-3)):
                expected = torch.full_like(state.ge, size * math.exp(-steps * dt / tau))
                near = torch.allclose(getattr(state, name), expected, rtol=1e-12, atol=0)
                found = float(getattr(state, name)[0, 0])
                assert near, f"{name} after {steps} steps of {dt:g} ms: {found}, not {float(expected[0, 0])}"


def check_silence(make: Make) -> None:
    """A cell that rests far above its threshold spikes every r + 1 steps: r silent ones, and no more."""
    for silence in (0, 1, 2, 5):
        cell = Conductances(rest=1e6, refractory=0.1 * silence)
        sheet = make(wiring(), cell)
        for form in (_stepped, _run):
            spikes, _ = form(sheet, sheet.quiet(1, DOUBLE), 20)
            times = [int(time) for time in spikes[0, :, 0].nonzero().flatten()]
            apart = {after - before for before, after in itertools.pairwise(times)}
            form_name = form.__name__.strip("_")
            assert apart == {silence + 1}, (
                f"{form_name}, {silence} silent steps: expected a spike every {silence + 1} steps, got them "
                f"{sorted(apart)} apart"
            )


def check_delivery(make: Make) -> None:
    """Each spike arrives at each of its targets once, after its delay, with the weight of its kind."""
    lies = wiring()
    sheet = make(lies, LASTING)
    for source in (0, 7, 35, 36, 44):  # the last two are inhibitory
        state = sheet.quiet(1, DOUBLE)
        state.v[0, source] = 0.0
        spikes, state = _stepped(sheet, state, 1)
        assert spikes[0].nonzero().tolist() == [[0, source]], f"expected a spike of cell {source} alone"
        excitatory, due = source < lies.sheet.excitatory, torch.zeros(2, lies.sheet.cells, dtype=DOUBLE)
        for step in range(1, lies.longest + 4):
            _, state = _stepped(sheet, state, 1)
            here = lies.targets[source][lies.delays[source] == step].long()
            due[0 if excitatory else 1, here] += LASTING.weight_e if excitatory else LASTING.weight_i
            about = f"conductances {step} steps after a spike of cell {source}"
            exactly((state.ge[0], state.gi[0]), (due[0], due[1]), about)
        assert not state.coming.any(), f"a spike of cell {source} is still on its way"


def check_conservation(make: Make) -> None:
    """All that was ever sent is delivered: spikes times connections times weight, of both kinds."""
    lies = wiring()
    sheet = make(lies, LASTING)
    start = sheet.quiet(2, DOUBLE)
    start.v[0, ::2] = 0.0
    start.v[1, ::3] = 0.0
    for form in (_stepped, _run):
        spikes, last = form(sheet, start, 2 * lies.longest + 3)
        sent = spikes.sum(1).double()
        many = lies.targets.shape[1]
        for name, who, weight in (
            ("ge", slice(None, lies.sheet.excitatory), LASTING.weight_e),
            ("gi", slice(lies.sheet.excitatory, None), LASTING.weight_i),
        ):
            expected = sent[:, who].sum(1) * many * weight
            about = f"{form.__name__.strip('_')}: all of {name}, that of all spikes"
            exactly(getattr(last, name).sum(1), expected, about)


def check_rows(make: Make) -> None:
    """A batch of B equals B runs, from first to last state."""
    sheet = make(wiring(), LIVELY)
    start = _start(sheet)
    for form in (_stepped, _run):
        spikes, last = form(sheet, start, STEPS)
        for row in range(BATCH):
            one = SheetState(*(part[row : row + 1] for part in start))
            alone = form(sheet, one, STEPS)
            found = spikes[row : row + 1], tuple(part[row : row + 1] for part in last)
            exactly(found, (alone[0], tuple(alone[1])), f"{form.__name__.strip('_')}: row {row}, alone")


def check_cuts(make: Make) -> None:
    """Cut anywhere, as a run or in steps, with the state carried it is the whole."""
    sheet = make(wiring(), LIVELY)
    start = _start(sheet)
    expected = _run(sheet, start, STEPS)
    for cut in (0, 1, 2, 3, 17, 40, STEPS):
        for first, second in ((_run, _stepped), (_stepped, _run), (_run, _run)):
            head, state = first(sheet, start, cut)
            tail, last = second(sheet, state, STEPS - cut)
            about = f"{first.__name__.strip('_')} to step {cut}, then {second.__name__.strip('_')}"
            exactly((torch.cat([head, tail], 1), tuple(last)), (expected[0], tuple(expected[1])), about)


def check_seeds(make: Make) -> None:
    """A seed gives one first state, another seed or row another; what follows draws nothing."""
    sheet = make(wiring(), LIVELY)
    start, again, other = _start(sheet), _start(sheet), _start(sheet, seed=1)
    exactly(tuple(again), tuple(start), "a first state of the same seed")
    assert not torch.equal(other.v, start.v), "two seeds have the same first state"
    assert not torch.equal(start.v[0], start.v[1]), "two rows have the same first state"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first = _run(sheet, start, STEPS)
        torch.manual_seed(1)
        second = _run(sheet, start, STEPS)
    exactly((second[0], tuple(second[1])), (first[0], tuple(first[1])), "a second run from the same state")


def check_states_stay(make: Make) -> None:
    """A state that was handed in is as it was: whoever keeps one can go on from it."""
    sheet = make(wiring(), LIVELY)
    start = _run(sheet, _start(sheet), 25)[1]
    kept = tuple(part.clone() for part in start)
    for form in (_stepped, _run):
        form(sheet, start, STEPS)
        exactly(tuple(start), kept, f"{form.__name__.strip('_')}: the state that was handed in")


def check_refuses(make: Make) -> None:
    """A step above the smallest time constant, silence that is no whole steps, the state of another sheet."""
    with refused("smallest time constant, 0.05 ms", "got 0.1"):
        make(wiring(), Conductances(tau_i=0.05))
    with refused("refractory in whole steps of 0.1 ms", "got 0.25 ms"):
        make(wiring(), Conductances(refractory=0.25))
    sheet, small = make(wiring(), LIVELY), make(wired(Sheet(20, length=0.4), each=5, sigma=0.2), LIVELY)
    for form in (_stepped, _run):
        with refused("expected a state of 45 cells"):
            form(sheet, small.quiet(1, DOUBLE), 1)


def _start(sheet: Any, seed: int = 0) -> SheetState:
    state: SheetState = sheet.begin(BATCH, torch.Generator().manual_seed(seed), DOUBLE)
    return state


def _stepped(sheet: Any, state: SheetState, steps: int) -> tuple[Tensor, SheetState]:
    """Who spikes in each step, (B, steps, cells), and the last state."""
    found = [torch.zeros(len(state.v), 0, state.v.shape[1], dtype=torch.bool)]
    for _ in range(steps):
        spikes, state = sheet.step(state)
        found.append(spikes[:, None])
    return torch.cat(found, 1), state


def _run(sheet: Any, state: SheetState, steps: int) -> tuple[Tensor, SheetState]:
    """The same, from what a run has recorded: each spike once."""
    seen, last = sheet.run(steps, state)
    spikes = torch.zeros(len(state.v), steps, state.v.shape[1], dtype=torch.long)
    at = (seen.time.double() / sheet.dt).round().long() - 1
    spikes.index_put_((seen.row.long(), at, seen.cell.long()), torch.ones_like(at), accumulate=True)
    assert int(spikes.max() if spikes.numel() else 0) <= 1, "a spike is recorded twice"
    return spikes.bool(), last


PROMISES = (
    check_says,
    check_spikes,
    check_decay,
    check_silence,
    check_delivery,
    check_conservation,
    check_rows,
    check_cuts,
    check_seeds,
    check_states_stay,
    check_refuses,
)


def promises(make: Make) -> Iterator[Promise]:
    """All promises of a sheet built as make(wiring, cell)."""
    for check in PROMISES:
        yield Promise(check.__name__.removeprefix("check_"), partial(check, make))


def check_sheet(make: Make) -> None:
    """Hold a sheet of spiking cells to the contract: a class, or a `functools.partial` of it.

    >>> from wavetrain.spiking import DelaySheet
    >>> from wavetrain.testing import check_sheet
    >>> check_sheet(DelaySheet)  # says nothing where all is well
    """
    keep(make, promises(make))


def is_sheet(member: Any) -> bool:
    """Whether a member is built from a wiring, as sheets are."""
    if not (isinstance(member, type) and hasattr(member, "quiet")):
        return False
    return "wiring" in inspect.signature(member).parameters
