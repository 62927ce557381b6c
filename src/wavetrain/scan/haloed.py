"""How a convolution with few taps runs over slices of time: the steps before a slice come from earlier ranks.

Each rank sends its last steps, as many as the convolution looks back, or all that it has; where slices are
short, the steps before one are put together from several ranks, and from the first past. They are copied and
nothing is computed, so outputs have the bits of one process. Gradients of these steps go back the same way.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import torch
from jaxtyping import Inexact
from torch import Tensor

from wavetrain.core import across
from wavetrain.errors import BadInput
from wavetrain.scan.over_slices import Pair, agreed, anchor, mark, without_graph
from wavetrain.scan.routes import recorded, took, whole

P = ParamSpec("P")


def latest(
    past: Inexact[Tensor, "batch past inputs"], x: Inexact[Tensor, "batch time inputs"]
) -> Inexact[Tensor, "batch past inputs"]:
    """The last steps of past and x together, as many as past has."""
    time, before = x.shape[1], past.shape[1]
    if torch.compiler.is_compiling():  # the same without a question of the length
        return torch.cat([past, x], 1)[:, time:]
    return torch.cat([past, x[:, max(0, time - before) :]], 1)[:, min(time, before) :]


def haloed(name: str) -> Callable[[Callable[P, Pair]], Callable[P, Pair]]:
    """Put around a convolution that takes `x` and `past`, and gives y and the next past."""

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

            def run(past: Tensor) -> Pair:
                changed = {**given, "past": past}
                return function(*changed.values())  # type: ignore[call-arg]

            return _over(slices, name, run, given["x"], given["past"])

        return door

    return put


def steps_before(name: str, x: Tensor, past: Tensor) -> Pair:
    """As many steps before x as `past` has, and the last ones at its end.

    The first are `past` itself, unless x is a slice of `across_time`; the last are then those of all slices.
    """
    slices = across.slices()
    if slices is None:
        return past, latest(past, x)
    return _over(slices, name, lambda window: (window, window), x, past)


@whole
def _over(slices: across.Slices, name: str, run: Callable[[Tensor], Pair], x: Tensor, past: Tensor) -> Pair:
    """The first of what `run` makes of the steps before this slice, and the last steps of all slices."""
    slices.begin(name)
    before = past.shape[1] if past.ndim == 3 else 0
    try:
        if (
            x.ndim != 3
            or x.shape[1] == 0
            or past.shape != (len(x), before, x.shape[2])
            or x.dtype != past.dtype
        ):
            with slices.apart():
                run(past)
            raise BadInput(
                f"{name}: expected x (batch, time, channels) with at least one step, and a past of its type, "
                f"got {tuple(x.shape)} of {x.dtype} and {tuple(past.shape)} of {past.dtype}"
            )
    except Exception as error:
        slices.agree(name, error=error)
        raise
    said = f"{name} with a past {tuple(past.shape)} of {past.dtype}"
    wants, lengths = agreed(slices, said, [x, past], x.shape[1])
    call = _Call(slices, f"{name}, call {slices.calls}", lengths)
    tail = x[:, max(0, x.shape[1] - before) :]
    if before == 0:
        window = last = past
    elif wants:
        window, last = _Windows.apply(anchor(), tail, past, call)
    else:
        window, last = _exchanged(call, tail, past)
    with slices.apart(), recorded() as routes:
        y, _ = run(window)
    with slices.apart():
        took(name, f"{routes.get(name, 'plain')}, {slices.many} slices")
    return y, last


class _Call:
    """A convolution over slices of these lengths."""

    def __init__(self, slices: across.Slices, name: str, lengths: Sequence[int]):
        self.slices, self.name, self.lengths = slices, name, lengths


def _exchanged(call: _Call, tail: Tensor, past: Tensor) -> Pair:
    """The steps before this slice, and the last steps of all."""
    slices = call.slices
    with slices.exchange():
        (sent,) = slices.gather(latest(past if slices.rank == 0 else torch.zeros_like(past), tail))
    after = _after(sent, call.lengths)
    return after[slices.rank - 1] if slices.rank else past.clone(), after[-1]


def _after(sent: Sequence[Tensor], lengths: Sequence[int]) -> list[Tensor]:
    """The last steps after each slice: of each rank's `sent`, as many as it has are its own."""
    found = [sent[0]]
    for own, time in zip(sent[1:], lengths[1:], strict=True):
        found.append(latest(found[-1], own[:, max(0, own.shape[1] - time) :]))
    return found


class _Windows(torch.autograd.Function):
    """`_exchanged`, with gradients that go back to the ranks that the steps came from."""

    @staticmethod
    def forward(ctx: Any, anchor: Tensor, tail: Tensor, past: Tensor, call: _Call) -> Pair:
        ctx.call, ctx.none, ctx.own = call, torch.zeros_like(past), tail.shape[1]
        ctx.set_materialize_grads(False)
        mark(ctx)
        return _exchanged(call, tail, past)

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_last: Tensor | None) -> tuple[Tensor | None, ...]:
        call, none = ctx.call, ctx.none
        slices = call.slices
        without_graph(slices, call.name)
        with slices.exchange():
            windows, lasts = slices.gather(*(none if one is None else one for one in (grad, grad_last)))
        towards = [*windows[1:], functools.reduce(torch.add, lasts)]
        with torch.enable_grad():
            sent = [none.clone().requires_grad_() for _ in windows]
            after = _after(sent, call.lengths)
        # what is sent by rank 0 begins with its past, and that of the others with nothing
        (own,) = torch.autograd.grad(after, sent[slices.rank], towards, allow_unused=True)
        own = none if own is None else own
        kept = none.shape[1] - ctx.own  # steps of the past that are still among those sent
        of_past = None
        if slices.rank == 0:
            of_past = windows[0].clone()
            of_past[:, ctx.own :] += own[:, :kept]
        return None, own[:, kept:], of_past, None
