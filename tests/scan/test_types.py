"""A scan takes tensors of one precision: one in another is refused, and so is real for complex."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from wavetrain import scan
from wavetrain.errors import BadInput


def real(*shape: int) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64)


def whole(*shape: int) -> Tensor:
    return torch.complex(real(*shape), real(*shape))


CALLS: dict[str, tuple[Callable[..., object], dict[str, Tensor]]] = {
    "wave": (
        scan.wave,
        {"drive": real(2, 4, 3, 5), "kernel": real(3, 3, 3), "state": real(2, 3, 5)},
    ),
    "selective": (
        scan.selective,
        {
            "x": real(2, 4, 3),
            "dt": real(2, 4, 3),
            "a": -real(3, 5),
            "b": real(2, 4, 5),
            "c": real(2, 4, 5),
            "state": real(2, 3, 5),
            "skip": real(3),
            "gate": real(2, 4, 3),
        },
    ),
    "short": (
        scan.short,
        {"x": real(2, 4, 3), "past": real(2, 3, 3), "weight": real(3, 4), "bias": real(3)},
    ),
    "unitary": (
        scan.unitary,
        {
            "theta": real(2, 4, 5, 3),
            "w": real(2, 4, 3),
            "b": whole(5),
            "c": whole(5),
            "state": whole(2, 5, 3),
        },
    ),
}
EACH = [(name, argument) for name, (_, arguments) in CALLS.items() for argument in arguments]


def other(tensor: Tensor) -> Tensor:
    return tensor.to(torch.complex64 if tensor.is_complex() else torch.float32)


@pytest.mark.parametrize("name", CALLS)
def test_one_precision_is_taken(name: str):
    call, arguments = CALLS[name]
    call(**arguments)
    call(**{argument: other(tensor) for argument, tensor in arguments.items()})


@pytest.mark.parametrize(("name", "argument"), EACH)
def test_another_precision_is_refused(name: str, argument: str):
    call, arguments = CALLS[name]
    with pytest.raises(BadInput, match=r"dtype|precision"):
        call(**{**arguments, argument: other(arguments[argument])})


@pytest.mark.parametrize("argument", CALLS["unitary"][1])
def test_real_and_complex_are_told_apart(argument: str):
    arguments = CALLS["unitary"][1]
    given = arguments[argument]
    wrong = given.real if given.is_complex() else given.to(torch.complex128)
    with pytest.raises(BadInput, match="theta and w real, b, c and state complex"):
        scan.unitary(**{**arguments, argument: wrong})


def test_angles_are_real_even_where_all_else_would_fit():
    given = {name: tensor.to(torch.complex128) for name, tensor in CALLS["unitary"][1].items()}
    with pytest.raises(BadInput, match="theta and w real"):
        scan.unitary(**given)
