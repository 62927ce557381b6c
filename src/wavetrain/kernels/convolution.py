"""Causal convolutions: a long kernel by FFT, few taps directly, and the matrix that each of them is."""

import torch
from torch import Tensor
from torch.nn import functional as F


def convolve(x: Tensor, kernel: Tensor) -> Tensor:
    """A causal convolution with a long kernel, by FFT: y_t = sum over k <= t of kernel_k x_{t-k}.

    x is real, (B, T, D); kernel (K, D) has taps for each channel, the present first. Gives y (B, T, D).
    """
    time = x.shape[1]
    taps = min(time, len(kernel))
    size = 1 << (time + taps - 2).bit_length()  # long enough that nothing comes round again
    spectrum = torch.fft.rfft(x, size, 1) * torch.fft.rfft(kernel[:taps], size, 0)
    return torch.fft.irfft(spectrum, size, 1)[:, :time]


def dilated(x: Tensor, past: Tensor, kernel: Tensor, dilation: int = 1) -> tuple[Tensor, Tensor]:
    """A causal convolution with few taps: y_t = sum over k of kernel[..., k] x_{t - k dilation}.

    x is (B, T, I) and past (B, S, I) the S = (K - 1) dilation steps before it, oldest first; kernel is
    (O, I / G, K), G groups as in `torch.nn.Conv1d`, the present first. Gives y (B, T, O) and the next past.
    """
    whole = torch.cat([past, x], 1)  # (B, S + T, I)
    groups = whole.shape[-1] // kernel.shape[1]
    y = F.conv1d(whole.mT, kernel.flip(-1), dilation=dilation, groups=groups).mT
    return y, whole[:, x.shape[1] :]


def toeplitz(kernel: Tensor) -> Tensor:
    """The matrix of a causal convolution: kernel (..., T) gives [t, s] = kernel[t - s], (..., T, T)."""
    step = torch.arange(kernel.shape[-1], device=kernel.device)
    return kernel[..., (step[:, None] - step).clamp(min=0)].tril()
