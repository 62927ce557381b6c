"""SiLU of a causal convolution with few taps in each channel, as it stands before many recurrences."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import precision
from wavetrain.errors import BadInput
from wavetrain.scan._twice import again
from wavetrain.scan.convolution import grouped
from wavetrain.scan.cpu import host
from wavetrain.scan.haloed import haloed, latest
from wavetrain.scan.operators import Kernel, Walk
from wavetrain.scan.routes import Fast, chosen, kernels, running, took

HAS: tuple[Fast, ...] = ("numba", "triton")


@precision.door
@haloed("short")
def short(
    x: Float[Tensor, "batch time channels"],
    past: Float[Tensor, "batch past channels"],
    weight: Float[Tensor, "channels taps"],
    bias: Float[Tensor, "channels"] | None = None,
) -> tuple[Float[Tensor, "batch time channels"], Float[Tensor, "batch past channels"]]:
    """SiLU of a causal convolution with few taps in each channel: y_t = SiLU(sum_k weight_k x_{t-k} + bias).

    `past` are the K - 1 steps before x, oldest first; the K taps of `weight` have the present first. Returns
    y and the next past.

    >>> from wavetrain.scan import short
    >>> x, past = torch.randn(2, 50, 3), torch.zeros(2, 3, 3)
    >>> y, past = short(x, past, torch.randn(3, 4))  # four taps for each of three channels
    >>> y.shape, torch.equal(past, x[:, -3:])
    (torch.Size([2, 50, 3]), True)
    """
    _check(x, past, weight, bias)
    shift = x.new_zeros(len(weight)) if bias is None else bias
    if chosen(x, past, weight, shift, time=x.shape[1], has=HAS):
        return _walk(x, past, weight, shift), latest(past, x)
    took("short", "plain")
    return _plain(x, past, weight, bias), latest(past, x)


def _plain(x: Tensor, past: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """y by PyTorch's convolution: the definition."""
    y = grouped(x, past, weight.unsqueeze(1), 1)
    return F.silu(y if bias is None else y + bias)


def _check(x: Tensor, past: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Raise for what `scan.short` cannot take."""
    if x.ndim != 3 or x.shape[1] == 0:
        raise BadInput(
            f"short: expected x (batch, time, channels) with at least one step, got {tuple(x.shape)}"
        )
    batch, _, width = x.shape
    if weight.ndim != 2 or len(weight) != width or weight.shape[1] == 0:
        raise BadInput(f"short: expected weight ({width}, taps), got {tuple(weight.shape)}")
    if past.shape != (batch, weight.shape[1] - 1, width):
        raise BadInput(f"short: expected past {(batch, weight.shape[1] - 1, width)}, got {tuple(past.shape)}")
    if bias is not None and bias.shape != (width,):
        raise BadInput(f"short: expected bias ({width},), got {tuple(bias.shape)}")
    kinds = {given.dtype for given in (x, past, weight, bias) if given is not None}
    if len(kinds) > 1 or x.is_complex():
        raise BadInput(f"short: expected real tensors of one dtype, got {sorted(map(str, kinds))}")


def _forward(x: Tensor, past: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """y by the kernel of the device, from x, past, weight (E, K) and bias (E), in one dtype."""
    took("short", running(x))
    if running(x) == "triton":
        found: Tensor = kernels("short", x).forward(x, past, weight, bias)
        return found
    from wavetrain.scan.cpu.short import forward

    y = host.fresh(x.shape, x.dtype)
    arrays = [*host.rows(x), *(host.array(part) for part in (past, weight.t(), bias)), y.numpy()]
    work = x.numel() * (weight.shape[1] + 8)
    host.spread(lambda piece: forward(*arrays, *piece), _tiles(x), work)
    return y


def _like_forward(x: Tensor, past: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return x.new_empty(x.shape)


def _backward(
    x: Tensor, past: Tensor, weight: Tensor, bias: Tensor, grad: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of x, past, weight and bias."""
    if running(x) == "triton":
        back = kernels("short", x).backward
        found: tuple[Tensor, Tensor, Tensor, Tensor] = back(x, past, weight, bias, grad)
        return found
    from wavetrain.scan.cpu.short import backward

    dx, dpast = host.fresh(x.shape, x.dtype), host.fresh(past.shape, x.dtype)
    dweight, dbias = x.new_empty(len(x), *weight.t().shape), x.new_empty(len(x), len(weight))
    inputs = [*host.rows(x), *(host.array(part) for part in (past, weight.t(), bias, grad))]
    arrays = [*inputs, *(part.numpy() for part in (dx, dpast, dweight, dbias))]
    work = x.numel() * (2 * weight.shape[1] + 8)
    host.spread(lambda piece: backward(*arrays, *piece), _tiles(x), work)
    return dx, dpast, dweight.sum(0).t(), dbias.sum(0)


def _like_backward(
    x: Tensor, past: Tensor, weight: Tensor, bias: Tensor, grad: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    dweight = weight.new_empty(weight.t().shape).t()
    return x.new_empty(x.shape), past.new_empty(past.shape), dweight, bias.new_empty(bias.shape)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _gradient(ctx: Any, back: Callable[..., Any], grad: Tensor) -> tuple[Tensor | None, ...]:
    if torch.is_grad_enabled():
        return again(_plain, ctx.saved_tensors, (grad,))
    of: tuple[Tensor | None, ...] = back(*ctx.saved_tensors, grad)
    return of


def _tiles(x: Tensor) -> list[tuple[int, int, int, int]]:
    """The pieces of a walk over x (B, T, E): (first, end) sequence and (left, right) channel."""
    from wavetrain.scan.cpu.short import TILE

    return host.tiles(len(x), x.shape[2], TILE // x.element_size())


_walk = Kernel(
    "short", Walk(_forward, _like_forward), Walk(_backward, _like_backward), keep=_keep, gradient=_gradient
)
