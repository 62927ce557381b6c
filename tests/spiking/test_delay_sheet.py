"""A sheet of spiking cells: closed forms of a cell, conservation, symmetry of the torus, and its size."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.parts.conductances import Conductances
from wavetrain.parts.sheet import Sheet
from wavetrain.parts.wiring import Wiring, wired
from wavetrain.spiking import DelaySheet

DOUBLE = torch.float64
ALONE = Wiring(Sheet(5), torch.zeros(5, 0, dtype=torch.int32), torch.zeros(5, 0, dtype=torch.int16))


def alone(dt: float = 0.1, **numbers: float) -> DelaySheet:
    """Five cells that reach nobody."""
    return DelaySheet(dataclasses.replace(ALONE, dt=dt), Conductances(**numbers))


def after(sheet: DelaySheet, steps: int, **parts: float) -> scan.SheetState:
    """The state some steps on from rest with a few parts changed."""
    start = sheet.quiet(1, DOUBLE)
    for name, value in parts.items():
        start = start._replace(**{name: torch.full_like(getattr(start, name), value)})
    return sheet.run(steps, start)[1]


def test_without_input_a_potential_relaxes_with_its_time_constant():
    """Exactly as Euler's rule has it, and as the exponential to first order."""
    errors = []
    for dt in (0.1, 0.05):
        steps = round(20 / dt)
        found = float(after(alone(dt), steps, v=-55.0).v[0, 0]) + 65
        assert found == pytest.approx(10 * (1 - dt / 20) ** steps, rel=1e-11)
        errors.append(abs(found - 10 / math.e))
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.01)


def test_conductances_decay_exactly_whatever_the_step():
    for dt in (0.1, 0.5):
        last = after(alone(dt), round(10 / dt), ge=3.0, gi=4.0)
        assert float(last.ge[0, 2]) == pytest.approx(3 * math.exp(-2), rel=1e-12)
        assert float(last.gi[0, 2]) == pytest.approx(4 * math.exp(-2), rel=1e-12)


def test_one_spike_is_the_two_exponentials():
    """Of a tiny weight; the error of Euler's rule halves with the step."""
    errors = []
    for dt in (0.1, 0.05):
        sheet = alone(dt, weight_e=1e-6)
        start = sheet.quiet(1, DOUBLE)
        start.coming[0, 0, 0, 1] = 1
        _, last = sheet.run(round(8 / dt), start)
        assert not (last.v[0, [0, 2, 3, 4]] + 65).any()
        errors.append(float(last.v[0, 1]) + 65 - sheet.cell.deflection(weight=1e-6, after=8.0))
    assert abs(errors[1]) < 0.02 * 1e-6
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.05)


def test_a_steady_conductance_saturates_and_stays_between_what_draws():
    """gl = 1, El = -70, ge = 3, Ee = 0: -17.5 mV, and twice the conductance gives -10."""
    numbers = {
        "capacity": 1.0,
        "tau": 1.0,
        "rest": -70.0,
        "tau_e": math.inf,
        "tau_i": math.inf,
        "threshold": 99.0,
    }
    for ge, end in ((3.0, -17.5), (6.0, -10.0)):
        found = [float(after(alone(0.1, **numbers), steps, ge=ge).v[0, 0]) for steps in (1, 3, 200)]
        assert found == sorted(found) and all(-70 < v <= 0 for v in found)
        assert found[-1] == pytest.approx(end, abs=1e-9)


def test_inhibition_at_its_own_potential_moves_nothing():
    sheet = alone(rest=-80.0)
    assert after(sheet, 20, gi=50.0).v.tolist() == [[-80.0] * 5]


@pytest.mark.parametrize("refractory, steps", [(0.0, 0), (0.1, 1), (1.0, 10), (5.0, 50)])
def test_a_refractory_time_in_ms_is_whole_steps(refractory: float, steps: int):
    sheet = alone(rest=1e6, refractory=refractory)
    seen, _ = sheet.run(600, sheet.quiet(1, DOUBLE))
    (times,) = seen.trains([3])
    assert set(np.rint(np.diff(times) / 0.1).astype(int)) == {steps + 1}


