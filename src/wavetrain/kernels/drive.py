"""The ends of a recurrence on CPU: the linear map that drives it, and its last step alone.

Their results and gradients are as large as the whole sequence, so they lie in memory that is used again.
"""

from typing import Any

import torch
from torch import Tensor, nn

from wavetrain.errors import BadInput
from wavetrain.kernels import host


class Affine(torch.autograd.Function):
    """The CPU route of `scan.affine`: x (B, T, I), weight (D, I), bias (D) to (B, T, D)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        y = host.fresh((*x.shape[:-1], len(weight)), x.dtype)
        torch.addmm(bias, x.flatten(0, -2), weight.t(), out=y.view(-1, len(weight)))
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        rows = grad.flatten(0, -2)  # (B T, D)
        dx = (rows @ weight.conj()).view(x.shape) if ctx.needs_input_grad[0] else None
        return dx, rows.t() @ x.flatten(0, -2).conj(), rows.sum(0)


class Final(torch.autograd.Function):
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


def check_dense(x: Tensor, state: Tensor, encode: nn.Linear, recur: nn.Linear) -> None:
    """Raise for what `scan.dense` cannot take."""
    if x.ndim != 3 or x.shape[1] == 0 or x.shape[2] != encode.in_features:
        raise BadInput(
            f"dense: expected x (batch, time, {encode.in_features}) with at least one step, "
            f"got {tuple(x.shape)}"
        )
    width = encode.out_features
    if (recur.in_features, recur.out_features) != (width, width):
        raise BadInput(
            f"dense: expected recur from {width} to {width}, got {recur.in_features} to {recur.out_features}"
        )
    if state.shape != (x.shape[0], width):
        raise BadInput(f"dense: expected state {(x.shape[0], width)}, got {tuple(state.shape)}")
