"""A nonlinear recurrence h_t = f(h_{t-1}, x_t) solved for all steps at once, by Newton's method.

Lim et al. 2024 (DEER), arXiv 2309.12252; Danieli et al. 2026 (ParaRNN), arXiv 2510.21450.

    guess    h_t = f(0, x_t)
    repeat   r_t = f(h_{t-1}, x_t) - h_t,   d_t = J_t d_{t-1} + r_t,   h <- h + damping d,   J_t = df / dh
    until    max |d| is below the tolerance (the last step is taken whole)

One iteration is exact where f is linear in h; after k iterations the first k states are exact whatever f,
so that the cap need never exceed T; near the solution the error is squared each time. Where products of J
grow, the iterates wander off: a sequence that has not converged at the cap is walked step after step.
Backward needs no iteration, and is exact at the solution:

    g_t = dLoss / dh_t + J_{t+1}^T g_{t+1},   the gradient of f(h_{t-1}, x_t).

Left out: the Kalman smoother of ELK as damping, the diagonal of a dense J (quasi-DEER).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from wavetrain.core import precision
from wavetrain.errors import BadInput
from wavetrain.scan import blocks
from wavetrain.scan.linear import linear
from wavetrain.scan.routes import Fast, chosen, kernels, must_be_plain, took, whole

Solve = Callable[[Tensor, Tensor], Tensor]  # J (B, T, S, S, D) and b (B, T, S, D) to d, as in `blocks`


class Cell(Protocol):
    """A recurrence whose channels do not see each other; the state of a channel has several parts.

    The same for one step and for many. The drive is what the input adds to the sums of a channel.

    >>> from wavetrain.layers import ParaGRU
    >>> from wavetrain.scan import Cell
    >>> cell: Cell = ParaGRU(4)
    >>> drive, state = torch.randn(2, 3, 4), torch.zeros(2, 1, 4)  # three sums for each of four channels
    >>> after, jacobian = cell.linearise(drive, state)
    >>> after.allclose(cell.next(drive, state), atol=1e-6), jacobian.shape
    (True, torch.Size([2, 1, 1, 4]))
    """

    def next(
        self, drive: Float[Tensor, "*axes sums channels"], state: Float[Tensor, "*axes states channels"]
    ) -> Float[Tensor, "*axes states channels"]:
        """The next state."""

    def linearise(
        self, drive: Float[Tensor, "*axes sums channels"], state: Float[Tensor, "*axes states channels"]
    ) -> tuple[Float[Tensor, "*axes states channels"], Float[Tensor, "*axes states states channels"]]:
        """The next state, and its Jacobian: row = part of the next, column = of the last.

        The Jacobian lies in memory of its own: its first step is overwritten.
        """


@dataclass(frozen=True)
class Newton:
    """When Newton's method stops, and what happens if it does not converge.

    >>> from wavetrain.scan import Newton
    >>> Newton(cap=3, fallback=False)  # three iterations, and no look further
    Newton(tolerance=None, cap=3, damping=1.0, fallback=False)
    >>> Newton(damping=0)
    Traceback (most recent call last):
    wavetrain.errors.BadInput: Newton: damping must be above 0 and at most 1, not 0
    """

    tolerance: float | None = None  # of max |d|; left out, the square root of the rounding unit
    cap: int = 20  # iterations at most; with 0 every sequence is walked, and only backward is parallel
    damping: float = 1.0  # the part of each correction that is taken
    fallback: bool = True  # walk what has not converged; else the last iterate is returned as it is

    def __post_init__(self) -> None:
        if self.tolerance is not None and not self.tolerance > 0:
            raise BadInput(f"Newton: tolerance must be above zero, not {self.tolerance!r}")
        if not isinstance(self.cap, int) or self.cap < 0:
            raise BadInput(f"Newton: cap must be a whole number of at least 0, not {self.cap!r}")
        if not 0 < self.damping <= 1:
            raise BadInput(f"Newton: damping must be above 0 and at most 1, not {self.damping!r}")


class Info(NamedTuple):
    """How the solution was found, for each sequence; without gradients.

    >>> from wavetrain.layers import ParaGRU
    >>> from wavetrain.scan import Info, Newton, newton
    >>> h, info = newton(ParaGRU(4), torch.randn(2, 50, 3, 4), torch.zeros(2, 1, 4), Newton())
    >>> isinstance(info, Info), info.converged, bool((info.iterations <= 20).all())
    (True, tensor([True, True]), True)
    """

    # Newton steps taken, the last and whole one included; 0 where none was tried
    iterations: Int[Tensor, "batch"]
    residual: Float[Tensor, "batch"]  # max |f(h_{t-1}, x_t) - h_t| of the states that are returned
    # whether Newton's method ended below its tolerance; False where not tried
    converged: Bool[Tensor, "batch"]


WORTH = 64  # steps from which, off the CPU, it launches fewer kernels than the walk, and is taken by itself


@precision.door
def newton(
    cell: Cell,
    drive: Float[Tensor, "batch time sums channels"],
    state: Float[Tensor, "batch states channels"],
    how: Newton | None = None,
) -> tuple[Float[Tensor, "batch time states channels"], Info]:
    """The nonlinear recurrence h_t = f(h_{t-1}, x_t) of a cell whose channels do not see each other.

    The drive is what the input adds to the sums of each channel; `state` is h_0. Returns h, and for each
    sequence how it was found. The definition is the walk through `cell.next`; the other route is Newton's
    method on all steps at once. On CPU it does more work in more time, so that it is taken only where `how`
    is given; elsewhere also from `WORTH` steps on. What does not converge is walked, and `routes` says so.

    >>> from wavetrain.layers import ParaGRU
    >>> from wavetrain.scan import Newton, newton
    >>> cell, drive = ParaGRU(4), torch.randn(2, 50, 3, 4)
    >>> h, info = newton(cell, drive, torch.zeros(2, 1, 4), Newton())  # all steps at once
    >>> walked, _ = newton(cell, drive, torch.zeros(2, 1, 4))  # on CPU: one after another
    >>> torch.allclose(h, walked, atol=1e-5), info.converged
    (True, tensor([True, True]))
    """
    _check(drive, state)
    many = drive.device.type != "cpu" and drive.shape[1] >= WORTH
    if must_be_plain(drive, state) or (how is None and not many):
        took("newton", "plain")
        return _walked(cell, drive, state)
    return _found(cell, drive, state, Newton() if how is None else how)


@whole  # how many iterations there are is seen on the way, and no graph can know it
def _found(cell: Cell, drive: Tensor, state: Tensor, how: Newton) -> tuple[Tensor, Info]:
    h, info = _solved(cell, drive, state, how, _corrections)
    lost = int((~info.converged).sum())
    route = _route(drive, h) or "reduction"
    took("newton", f"{route}, {lost} of {len(drive)} not converged" if lost else route)
    return h, info


def _corrections(jacobian: Tensor, b: Tensor) -> Tensor:
    """The linear recurrence in each step of Newton's method, d_t = J_t d_{t-1} + b_t, as in `blocks`."""
    route = _route(jacobian, b)
    if route is None:
        return blocks.reduce(jacobian, b)
    if b.shape[2] > 1:
        return blocks.walk(jacobian, b) if route == "numba" else kernels("blocks", b).walk(jacobian, b)
    return linear(jacobian[:, :, 0, 0], b[:, :, 0])[0].unsqueeze(2)


