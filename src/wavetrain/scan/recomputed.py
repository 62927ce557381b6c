"""A layer over a long sequence in little memory: a chunk of steps is made again on the way back."""

import contextlib
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Layer, State, leaves, map_state
from wavetrain.core.across import in_one_piece
from wavetrain.errors import BadInput
from wavetrain.scan.routes import whole, written_out


@whole  # what is kept is seen on the way: whether all of x is 0 or 1
def recomputed(
    layer: Layer, x: Float[Tensor, "batch time inputs"], state: State = None, *, chunk: int
) -> tuple[Float[Tensor, "batch time outputs"], State]:
    """What layer(x, state) gives, for which only x and the state before each `chunk` steps are kept.

    On the way back the steps of a chunk are run again. An x in which all is 0 or 1, as spikes are, is kept in
    bytes. So training over T steps keeps T times the inputs, as bytes or as they came, and T / chunk states;
    all else is there for one chunk at a time. Values are those of the layer run chunk by chunk, to the last
    bit, and so are gradients, but for the rounding of their sums over steps. It costs one more run. A layer
    must draw nothing at random, and gradients have no graph of their own.

    Raises BadInput for a chunk below 1, and for what the layer refuses.

    >>> from wavetrain.scan import recomputed
    >>> from wavetrain.spiking import LIF
    >>> layer, x = LIF(8, inputs=3), torch.randn(2, 100, 3)
    >>> y, state = recomputed(layer, x, chunk=25)
    >>> y.equal(layer(x)[0])
    True
    """
    in_one_piece("recomputed")
    if chunk < 1:
        raise BadInput(f"recomputed: expected a chunk of a step or more, got {chunk}")
    layer.check(x)
    state = layer.begin(len(x)) if state is None else state
    learned = [part for part in layer.parameters() if part.requires_grad]
    plain = not torch.is_grad_enabled() or written_out(x, *leaves(state)) or torch.compiler.is_exporting()
    outputs = []
    for piece in x.split(chunk, 1):
        if plain:
            y, state = layer(piece, state)
        else:
            y, *parts = _Chunk.apply(layer, state, piece, *leaves(state), *learned)
            state = _like(state, parts)
        outputs.append(y)
    return torch.cat(outputs, 1), state


def _like(state: State, parts: list[Tensor]) -> State:
    """Tensors in the places of those of a state."""
    rest = iter(parts)
    return map_state(lambda _: next(rest), state)


def _kept(x: Tensor) -> Tensor:
    """Spikes as bytes, anything else as it is."""
    spikes = x.is_floating_point() and bool(((x == 0) | (x == 1)).all())
    return x.detach().to(torch.bool) if spikes else x


class _Chunk(torch.autograd.Function):
    """Some steps of a layer, of which only what they began with is kept."""

    @staticmethod
    def forward(ctx: Any, layer: Layer, state: State, x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        ctx.layer, ctx.many, ctx.dtype = layer, len(leaves(state)), x.dtype
        ctx.state = map_state(lambda _: x.new_empty(0), state)  # its form alone
        kind = x.device.type
        ctx.autocast = kind, torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)
        ctx.save_for_backward(_kept(x), *rest)
        ctx.set_materialize_grads(False)
        y, last = layer(x, state)
        parts = [part.clone() if any(part is one for one in rest) else part for part in leaves(last)]
        whole_numbers = (part for part in parts if not (part.is_floating_point() or part.is_complex()))
        ctx.mark_non_differentiable(*whole_numbers)
        return y, *parts

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise BadInput(
                "recomputed: expected a gradient without a graph, got create_graph=True; run the layer itself"
            )
        x, *rest = ctx.saved_tensors
        parts, learned = rest[: ctx.many], rest[ctx.many :]
        given = [x.to(ctx.dtype), *parts]
        given = [
            part.detach().requires_grad_(need)
            for part, need in zip(given, ctx.needs_input_grad[2:], strict=False)
        ]
        kind, enabled, dtype = ctx.autocast
        with (
            torch.enable_grad(),
            torch.autocast(kind, dtype, enabled=enabled) if enabled else contextlib.nullcontext(),
        ):
            y, last = ctx.layer(given[0], _like(ctx.state, given[1:]))
        pairs = [
            (end, grad)
            for end, grad in zip((y, *leaves(last)), grads, strict=True)
            if grad is not None and end.requires_grad
        ]
        wanted = [part for part in (*given, *learned) if part.requires_grad]
        if not pairs or not wanted:
            return (None,) * (2 + len(given) + len(learned))
        ends, towards = zip(*pairs, strict=True)
        found = iter(torch.autograd.grad(ends, wanted, towards, allow_unused=True))
        return None, None, *(next(found) if part.requires_grad else None for part in (*given, *learned))
