"""The doors of all fast routes, each with arguments of any length, for tests that hold for all of them."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from wavetrain import scan
from wavetrain.core import State
from wavetrain.scan import Form, Leaves, LIFUnits, Slope

Outputs = tuple[Tensor, ...]


class Case(NamedTuple):
    """A door as a function of tensors alone, with time on the axis of each that has one."""

    door: Callable[..., Outputs]
    draw: Callable[[int, torch.dtype], list[Tensor]]  # by length and type: those with a gradient
    time: tuple[int | None, ...]  # the axis of each
    complex: bool = False  # whether it takes complex numbers too
    steps: bool = True  # whether there is a plain route


def _linear(time: int, dtype: torch.dtype) -> list[Tensor]:
    return [0.5 * normal(2, time, 5, dtype=dtype), normal(2, time, 5, dtype=dtype), normal(2, 5, dtype=dtype)]


def normal(*shape: int, dtype: torch.dtype) -> Tensor:
    return torch.randn(shape, dtype=dtype)


def _decays(time: int, dtype: torch.dtype) -> list[Tensor]:
    """One decay for all steps, of size below 1: above it the state of a long series overflows."""
    a = normal(5, dtype=dtype)
    return [a / (1 + a.abs()), normal(2, time, 5, dtype=dtype)]


def _selective(time: int, dtype: torch.dtype) -> list[Tensor]:
    x, dt, b, c = (normal(2, time, size, dtype=dtype) for size in (5, 5, 3, 3))
    return [x, dt.abs(), -normal(5, 3, dtype=dtype).abs(), b, c]


def _gated(time: int, dtype: torch.dtype) -> list[Tensor]:
    ends = normal(2, 5, 3, dtype=dtype), normal(5, dtype=dtype), normal(2, time, 5, dtype=dtype)
    return [*_selective(time, dtype), *ends]


def _unitary(time: int, dtype: torch.dtype) -> list[Tensor]:
    whole = dtype.to_complex()
    ends = normal(3, dtype=whole), normal(3, dtype=whole), normal(2, 3, 5, dtype=whole)
    return [normal(2, time, 3, 5, dtype=dtype), normal(2, time, 5, dtype=dtype), *ends]


def _short(time: int, dtype: torch.dtype) -> list[Tensor]:
    x, past = normal(2, time, 5, dtype=dtype), normal(2, 3, 5, dtype=dtype)
    return [x, past, normal(5, 4, dtype=dtype), normal(5, dtype=dtype)]


def _dilated(time: int, dtype: torch.dtype) -> list[Tensor]:
    return [normal(2, time, 5, dtype=dtype), normal(2, 6, 5, dtype=dtype), normal(5, 1, 4, dtype=dtype)]


def _wave(time: int, dtype: torch.dtype) -> list[Tensor]:
    kernel = 0.2 * normal(3, 3, 3, dtype=dtype)
    return [normal(2, time, 3, 8, dtype=dtype), kernel, normal(2, 3, 8, dtype=dtype)]


def _lif(time: int, dtype: torch.dtype) -> list[Tensor]:
    current, v = normal(2, time, 5, dtype=dtype), normal(2, 5, dtype=dtype)
    kept, rho = normal(2, 5, dtype=dtype).sigmoid()
    return [current + 0.5, v, kept, rho, normal(2, 5, dtype=dtype).abs()]


FIRING = LIFUnits(1.0, Slope(Form.TRIANGLE, (0.5,)), silence=2, strength=0.7)


def _unknown(*_: object) -> tuple[Tensor, State]:
    raise AssertionError("a fused walk does not ask for the step")


def _adapting(current: Tensor, v: Tensor, kept: Tensor, rho: Tensor, a: Tensor) -> Outputs:
    silent = torch.zeros(v.shape, dtype=torch.int32)
    spikes, state = scan.lif(_unknown, current, (v, silent, a), (kept, rho), FIRING)
    assert isinstance(state, tuple)
    return spikes, *state


def _plain_lif(current: Tensor, v: Tensor, kept: Tensor) -> Outputs:
    units = LIFUnits(1.0, Slope(Form.ARCTAN, (1.0, 0.3)), Leaves.NOTHING, detached=True)
    spikes, state = scan.lif(_unknown, current, (v, torch.zeros(v.shape, dtype=torch.int32)), (kept,), units)
    assert isinstance(state, tuple)
    return spikes, *state


CASES = {
    "linear": Case(lambda a, b, state: scan.linear(a, b, state), _linear, (1, 1, None), complex=True),
    "linear, one decay": Case(lambda a, b: scan.linear(a, b), _decays, (None, 1), complex=True),
    "selective": Case(scan.selective, _selective, (1, 1, None, 1, 1)),
    "selective, gated": Case(scan.selective, _gated, (1, 1, None, 1, 1, None, None, 1)),
    "unitary": Case(scan.unitary, _unitary, (1, 1, None, None, None)),
    "short": Case(scan.short, _short, (1, None, None, None)),
    "dilated": Case(lambda x, past, kernel: scan.dilated(x, past, kernel, 2), _dilated, (1, None, None)),
    "wave": Case(scan.wave, _wave, (1, None, None)),
    "lif": Case(
        _plain_lif,
        lambda time, dtype: [*_lif(time, dtype)[:2], *_lif(time, dtype)[3:4]],
        (1, None, None),
        steps=False,
    ),
    "lif, adapting": Case(_adapting, _lif, (1, None, None, None, None), steps=False),
}


def learning(inputs: list[Tensor]) -> list[Tensor]:
    return [x.detach().clone().requires_grad_() for x in inputs]


def pulled(outputs: Outputs, inputs: list[Tensor]) -> list[Tensor]:
    """The gradients of a loss that looks at all outputs."""
    moving = [y for y in outputs if y.requires_grad]
    generator = torch.Generator().manual_seed(7)
    towards = [torch.randn(y.shape, dtype=y.dtype, generator=generator) for y in moving]
    total = torch.stack([(y * to).sum().real for y, to in zip(moving, towards, strict=True)]).sum()
    return list(torch.autograd.grad(total, inputs))
