"""A cell's numbers, the closed form of one spike, and what is refused."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from wavetrain.errors import BadInput
from wavetrain.parts.conductances import Conductances


@pytest.mark.parametrize("tau_e", [5.0, 20.0])
def test_one_spike_is_the_solution_of_the_equations_where_it_is_small(tau_e: float):
    cell, weight = Conductances(tau_e=tau_e), 1e-6

    def slope(t: float, state: np.ndarray) -> list[float]:
        v, g = state
        return [(g * (cell.draw_e - v) + cell.leak * (cell.rest - v)) / cell.capacity, -g / tau_e]

    solved = solve_ivp(slope, (0, 30), [cell.rest, weight], rtol=1e-11, atol=1e-14, t_eval=[2, 9, 30])
    for after, v in zip(solved.t, solved.y[0], strict=True):
        assert cell.deflection(weight=weight, after=after) == pytest.approx(v - cell.rest, rel=1e-5)


def test_without_a_leak_a_spike_of_one_nanosiemens_raises_v_by_1_6_mv():
    """1 nS * 65 mV * 5 ms / 200 pF."""
    cell = Conductances(tau=1e9)
    assert cell.deflection(weight=1.0, after=500.0) == pytest.approx(1.625, rel=1e-6)


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("capacity", 0.0, "expected capacity above 0, got 0.0"),
        ("tau_i", -5.0, "expected tau_i above 0, got -5.0"),
        ("tau", math.nan, "expected tau above 0, got nan"),
        ("refractory", -1.0, "expected refractory from 0 on, got -1.0"),
        ("weight_e", math.inf, "expected weight_e from 0 on, got inf"),
        ("draw_i", math.nan, "expected finite potentials"),
    ],
)
def test_numbers_that_no_cell_has_are_refused(name: str, value: float, words: str):
    with pytest.raises(BadInput, match=words):
        Conductances(**{name: value})


@pytest.mark.parametrize("dt", [0.0, -0.1, 5.1, math.nan])
def test_a_step_above_the_smallest_time_constant_is_refused(dt: float):
    with pytest.raises(BadInput, match="smallest time constant, 5 ms"):
        Conductances().check_step(dt)
    Conductances().check_step(5.0)
