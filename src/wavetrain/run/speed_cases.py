"""What is timed of each recurrence: inputs that do not fit into a cache, and the least that must be done.

Bytes are those of arrays that must be read or written, FLOP those of multiplying and adding. Backward reads
what forward read and the incoming gradient, and writes the gradients; it computes twice what forward does.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.scan import Activation

Sizes = Mapping[str, int]
Call = Callable[..., Tensor]
TRIED = 257  # steps that errors are taken over
CHUNK = 64


@dataclass(frozen=True, eq=False)
class Work:
    """One computation of tensors, and the least that it must do."""

    inputs: tuple[Tensor, ...]
    call: Call  # of the inputs
    moved: int  # numbers forward
    both: int  # numbers forward and backward
    flops: int  # forward

    def bytes(self, backward: bool) -> int:
        """The least that is read and written."""
        return self.inputs[0].element_size() * (self.both if backward else self.moved)


@dataclass(frozen=True)
class Case:
    """A recurrence, and its sizes on a CPU and on a GPU."""

    name: str
    make: Callable[[Sizes, torch.device], Work]
    small: Sizes
    large: Sizes

    def sizes(self, device: torch.device) -> Sizes:
        """Those of a device."""
        return self.large if device.type == "cuda" else self.small

    def tried(self, device: torch.device) -> Work:
        """A short one, to take errors of."""
        short = {"batch": 1, "time": TRIED}
        return self.make({**self.sizes(device), **short}, device)


def _drawn(*shape: int, device: torch.device) -> Tensor:
    return torch.randn(shape, device=device)


def _linear(size: Sizes, device: torch.device) -> Work:
    shape = size["batch"], size["time"], size["width"]
    a = 0.9 + 0.1 * torch.rand(shape, device=device)
    n = math.prod(shape)
    return Work((a, _drawn(*shape, device=device)), lambda a, b: scan.linear(a, b)[0], 3 * n, 8 * n, 2 * n)


def _selective(size: Sizes, device: torch.device) -> Work:
    batch, time, width, states = (size[name] for name in ("batch", "time", "width", "states"))
    x, dt = _drawn(batch, time, width, device=device), torch.rand(batch, time, width, device=device) / 10
    a = -torch.arange(1.0, states + 1, device=device).expand(width, states).contiguous()
    b, c = _drawn(2, batch, time, states, device=device).unbind()
    n, few = batch * time * width, batch * time * states
    return Work(
        (x, dt, a, b, c),
        lambda *all_of: scan.selective(*all_of)[0],
        3 * n + 2 * few,
        8 * n + 6 * few,
        7 * n * states,
    )


def _chunked(size: Sizes, device: torch.device) -> Work:
    batch, time, heads, keys = (size[name] for name in ("batch", "time", "heads", "keys"))
    q, k, v = _drawn(3, batch, time, heads, keys, device=device).unbind()
    decay = -torch.rand(batch, time, heads, 1, device=device) / 10
    n = batch * time * heads
    flops = n * (4 * CHUNK * keys + 4 * keys * keys)
    call = lambda *all_of: scan.chunked(*all_of)[0]  # noqa: E731
    return Work((q, k / keys**0.5, v, decay), call, 4 * n * keys + n, 11 * n * keys + 2 * n, flops)


def _wave(size: Sizes, device: torch.device) -> Work:
    batch, time, channels, places = (size[name] for name in ("batch", "time", "channels", "positions"))
    drive = _drawn(batch, time, channels, places, device=device)
    kernel = _drawn(channels, channels, 3, device=device) / (3 * channels) ** 0.5
    n = drive.numel()
    return Work((drive, kernel), lambda *all_of: scan.wave(*all_of)[0], 2 * n, 5 * n, 6 * channels * n)


def _unitary(size: Sizes, device: torch.device) -> Work:
    batch, time, states, width = (size[name] for name in ("batch", "time", "states", "width"))
    theta, w = _drawn(batch, time, states, width, device=device), _drawn(batch, time, width, device=device)
    b, c = torch.view_as_complex(_drawn(2, states, 2, device=device)).unbind()
    n, few = theta.numel(), w.numel()

    def call(theta: Tensor, w: Tensor) -> Tensor:
        kind = torch.complex128 if theta.dtype == torch.float64 else torch.complex64
        return scan.unitary(theta, w, b.to(kind), c.to(kind))[0]

    return Work((theta, w), call, n + 2 * few, 3 * n + 5 * few, 14 * n)


def _short(size: Sizes, device: torch.device) -> Work:
    batch, time, width = size["batch"], size["time"], size["width"]
    x, past = _drawn(batch, time, width, device=device), torch.zeros(batch, 3, width, device=device)
    n = x.numel()
    return Work(
        (x, _drawn(width, 4, device=device)),
        lambda x, weight: scan.short(x, past.to(x.dtype), weight)[0],
        2 * n,
        5 * n,
        8 * n,
    )


def _dilated(size: Sizes, device: torch.device) -> Work:
    batch, time, width = size["batch"], size["time"], size["width"]
    x, past = _drawn(batch, time, width, device=device), torch.zeros(batch, 8, width, device=device)
    kernel = _drawn(width, width, 3, device=device) / (3 * width) ** 0.5
    n = x.numel()
    return Work(
        (x, kernel),
        lambda x, kernel: scan.dilated(x, past.to(x.dtype), kernel, 4)[0],
        2 * n,
        5 * n,
        6 * width * n,
    )


def _convolve(size: Sizes, device: torch.device) -> Work:
    batch, time, width = size["batch"], size["time"], size["width"]
    x, kernel = _drawn(batch, time, width, device=device), _drawn(time, width, device=device) / time**0.5
    n, few = x.numel(), kernel.numel()
    flops = round(5 * 2 * (2 * n + few) * math.log2(2 * time))  # three transforms of twice the length
    return Work((x, kernel), scan.convolve, 2 * n + few, 5 * n + 3 * few, flops)


def _attention(size: Sizes, device: torch.device) -> Work:
    batch, time, heads, keys = (size[name] for name in ("batch", "time", "heads", "keys"))
    q, k, v = _drawn(3, batch, heads, time, keys, device=device).unbind()
    n = q.numel()
    return Work((q, k, v), scan.attention, 4 * n, 11 * n, 2 * n * time)


def _dense(size: Sizes, device: torch.device) -> Work:
    batch, time, width = size["batch"], size["time"], size["width"]
    encode, recur = (nn.Linear(width, width).to(device) for _ in range(2))
    x, state = _drawn(batch, time, width, device=device), torch.zeros(batch, width, device=device)

    def call(x: Tensor) -> Tensor:
        maps = encode.to(x.dtype), recur.to(x.dtype)
        return scan.dense(x, state.to(x.dtype), *maps, Activation.TANH)[0]

    return Work((x,), call, 2 * x.numel(), 5 * x.numel(), 4 * width * x.numel())


CASES = (
    Case(
        "linear",
        _linear,
        {"batch": 4, "time": 2048, "width": 512},
        {"batch": 16, "time": 4096, "width": 2048},
    ),
    Case(
        "selective",
        _selective,
        {"batch": 2, "time": 1024, "width": 512, "states": 16},
        {"batch": 8, "time": 4096, "width": 1024, "states": 16},
    ),
    Case(
        "chunked",
        _chunked,
        {"batch": 1, "time": 2048, "heads": 8, "keys": 64},
        {"batch": 4, "time": 4096, "heads": 16, "keys": 64},
    ),
    Case(
        "wave",
        _wave,
        {"batch": 64, "time": 100, "channels": 27, "positions": 100},
        {"batch": 128, "time": 200, "channels": 27, "positions": 100},
    ),
    Case(
        "unitary",
        _unitary,
        {"batch": 2, "time": 512, "states": 16, "width": 128},
        {"batch": 8, "time": 2048, "states": 16, "width": 256},
    ),
    Case(
        "short",
        _short,
        {"batch": 4, "time": 2048, "width": 512},
        {"batch": 16, "time": 4096, "width": 2048},
    ),
    Case(
        "dilated",
        _dilated,
        {"batch": 4, "time": 2048, "width": 128},
        {"batch": 16, "time": 4096, "width": 512},
    ),
    Case(
        "convolve",
        _convolve,
        {"batch": 4, "time": 2048, "width": 128},
        {"batch": 8, "time": 4096, "width": 512},
    ),
    Case(
        "attention",
        _attention,
        {"batch": 1, "time": 1024, "heads": 8, "keys": 64},
        {"batch": 4, "time": 4096, "heads": 16, "keys": 64},
    ),
    Case(
        "dense",
        _dense,
        {"batch": 32, "time": 256, "width": 128},
        {"batch": 128, "time": 1024, "width": 512},
    ),
)
