"""Softmax attention by PyTorch's fused kernels, with the second derivatives and forward mode they lack."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import precision
from wavetrain.scan._twice import again
from wavetrain.scan.routes import took, written_out


def attention(
    q: Float[Tensor, "batch heads time keys"],
    k: Float[Tensor, "batch heads past keys"],
    v: Float[Tensor, "batch heads past values"],
    mask: Bool[Tensor, "*axes time past"] | None = None,
    scale: float | None = None,
) -> Float[Tensor, "batch heads time values"]:
    """Softmax attention: y_t = sum_s softmax_s(scale q_t . k_s) v_s, over the steps that t may read.

    `mask` is true where t may read s, for all sequences and heads or for each; left out, s up to t. `scale`
    is 1 / sqrt(keys) where left out.

    >>> from wavetrain.scan import attention
    >>> q = k = torch.zeros(1, 1, 3, 2)  # all keys fit alike
    >>> v = torch.tensor([3.0, 1.0, 2.0]).reshape(1, 1, 3, 1)
    >>> attention(q, k, v).flatten()  # so this is the mean of the past
    tensor([3., 2., 2.])
    """
    if written_out(q, k, v):
        took("attention", "plain")
        return attend(q, k, v, mask, scale)
    took("attention", "torch")
    learns = torch.is_grad_enabled() and any(part.requires_grad for part in (q, k, v))
    if not learns or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return _fused(q, k, v, mask, scale)
    return _Attention.apply(q, k, v, mask, scale)


@precision.door
def attend(
    q: Float[Tensor, "*axes time keys"],
    k: Float[Tensor, "*axes past keys"],
    v: Float[Tensor, "*axes past values"],
    mask: Bool[Tensor, "*masked time past"] | None,
    scale: float | None,
) -> Float[Tensor, "*axes time values"]:
    """The definition of `attention`, with any axes in front of time.

    >>> from wavetrain.scan import attend
    >>> q, k = torch.zeros(3, 2), torch.zeros(3, 2)  # all keys fit alike
    >>> v = torch.tensor([[3.0], [1.0], [2.0]])
    >>> attend(q, k, v, torch.ones(3, 3).tril().bool(), 1.0).flatten()
    tensor([3., 2., 2.])
    """
    fit = q @ k.mT * (q.shape[-1] ** -0.5 if scale is None else scale)
    if mask is None:
        mask = torch.ones(fit.shape[-2:], dtype=torch.bool, device=q.device).tril()
    return fit.masked_fill(~mask, -torch.inf).softmax(-1) @ v


def _fused(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float | None) -> Tensor:
    """The same by PyTorch's kernel."""
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None, scale=scale)


class _Attention(torch.autograd.Function):
    """`_fused`, whose gradient is that of the kernel, and that of `attend` where it must have a graph."""

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float | None
    ) -> Tensor:
        ctx.scale = scale
        ctx.save_for_backward(q, k, v, mask)
        with torch.enable_grad():  # a graph of the kernel alone, which backward walks
            inner = tuple(part.detach().requires_grad_(part.requires_grad) for part in (q, k, v))
            y = _fused(inner[0], inner[1], inner[2], mask, scale)
        ctx.inner = y, inner
        return y.detach()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, mask = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *again(lambda q, k, v: attend(q, k, v, mask, ctx.scale), (q, k, v), (grad,)), None, None
        y, inner = ctx.inner
        wanted = [part for part in inner if part.requires_grad]
        found = iter(torch.autograd.grad(y, wanted, grad, retain_graph=True))
        return *(next(found) if part.requires_grad else None for part in inner), None, None