def _route(jacobian: Tensor, b: Tensor) -> Fast | None:
    """The kernel that walks the corrections; that of a GPU has all parts of a channel in registers."""
    has: tuple[Fast, ...] = ("numba", "triton") if b.shape[2] <= 4 else ("numba",)
    return chosen(jacobian, b, time=b.shape[1], has=has)


def _check(drive: Tensor, state: Tensor) -> None:
    """Raise for a drive and a first state that do not go together."""
    if drive.ndim != 4 or drive.shape[1] == 0:
        raise BadInput(
            "newton: expected drive (batch, time, sums, channels) with at least one step, "
            f"got {tuple(drive.shape)}"
        )
    if state.ndim != 3 or state.shape[::2] != drive.shape[::3]:
        raise BadInput(
            f"newton: expected state ({len(drive)}, parts, {drive.shape[3]}), got {tuple(state.shape)}"
        )
    if drive.dtype != state.dtype:
        raise BadInput(f"newton: expected drive and state of one dtype, got {drive.dtype} and {state.dtype}")


def _walked(cell: Cell, drive: Tensor, state: Tensor) -> tuple[Tensor, Info]:
    """The definition, step by step: drive (B, T, G, D) and the first state (B, S, D) give h (B, T, S, D)."""
    none = torch.zeros(len(drive), dtype=torch.long, device=drive.device)
    return _walk(cell, drive, state), Info(none, none.to(drive.dtype), none.bool())


