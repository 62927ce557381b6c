"""HiPPO-LegS: three states by hand, and the modes as another form of the same transfer function."""

import math

import pytest
import torch

from wavetrain.parts.hippo import legs, legs_modes


def test_three_states_by_hand():
    a, b = legs(3)
    root3, root5, root15 = (math.sqrt(number) for number in (3, 5, 15))
    expected = [[-1.0, 0.0, 0.0], [-root3, -2.0, 0.0], [-root5, -root15, -3.0]]
    assert a.dtype == b.dtype == torch.float64
    torch.testing.assert_close(a, torch.tensor(expected, dtype=torch.float64), rtol=1e-15, atol=0)
    torch.testing.assert_close(b, torch.tensor([1, root3, root5], dtype=torch.float64), rtol=1e-15, atol=0)


@pytest.mark.parametrize("states", [2, 4, 10])
def test_modes_are_the_normal_part(states: int):
    """b^T (s - A - P P^T)^-1 b, by a solver and as a sum over pairs of poles; the trace of b b^T is N^2."""
    (a, b), (rates, size) = legs(states), legs_modes(states)
    normal, one = (a + torch.outer(b, b) / 2).to(torch.complex128), torch.eye(states, dtype=torch.complex128)
    assert (rates.real == -0.5).all() and (rates.imag > 0).all() and (rates.imag.diff() > 0).all()
    assert (size > 0).all() and float((size**2).sum()) == pytest.approx(states**2 / 2)
    for s in (0.3 + 0.1j, 2.0 - 5.0j, 0.0 + 1.0j):
        solved = torch.linalg.solve(s * one - normal, b + 0j)
        poles = (size**2 * (1 / (s - rates) + 1 / (s - rates.conj()))).sum()
        torch.testing.assert_close((b * solved).sum(), poles, rtol=1e-10, atol=0)
