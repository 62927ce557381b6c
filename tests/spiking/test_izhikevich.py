"""Izhikevich's model: its fixed points, one step by hand, its rheobase, and the patterns of its cells."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.spiking import Izhikevich
from wavetrain.spiking.izhikevich import CHATTERING, FAST_SPIKING, REGULAR_SPIKING, Pattern

PATTERNS = {"regular": REGULAR_SPIKING, "fast": FAST_SPIKING, "chattering": CHATTERING}
EACH = pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)


def one_unit(pattern: Pattern, dt: float = 0.5) -> Izhikevich:
    """A unit that takes its input as current."""
    layer = Izhikevich(1, pattern=pattern, dt=dt).double()
    layer.encode.weight.data.fill_(1)
    layer.encode.bias.data.zero_()
    return layer


def walk(layer: Izhikevich, current: float, ms: float, *, v: float, u: float) -> tuple[Tensor, list[Tensor]]:
    """Times of spikes in ms, and the last potential and recovery."""
    x = torch.full((1, round(ms / layer.dt), 1), current, dtype=torch.float64)
    silent = layer.begin(1)[1]
    with torch.no_grad():
        y, (last, _, recovery) = layer(x, (torch.full_like(x[:, 0], v), silent, torch.full_like(x[:, 0], u)))
    return layer.dt * (1 + y.flatten().nonzero().flatten()), [last, recovery]


@EACH
@pytest.mark.parametrize("v", [-70.0, -50.0])
def test_the_fixed_points_are_the_zeros_of_the_quadratic(pattern: Pattern, v: float) -> None:
    """0.04 v^2 + 4.8 v + 140 = 0.04 (v + 70) (v + 50), with u = 0.2 v: a step leaves both as they are."""
    layer = one_unit(pattern)
    _, last = walk(layer, 0.0, layer.dt, v=v, u=0.2 * v)
    assert [part.item() for part in last] == pytest.approx([v, 0.2 * v], abs=1e-12)
    assert pattern.rest() == pytest.approx(-70, abs=1e-12)


@EACH
def test_it_begins_at_rest_and_stays_there(pattern: Pattern) -> None:
    layer = one_unit(pattern)
    y, (v, _, u) = layer(torch.zeros(2, 2000, 1, dtype=torch.float64))
    assert not y.any()
    torch.testing.assert_close(v, torch.full_like(v, -70), rtol=0, atol=1e-9)
    torch.testing.assert_close(u, torch.full_like(u, -14), rtol=0, atol=1e-9)


def test_a_step_by_hand() -> None:
    """From rest with 10 mV / ms: f = 10, f' = -0.6, so v rises by 10 (1 - exp(-0.3)) / 0.6; u is at b v."""
    _, (v, u) = walk(one_unit(REGULAR_SPIKING), 10.0, 0.5, v=-70.0, u=-14.0)
    assert v.item() == pytest.approx(-70 + (1 - math.exp(-0.3)) / 0.06, abs=1e-12)
    assert v.item() == pytest.approx(-65.68030, abs=1e-5) and u.item() == pytest.approx(-14, abs=1e-12)


@EACH
def test_a_spike_by_hand(pattern: Pattern) -> None:
    """From 20 mV it is over the peak: v is c, and u has decayed toward b v and has d more."""
    times, (v, u) = walk(one_unit(pattern), 0.0, 0.5, v=20.0, u=-10.0)
    assert times.tolist() == [0.5] and v.item() == pattern.c
    assert u.item() == pytest.approx(4 - 14 * math.exp(-pattern.a / 2) + pattern.d, abs=1e-12)


def test_on_the_peak_there_is_no_spike() -> None:
    layer = one_unit(REGULAR_SPIKING)
    for excess, expected in ((0.0, 0.0), (1e-9, 1.0)):
        layer.moved = lambda v, u, current, excess=excess: torch.full_like(v, 30 + excess)  # type: ignore[method-assign]
        assert layer.step(torch.zeros(1, 1, dtype=torch.float64), layer.begin(1))[0].item() == expected


