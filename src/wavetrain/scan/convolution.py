"""Causal convolutions: a long kernel by FFT, few taps directly, and the matrix that each of them is."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Inexact, Num
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import precision
from wavetrain.core.across import in_one_piece
from wavetrain.scan._twice import again
from wavetrain.scan.cpu import host
from wavetrain.scan.haloed import haloed, latest
from wavetrain.scan.operators import Kernel, Walk
from wavetrain.scan.routes import fast, took


@precision.door
def convolve(
    x: Float[Tensor, "batch time channels"], kernel: Float[Tensor, "taps channels"]
) -> Float[Tensor, "batch time channels"]:
    """A causal convolution with a long kernel, by FFT: y_t = sum over k <= t of kernel_k x_{t-k}.

    The kernel has taps for each channel, the present first.

    >>> from wavetrain.scan import convolve
    >>> x = torch.tensor([1.0, 0, 0, 2]).reshape(1, 4, 1)
    >>> kernel = torch.tensor([[3.0], [2.0]])  # 3 for the present, 2 for the step before
    >>> convolve(x, kernel).flatten().round()
    tensor([3., 2., 0., 6.])
    """
    in_one_piece("convolve")
    if len(x) == 0:  # FFTs of nothing are refused
        return x * kernel[0]
    time = int(x.shape[1])  # a tensor, under torch.jit.trace
    taps = min(time, len(kernel))
    size = 1 << (time + taps - 2).bit_length()  # long enough that nothing comes round again
    spectrum = torch.fft.rfft(x, size, 1) * torch.fft.rfft(kernel[:taps], size, 0)
    return torch.fft.irfft(spectrum, size, 1)[:, :time]


def toeplitz(kernel: Num[Tensor, "*axes time"]) -> Num[Tensor, "*axes time time"]:
    """The matrix of a causal convolution: [t, s] = kernel[t - s].

    >>> from wavetrain.scan import toeplitz
    >>> toeplitz(torch.tensor([3, 2, 1]))
    tensor([[3, 0, 0],
            [2, 3, 0],
            [1, 2, 3]])
    """
    step = torch.arange(kernel.shape[-1], device=kernel.device)
    return kernel[..., (step[:, None] - step).clamp(min=0)].tril()


@precision.door
@haloed("dilated")
def dilated(
    x: Inexact[Tensor, "batch time inputs"],
    past: Inexact[Tensor, "batch past inputs"],
    kernel: Inexact[Tensor, "width _ taps"],
    dilation: int = 1,
) -> tuple[Inexact[Tensor, "batch time width"], Inexact[Tensor, "batch past inputs"]]:
    """A causal convolution with few taps: y_t = sum over k of kernel[..., k] x_{t - k dilation}.

    `past` are the (K - 1) dilation steps before x, oldest first. The kernel has K taps, the present first,
    for I / G inputs, G groups as in `torch.nn.Conv1d`. Gives y and the next past.

    >>> from wavetrain.scan import dilated
    >>> x, past = torch.arange(1.0, 6).reshape(1, 5, 1), torch.zeros(1, 2, 1)
    >>> y, past = dilated(x, past, torch.tensor([[[0.0, 1.0]]]), dilation=2)
    >>> y.flatten(), past.flatten()  # what was two steps ago, and what comes out next
    (tensor([0., 0., 1., 2., 3.]), tensor([4., 5.]))
    """
    alone = kernel.shape[1] == 1 and len(kernel) == x.shape[-1] and not x.is_complex()
    one = x.dtype == past.dtype == kernel.dtype
    if alone and one and fast(x, past, kernel, time=x.shape[1]):
        return _walk(x, past, kernel.squeeze(1), dilation), latest(past, x)
    took("dilated", "torch")
    return grouped(x, past, kernel, dilation), latest(past, x)


def grouped(
    x: Inexact[Tensor, "batch time inputs"],
    past: Inexact[Tensor, "batch past inputs"],
    kernel: Inexact[Tensor, "width _ taps"],
    dilation: int,
) -> Inexact[Tensor, "batch time width"]:
    """The convolution of `scan.dilated`, by PyTorch."""
    groups = x.shape[-1] // kernel.shape[1]
    return F.conv1d(torch.cat([past, x], 1).mT, kernel.flip(-1), dilation=dilation, groups=groups).mT


def _alone(x: Tensor, past: Tensor, weight: Tensor, gap: int) -> Tensor:
    return grouped(x, past, weight.unsqueeze(1), gap)


def _forward(x: Tensor, past: Tensor, weight: Tensor, gap: int) -> Tensor:
    """y by the kernel of the device, where each channel is by itself: weight (E, K), real, one dtype."""
    from wavetrain.scan.cpu.convolution import forward

    took("dilated", "numba")
    y = host.fresh(x.shape, x.dtype)
    arrays = [*host.rows(x), host.array(past), host.array(weight.t()), gap, y.numpy()]
    parts = host.parts(len(x), 2 * torch.get_num_threads())
    host.spread(lambda part: forward(*arrays, *part), parts, x.numel() * weight.shape[1])
    return y


def _like_forward(x: Tensor, past: Tensor, weight: Tensor, gap: int) -> Tensor:
    return x.new_empty(x.shape)


def _backward(
    x: Tensor, past: Tensor, weight: Tensor, gap: int, grad: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, past and weight."""
    from wavetrain.scan.cpu.convolution import backward

    dx, dpast = host.fresh(x.shape, x.dtype), host.fresh(past.shape, x.dtype)
    dweight = x.new_empty(len(x), *weight.t().shape)
    inputs = [*host.rows(x), host.array(past), host.array(weight.t()), gap, host.array(grad)]
    arrays = [*inputs, *(part.numpy() for part in (dx, dpast, dweight))]
    parts = host.parts(len(x), 2 * torch.get_num_threads())
    host.spread(lambda part: backward(*arrays, *part), parts, 2 * x.numel() * weight.shape[1])
    return dx, dpast, dweight.sum(0).t()


def _like_backward(
    x: Tensor, past: Tensor, weight: Tensor, gap: int, grad: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return x.new_empty(x.shape), past.new_empty(past.shape), weight.new_empty(weight.t().shape).t()


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.gap = inputs
    ctx.save_for_backward(*tensors)


def _gradient(ctx: Any, back: Callable[..., Any], grad: Tensor) -> tuple[Tensor | None, ...]:
    x, past, weight = ctx.saved_tensors
    if torch.is_grad_enabled():
        return *again(
            lambda x, past, weight: _alone(x, past, weight, ctx.gap), (x, past, weight), (grad,)
        ), None
    return *back(x, past, weight, ctx.gap, grad), None


_walk = Kernel(
    "dilated", Walk(_forward, _like_forward), Walk(_backward, _like_backward), keep=_keep, gradient=_gradient
)
