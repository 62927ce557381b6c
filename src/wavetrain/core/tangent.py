"""The operator of a layer that is not linear in its values: its tangent, the blocks d y_t / d x_s."""

import functools
import warnings
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional as F

from wavetrain.core.state import State, leaves, map_state


def tangent(
    step: Callable[[Tensor, State], tuple[Tensor, State]],
    x: Float[Tensor, "batch time inputs"],
    state: State,
) -> Float[Tensor, "batch time width time inputs"]:
    """The blocks d y_t / d x_s of a causal map given by its step; zero for s > t.

    Forward mode: one tangent for each past step and channel is pushed through time beside the trajectory,
    so the cost is T steps with up to T I tangents each and no Jacobian of the state is ever formed.

    >>> from wavetrain.core import tangent
    >>> step = lambda x, h: (0.5 * h + x,) * 2  # it forgets half at each step
    >>> tangent(step, torch.ones(1, 3, 1), torch.zeros(1, 1))[0, :, 0, :, 0]
    tensor([[1.0000, 0.0000, 0.0000],
            [0.5000, 1.0000, 0.0000],
            [0.2500, 0.5000, 1.0000]])
    """
    _begin_forward_mode()
    batch, time, inputs = x.shape
    basis = torch.eye(inputs, dtype=x.dtype, device=x.device)[:, None].expand(-1, batch, -1)  # (I, B, I)
    blocks: list[Tensor] = []
    moving = [part.new_zeros(0, *part.shape) for part in leaves(state) if _moves(part)]  # (s I, B, ...) each
    for t in range(time):
        dx = torch.cat([basis.new_zeros(t * inputs, batch, inputs), basis])
        moving = [torch.cat([old, old.new_zeros(inputs, *old.shape[1:])]) for old in moving]
        dy, state, moving = _push(step, x[:, t], dx, state, moving)
        dy = dy.unflatten(0, (t + 1, inputs)).permute(2, 3, 0, 1)  # (B, D, t + 1, I)
        blocks.append(F.pad(dy, (0, 0, 0, time - t - 1)))
    return torch.stack(blocks, 1)


@functools.cache
def _begin_forward_mode() -> None:
    """Load PyTorch's formulas for it, some of them by a call of its own that it deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with forward_ad.dual_level():
            forward_ad.make_dual(torch.zeros(()), torch.zeros(()))


def _moves(part: Tensor) -> bool:
    """Whether a part of a state has a tangent: masks and counters have none."""
    return part.is_floating_point() or part.is_complex()


def _push(
    step: Callable[[Tensor, State], tuple[Tensor, State]],
    x: Tensor,
    dx: Tensor,
    state: State,
    moving: list[Tensor],
) -> tuple[Tensor, State, list[Tensor]]:
    """One step with a batch of tangents along the first axis of `dx` and of each part of `moving`."""

    def function(x: Tensor, parts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        given = iter(parts)
        y, after = step(x, map_state(lambda part: next(given) if _moves(part) else part, state))
        return y, [part for part in leaves(after) if _moves(part)]

    def one(dx: Tensor, dparts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        still = [part for part in leaves(state) if _moves(part)]
        return torch.func.jvp(function, (x, still), (dx, dparts))[1]

    dy, moving = torch.func.vmap(one)(dx, moving)
    return dy, step(x, state)[1], moving