def test_each_spike_is_delivered_once_with_its_weight():
    """Nothing fades here, so all that was ever delivered is there at the end."""
    wiring = wired(Sheet(180), each=20, sigma=0.5)
    cell = Conductances(
        weight_e=2.0**-20, weight_i=2.0**-19, tau_e=math.inf, tau_i=math.inf, refractory=100.0
    )
    sheet = DelaySheet(wiring, cell)
    start = sheet.quiet(1, DOUBLE)
    loud = torch.randperm(180, generator=torch.Generator().manual_seed(0))[:100]
    start.v[0, loud] = 0.0
    seen, last = sheet.run(wiring.longest + 1, start)
    assert sorted(seen.cell.tolist()) == sorted(loud.tolist())
    excitatory = int((loud < 144).sum())
    assert float(last.ge.sum()) == excitatory * 20 * cell.weight_e
    assert float(last.gi.sum()) == (100 - excitatory) * 20 * cell.weight_i
    reached = torch.bincount(wiring.targets[loud[loud < 144]].flatten(), minlength=180)
    assert torch.equal(last.ge[0], reached * cell.weight_e)
    assert not last.coming.any()


def lively(wiring: Wiring) -> DelaySheet:
    """A small sheet that goes on: it rests above its threshold."""
    return DelaySheet(wiring, Conductances(rest=-35.0, weight_e=1.0, weight_i=5.0))


