"""The ways to run a recurrence: unroll, linear, wave, dense.

Each has a plain PyTorch route that is the definition, and where it pays a fast route that is held to it,
values and gradients: fused numba kernels on CPU, PyTorch's own kernels for the dense recurrence. The route
is chosen by device and dtype, can be forced with `only_plain`, and is reported by `routes`. A fast route has
first derivatives only; inside the transforms of torch.func the plain route is taken.
"""

import contextlib
import enum
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from wavetrain.core import State
from wavetrain.errors import BadInput

_taken: dict[str, str] = {}
_plain = False


class Activation(enum.Enum):
    """What is done to a sum before it becomes the state."""

    RELU = "relu"
    TANH = "tanh"
    IDENTITY = "identity"

    def __call__(self, x: Tensor) -> Tensor:
        return x if self is Activation.IDENTITY else getattr(torch, self.value)(x)


def routes() -> dict[str, str]:
    """The route that each recurrence took last in this process: its name and the kernel's."""
    return dict(_taken)


@contextlib.contextmanager
def only_plain() -> Iterator[None]:
    """Inside, every recurrence takes its plain PyTorch route."""
    global _plain
    before, _plain = _plain, True
    try:
        yield
    finally:
        _plain = before


def unroll(
    step: Callable[[Tensor, State], tuple[Tensor, State]], x: Tensor, state: State
) -> tuple[Tensor, State]:
    """Walk a step over time: x (B, T, ...) and a first state give y (B, T, ...) and the last state."""
    outputs = []
    for now in x.unbind(1):
        y, state = step(now, state)
        outputs.append(y)
    return torch.stack(outputs, 1), state


