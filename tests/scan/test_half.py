"""What half precision and autocast cost at the doors of the fast routes, next to float64."""

import pytest
import torch
from torch import Tensor

from tests.scan.kernels import CASES, learning, pulled
from wavetrain import scan

ROUNDED = 2.0**-8  # rounding to bfloat16, of 8 binary digits: half a unit in the last place
WIDE = 1e-4  # of the largest: what float32 loses on the way
CARRIED = [name for name, case in CASES.items() if case.steps]  # spiking layers are held to it as layers


def half(inputs: list[Tensor]) -> list[Tensor]:
    return [x if x.is_complex() else x.bfloat16() for x in inputs]


def exact(inputs: list[Tensor]) -> list[Tensor]:
    return [x.to(torch.complex128 if x.is_complex() else torch.float64) for x in inputs]


@pytest.mark.parametrize("name", CARRIED)
def test_bfloat16_costs_the_rounding_of_the_output(name: str):
    case, given = CASES[name], half(CASES[name].draw(257, torch.float32))
    inputs, truth = learning(given), learning(exact(given))
    found, expected = case.door(*inputs), case.door(*truth)
    complex_too = any(x.is_complex() for x in inputs)  # for which there is no half precision
    assert found[0].dtype == (torch.float32 if complex_too else torch.bfloat16)
    for place, (y, own) in enumerate(zip(found, expected, strict=True)):
        size = float(own.detach().abs().max())
        rounded = ROUNDED if y.dtype == torch.bfloat16 else 0.0
        assert bool(((y.to(own.dtype) - own).abs() <= rounded * own.abs() + WIDE * size).all()), (
            f"output {place}"
        )
    wide = tuple(y.to(own.dtype) for y, own in zip(found, expected, strict=True))
    for slope, own in zip(pulled(wide, inputs), pulled(expected, truth), strict=True):
        error = (slope.to(own.dtype) - own).abs().max() / own.abs().max()
        assert float(error) < 2e-2, f"a gradient is wrong by {float(error):.1e} of its largest"


@pytest.mark.parametrize("name", CARRIED)
def test_autocast_changes_no_bit(name: str):
    case, inputs = CASES[name], CASES[name].draw(31, torch.float32)
    expected = case.door(*inputs)
    with torch.autocast("cpu", torch.bfloat16):
        found = case.door(*inputs)
    assert all(one.equal(own) for one, own in zip(found, expected, strict=True))


def test_a_decay_of_0_999_is_none_of_1():
    """bfloat16 rounds it to 1, and nothing would be forgotten."""
    a, b = torch.tensor([0.999]), torch.zeros(1, 1024, 1, dtype=torch.bfloat16)
    for run in (scan.linear, torch.compile(scan.linear, backend="eager", fullgraph=True)):
        with torch.autocast("cpu", torch.bfloat16):
            _, last = run(a, b, torch.ones(1, 1))
        assert last.dtype == torch.float32 and abs(float(last) - 0.999**1024) < 1e-4