def _solved(cell: Cell, drive: Tensor, state: Tensor, how: Newton, solve: Solve) -> tuple[Tensor, Info]:
    """The same by Newton's method; `solve` runs the linear recurrence in each step."""
    with torch.no_grad():
        h, iterations, converged = _iterate(cell, drive, state, how, solve)
        lost = ~converged
        if how.fallback and lost.any():
            h[lost] = _walk(cell, drive[lost], state[lost])
    before = _before(state, h)
    now = cell.next(drive, before)  # equal to h up to rounding; h itself has no gradient
    residual = (now.detach() - h).abs().amax((1, 2, 3))
    if now.requires_grad:
        with torch.no_grad():
            jacobian = _linearise(cell, drive, before)[1]
        h = _Solution.apply(now, h, jacobian, solve)
    return h, Info(iterations, residual, converged)


def _walk(cell: Cell, drive: Tensor, state: Tensor) -> Tensor:
    steps = []
    for now in drive.unbind(1):
        state = cell.next(now, state)
        steps.append(state)
    return torch.stack(steps, 1)


class _Solution(torch.autograd.Function):
    """h as the solution of h = f(h shifted): its gradient becomes that of f by one linear recurrence."""

    @staticmethod
    def forward(ctx: Any, now: Tensor, h: Tensor, jacobian: Tensor, solve: Solve) -> Tensor:
        ctx.solve = solve
        ctx.save_for_backward(jacobian)
        return h.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (jacobian,) = ctx.saved_tensors
        later = jacobian.flip(1).roll(1, 1).transpose(2, 3)  # from the end; first comes J_1, which is zero
        return ctx.solve(later, grad.flip(1)).flip(1), None, None, None


def _iterate(
    cell: Cell, drive: Tensor, state: Tensor, how: Newton, solve: Solve
) -> tuple[Tensor, Tensor, Tensor]:
    """The last iterate (B, T, S, D), how many steps led to it (B,), and whether it converged (B,).

    A sequence is left alone once it has converged, or is no longer finite, so that it ends as by itself.
    """
    batch, time = drive.shape[:2]
    tolerance = torch.finfo(drive.dtype).eps ** 0.5 if how.tolerance is None else how.tolerance
    h = cell.next(drive, _before(state, state.new_zeros(batch, time, *state.shape[1:])))
    going = torch.ones(batch, dtype=torch.bool, device=drive.device)
    converged, iterations = torch.zeros_like(going), torch.zeros_like(going, dtype=torch.long)
    for _ in range(how.cap):
        now, jacobian = _linearise(cell, drive, _before(state, h))
        d = solve(jacobian, now - h)
        size = d.abs().amax((1, 2, 3))
        near, finite = size <= tolerance, size.isfinite()
        part = torch.where(near, torch.ones_like(size), torch.full_like(size, how.damping))
        h = torch.where(_rows(going & finite), h + _rows(part) * d, h)
        iterations += going
        converged |= going & near
        going = going & finite & ~near
        if not going.any():
            break
    return h, iterations, converged


def _linearise(cell: Cell, drive: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    now, jacobian = cell.linearise(drive, before)
    jacobian[:, 0] = 0  # the first state is given: there is no correction of it to pass on
    return now, jacobian


def _before(state: Tensor, h: Tensor) -> Tensor:
    """The state before each step: the first one, then h without its end."""
    return torch.cat([state.unsqueeze(1), h[:, :-1]], 1)


def _rows(x: Tensor) -> Tensor:
    return x[:, None, None, None]