def linear(
    a: Tensor, b: Tensor, state: Tensor | None = None, reset: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The recurrence h_t = a_t h_{t-1} + b_t for each channel by itself, real or complex.

    a is (B, T, D), or (D,) where it is the same at all steps; b is (B, T, D). `state` (B, D) is h_0, zero
    where left out. Where `reset` (B, T) is true, the state before that step is dropped. Returns h (B, T, D)
    and its last step (B, D).
    """
    _check_linear(a, b, state, reset)
    dtype = torch.result_type(a, b)
    if state is None:
        state = b.new_zeros(b.shape[0], b.shape[2], dtype=dtype)
    dtype = torch.promote_types(dtype, state.dtype)
    a, b, state = a.to(dtype), b.to(dtype), state.to(dtype)
    if _fast(a, b, state):
        _taken["linear"] = "numba"
        return _Linear.apply(a, b, state, reset)
    _taken["linear"] = "plain"
    return _linear_plain(a, b, state, reset)


def _linear_plain(a: Tensor, b: Tensor, state: Tensor, reset: Tensor | None) -> tuple[Tensor, Tensor]:
    steps = []
    decays = [a] * b.shape[1] if a.ndim == 1 else a.unbind(1)
    for t, (decay, now) in enumerate(zip(decays, b.unbind(1), strict=True)):
        if reset is not None:
            state = torch.where(reset[:, t, None], torch.zeros_like(state), state)
        state = decay * state + now
        steps.append(state)
    return torch.stack(steps, 1), state


class _Linear(torch.autograd.Function):
    """The numba route of `linear`."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, state: Tensor, reset: Tensor | None) -> tuple[Tensor, Tensor]:
        from wavetrain.kernels import linear_cpu

        batch, time, width = b.shape
        h = _fresh(b.shape, b.dtype)
        reset = torch.zeros(batch, time, dtype=torch.bool) if reset is None else reset
        decay = a if a.ndim == 3 else a[None, None]  # (B, T, D) or (1, 1, D)
        arrays = [_array(decay), _array(b), _array(state), _array(reset), h.numpy()]
        pieces = _tiles(batch, width, linear_cpu.TILE // b.element_size())
        _spread(lambda piece: linear_cpu.forward(*arrays, *piece), pieces, b.numel())
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(a, state, h, reset)
        return h, h[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor | None, grad_last: Tensor | None) -> tuple[Tensor | None, ...]:
        from wavetrain.kernels import linear_cpu

        a, state, h, reset = ctx.saved_tensors
        batch, _, width = h.shape
        decay = a if a.ndim == 3 else a[None, None]
        da = _fresh(h.shape if a.ndim == 3 else (batch, 1, width), h.dtype)
        db, dstate = _fresh(h.shape, h.dtype), _fresh(state.shape, h.dtype)
        grad = h.new_zeros(batch, 0, width) if grad is None else grad
        grad_last = torch.zeros_like(state) if grad_last is None else grad_last
        inputs = [_array(decay), _array(h), _array(state), _array(reset), _array(grad), _array(grad_last)]
        arrays = [*inputs, da.numpy(), db.numpy(), dstate.numpy()]
        pieces = _tiles(batch, width, linear_cpu.TILE // h.element_size())
        _spread(lambda piece: linear_cpu.backward(*arrays, *piece), pieces, h.numel())
        return da if a.ndim == 3 else da.sum((0, 1)), db, dstate, None


def _tiles(batch: int, width: int, tile: int) -> list[tuple[int, int, int, int]]:
    """The pieces of a walk: (first, last) sequence and (left, right) channel."""
    parts = _parts(batch, 2 * torch.get_num_threads())
    return [(*part, left, min(left + tile, width)) for part in parts for left in range(0, width, tile)]


def _check_linear(a: Tensor, b: Tensor, state: Tensor | None, reset: Tensor | None) -> None:
    if b.ndim != 3 or b.shape[1] == 0:
        raise BadInput(
            f"linear: expected b (batch, time, channels) with at least one step, got {tuple(b.shape)}"
        )
    batch, time, width = b.shape
    if a.shape not in ((width,), b.shape):
        raise BadInput(
            f"linear: expected a {tuple(b.shape)} or ({width},) to go with b, got {tuple(a.shape)}"
        )
    if state is not None and state.shape != (batch, width):
        raise BadInput(f"linear: expected state {(batch, width)}, got {tuple(state.shape)}")
    if reset is not None and (reset.shape != (batch, time) or reset.dtype != torch.bool):
        raise BadInput(
            f"linear: expected reset {(batch, time)} of bool, got {tuple(reset.shape)} of {reset.dtype}"
        )


def wave(
    drive: Tensor, kernel: Tensor, state: Tensor | None = None, activation: Activation = Activation.RELU
) -> tuple[Tensor, Tensor]:
    """The recurrence h_t = act(kernel * h_{t-1} + drive_t) on rings, * the circular convolution.

    drive is (B, T, C, N): C channels, each a ring of N positions; kernel (C, C, K) with K odd, as in
    `torch.nn.Conv1d`: out[o, i] = sum over c, k of kernel[o, c, k] h[c, (i + k - K // 2) mod N]. `state`
    (B, C, N) is h_0, zero where left out. Returns h (B, T, C, N) and its last step (B, C, N).
    """
    _check_wave(drive, kernel, state)
    if state is None:
        state = torch.zeros_like(drive[:, 0])
    if not drive.is_complex() and _fast(drive, kernel, state):
        _taken["wave"] = "numba"
        return _Wave.apply(drive, kernel, state, activation)
    _taken["wave"] = "plain"
    return _wave_plain(drive, kernel, state, activation)


def wave_step(
    drive: Tensor, kernel: Tensor, state: Tensor, activation: Activation = Activation.RELU
) -> Tensor:
    """One step of `wave`: drive and state (B, C, N) give the next state (B, C, N)."""
    half = kernel.shape[-1] // 2
    size = state.shape[-1]
    ring = torch.cat([state[..., size - half :], state, state[..., :half]], -1)  # (B, C, half + N + half)
    return activation(F.conv1d(ring, kernel) + drive)


def _wave_plain(
    drive: Tensor, kernel: Tensor, state: Tensor, activation: Activation
) -> tuple[Tensor, Tensor]:
    def step(now: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        state = wave_step(now, kernel, state, activation)
        return state, state

    return unroll(step, drive, state)


class _Wave(torch.autograd.Function):
    """The numba route of `wave`."""

    @staticmethod
    def forward(
        ctx: Any, drive: Tensor, kernel: Tensor, state: Tensor, activation: Activation
    ) -> tuple[Tensor, Tensor]:
        from wavetrain.kernels import wave_cpu

        batch, _, channels, size = drive.shape
        taps = kernel.shape[2]
        stride = wave_cpu.stride(size, taps)
        weights = wave_cpu.weights(_array(kernel))
        offsets = wave_cpu.offsets(channels, taps, stride)
        code = wave_cpu.CODES[activation.value]
        h = _fresh(drive.shape, drive.dtype)
        inputs = [_array(drive), weights, offsets, _array(state)]
        arrays = [*inputs, taps, stride, code, wave_cpu.lanes(size), h.numpy()]
        _spread(lambda piece: wave_cpu.forward(*arrays, *piece), _parts(batch, _PARTS), h.numel() * channels)
        ctx.activation = code
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(kernel, state, h)
        return h, h[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor | None, grad_last: Tensor | None) -> tuple[Tensor | None, ...]:
        from wavetrain.kernels import wave_cpu

        kernel, state, h = ctx.saved_tensors
        batch, _, channels, size = h.shape
        taps = kernel.shape[2]
        stride, span = wave_cpu.stride(size, taps), wave_cpu.span(size, taps)
        weights = wave_cpu.weights(_array(kernel.transpose(0, 1).flip(2)))
        offsets, long_offsets = (wave_cpu.offsets(channels, taps, length) for length in (stride, span))
        ddrive, dstate = _fresh(h.shape, h.dtype), _fresh(state.shape, h.dtype)
        parts = _parts(batch, _PARTS)
        # summed part by part and then in order, so that the threads do not change the sum
        wanted = ctx.needs_input_grad[1]
        outputs = weights.shape[0] * wave_cpu.OUTPUTS if wanted else 0
        dweights = np.zeros((len(parts), outputs, offsets.size), weights.dtype)
        grad = h.new_zeros(batch, 0, channels, size) if grad is None else grad
        grad_last = torch.zeros_like(state) if grad_last is None else grad_last
        inputs = [_array(h), _array(state), _array(grad), _array(grad_last), weights, offsets, long_offsets]
        sizes = [taps, stride, span, ctx.activation, wave_cpu.lanes(size)]
        arrays = [*inputs, *sizes, ddrive.numpy(), dstate.numpy()]

        pieces = [(total, *part) for total, part in zip(dweights, parts, strict=True)]
        _spread(lambda piece: wave_cpu.backward(*arrays, *piece), pieces, h.numel() * channels)
        if not wanted:
            return ddrive, None, dstate, None
        dkernel = dweights.sum(0)[:channels, : channels * taps].reshape(kernel.shape)
        return ddrive, torch.from_numpy(dkernel), dstate, None


def _check_wave(drive: Tensor, kernel: Tensor, state: Tensor | None) -> None:
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


def dense(
    x: Tensor, state: Tensor, encode: nn.Linear, recur: nn.Linear, activation: Activation
) -> tuple[Tensor, Tensor]:
    """The fully connected recurrence h_t = act(encode(x_t) + recur(h_{t-1})).

    x is (B, T, I) and state (B, D). Returns h (B, T, D) and its last step (B, D). ReLU and tanh are run by
    PyTorch's own fused kernel, which wants both maps to have a bias.
    """
    _check_dense(x, state, encode, recur)
    if activation is Activation.IDENTITY or x.is_complex() or _must_be_plain(x, state, encode.weight):
        _taken["dense"] = "plain"
        return unroll(lambda now, state: (dense_step(now, state, encode, recur, activation),) * 2, x, state)
    _taken["dense"] = "torch rnn"
    run = torch._VF.rnn_relu if activation is Activation.RELU else torch._VF.rnn_tanh
    weights = [encode.weight, recur.weight, encode.bias, recur.bias]
    # biases, one layer, no dropout, gradients wanted, one direction, batch first
    h, last = run(x, state[None], weights, True, 1, 0.0, True, False, True)  # (B, T, D), (1, B, D)
    return h, last[0]


def dense_step(
    x: Tensor, state: Tensor, encode: nn.Linear, recur: nn.Linear, activation: Activation
) -> Tensor:
    """One step of `dense`: x (B, I) and state (B, D) give the next state (B, D)."""
    return activation(encode(x) + recur(state))


def _check_dense(x: Tensor, state: Tensor, encode: nn.Linear, recur: nn.Linear) -> None:
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


_KINDS = (torch.float32, torch.float64, torch.complex64, torch.complex128)
_WORTH = 1 << 20  # multiplications below which threads cost more than they save
_PARTS = 32  # of a batch, where gradients are summed part by part: not the number of threads
_workers: ThreadPoolExecutor | None = None
_threads = 0


def _must_be_plain(*tensors: Tensor) -> bool:
    """Whether no fast route may be taken: asked for, another dtype, or inside a torch.func transform."""
    if _plain or any(tensor.dtype not in _KINDS for tensor in tensors):
        return True
    inside = torch._C._functorch.peek_interpreter_stack() is not None
    return inside or torch.autograd.forward_ad._current_level >= 0


def _fast(*tensors: Tensor) -> bool:
    return not _must_be_plain(*tensors) and all(tensor.device.type == "cpu" for tensor in tensors)


def _array(tensor: Tensor) -> np.ndarray:
    """The numbers of a tensor, contiguous."""
    return tensor.detach().resolve_conj().resolve_neg().contiguous().numpy()


def _fresh(shape: Iterable[int], dtype: torch.dtype) -> Tensor:
    """An empty tensor; large ones come from NumPy because it asks for huge pages, several times faster."""
    kind = str(dtype).removeprefix("torch.")
    return torch.from_numpy(np.empty(tuple(shape), kind))


def _parts(batch: int, count: int) -> list[tuple[int, int]]:
    """The sequences of a batch in about `count` parts: (first, last)."""
    size = max(1, -(-batch // count))
    return [(first, min(first + size, batch)) for first in range(0, batch, size)]


def _spread(work: Callable[[Any], None], pieces: list[Any], cost: int) -> None:
    """Do the work piece by piece, on as many threads as PyTorch uses; kernels let go of Python's lock."""
    global _workers, _threads
    threads = torch.get_num_threads()
    if threads == 1 or len(pieces) == 1 or cost < _WORTH:
        for piece in pieces:
            work(piece)
        return
    if _workers is None or _threads != threads:
        _workers, _threads = ThreadPoolExecutor(threads, "wavetrain"), threads
    for _ in _workers.map(work, pieces):
        pass


def _forget_workers() -> None:
    global _workers
    _workers = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)  # threads do not live on in a forked process
