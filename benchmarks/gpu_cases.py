"""What is timed on a GPU, and compiled for one ahead of time: each recurrence at the sizes it is made for.

A case makes its inputs on a device; with `meta` nothing is stored, and the kernels that would run can be
written down. Inputs that need a gradient are asked for one. `minimum` counts the bytes that no kernel could
avoid to move, forward, and forward with backward.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import torch
from torch import Tensor

from wavetrain import scan
from wavetrain.scan.routes import kernels

HALF, SINGLE, COMPLEX = torch.bfloat16, torch.float32, torch.complex64


@dataclass(frozen=True)
class Case:
    """One recurrence at one size."""

    name: str
    inputs: Callable[[torch.device], list[Tensor]]
    run: Callable[..., Tensor]  # of the inputs: the first result, whose gradient is asked for
    minimum: tuple[int, int]  # bytes, forward and forward with backward
    defined: bool = True  # whether the walk of its definition takes the same inputs


def _drawn(device: torch.device, *shape: int, dtype: torch.dtype = SINGLE) -> Tensor:
    return torch.randn(*shape, dtype=dtype, device=device).requires_grad_()


def linear(batch: int, time: int, width: int, dtype: torch.dtype, *, same: bool = False) -> Case:
    """h_t = a_t h_{t-1} + b_t, with a varying or the same at all steps."""

    def inputs(device: torch.device) -> list[Tensor]:
        a = _drawn(device, *((width,) if same else (batch, time, width)), dtype=dtype)
        return [(a.detach() * 0.3).requires_grad_(), _drawn(device, batch, time, width, dtype=dtype)]

    stored = batch * time * width * dtype.itemsize
    forward, backward = (2, 3) if same else (3, 5)
    kind = str(dtype).removeprefix("torch.") + (", same decay" if same else "")
    return Case(
        name=f"linear ({batch}, {time}, {width}) {kind}",
        inputs=inputs,
        run=lambda a, b: scan.linear(a, b)[0],
        minimum=(forward * stored, (forward + backward) * stored),
    )


def wave(batch: int, time: int, channels: int, size: int) -> Case:
    """h_t = relu(kernel * h_{t-1} + drive_t) on rings, with three taps."""

    def inputs(device: torch.device) -> list[Tensor]:
        kernel = _drawn(device, channels, channels, 3)
        kernel = (kernel.detach() / (3 * channels) ** 0.5).requires_grad_()
        return [_drawn(device, batch, time, channels, size), kernel]

    stored = batch * time * channels * size * SINGLE.itemsize
    return Case(
        name=f"wave ({batch}, {time}, {channels}, {size})",
        inputs=inputs,
        run=lambda drive, kernel: scan.wave(drive, kernel)[0],
        minimum=(2 * stored, 5 * stored),
    )


def chunked(
    batch: int, time: int, heads: int, width: int, dtype: torch.dtype, *, vector: bool = False
) -> Case:
    """Matrices S_t = decay_t S_{t-1} + k_t v_t', y_t = q_t' S_t, with a decay for S or one for each row."""

    def inputs(device: torch.device) -> list[Tensor]:
        q, k, v = (_drawn(device, batch, time, heads, width, dtype=dtype) for _ in range(3))
        rate = _drawn(device, batch, time, heads, width if vector else 1)  # decays stay in float32
        return [q, k, v, (-0.1 * rate.detach().abs()).requires_grad_()]

    numbers = batch * time * heads
    own, rate = numbers * width * dtype.itemsize, numbers * (width if vector else 1) * SINGLE.itemsize
    kind = str(dtype).removeprefix("torch.") + (", vector decay" if vector else "")
    return Case(
        name=f"chunked ({batch}, {time}, {heads}, {width}) {kind}",
        inputs=inputs,
        run=lambda q, k, v, rate: scan.chunked(q, k, v, rate)[0],
        minimum=(4 * own + rate, (4 + 7) * own + 3 * rate),
    )


def lif(batch: int, time: int, width: int, *, adapts: bool = False) -> Case:
    """Leaky units with an arctan slope; those that adapt are silent for two steps after a spike."""
    slope = scan.Slope(scan.Form.ARCTAN, (3.14, 1.0))
    units = scan.LIFUnits(1.0, slope, silence=2 if adapts else 0, strength=0.7 if adapts else 0.0)

    def inputs(device: torch.device) -> list[Tensor]:
        rates = [torch.full((width,), 0.9, device=device, requires_grad=True) for _ in range(1 + adapts)]
        return [_drawn(device, batch, time, width), *rates]

    def run(current: Tensor, *rates: Tensor) -> Tensor:
        v = current.new_zeros(batch, width)
        state = v, v.int(), *[v] * adapts
        return scan.lif(_no_step, current, state, rates, units)[0]

    stored = batch * time * width * SINGLE.itemsize
    kind = ", adapting" if adapts else ""
    return Case(
        name=f"lif ({batch}, {time}, {width}){kind}",
        inputs=inputs,
        run=run,
        minimum=(2 * stored, 5 * stored),
        defined=False,
    )


def short(batch: int, time: int, width: int, taps: int) -> Case:
    """SiLU of a causal convolution with few taps in each channel."""

    def inputs(device: torch.device) -> list[Tensor]:
        return [_drawn(device, batch, time, width), _drawn(device, width, taps), _drawn(device, width)]

    def run(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return scan.short(x, x.new_zeros(batch, taps - 1, width), weight, bias)[0]

    stored = batch * time * width * SINGLE.itemsize
    return Case(
        name=f"short ({batch}, {time}, {width}, {taps})",
        inputs=inputs,
        run=run,
        minimum=(2 * stored, 5 * stored),
    )


def _no_step(*_: object) -> NoReturn:
    raise NotImplementedError("the kernel knows the step by its numbers")


def selective(batch: int, time: int, width: int, states: int) -> Case:
    """N states in each channel whose rates and writing the input chooses, with a skip and a gate."""

    def inputs(device: torch.device) -> list[Tensor]:
        x, dt, gate = (_drawn(device, batch, time, width) for _ in range(3))
        b, c = (_drawn(device, batch, time, states) for _ in range(2))
        a = -_drawn(device, width, states).detach().abs()
        dt = (0.1 * dt.detach().abs()).requires_grad_()
        return [x, dt, a.requires_grad_(), b, c, _drawn(device, width), gate]

    own, shared = (batch * time * size * SINGLE.itemsize for size in (width, states))
    return Case(
        name=f"selective ({batch}, {time}, {width}, {states})",
        inputs=inputs,
        run=lambda x, dt, a, b, c, skip, gate: scan.selective(x, dt, a, b, c, None, skip, gate)[0],
        minimum=(4 * own + 2 * shared, (4 + 7) * own + (2 + 4) * shared),
    )


def unitary(batch: int, time: int, size: int, width: int) -> Case:
    """Complex states that turn by angles of the input, as in AUSSM."""

    def inputs(device: torch.device) -> list[Tensor]:
        ends = [_drawn(device, size, dtype=COMPLEX) for _ in range(2)]
        return [_drawn(device, batch, time, size, width), _drawn(device, batch, time, width), *ends]

    angles, row = (batch * time * many * SINGLE.itemsize for many in (size * width, width))
    return Case(
        name=f"unitary ({batch}, {time}, {size}, {width})",
        inputs=inputs,
        run=lambda theta, w, b, c: scan.unitary(theta, w, b, c)[0],
        minimum=(angles + 2 * row, 3 * angles + 5 * row),
    )


def softmax(batch: int, time: int, heads: int, width: int) -> Case:
    """The mean of all values so far, weighted by the exponentials of their scores, as in Aaren."""

    def inputs(device: torch.device) -> list[Tensor]:
        return [_drawn(device, batch, time, heads), _drawn(device, batch, time, heads, width)]

    def run(score: Tensor, v: Tensor) -> Tensor:
        none = v.new_zeros(batch, heads)
        return scan.softmax(score, v, (none - torch.inf, none, v.new_zeros(batch, heads, width)))[0]

    row, whole = (batch * time * heads * many * SINGLE.itemsize for many in (1, width))
    return Case(
        name=f"softmax ({batch}, {time}, {heads}, {width})",
        inputs=inputs,
        run=run,
        minimum=(2 * row + 2 * whole, 5 * row + 6 * whole),
    )


def blocks(batch: int, time: int, parts: int, width: int) -> Case:
    """d_t = J_t d_{t-1} + b_t with a small matrix for each channel, as Newton's corrections; no gradients."""

    def inputs(device: torch.device) -> list[Tensor]:
        jacobian = torch.randn(batch, time, parts, parts, width, device=device) / (2 * parts)
        jacobian[:, 0] = 0  # there is nothing before the first step
        return [jacobian, torch.randn(batch, time, parts, width, device=device)]

    def run(jacobian: Tensor, b: Tensor) -> Tensor:
        return kernels("blocks", b).walk(jacobian, b)

    stored = batch * time * width * SINGLE.itemsize
    least = (parts * parts + 2 * parts) * stored
    return Case(
        name=f"blocks ({batch}, {time}, {parts}, {width})",
        inputs=inputs,
        run=run,
        minimum=(least, least),
        defined=False,
    )


CASES = [
    linear(16, 4096, 2048, HALF),
    linear(4, 4096, 512, SINGLE),
    linear(4, 4096, 512, SINGLE, same=True),
    linear(4, 4096, 512, COMPLEX),
    linear(4, 4096, 512, COMPLEX, same=True),
    wave(128, 200, 27, 100),
    wave(128, 30, 6, 100),
    wave(64, 784, 16, 256),
    chunked(4, 4096, 16, 64, HALF),
    chunked(4, 4096, 16, 64, SINGLE),
    chunked(4, 4096, 16, 128, HALF),
    chunked(4, 4096, 16, 64, HALF, vector=True),
    chunked(4, 4096, 16, 64, SINGLE, vector=True),
    lif(64, 32, 65536),
    lif(128, 100, 700, adapts=True),
    short(4, 4096, 1024, 4),
    selective(4, 2048, 512, 16),
    selective(4, 4096, 1024, 16),
    blocks(4, 4096, 2, 512),
    softmax(16, 4096, 16, 64),
    unitary(4, 2048, 8, 256),
    unitary(4, 2048, 64, 256),
    blocks(1, 16384, 2, 256),
]
