"""How a recurrence runs over slices of time on several ranks: only states go from rank to rank.

A recurrence that is linear in its state, S_t = M_t S_{t-1} + b_t with M_t diagonal, or one matrix at all
steps, is handed on (`handed_on` round a door, `in_slices` elsewhere). Rank r has the steps of its slice, and

    E_r    its last state from zero, by a walk; on rank 0 from the first state, so that it is the true one
    M_r    the product of its decays, by which the slice passes a state on

are gathered, S_r = M_r S_{r-1} + E_r leads to the state before each slice, and it is walked from there.
What comes back runs the same way from the end. The gradient of the state before slice r from the outputs of
slice r alone, D_r, is gathered; G_{r-1} = D_r + conj(M_r) G_r leads to the gradient of the state after each
slice, and the slice is gone back through from there. So each slice is walked twice in each direction, and
nothing is divided by a decay, and no walk is mended by adding to it: all outputs and gradients are those
of the recurrence itself from the right state.

On two ranks the second begins at the very state that the first ends with, and all outputs have the bits of
one process; on more, rounding in the sums that lead to a middle slice differs from that of a single walk.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

import torch
from torch import Tensor

from wavetrain.core import across, transforms
from wavetrain.errors import BadInput
from wavetrain.scan.routes import recorded, took, whole

P = ParamSpec("P")
R = TypeVar("R")


class Passing(NamedTuple):
    """How a slice passes on a state: times `kept`, which may be broadcast; not at all where it is `cut`."""

    kept: Tensor
    cut: Tensor | None = None  # (B,) of bool: whether the state is dropped somewhere in the slice
    matrix: bool = False  # whether `kept` is one, (..., N, N), for the last axis of the state

    def on(self, state: Tensor, end: Tensor) -> Tensor:
        """The state after the slice, from that before it and `end`, where a start from zero leads."""
        passed = (self.kept @ state.unsqueeze(-1)).squeeze(-1) if self.matrix else self.kept * state
        return self._unless_cut(end + passed, end)

    def back(self, grad: Tensor, own: Tensor) -> Tensor:
        """The gradient of the state before the slice, from that of the state after it and of its outputs."""
        passed = (self.kept.mH @ grad.unsqueeze(-1)).squeeze(-1) if self.matrix else self.kept.conj() * grad
        return self._unless_cut(own + passed, own)

    def _unless_cut(self, state: Tensor, end: Tensor) -> Tensor:
        if self.cut is None:
            return state
        return torch.where(self.cut.view(-1, *[1] * (state.ndim - 1)), end, state)


Pair = tuple[Tensor, Tensor]


def handed_on(name: str, passing: Callable[..., Passing]) -> Callable[[Callable[P, Pair]], Callable[P, Pair]]:
    """Put around a recurrence that takes `state` and gives y and the last state.

    `passing` takes what the recurrence takes, in the same order.
    """

    def put(function: Callable[P, Pair]) -> Callable[P, Pair]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def door(*args: P.args, **kwargs: P.kwargs) -> Pair:
            slices = across.slices()
            if slices is None:
                return function(*args, **kwargs)
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = bound.arguments

            def run(state: Tensor | None) -> Pair:
                changed = {**given, "state": state}
                return function(*changed.values())  # type: ignore[call-arg]

            tensors = [part for part in given.values() if isinstance(part, Tensor)]
            return _over(slices, name, run, lambda: passing(*given.values()), given["state"], tensors)

        return door

    return put


def in_slices(
    name: str,
    run: Callable[[Tensor | None], Pair],
    passing: Callable[[], Passing],
    state: Tensor | None,
    tensors: Sequence[Tensor],
) -> Pair:
    """run(state), y and the last state, for what is linear in its state and no door of `scan`.

    Inside `across_time`, `run` gets the state before this slice, and the last state is that of all slices.
    None stands for zero. `tensors` are those through which gradients may go.
    """
    slices = across.slices()
    return run(state) if slices is None else _over(slices, name, run, passing, state, tensors)


@whole
def _over(
    slices: across.Slices,
    name: str,
    run: Callable[[Tensor | None], Pair],
    passing: Callable[[], Passing],
    state: Tensor | None,
    tensors: Sequence[Tensor],
) -> Pair:
    """y of this slice and the last state of all, where `run` takes the state before the slice."""
    slices.begin(name)
    first = slices.rank == 0
    try:
        if transforms.at_work():
            raise BadInput(f"{name}: expected no transform of torch.func inside across_time")
        with slices.apart(), torch.set_grad_enabled(first and torch.is_grad_enabled()), recorded() as routes:
            y, last = run(state if first else None)
        with slices.apart(), torch.no_grad():
            kept, cut, matrix = passing()
        kept = kept.to(last.dtype)
        cut = torch.zeros(len(last), dtype=torch.bool, device=last.device) if cut is None else cut
    except Exception as error:
        slices.agree(name, error=error)
        raise
    said = f"{name} of a state {tuple(last.shape)} of {last.dtype}, passed on by {tuple(kept.shape)}"
    wants, _ = agreed(slices, said, tensors)
    with slices.apart():
        took(name, f"{routes.get(name, 'plain')}, {slices.many} slices")
    with slices.exchange():
        ends, products, cuts = slices.gather(last, kept, cut.to(last.real.dtype))
        passed = [Passing(one, cut != 0, matrix) for one, cut in zip(products, cuts, strict=True)]
        if first:
            before = state
        else:
            before = ends[0]
            for end, one in list(zip(ends, passed, strict=True))[1 : slices.rank]:
                before = one.on(before, end)
            before.requires_grad_(wants)
            with slices.apart(), recorded():
                y, last = run(before)
        final = slices.of_last(last)
    if not wants:
        return y, final
    way = _Way(slices, f"{name}, call {slices.calls}", before, passed)
    return _HandedOn.apply(anchor(), y, last, final, way)


def so_far(
    name: str,
    first: Tensor,
    own: Callable[[], Tensor],
    join: Callable[[Tensor, Tensor], Tensor],
) -> tuple[Tensor, Tensor | None]:
    """What was joined before this slice, from `first` on, and after all slices.

    For running maxima and the like: own() is what the steps of this slice come to, in the shape of `first`.
    Outside of `across_time` the first is `first` itself, and None stands for the other.
    """
    slices = across.slices()
    return (first, None) if slices is None else _joined(slices, name, first, own(), join)


@whole
def _joined(
    slices: across.Slices, name: str, first: Tensor, own: Tensor, join: Callable[[Tensor, Tensor], Tensor]
) -> Pair:
    slices.begin(name)
    wants, _ = agreed(slices, f"{name} of {tuple(own.shape)} of {own.dtype}", [first, own])
    sent = torch.stack([first.to(own.dtype), own])
    if wants:
        everyone = _Gathered.apply(anchor(), sent, slices, f"{name}, call {slices.calls}")
    else:
        with slices.exchange():
            everyone = torch.stack(slices.gather(sent)[0])
    found = [everyone[0, 0]]
    for one in everyone[:, 1]:
        found.append(join(found[-1], one))
    return found[slices.rank], found[-1]


class _Gathered(torch.autograd.Function):
    """What all ranks have, (ranks, ...). The gradient of what one has is the sum over the ranks."""

    @staticmethod
    def forward(ctx: Any, anchor: Tensor, own: Tensor, slices: across.Slices, call: str) -> Tensor:
        ctx.slices, ctx.call = slices, call
        mark(ctx)
        with slices.exchange():
            return torch.stack(slices.gather(own)[0])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        without_graph(ctx.slices, ctx.call)
        with ctx.slices.exchange():
            grads = ctx.slices.gather(grad)[0]
        return None, functools.reduce(torch.add, (one[ctx.slices.rank] for one in grads)), None, None


def agreed(
    slices: across.Slices, call: str, tensors: Sequence[Tensor], number: int = 0
) -> tuple[bool, list[int]]:
    """Whether gradients are wanted on any rank, and the number that each rank has given.

    Where they are wanted, all ranks must be able to go back.
    """
    able = torch.is_grad_enabled()
    wants = able and any(part.requires_grad for part in tensors)
    said = slices.agree(call, wants, able, number)
    wanted = any(one[0] for one in said)
    if wanted and not all(one[1] for one in said):
        rank = next(rank for rank, one in enumerate(said) if not one[1])
        raise BadInput(f"across_time: expected gradients on all ranks or on none, got none on rank {rank}")
    return wanted, [one[2] for one in said]


def mark(ctx: Any) -> None:
    """Keep one tensor more than outside of `across_time`.

    What is checkpointed and run again outside keeps another number of tensors than it did, which PyTorch
    finds; else it would take the slice for a whole sequence and give wrong gradients in silence.
    """
    ctx.save_for_backward(torch.zeros(()))


def anchor() -> Tensor:
    """What makes outputs have a gradient on this rank too, where only others have something to learn."""
    return torch.zeros((), requires_grad=True)


def without_graph(slices: across.Slices, call: str) -> None:
    """All ranks are on the way back of one call, and none of them asks for derivatives of derivatives."""
    asked = torch.is_grad_enabled()
    error = BadInput("across_time: expected gradients without a graph, got create_graph=True")
    slices.agree(f"the gradient of {call}", error=error if asked else None)


class _Way(NamedTuple):
    """What the way back needs."""

    slices: across.Slices
    call: str
    before: Tensor | None  # the state before this slice, from which it was walked
    passed: list[Passing]  # how each slice passes a state on


class _HandedOn(torch.autograd.Function):
    """y as it came, and the last state of all slices in place of that of this one.

    On the way back `last` gets the gradient of the state after this slice, from all later ones.
    """

    @staticmethod
    def forward(ctx: Any, anchor: Tensor, y: Tensor, last: Tensor, final: Tensor, way: _Way) -> Pair:
        ctx.way, ctx.y, ctx.last = way, y, last
        mark(ctx)
        ctx.set_materialize_grads(False)
        return y.view_as(y), final

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_final: Tensor | None) -> tuple[Tensor | None, ...]:
        slices, call, before, passed = ctx.way
        own = None
        try:
            if slices.rank and grad is not None:
                with slices.returning():
                    (own,) = torch.autograd.grad(ctx.y, before, grad, retain_graph=True, allow_unused=True)
        except Exception as error:
            slices.agree(f"the gradient of {call}", error=error)
            raise
        without_graph(slices, call)
        none = torch.zeros_like(ctx.last)
        with slices.exchange():
            returned, towards = slices.gather(
                none if own is None else own, none if grad_final is None else grad_final
            )
            after = functools.reduce(torch.add, towards)
            for grad_before, one in list(zip(returned, passed, strict=True))[: slices.rank : -1]:
                after = one.back(after, grad_before)
        return None, grad, after, None, None
