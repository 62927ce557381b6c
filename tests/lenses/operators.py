"""Layers whose operator is known: given weights, and linear systems of many inputs and outputs."""

import torch
from torch import Tensor

from wavetrain import scan
from wavetrain.core import Layer, Operator, State


class Given(Layer):
    """A layer that is nothing but the weights (B, H, T, T) that it is given."""

    def __init__(self, weight: Tensor):
        super().__init__(1)
        self.weight = weight

    def begin(self, batch: int) -> State:
        raise AssertionError("only the operator is to be looked at")

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        raise AssertionError("only the operator is to be looked at")

    def operator(self, x: Tensor) -> Operator:
        return Operator(self.weight, x[:, :, None])

    def read(self, mixed: Tensor) -> Tensor:
        return mixed.flatten(-2)


def empty(weight: Tensor) -> Tensor:
    """An input of the right shape for `Given`."""
    return torch.zeros(len(weight), weight.shape[-1], 1)


def lags(a: Tensor, b: Tensor, c: Tensor, time: int) -> Tensor:
    """C A^t B for t = 0 to time - 1, (time, q, p)."""
    return torch.stack([c @ torch.linalg.matrix_power(a, t) @ b for t in range(time)])


def system(a: Tensor, b: Tensor, c: Tensor, time: int) -> Tensor:
    """The weights of a linear system, a head for each pair of output and input, (1, q p, T, T)."""
    return scan.toeplitz(lags(a, b, c, time).flatten(1).T)[None]


def jordan(rate: float, size: int) -> Tensor:
    return rate * torch.eye(size, dtype=torch.float64) + torch.diag(torch.ones(size - 1).double(), 1)


def rotation(angle: float, size: float = 1.0) -> Tensor:
    angle = torch.tensor(angle, dtype=torch.float64)
    return size * torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).unflatten(0, (2, 2))
