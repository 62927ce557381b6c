"""The recurrence of matrices, by matrix products in chunks of time."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import precision
from wavetrain.errors import BadInput
from wavetrain.scan._twice import again
from wavetrain.scan.operators import Kernel, Walk
from wavetrain.scan.over_slices import Passing, handed_on
from wavetrain.scan.routes import HALF, asked_for_plain, chosen, took

SIZE = 64  # steps of a chunk, where nothing else is asked for
FEW = 8  # such steps on the CPU with a decay for each row: their weights are no matrix product


def _passing(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, state: Tensor | None, size: int | None
) -> Passing:
    """How the state before q stands in that after it."""
    return Passing(precision.wide(log_decay).sum(1).exp().unsqueeze(-1))


@handed_on("chunked", _passing)
def chunked(
    q: Float[Tensor, "batch time heads keys"],
    k: Float[Tensor, "batch time heads keys"],
    v: Float[Tensor, "batch time heads values"],
    log_decay: Float[Tensor, "batch time heads keys"] | Float[Tensor, "batch time heads 1"],
    state: Float[Tensor, "batch heads keys values"] | None = None,
    size: int | None = None,
) -> tuple[Float[Tensor, "batch time heads values"], Float[Tensor, "batch heads keys values"]]:
    """The recurrence of matrices S_t = decay_t S_{t-1} + k_t v_t', read as y_t = q_t' S_t.

    log_decay has a rate for each row of S, or one for all; minus infinity forgets at once. `state` is S_0,
    zero where left out. Returns y and the last S. Time is cut into chunks of `size` steps: inside them matrix
    products, from one to the next the state alone, so that work grows with T size and no S_t is kept.
    `mixing` gives the weights from step to step. Where no size is given it is 64; with a rate for each row,
    whose weights take work and memory of T size K, it is 8 on the CPU.

    >>> from wavetrain.scan import chunked
    >>> q = k = torch.ones(1, 4, 1, 1)
    >>> v, log_decay = torch.ones(1, 4, 1, 1), torch.full((1, 4, 1, 1), 0.5).log()
    >>> y, state = chunked(q, k, v, log_decay)
    >>> y.flatten(), state.flatten()  # it forgets half at each step
    (tensor([1.0000, 1.5000, 1.7500, 1.8750]), tensor([1.8750]))
    """
    _check(q, k, v, log_decay, state)
    if v.dtype in HALF and _by_kernel(q, k, v):  # halves as they come
        if state is None:
            state = v.new_zeros(len(k), *k.shape[2:], v.shape[-1], dtype=torch.float32)
        return _walk(q, k, v, log_decay, state.float())
    return _wide(q, k, v, log_decay, state, size)


@precision.door
def _wide(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, state: Tensor | None, size: int | None
) -> tuple[Tensor, Tensor]:
    """In the type in which a state is carried."""
    if state is None:
        state = v.new_zeros(len(k), *k.shape[2:], v.shape[-1])
    if asked_for_plain():
        took("chunked", "plain")
        return _plain(q, k, v, log_decay, state)
    if log_decay.dtype == v.dtype and _by_kernel(q, k, v, state):
        return _walk(q, k, v, log_decay, state)
    took("chunked", "matrix products")
    return _products(q, k, v, log_decay, state, _steps(log_decay, size))


def _by_kernel(*tensors: Tensor) -> bool:
    """Whether a GPU's kernel takes them: real, and of one type."""
    one = len({tensor.dtype for tensor in tensors}) == 1 and tensors[0].is_floating_point()
    return one and chosen(*tensors, time=tensors[0].shape[1], has=("triton",)) is not None


@precision.door
def chunked_step(
    q: Float[Tensor, "batch heads keys"],
    k: Float[Tensor, "batch heads keys"],
    v: Float[Tensor, "batch heads values"],
    log_decay: Float[Tensor, "batch heads keys"] | Float[Tensor, "batch heads 1"],
    state: Float[Tensor, "batch heads keys values"],
) -> tuple[Float[Tensor, "batch heads values"], Float[Tensor, "batch heads keys values"]]:
    """One step of `scan.chunked`: all without time; gives y and the next state.

    >>> from wavetrain.scan import chunked_step
    >>> one = torch.ones(1, 1, 1)
    >>> y, state = chunked_step(one, one, one, torch.log(0.5 * one), torch.ones(1, 1, 1, 1))
    >>> y.item(), state.item()
    (1.5, 1.5)
    """
    state = log_decay.exp()[..., None] * state + k[..., :, None] * v[..., None, :]
    return (q[..., None, :] @ state).squeeze(-2), state