def test_where_nothing_grows_it_is_eulers_rule() -> None:
    """At -62.5 mV f' is 0; beside it the two forms of the step meet, values and slopes."""
    layer = one_unit(REGULAR_SPIKING)
    v = (-62.5 + torch.tensor([[0.0, 0.00249, 0.00251, -0.00249, -0.00251]]).double()).requires_grad_()
    moved = layer.moved(v, 0 * v - 13, 0 * v)
    (slope,) = torch.autograd.grad(moved.sum(), v)
    assert moved[0, 0].item() == pytest.approx(-62.5 + 0.5 * (0.04 * 62.5**2 - 5 * 62.5 + 153), abs=1e-12)
    assert slope.isfinite().all()
    torch.testing.assert_close(moved[0, 1::2], moved[0, 2::2], rtol=0, atol=1e-4)
    torch.testing.assert_close(slope[0, 1::2], slope[0, 2::2], rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("pattern", "current"), [(REGULAR_SPIKING, 3.7975), (FAST_SPIKING, 3.9375), (CHATTERING, 3.7975)]
)
def test_the_rheobase(pattern: Pattern, current: float) -> None:
    """f' = a at -62.25 or -61.25 mV: below, a small change of what is held dies out; above, it fires."""
    assert pattern.rheobase() == pytest.approx(current, abs=1e-12)
    layer = one_unit(pattern, dt=0.05)
    for apart, fires in ((-0.05, False), (0.05, True)):
        v = pattern.rest(current + apart)
        times, (last, _) = walk(layer, current + apart, 1500.0, v=v + 0.05, u=pattern.b * v)
        assert (len(times) > 0) == fires
        assert fires or abs(last.item() - v) < 0.05


def test_where_the_recovery_is_fast_the_zeros_meet() -> None:
    """b < a: (5 - b)^2 = 0.16 (140 + I), beyond which no potential is held."""
    pattern = Pattern(a=0.3, b=0.1)
    current = 4.9**2 / 0.16 - 140
    assert pattern.rheobase() == pytest.approx(current, abs=1e-12)
    assert pattern.rest(current - 1e-6) == pytest.approx(-61.25, abs=0.01)
    assert math.isnan(pattern.rest(current + 1e-6))


@EACH
def test_steps_come_to_the_solution_of_the_equations(pattern: Pattern) -> None:
    """20 ms below the peak, against an integrator of SciPy: an eighth of the step, an eighth of the error."""

    def flow(_: float, now: np.ndarray) -> list[float]:
        v, u = now
        return [0.04 * v * v + 5 * v + 140 - u + 3.0, pattern.a * (pattern.b * v - u)]

    exact = solve_ivp(flow, (0, 20), [-75.0, -10.0], rtol=1e-11, atol=1e-11).y[:, -1]
    errors = []
    for dt in (0.4, 0.05):
        _, last = walk(one_unit(pattern, dt), 3.0, 20.0, v=-75.0, u=-10.0)
        errors.append(max(abs(part.item() - true) for part, true in zip(last, exact, strict=True)))
    assert errors[0] < 0.2 and errors[1] < errors[0] / 6


def test_the_patterns_of_the_paper() -> None:
    """10 mV / ms for a second: one slows down, one is fast and even, one fires in bursts."""
    gaps = {}
    for name, pattern in PATTERNS.items():
        times, _ = walk(one_unit(pattern), 10.0, 1000.0, v=-70.0, u=-14.0)
        gaps[name] = times.diff()
    assert gaps["regular"][0] < gaps["regular"][-1] / 1.5
    assert (
        len(gaps["fast"]) > 2 * len(gaps["regular"]) and gaps["fast"][5:].max() < 1.2 * gaps["fast"][5:].min()
    )
    assert (gaps["chattering"] < 6).sum() > 10 and gaps["chattering"].max() > 15


@EACH
@pytest.mark.parametrize("current", [-1e2, -1e4, -1e8])
def test_inhibition_makes_no_spike(pattern: Pattern, current: float) -> None:
    """However strong; by Euler's rule the potential overshoots, and its square makes it fire."""
    layer = one_unit(pattern)
    x = torch.full((1, 400, 1), current, dtype=torch.float64)
    y, (v, _, _) = layer(x)
    assert not y.any() and v.isfinite().all() and v.item() < -70


def test_a_step_that_is_too_long_is_refused() -> None:
    """1 / 0.6 ms of the potential at rest, or 1 / a of the recovery."""
    Izhikevich(2, dt=1.66)
    for pattern, dt, least in (
        (REGULAR_SPIKING, 1.7, "1.67"),
        (Pattern(a=2.0), 0.6, "0.5"),
        (REGULAR_SPIKING, 0.0, "1.67"),
        (REGULAR_SPIKING, math.nan, "1.67"),
    ):
        with pytest.raises(
            BadInput, match=f"smallest time constant at rest, {least} ms, got {dt}|dt above 0"
        ):
            Izhikevich(2, pattern=pattern, dt=dt)


def test_numbers_without_a_rest_are_refused() -> None:
    """At b = 0.3 the zeros are those of 0.04 v^2 + 4.7 v + 140, which has none."""
    with pytest.raises(BadInput, match="expected numbers with a rest"):
        Pattern(b=0.3)
    for bad in ({"a": 0.0}, {"c": 30.0}, {"d": math.inf}):
        with pytest.raises(BadInput, match="expected a above 0, c below 30 mV, all finite"):
            Pattern(**bad)
