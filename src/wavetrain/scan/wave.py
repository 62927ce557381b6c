"""The recurrence of waves: a circular convolution of the state on rings, and an activation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Inexact
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import precision, unroll
from wavetrain.core.windows import sliding
from wavetrain.errors import BadInput
from wavetrain.scan.activation import Activation
from wavetrain.scan.cpu import host
from wavetrain.scan.operators import Kernel, Walk
from wavetrain.scan.routes import Fast, chosen, kernels, running, took


@precision.door
def wave(
    drive: Inexact[Tensor, "batch time channels positions"],
    kernel: Inexact[Tensor, "channels channels taps"],
    state: Inexact[Tensor, "batch channels positions"] | None = None,
    activation: Activation = Activation.RELU,
) -> tuple[Inexact[Tensor, "batch time channels positions"], Inexact[Tensor, "batch channels positions"]]:
    """The recurrence h_t = act(kernel * h_{t-1} + drive_t) on rings, * the circular convolution.

    Each channel is a ring of N positions. The kernel has K taps, an odd number, as in `torch.nn.Conv1d`:
    out[o, i] = sum over c, k of kernel[o, c, k] h[c, (i + k - K // 2) mod N]. `state` is h_0, zero where left
    out. Returns h and its last step.

    >>> from wavetrain.scan import wave
    >>> kernel = torch.tensor([[[0.0, 0, 1]]])  # each place takes what its neighbour had
    >>> drive = torch.zeros(1, 3, 1, 4)
    >>> drive[0, 0, 0, 0] = 1
    >>> wave(drive, kernel)[0][0, :, 0].int()  # so that a pulse moves on
    tensor([[1, 0, 0, 0],
            [0, 0, 0, 1],
            [0, 0, 1, 0]], dtype=torch.int32)
    """
    _check(drive, kernel, state)
    if state is None:
        state = torch.zeros_like(drive[:, 0])
    time = drive.shape[1]
    if not drive.is_complex() and chosen(drive, kernel, state, time=time, has=_has(drive, kernel)):
        return _walk(drive, kernel, state, activation.value)
    took("wave", "plain")
    return _plain(drive, kernel, state, activation)


@precision.door
def wave_step(
    drive: Inexact[Tensor, "batch channels positions"],
    kernel: Inexact[Tensor, "channels channels taps"],
    state: Inexact[Tensor, "batch channels positions"],
    activation: Activation = Activation.RELU,
) -> Inexact[Tensor, "batch channels positions"]:
    """One step of `wave`: drive and state give the next state.

    >>> from wavetrain.scan import wave_step
    >>> kernel = torch.tensor([[[0.0, 0, 1]]])
    >>> wave_step(torch.zeros(1, 1, 4), kernel, torch.tensor([[[0.0, 0, 1, 0]]]))
    tensor([[[0., 1., 0., 0.]]])
    """
    return activation(_mixed(state, kernel) + drive)


def _plain(drive: Tensor, kernel: Tensor, state: Tensor, activation: Activation) -> tuple[Tensor, Tensor]:
    """Step by step: the definition."""

    def step(now: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        state = wave_step(now, kernel, state, activation)
        return state, state

    return unroll(step, drive, state)


def _mixed(state: Tensor, kernel: Tensor) -> Tensor:
    """kernel * state on rings: state (B, C, N) and kernel (O, C, K) give (B, O, N)."""
    return F.conv1d(_ring(state, kernel.shape[-1]), kernel)


def _ring(state: Tensor, taps: int) -> Tensor:
    """Rings (..., N) with their ends repeated on both sides, (..., N + taps - 1)."""
    half, size = taps // 2, state.shape[-1]
    return torch.cat([state[..., size - half :], state, state[..., :half]], -1)


def _check(drive: Tensor, kernel: Tensor, state: Tensor | None) -> None:
    """Raise for what `scan.wave` cannot take."""
    if drive.ndim != 4 or drive.shape[1] == 0:
        raise BadInput(
            "wave: expected drive (batch, time, channels, positions) with at least one step, "
            f"got {tuple(drive.shape)}"
        )
    batch, _, channels, size = drive.shape
    if kernel.ndim != 3 or kernel.shape[:2] != (channels, channels):
        raise BadInput(f"wave: expected kernel ({channels}, {channels}, taps), got {tuple(kernel.shape)}")
    if kernel.shape[2] % 2 == 0 or kernel.shape[2] > size:
        raise BadInput(
            f"wave: expected an odd number of taps, at most {size}, got kernel {tuple(kernel.shape)}"
        )
    if state is not None and state.shape != (batch, channels, size):
        raise BadInput(f"wave: expected state {(batch, channels, size)}, got {tuple(state.shape)}")
    kinds = {tensor.dtype for tensor in (drive, kernel, state) if tensor is not None}
    if len(kinds) > 1:
        raise BadInput(f"wave: expected drive, kernel and state of one dtype, got {sorted(map(str, kinds))}")


def _has(drive: Tensor, kernel: Tensor) -> tuple[Fast, ...]:
    """The kernels that there are: that of a GPU has the weights and a state on chip, in powers of two."""
    channels, size = (max(16, 1 << (int(count) - 1).bit_length()) for count in drive.shape[2:])
    state = channels * size * drive.dtype.itemsize
    fits = channels <= 32 and state <= 32768 and channels * channels * kernel.shape[2] <= 5120
    return ("numba", "triton") if fits else ("numba",)


def _parts(h: Tensor) -> list[tuple[int, int]]:
    """The parts of a batch: few where there is little to do, and never by the number of threads.

    The gradient of the kernel is summed part by part, so threads must not change the parts.
    """
    batch, channels = h.shape[0], h.shape[2]
    return host.parts(batch, min(32, max(4, h.numel() * channels >> 22)))


def _forward(drive: Tensor, kernel: Tensor, state: Tensor, activation: str) -> tuple[Tensor, Tensor]:
    """What `wave` gives, by the kernel of the device; the activation is given by its name."""
    took("wave", running(drive))
    if running(drive) == "triton":
        found: tuple[Tensor, Tensor] = kernels("wave", drive).forward(drive, kernel, state, activation)
        return found
    from wavetrain.scan.cpu.rings import blocks, offsets, shape, weights
    from wavetrain.scan.cpu.wave import CODES, forward

    _, _, channels, size = drive.shape
    taps = kernel.shape[2]
    h = host.fresh(drive.shape, drive.dtype)
    tiled, begins = weights(host.array(kernel)), offsets(channels, taps, size + taps - 1)
    inputs = [host.array(drive), tiled, begins, host.array(state), taps]
    arrays = [*inputs, blocks(size, h.element_size()), CODES[activation], shape(channels), h.numpy()]
    host.spread(lambda piece: forward(*arrays, *piece), _parts(h), h.numel() * channels)
    return h, h[:, -1].clone(memory_format=torch.contiguous_format)


def _like_forward(drive: Tensor, kernel: Tensor, state: Tensor, activation: str) -> tuple[Tensor, Tensor]:
    return drive.new_empty(drive.shape), state.new_empty(state.shape)


def _backward(
    kernel: Tensor,
    state: Tensor,
    h: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
    activation: str,
    wanted: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of drive, kernel and state; that of the kernel is empty where it is not wanted."""
    if running(h) == "triton":
        back = kernels("wave", h).backward
        found: tuple[Tensor, Tensor, Tensor] = back(kernel, state, h, grad, grad_last, activation, wanted)
        return found
    from wavetrain.scan.cpu.rings import blocks, offsets, shape, span, untiled, weights
    from wavetrain.scan.cpu.wave import CODES, backward

    batch, _, channels, size = h.shape
    taps = kernel.shape[2]
    line, tile = span(size, taps), shape(channels)
    tiled = weights(host.array(kernel.transpose(0, 1).flip(2)))
    begins, far_begins = (offsets(channels, taps, length) for length in (size + taps - 1, line))
    ddrive, dstate = host.fresh(h.shape, h.dtype), host.fresh(state.shape, h.dtype)
    parts = _parts(h)
    # summed part by part and then in order, so that the threads do not change the sum
    outputs = tiled.shape[0] * len(tile) if wanted else 0
    dweights = np.zeros((len(parts), outputs, begins.size), tiled.dtype)
    grad = h.new_zeros(batch, 0, channels, size) if grad is None else grad
    grad_last = torch.zeros_like(state) if grad_last is None else grad_last
    inputs = [
        host.array(h),
        host.array(state),
        host.array(grad),
        host.array(grad_last),
        tiled,
        begins,
        far_begins,
    ]
    sizes = [taps, line, blocks(size, h.element_size()), CODES[activation], tile]
    arrays = [*inputs, *sizes, ddrive.numpy(), dstate.numpy()]
    pieces = [(total, *part) for total, part in zip(dweights, parts, strict=True)]
    host.spread(lambda piece: backward(*arrays, *piece), pieces, h.numel() * channels)
    if not wanted:
        return ddrive, kernel.new_empty(0), dstate
    tiles = dweights.sum(0).reshape(-1, len(tile), begins.size)
    dkernel = untiled(tiles, channels)[:, : channels * taps].reshape(kernel.shape)
    return ddrive, torch.from_numpy(dkernel), dstate


def _like_backward(
    kernel: Tensor,
    state: Tensor,
    h: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
    activation: str,
    wanted: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    dkernel = kernel.new_empty(kernel.shape if wanted else 0)
    return h.new_empty(h.shape), dkernel, state.new_empty(state.shape)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    _, kernel, state, ctx.activation = inputs
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(kernel, state, output[0])


def _gradient(
    ctx: Any, back: Callable[..., Any], grad: Tensor | None, grad_last: Tensor | None
) -> tuple[Tensor | None, ...]:
    if torch.is_grad_enabled():
        kernel, state, h = ctx.saved_tensors
        return *_again(kernel, state, h, grad, grad_last, ctx.activation), None
    wanted = ctx.needs_input_grad[1]
    ddrive, dkernel, dstate = back(*ctx.saved_tensors, grad, grad_last, ctx.activation, wanted)
    return ddrive, dkernel if wanted else None, dstate, None


def _again(
    kernel: Tensor,
    state: Tensor,
    h: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
    activation: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients with a graph of their own, step by step from the end."""
    slope = torch.ones_like(h)
    if activation == Activation.TANH.value:
        slope = 1 - h * h
    if activation == Activation.RELU.value:
        slope = (h > 0).to(h.dtype)
    turned = kernel.transpose(0, 1).flip(2)
    back = torch.zeros_like(state) if grad_last is None else grad_last
    steps = []
    for t in range(h.shape[1] - 1, -1, -1):
        steps.append((back if grad is None else back + grad[:, t]) * slope[:, t])
        back = _mixed(steps[-1], turned)
    ddrive = torch.stack(steps[::-1], 1)
    before = _ring(torch.cat([state.unsqueeze(1), h[:, :-1]], 1), kernel.shape[-1])
    dkernel = torch.einsum("btoi,btcik->ock", ddrive, sliding(before, kernel.shape[-1], -1))
    return ddrive, dkernel, back


_walk = Kernel(
    "wave", Walk(_forward, _like_forward), Walk(_backward, _like_backward), keep=_keep, gradient=_gradient
)