@precision.door
def mixing(
    q: Float[Tensor, "*axes time keys"],
    k: Float[Tensor, "*axes time keys"],
    log_decay: Float[Tensor, "*axes time keys"] | Float[Tensor, "*axes time 1"],
) -> Float[Tensor, "*axes time time"]:
    """The weights of `scan.chunked` from step s to step t: q_t' (decay_t ... decay_{s+1}) k_s.

    The logarithms between two steps are summed for each pair: the difference of two long sums would lose
    digits, and minus infinity twice is no number.

    >>> from wavetrain.scan import mixing
    >>> q = k = torch.ones(3, 1)
    >>> mixing(q, k, torch.full((3, 1), 0.5).log())  # half as much at each step back
    tensor([[1.0000, 0.0000, 0.0000],
            [0.5000, 1.0000, 0.0000],
            [0.2500, 0.5000, 1.0000]])
    """
    time = q.shape[-2]
    later = torch.ones(time, time, dtype=torch.bool, device=q.device).tril(-1)[..., None]
    passed = torch.where(later, log_decay.unsqueeze(-2), 0.0).cumsum(-3)  # (..., T, T, K or 1)
    if log_decay.shape[-1] == 1:
        weight = (q @ k.mT) * passed.exp().squeeze(-1)
    else:
        weight = (q.unsqueeze(-2) * passed.exp() * k.unsqueeze(-3)).sum(-1)
    return weight.tril()


def _plain(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """The definition of `scan.chunked`, one step after the other."""
    steps = []
    for query, key, value, rate in zip(*(part.unbind(1) for part in (q, k, v, log_decay)), strict=True):
        y, state = chunked_step(query, key, value, rate, state)
        steps.append(y)
    return torch.stack(steps, 1), state


def _products(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, state: Tensor, size: int
) -> tuple[Tensor, Tensor]:
    """What `scan.chunked` gives, in chunks of `size` steps."""
    time = q.shape[1]
    q, k, v, log_decay = (
        F.pad(part, (0, 0, 0, 0, 0, -time % size)).unflatten(1, (-1, size)).transpose(2, 3)
        for part in (q, k, v, log_decay)
    )  # (B, N, H, C, ...), C steps in each of N chunks; the padding neither adds nor fades
    since = log_decay.cumsum(-2).exp()  # what each step still has of the state before the chunk
    until = F.pad(log_decay[..., 1:, :], (0, 0, 0, 1)).flip(-2).cumsum(-2).flip(-2).exp()
    added = (k * until).mT @ v  # (B, N, H, K, P): what the chunk leaves behind
    before = []
    for left, new in zip(since[..., -1, :, None].unbind(1), added.unbind(1), strict=True):
        before.append(state)
        state = left * state + new
    y = mixing(q, k, log_decay) @ v + (q * since) @ torch.stack(before, 1)  # (B, N, H, C, P)
    return y.transpose(2, 3).flatten(1, 2)[:, :time], state


def _steps(log_decay: Tensor, size: int | None) -> int:
    """The steps of a chunk."""
    if size is None:
        size = FEW if log_decay.shape[-1] > 1 and log_decay.device.type == "cpu" else SIZE
    return min(size, log_decay.shape[1])


def _check(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, state: Tensor | None) -> None:
    """Raise for shapes that `scan.chunked` cannot take."""
    if k.ndim != 4 or k.shape[1] == 0 or q.shape != k.shape:
        raise BadInput(
            "chunked: expected q and k (batch, time, heads, keys) with at least one step, "
            f"got {tuple(q.shape)} and {tuple(k.shape)}"
        )
    batch, time, heads, keys = k.shape
    if v.ndim != 4 or v.shape[:3] != (batch, time, heads):
        raise BadInput(f"chunked: expected v {(batch, time, heads)} and values, got {tuple(v.shape)}")
    if log_decay.shape not in ((batch, time, heads, keys), (batch, time, heads, 1)):
        raise BadInput(
            f"chunked: expected log_decay {tuple(k.shape)} or {(batch, time, heads, 1)}, "
            f"got {tuple(log_decay.shape)}"
        )
    if state is not None and state.shape != (batch, heads, keys, v.shape[3]):
        raise BadInput(
            f"chunked: expected state {(batch, heads, keys, v.shape[3])}, got {tuple(state.shape)}"
        )


def _forward(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """What `chunked` gives, by the kernel of a GPU; q, k and v in one dtype, the state as carried."""
    from wavetrain.scan.gpu.chunked import forward

    took("chunked", "triton")
    return forward(q, k, v, log_decay, state)


def _like_forward(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    return v.new_empty(v.shape), state.new_empty(state.shape)


def _backward(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    state: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of q, k, v, log_decay and state, from those of y and the last state."""
    from wavetrain.scan.gpu.chunked import backward

    return backward(q, k, v, log_decay, state, grad, grad_last)


def _like_backward(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    state: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    dq, dk, dv, dlog, dstate = (part.new_empty(part.shape) for part in (q, k, v, log_decay, state))
    return dq, dk, dv, dlog, dstate


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(*inputs)


def _gradient(
    ctx: Any, back: Callable[..., Any], grad: Tensor | None, grad_last: Tensor | None
) -> tuple[Tensor | None, ...]:
    inputs = ctx.saved_tensors
    if torch.is_grad_enabled():
        wide = [part.to(inputs[-1].dtype) for part in inputs]
        come = None if grad is None else grad.to(inputs[-1].dtype)
        return again(functools.partial(_products, size=_steps(inputs[3], None)), wide, (come, grad_last))
    of: tuple[Tensor, ...] = back(*inputs, grad, grad_last)
    return of


_walk = Kernel(
    "chunked", Walk(_forward, _like_forward), Walk(_backward, _like_backward), keep=_keep, gradient=_gradient
)