def test_a_moved_start_moves_all_that_follows():
    wiring = wired(Sheet(180), each=20, sigma=0.5, alike=True)
    sheet, by = lively(wiring), wiring.sheet.moved((2, 5))
    start = sheet.begin(1, torch.Generator().manual_seed(1), DOUBLE)
    back = np.argsort(by)
    moved = start._replace(**{name: getattr(start, name)[:, back] for name in ("v", "ge", "gi")})
    (seen, last), (there, end) = sheet.run(1000, start), sheet.run(1000, moved)
    assert len(seen.cell) > 1000
    assert torch.equal(end.v, last.v[:, back]) and torch.equal(end.coming, last.coming[..., back])
    for one, other in zip(seen.trains(range(180)), there.trains(by), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_run_is_its_steps_and_its_parts_and_each_of_a_batch(dtype: torch.dtype):
    sheet = lively(wired(Sheet(180), each=20, sigma=0.5))
    start = sheet.begin(3, torch.Generator().manual_seed(2), dtype)
    seen, last = sheet.run(200, start, wide=4)
    _, between = sheet.run(80, start, wide=4)
    later, end = sheet.run(120, between, wide=4)
    assert all(torch.equal(one, other) for one, other in zip(last, end, strict=True))
    np.testing.assert_array_equal(later.currents, seen.currents[:, 8:])
    spikes, state = [], start
    for _ in range(200):
        now, state = sheet.step(state)
        spikes.append(now)
    assert all(torch.equal(one, other) for one, other in zip(last, state, strict=True))
    row, time, cell = torch.stack(spikes, 1).nonzero(as_tuple=True)
    assert torch.equal(row, seen.row) and torch.equal(cell, seen.cell)
    assert torch.equal((time + 1) * 0.1, seen.time)
    for one in range(3):
        mine, alone_last = sheet.run(200, scan.SheetState(*(part[one : one + 1] for part in start)))
        assert all(torch.equal(x[0], y[one]) for x, y in zip(alone_last, last, strict=True))
        assert torch.equal(mine.cell, seen.cell[seen.row == one])


def test_currents_are_those_of_the_cells_of_a_pool():
    sheet = lively(wired(Sheet(180), each=20, sigma=0.5))
    seen, last = sheet.run(30, sheet.begin(1, torch.Generator().manual_seed(0), DOUBLE), wide=3)
    assert seen.currents.shape == (1, 3, 2, 16)
    inside = torch.from_numpy(sheet.wiring.sheet.pools(3) == 5)
    e = (last.ge * (0 - last.v))[0, inside].mean()
    i = (last.gi * (-80 - last.v))[0, inside].mean()
    assert seen.currents[0, 2, :, 5] == pytest.approx([float(e), float(i)], rel=1e-12)


@pytest.mark.parametrize("cells", [12_500, 100_820])
def test_all_of_many_cells_are_there_once(cells: int):
    """No number wraps around at 255, 32,767 or 65,535, in what is recorded or delivered."""
    to = torch.arange(cells, dtype=torch.int32).sub(1).remainder(cells)[:, None]
    sheet = DelaySheet(Wiring(Sheet(cells), to, torch.ones(cells, 1, dtype=torch.int16)))
    start = sheet.quiet(1, DOUBLE)
    start.v[:] = 0.0
    seen, after_one = sheet.run(1, start)
    assert torch.equal(seen.cell, torch.arange(cells))
    _, last = sheet.run(1, after_one)
    felt = torch.stack([last.ge[0] > 0, last.gi[0] > 0])
    from_e = torch.arange(1, cells + 1).remainder(cells) < sheet.wiring.sheet.excitatory
    assert torch.equal(felt, torch.stack([from_e, ~from_e]))
    for many in (31, 32, 33, 64):
        some = list(range(cells - many, cells))
        assert [len(train) for train in seen.trains(some)] == [1] * many


def test_the_first_state_is_drawn_as_published():
    nobody = torch.zeros(12_500, 0)
    sheet = DelaySheet(Wiring(Sheet(12_500), nobody.int(), nobody.short()))
    state = sheet.begin(2, torch.Generator().manual_seed(0))
    for part, mean, spread in (
        (state.v, -68.0901, 5.7296),
        (state.ge, 11.4244, 4.30869),
        (state.gi, 79.5233, 58.0938),
    ):
        assert float(part.mean()) == pytest.approx(mean, abs=4 * spread / math.sqrt(25_000))
        assert float(part.std()) == pytest.approx(spread, rel=4 / math.sqrt(50_000))
    assert (state.gi < 0).any() and not state.coming.any()
    again = sheet.begin(2, torch.Generator().manual_seed(0))
    assert torch.equal(again.v, state.v) and not torch.equal(state.v[0], state.v[1])


def test_what_does_not_fit_is_refused():
    with pytest.raises(BadInput, match="smallest time constant, 5 ms, got 6"):
        alone(dt=6.0)
    with pytest.raises(BadInput, match=r"refractory in whole steps of 0.1 ms, from 0 on, got 0.25 ms"):
        alone(refractory=0.25)
    sheet = alone()
    with pytest.raises(
        BadInput, match=r"of 5 cells with a ring of 1 steps, got spikes on their way \(1, 2, 2, 5\)"
    ):
        sheet.run(1, sheet.quiet(1, DOUBLE)._replace(coming=torch.zeros(1, 2, 2, 5, dtype=torch.int16)))
    with pytest.raises(BadInput, match=r"got spikes on their way \(1, 2, 1, 5\)"):
        sheet.step(sheet.quiet(1)._replace(v=sheet.quiet(3).v))
    with pytest.raises(BadInput, match="fill a side of 2 cells, got 3 wide"):
        sheet.run(10, sheet.quiet(1, DOUBLE), wide=3)
    with pytest.raises(BadInput, match=r"whole steps of 0.1 ms between samples, got 3000 a second"):
        sheet.run(10, sheet.quiet(1, DOUBLE), wide=1, rate=3000.0)
    with pytest.raises(BadInput, match="got 15 steps and a sample each 10"):
        sheet.run(15, sheet.quiet(1, DOUBLE), wide=1)
    with pytest.raises(BadInput, match="at most 32767 connections to a cell, got 32768"):
        everyone = torch.zeros(5, 8192, dtype=torch.int32)
        everyone[4] = 1
        DelaySheet(Wiring(Sheet(5), everyone, torch.ones(5, 8192, dtype=torch.int16)))
