"""Conductance-based units: one step by hand, saturation, the bounds of the potential, and its intervals."""

import math

import pytest
import torch

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.parts.conductances import Conductances
from wavetrain.spiking import ConductanceLIF

# g_l = 1 nS with C = 1 pF and tau = 1 ms; nobody fires
BARE = Conductances(
    capacity=1.0, tau=1.0, rest=-70.0, threshold=1e6, draw_e=0.0, draw_i=-80.0, tau_e=math.inf, tau_i=math.inf
)


def one_unit(cell: Conductances, dt: float = 1.0) -> ConductanceLIF:
    """A unit whose input is its conductance, inhibitory below 0."""
    layer = ConductanceLIF(1, cell=cell, dt=dt).double()
    layer.encode.weight.data.fill_(1)
    layer.encode.bias.data.zero_()
    return layer


def test_a_step_is_that_of_exponential_euler() -> None:
    """-18.461571 mV where 3 nS are opened at rest; by Euler's rule +140, beyond what draws it."""
    layer = one_unit(BARE)
    _, (v, *_) = layer(torch.full((1, 1, 1), 3.0, dtype=torch.float64))
    assert v.item() == pytest.approx(-17.5 + (-70 + 17.5) * math.exp(-4), abs=1e-12)
    assert v.item() == pytest.approx(-18.461571, abs=1e-6)


@pytest.mark.parametrize(("opened", "end"), [(3.0, -17.5), (6.0, -10.0), (-5.0, -470 / 6)])
def test_twice_the_conductance_is_not_twice_the_depolarisation(opened: float, end: float) -> None:
    layer, x = one_unit(BARE), torch.zeros(1, 40, 1, dtype=torch.float64)
    x[0, 0] = opened
    assert layer(x)[1][0].item() == pytest.approx(end, abs=1e-9)


def test_inhibition_does_nothing_where_it_draws_to() -> None:
    shunted = Conductances(rest=-80.0, draw_i=-80.0)
    _, (v, _, _, inhibited) = one_unit(shunted)(torch.full((1, 50, 1), -3.0, dtype=torch.float64))
    assert v.item() == -80 and inhibited.item() > 3


@pytest.mark.parametrize("dt", [0.1, 1.0, 20.0])
def test_the_potential_stays_between_what_draws_it(dt: float) -> None:
    """Whatever is opened, and with steps longer than the time constants."""
    layer = ConductanceLIF(20, inputs=5, dt=dt, cell=Conductances(refractory=0.0)).double()
    state, x = layer.begin(3), 1000 * normal(3, 100, 5)
    for now in x.unbind(1):
        _, state = layer.step(now, state)
        assert (state[0] >= -80).all() and (state[0] <= 0).all()


@pytest.mark.parametrize("opened", [1e3, 1e8, 1e30, 1e200])
@pytest.mark.parametrize("sign", [1, -1])
def test_however_strong_the_input_all_is_finite(opened: float, sign: int) -> None:
    """The potential goes to what draws it, and gradients have an end."""
    layer = one_unit(BARE)
    x = torch.full((1, 5, 1), sign * opened, dtype=torch.float64, requires_grad=True)
    _, (v, *_) = layer(x)
    assert v.item() == pytest.approx(0 if sign > 0 else -80, abs=0.1)
    v.sum().backward()
    assert x.grad is not None and x.grad.isfinite().all()
    assert all(one.grad is None or one.grad.isfinite().all() for one in layer.parameters())


def test_what_drives_is_the_distance_to_what_draws() -> None:
    """Not a constant: the same conductance moves a unit less the nearer it is, and not at all when there."""
    layer, moves = one_unit(BARE), []
    opened = torch.full((1, 1), 0.01, dtype=torch.float64)
    shut = torch.zeros(1, 1, dtype=torch.float64)
    for at in (-70.0, -35.0, -10.0, 0.0):
        v, *rest = layer.begin(1)
        after, plain = (layer.step(x, (torch.full_like(v, at), *rest))[1][0].item() for x in (opened, shut))
        moves.append(after - plain)
    assert moves == sorted(moves, reverse=True) and moves[0] > 0
    still = one_unit(Conductances(rest=0.0, draw_e=0.0, threshold=1e6))
    v, *rest = still.begin(1)
    assert still.step(100 * opened, (torch.zeros_like(v), *rest))[1][0].item() == 0


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_decay_is_exact_whatever_the_step(dt: float) -> None:
    """Potential and conductances after 20 ms: 1 / e of 10 mV, and e^-4 of 1e-9 nS."""
    cell = Conductances(refractory=0.0)
    layer = one_unit(cell, dt)
    v, silent, excited, inhibited = layer.begin(1)
    x = torch.zeros(1, round(20 / dt), 1, dtype=torch.float64)
    _, (after, *_) = layer(x, (v - 10, silent, excited, inhibited))
    assert after.item() == pytest.approx(-65 - 10 / math.e, abs=1e-10)
    _, (_, _, one, two) = layer(x, (v, silent, excited + 1e-9, inhibited + 2e-9))
    assert one.item() == pytest.approx(1e-9 * math.exp(-4), rel=1e-10)
    assert two.item() == pytest.approx(2e-9 * math.exp(-4), rel=1e-10)


def test_a_small_spike_is_the_closed_form() -> None:
    """In the limit of short steps."""
    cell = Conductances()
    layer, x = one_unit(cell, 0.01), torch.zeros(1, 501, 1, dtype=torch.float64)
    x[0, 0] = 1e-3
    with torch.no_grad():
        _, (v, *_) = layer(x)
    assert v.item() - cell.rest == pytest.approx(cell.deflection(weight=1e-3, after=5.0), rel=3e-3)


@pytest.mark.parametrize(("refractory", "dt"), [(0.0, 1.0), (5.0, 1.0), (5.0, 0.1), (1.0, 0.1)])
def test_intervals_under_a_huge_input(refractory: float, dt: float) -> None:
    layer = one_unit(Conductances(refractory=refractory), dt)
    with torch.no_grad():
        y, _ = layer(torch.full((1, 400, 1), 1e6, dtype=torch.float64))
    at = y.flatten().nonzero().flatten()
    assert set(at.diff().tolist()) == {round(refractory / dt) + 1}


def test_after_a_spike_the_potential_is_held_at_the_reset() -> None:
    layer, x = one_unit(Conductances(refractory=3.0)), torch.zeros(1, 9, 1, dtype=torch.float64)
    x[0, 0] = 1e4
    potentials, state = [], layer.begin(1)
    for now in x.unbind(1):
        _, state = layer.step(now, state)
        potentials.append(state[0].item())
    assert potentials[:4] == [-70] * 4  # the spike, and three silent steps; then it fires again
    assert potentials[4:8] == [-70] * 4


def test_a_refractory_time_that_is_no_whole_number_of_steps_is_refused() -> None:
    with pytest.raises(
        BadInput, match=r"a refractory time in whole steps of 0\.3 ms, from 0 on, got 5\.0 ms"
    ):
        ConductanceLIF(3, dt=0.3)
