"""The softmax scan: at each step the mean of all values so far, weighted by exponentials of their scores."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import across, precision
from wavetrain.errors import BadInput
from wavetrain.scan._twice import again
from wavetrain.scan.chunked import chunked
from wavetrain.scan.operators import Kernel, Walk
from wavetrain.scan.over_slices import so_far
from wavetrain.scan.routes import asked_for_plain, chosen, kernels, took

WIDEST = 512  # channels of a head that a program of the GPU holds

Sums = tuple[Tensor, Tensor, Tensor]  # the highest score, the sum of weights, and that of weighted values


@precision.door
def softmax(
    score: Float[Tensor, "batch time heads"],
    v: Float[Tensor, "batch time heads channels"],
    state: tuple[
        Float[Tensor, "batch heads"], Float[Tensor, "batch heads"], Float[Tensor, "batch heads channels"]
    ],
) -> tuple[
    Float[Tensor, "batch time heads channels"],
    tuple[Float[Tensor, "batch heads"], Float[Tensor, "batch heads"], Float[Tensor, "batch heads channels"]],
]:
    """The means y_t = sum_{s <= t} exp(score_s) v_s / sum_{s <= t} exp(score_s), and the next state.

    The state is m, the highest score so far, c = sum_s exp(score_s - m) and a = sum_s exp(score_s - m) v_s.
    It starts from minus infinity, 0 and 0, and no exponent is above zero. A score of minus infinity masks its
    step; y is 0 as long as all are masked. On a GPU it is one walk; elsewhere m is a running maximum, and c
    and a are a matrix state of one row that decays by exp(m_{t-1} - m_t).

    Raises BadInput for shapes that do not go together.

    >>> from wavetrain.scan import softmax
    >>> score, v = torch.zeros(1, 3, 1), torch.tensor([3.0, 1.0, 2.0]).reshape(1, 3, 1, 1)
    >>> none = torch.zeros(1, 1)
    >>> y, state = softmax(score, v, (none - torch.inf, none, none[..., None]))
    >>> y.flatten()  # all scores are alike: the mean so far
    tensor([3., 2., 2.])
    """
    _check(score, v, state)
    whole = across.slices() is None and v.shape[-1] <= WIDEST
    if whole and chosen(score, v, *state, time=score.shape[1], has=("triton",)):
        y, m, c, a, _, _ = _walk(score, v, *state)
        return y, (m, c, a)
    if asked_for_plain():
        took("softmax", "plain")
    y, m, c, a = _summed(score, v, *state)
    return y, (m, c, a)


def finite(m: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """The highest scores (...,), for a difference to them: 0 where nothing but minus infinity has come."""
    return m.masked_fill(m == -torch.inf, 0.0)


def mean(a: Float[Tensor, "*axes channels"], c: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes channels"]:
    """The weighted sums a (..., P) over the sums of weights c (...,); 0 where there is no weight."""
    return a / c.masked_fill(c == 0, 1.0).unsqueeze(-1)


def _summed(score: Tensor, v: Tensor, highest: Tensor, total: Tensor, mixed: Tensor) -> tuple[Tensor, ...]:
    """y and the next m, c and a, by a running maximum and a linear recurrence."""
    highest, top = so_far("aaren", highest, lambda: score.amax(1), torch.maximum)
    m = torch.maximum(highest.unsqueeze(1), score.cummax(1).values)
    top_so_far = finite(m)
    log_decay = torch.cat([highest.unsqueeze(1), m[:, :-1]], 1) - top_so_far
    weight = (score - top_so_far).exp()[..., None]  # (B, T, H, 1), a key of one channel
    first = torch.cat([mixed, total.unsqueeze(-1)], -1).unsqueeze(-2)  # (B, H, 1, P + 1)
    sums, last = chunked(
        torch.ones_like(weight), weight, F.pad(v, (0, 1), value=1.0), log_decay[..., None], first
    )
    y = mean(sums[..., :-1], sums[..., -1])
    return y, m[:, -1] if top is None else top, last[:, :, 0, -1], last[:, :, 0, :-1]


def _check(score: Tensor, v: Tensor, state: Sums) -> None:
    """Raise for what `scan.softmax` cannot take."""
    if v.ndim != 4 or v.shape[1] == 0:
        raise BadInput(
            f"softmax: expected v (batch, time, heads, channels) with at least one step, got {tuple(v.shape)}"
        )
    batch, _, heads, width = v.shape
    names = ("score", "m", "c", "a")
    shapes = (v.shape[:3], (batch, heads), (batch, heads), (batch, heads, width))
    for name, part, shape in zip(names, (score, *state), shapes, strict=True):
        if part.shape != shape:
            raise BadInput(f"softmax: expected {name} {tuple(shape)}, got {tuple(part.shape)}")


def _forward(
    score: Tensor, v: Tensor, highest: Tensor, total: Tensor, mixed: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """y, the next m, c and a, the logarithms of the sums of weights, and the step of the highest score."""
    took("softmax", "triton")
    found: tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor] = kernels("softmax", v).forward(
        score, v, highest, total, mixed
    )
    return found


def _like_forward(
    score: Tensor, v: Tensor, highest: Tensor, total: Tensor, mixed: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    m, c, a = (part.new_empty(part.shape) for part in (highest, total, mixed))
    place = highest.new_empty(highest.shape, dtype=torch.int32)
    return v.new_empty(v.shape), m, c, a, total.new_empty(score.shape), place


def _backward(
    score: Tensor,
    v: Tensor,
    highest: Tensor,
    total: Tensor,
    mixed: Tensor,
    y: Tensor,
    m: Tensor,
    c: Tensor,
    a: Tensor,
    logs: Tensor,
    place: Tensor,
    grad: Tensor,
    grad_m: Tensor,
    grad_c: Tensor,
    grad_a: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of score, v, m, c and a."""
    found: tuple[Tensor, Tensor, Tensor, Tensor, Tensor] = kernels("softmax", v).backward(
        (score, v, highest, total, mixed), (y, m, c, a, logs, place), (grad, grad_m, grad_c, grad_a)
    )
    return found


def _like_backward(
    score: Tensor,
    v: Tensor,
    highest: Tensor,
    total: Tensor,
    mixed: Tensor,
    y: Tensor,
    m: Tensor,
    c: Tensor,
    a: Tensor,
    logs: Tensor,
    place: Tensor,
    grad: Tensor,
    grad_m: Tensor,
    grad_c: Tensor,
    grad_a: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    dscore, dv, dm, dc, da = (part.new_empty(part.shape) for part in (score, v, highest, total, mixed))
    return dscore, dv, dm, dc, da


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.mark_non_differentiable(*output[4:])
    ctx.save_for_backward(*inputs, *output)


def _gradient(ctx: Any, back: Callable[..., Any], *grads: Tensor) -> tuple[Tensor | None, ...]:
    saved, come = ctx.saved_tensors, grads[:4]
    if torch.is_grad_enabled():
        return again(_summed, saved[:5], come)
    of: tuple[Tensor | None, ...] = back(*saved, *come)
    return of


_walk = Kernel(
    "softmax", Walk(_forward, _like_forward), Walk(_backward, _like_backward), keep=_keep, gradient=_gradient
)
