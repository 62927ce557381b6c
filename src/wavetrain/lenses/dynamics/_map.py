"""A system as a map from one state to the next, whatever it is: a layer, a network with a state, a function.

A state is written as a row of real numbers (n,): its tensors one after another, complex numbers as real and
imaginary part; whole numbers and masks stay as they are at the beginning. A layer or network is copied, in
float64 and on the CPU, so that the one that was given stays as it was.
"""

import copy
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Carrying, Layer, State, leaves, map_state
from wavetrain.errors import BadInput
from wavetrain.lenses._weights import magnitude

System = Layer | Carrying | Callable[..., Tensor]
CHUNK = 2**24  # numbers in the Jacobians that are made at once


class Map:
    """What a system does to rows of states (rows, n) in one step, with an input held or one for each row."""

    def __init__(self, lens: str, system: System, x: Tensor | np.ndarray | None = None):
        self.lens = lens
        self.x = None if x is None else array(lens, "x", x)
        self.system: System = system
        self.given = isinstance(system, Layer | Carrying)
        if isinstance(system, Layer | Carrying):
            if system.training and any(getattr(part, "p", 0) for part in system.modules()):
                system = copy.deepcopy(system).eval()  # without dropout
            self.system = copy.deepcopy(system).double().cpu().requires_grad_(False)
            self._put(self.system)
        elif not callable(system):
            raise BadInput(
                f"{lens}: expected a layer, a network with a state, or a function of states (rows, n), "
                f"got {type(system).__name__}"
            )

    def _put(self, system: Layer | Carrying) -> None:
        first = system.begin(1)
        self.first = torch.cat(
            [_real(part) for part in leaves(first) if _moves(part)] or [torch.zeros(1, 0)], 1
        )
        self.first = self.first.detach().double()
        if not self.first.shape[1]:
            raise BadInput(f"{self.lens}: {type(system).__name__} has no state that moves")
        if self.x is None:
            inputs = getattr(system, "inputs", None)
            if not isinstance(inputs, int):
                raise BadInput(f"{self.lens}: expected an input x for {type(system).__name__}, got none")
            self.x = torch.zeros(inputs, dtype=torch.float64)

    def __call__(
        self, rows: Float[Tensor, "rows n"], x: Float[Tensor, "rows inputs"] | None = None
    ) -> Float[Tensor, "rows n"]:
        """The states after one step, with the input that is held, or with one for each row."""
        now = self.x if x is None else x
        if not isinstance(self.system, Layer | Carrying):
            out = self.system(rows) if now is None else self.system(rows, now.expand(len(rows), -1))
            if not isinstance(out, Tensor) or out.shape != rows.shape:
                got = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
                raise BadInput(f"{self.lens}: expected a map from {tuple(rows.shape)} to itself, got {got}")
            return out.to(rows.dtype)
        assert now is not None
        after = self._after(now.expand(len(rows), -1), self._state(rows))
        return torch.cat([_real(part) for part in leaves(after) if _moves(part)], 1)

    def _after(self, x: Tensor, state: State) -> State:
        if isinstance(self.system, Layer):
            if x.shape[1] != self.system.inputs:
                raise BadInput(
                    f"{self.lens}: expected an input of {self.system.inputs} channels, got {x.shape[1]}"
                )
            return self.system.step(x, state)[1]
        assert isinstance(self.system, Carrying)
        return self.system.carry(x[:, None], state)[1]

    def _state(self, rows: Tensor) -> State:
        """The nested state of rows."""
        assert isinstance(self.system, Layer | Carrying)
        like = self.system.begin(len(rows))
        sizes = [_real(part).shape[1] for part in leaves(like) if _moves(part)]
        given = iter(rows.split(sizes, 1))

        def back(part: Tensor) -> Tensor:
            if not _moves(part):
                return part
            row = next(given)
            if part.is_complex():
                return torch.view_as_complex(row.reshape(*part.shape, 2).contiguous())
            return row.reshape(part.shape)

        return map_state(back, like)

    def rows(self, start: Tensor | np.ndarray) -> Float[Tensor, "rows n"]:
        """The starts, checked: (rows, n), finite, and of the size of the system's state."""
        rows = array(self.lens, "start", start)
        size = self.first.shape[1] if self.given else rows.shape[-1]
        if rows.ndim != 2 or not rows.numel() or rows.shape[1] != size:
            wanted = f"(rows, {size})" if self.given else "(rows, n)"
            raise BadInput(f"{self.lens}: expected start {wanted}, got {tuple(rows.shape)}")
        return rows


class Scaled:
    """The same map in units of `size`, a power of two, so that no square of a state is lost."""

    def __init__(self, inner: Map, rows: Tensor):
        self.inner, self.size = inner, float(magnitude(rows))

    def __call__(self, rows: Float[Tensor, "rows n"], x: Tensor | None = None) -> Float[Tensor, "rows n"]:
        return self.inner(rows * self.size, x) / self.size

    def jacobian(self, rows: Float[Tensor, "rows n"], x: Tensor | None = None) -> Float[Tensor, "rows n n"]:
        """d F_i / d h_j of each row, (rows, n, n), by one walk back for each unit."""
        each = max(1, CHUNK // rows.shape[1] ** 2)
        parts = [
            self._jacobian(some, None if x is None else x[number * each : (number + 1) * each])
            for number, some in enumerate(rows.split(each))
        ]
        return torch.cat(parts)

    def _jacobian(self, rows: Tensor, x: Tensor | None) -> Tensor:
        with torch.enable_grad():
            rows = rows.detach().requires_grad_()
            after = self(rows, x)
            if not after.requires_grad:
                return rows.new_zeros(*rows.shape, rows.shape[1])
            total = after.sum(0)
            grads = [
                torch.autograd.grad(unit, rows, retain_graph=True, allow_unused=True)[0] for unit in total
            ]
        return torch.stack([torch.zeros_like(rows) if one is None else one for one in grads], 1).detach()


def array(lens: str, name: str, given: Tensor | np.ndarray) -> Tensor:
    """A float64 tensor on the CPU of finite real numbers."""
    found = torch.as_tensor(given).detach().cpu()
    if found.is_complex():
        raise BadInput(f"{lens}: expected real numbers in {name}, got {found.dtype}")
    found = found.double()
    wrong = int((~found.isfinite()).sum())
    if wrong:
        raise BadInput(
            f"{lens}: expected finite numbers in {name}, got {wrong} of {found.numel()} that are not"
        )
    return found


def _moves(part: Tensor) -> bool:
    return part.is_floating_point() or part.is_complex()


def _real(part: Tensor) -> Tensor:
    """A tensor of a state as rows of real numbers."""
    return (torch.view_as_real(part) if part.is_complex() else part).flatten(1)
