"""The two ends of a recurrence: the linear map that drives it, and its last step alone.

Their results and gradients are as large as the whole sequence, so they lie in memory that is used again.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Inexact
from torch import Tensor
from torch.nn import functional as F

from wavetrain.scan.cpu import host
from wavetrain.scan.routes import fast, on_cpu


def affine(
    x: Inexact[Tensor, "*axes inputs"],
    weight: Inexact[Tensor, "width inputs"],
    bias: Inexact[Tensor, "width"],
) -> Inexact[Tensor, "*axes width"]:
    """The drive of a recurrence from its input: weight x_t + bias.

    `torch.nn.functional.linear` with its large results, values and gradients, in memory that is used again;
    where inputs are few and the result is large, by a kernel that touches the result once.

    >>> from wavetrain.scan import affine
    >>> affine(torch.ones(1, 2, 3), torch.ones(4, 3), torch.zeros(4))
    tensor([[[3., 3., 3., 3.],
             [3., 3., 3., 3.]]])
    """
    compiled = torch.compiler.is_compiling()  # which sees to the memory itself
    if not compiled and on_cpu(x, weight, bias) and x.dtype == weight.dtype == bias.dtype:
        return _Affine.apply(x, weight, bias)
    return F.linear(x, weight, bias)


def final(y: Inexact[Tensor, "batch time width"]) -> Inexact[Tensor, "batch width"]:
    """The last step of y, as y[:, -1], with the gradient of y in memory that is used again.

    >>> from wavetrain.scan import final
    >>> final(torch.arange(6.0).reshape(1, 3, 2))
    tensor([[4., 5.]])
    """
    kept = not torch.compiler.is_compiling() and on_cpu(y)
    return _Final.apply(y) if kept else y[:, -1]


INPUTS = 4  # at most: with more, a matrix product is as fast
LARGE = 1 << 22  # numbers from which a result lies in memory; less is in a cache, where a product does well


class _Affine(torch.autograd.Function):
    """The CPU route of `scan.affine`: x (B, T, I), weight (D, I), bias (D) to (B, T, D)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        y = host.fresh((*x.shape[:-1], len(weight)), x.dtype)
        if _narrow(x, y):
            _fill(x.flatten(0, -2), weight, bias, y.view(-1, len(weight)))
        else:
            torch.addmm(bias, x.flatten(0, -2), weight.t(), out=y.view(-1, len(weight)))
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        rows = grad.flatten(0, -2)  # (B T, D)
        dx = (rows @ weight.conj()).view(x.shape) if ctx.needs_input_grad[0] else None
        if _narrow(x, grad) and not torch.is_grad_enabled():
            return dx, *_sums(rows, x.flatten(0, -2))
        return dx, rows.t() @ x.flatten(0, -2).conj(), rows.sum(0)


def _narrow(x: Tensor, y: Tensor) -> bool:
    """Whether y, as large as the result, is large, made of few inputs, and our kernels can be taken."""
    few, large = 1 <= x.shape[-1] <= INPUTS, y.numel() >= LARGE
    return few and large and not y.is_complex() and fast(x, y)


def _fill(x: Tensor, weight: Tensor, bias: Tensor, rows: Tensor) -> None:
    """Write weight x + bias into rows (R, D)."""
    from wavetrain.scan.cpu.drive import forward

    arrays = [host.array(x), host.array(weight.t()), host.array(bias), rows.numpy()]
    host.spread(lambda part: forward(*arrays, *part), host.parts(len(x), 32), rows.numel())


def _sums(rows: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of weight (D, I) and bias (D) from those of the result, rows (R, D), and x (R, I)."""
    from wavetrain.scan.cpu.drive import gradients

    parts = host.parts(len(x), 32)  # summed part by part and in order, so that threads do not change the sum
    sums = np.zeros((len(parts), x.shape[1] + 1, rows.shape[1]), host.array(x).dtype)
    arrays = [host.array(rows), host.array(x), (0,) * x.shape[1]]
    pieces = list(zip(sums, parts, strict=True))
    host.spread(lambda piece: gradients(*arrays, piece[0], *piece[1]), pieces, rows.numel())
    total = torch.from_numpy(sums.sum(0))
    return total[:-1].t().contiguous(), total[-1]


class _Final(torch.autograd.Function):
    """The CPU route of `scan.final`: y (B, T, D) to (B, D)."""

    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        ctx.shape = y.shape
        return y[:, -1].clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        if torch.is_grad_enabled():  # the gradient has a graph of its own
            return torch.cat(
                [grad.new_zeros(len(grad), ctx.shape[1] - 1, ctx.shape[2]), grad.unsqueeze(1)], 1
            )
        whole = host.fresh(ctx.shape, grad.dtype).zero_()
        whole[:, -1] = grad
        return whole
