"""The ways to run a recurrence: unroll, linear, wave, short, selective, unitary, dense, chunked, newton.

Each has a plain PyTorch route that is the definition, and where it pays a fast route that is held to it,
values and gradients: fused numba kernels on CPU, PyTorch's own kernels for the dense recurrence. The route
is chosen by device and dtype, can be forced with `only_plain`, and is reported by `routes`. A fast route has
first derivatives; where these must have a graph of their own (`create_graph=True`) they are taken by plain
operations, and inside the transforms of torch.func and in forward mode the plain route is. torch.compile
breaks its graph at the doors below, so that the fast route is taken as without it; torch.export and
torch.jit.trace get the plain route, in as many steps as their example has. In half precision,
and under autocast, all compute and carry their state in float32.
"""

import enum
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import State, precision
from wavetrain.kernels import blocks
from wavetrain.kernels import unitary as turns
from wavetrain.kernels.attention import Attention, fused
from wavetrain.kernels.attention import attend as attend
from wavetrain.kernels.chunked import check as check_chunked
from wavetrain.kernels.chunked import chunked_step as chunked_step
from wavetrain.kernels.chunked import mixing as mixing
from wavetrain.kernels.chunked import products, walk
from wavetrain.kernels.convolution import Depthwise, grouped, latest
from wavetrain.kernels.convolution import convolve as convolve
from wavetrain.kernels.convolution import toeplitz as toeplitz
from wavetrain.kernels.drive import Affine, Final, check_dense
from wavetrain.kernels.linear import Linear, check_linear
from wavetrain.kernels.newton import WORTH, Cell, Info, Newton, check_newton, solved, walked
from wavetrain.kernels.routes import asked_for_plain, fast, must_be_plain, on_cpu, took, whole
from wavetrain.kernels.routes import only_plain as only_plain
from wavetrain.kernels.routes import recorded as recorded
from wavetrain.kernels.routes import routes as routes
from wavetrain.kernels.routes import written_out as written_out
from wavetrain.kernels.selective import Selective, check_selective
from wavetrain.kernels.selective import selective_step as selective_step
from wavetrain.kernels.selective import walk as selective_walk
from wavetrain.kernels.short import Short, check_short, summed
from wavetrain.kernels.unitary import turned as turned
from wavetrain.kernels.wave import Wave, check_wave, mixed


class Activation(enum.Enum):
    """What is done to a sum before it becomes the state."""

    RELU = "relu"
    TANH = "tanh"
    IDENTITY = "identity"

    def __call__(self, x: Tensor) -> Tensor:
        return x if self is Activation.IDENTITY else getattr(torch, self.value)(x)


def unroll(
    step: Callable[[Tensor, State], tuple[Tensor, State]], x: Tensor, state: State
) -> tuple[Tensor, State]:
    """Walk a step over time: x (B, T, ...) and a first state give y (B, T, ...) and the last state."""
    outputs = []
    for now in x.unbind(1):
        y, state = step(now, state)
        outputs.append(y)
    return torch.stack(outputs, 1), state


@whole
def affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The drive of a recurrence from its input: x (B, T, I), weight (D, I), bias (D) give (B, T, D).

    `torch.nn.functional.linear` with its large results, values and gradients, in memory that is used again.
    """
    if on_cpu(x, weight, bias) and x.dtype == weight.dtype == bias.dtype:
        return Affine.apply(x, weight, bias)
    return F.linear(x, weight, bias)


@whole
def final(y: Tensor) -> Tensor:
    """The last step of y (B, T, D), as y[:, -1], with the gradient of y in memory that is used again."""
    return Final.apply(y) if on_cpu(y) else y[:, -1]


@whole
@precision.door
def linear(
    a: Tensor, b: Tensor, state: Tensor | None = None, reset: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The recurrence h_t = a_t h_{t-1} + b_t for each channel by itself, real or complex.

    a is (B, T, D), or (D,) where it is the same at all steps; b is (B, T, D). `state` (B, D) is h_0, zero
    where left out. Where `reset` (B, T) is true, the state before that step is dropped. Returns h (B, T, D)
    and its last step (B, D).
    """
    check_linear(a, b, state, reset)
    dtype = torch.result_type(a, b)
    if state is None:
        state = b.new_zeros(b.shape[0], b.shape[2], dtype=dtype)
    dtype = torch.promote_types(dtype, state.dtype)
    a, b, state = a.to(dtype), b.to(dtype), state.to(dtype)
    if fast(a, b, state):
        took("linear", "numba")
        return Linear.apply(a, b, state, reset)
    took("linear", "plain")
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


@whole
@precision.door
def wave(
    drive: Tensor, kernel: Tensor, state: Tensor | None = None, activation: Activation = Activation.RELU
) -> tuple[Tensor, Tensor]:
    """The recurrence h_t = act(kernel * h_{t-1} + drive_t) on rings, * the circular convolution.

    drive is (B, T, C, N): C channels, each a ring of N positions; kernel (C, C, K) with K odd, as in
    `torch.nn.Conv1d`: out[o, i] = sum over c, k of kernel[o, c, k] h[c, (i + k - K // 2) mod N]. `state`
    (B, C, N) is h_0, zero where left out. Returns h (B, T, C, N) and its last step (B, C, N).
    """
    check_wave(drive, kernel, state)
    if state is None:
        state = torch.zeros_like(drive[:, 0])
    if not drive.is_complex() and fast(drive, kernel, state):
        took("wave", "numba")
        return Wave.apply(drive, kernel, state, activation.value)
    took("wave", "plain")
    return _wave_plain(drive, kernel, state, activation)


@precision.door
def wave_step(
    drive: Tensor, kernel: Tensor, state: Tensor, activation: Activation = Activation.RELU
) -> Tensor:
    """One step of `wave`: drive and state (B, C, N) give the next state (B, C, N)."""
    return activation(mixed(state, kernel) + drive)


def _wave_plain(
    drive: Tensor, kernel: Tensor, state: Tensor, activation: Activation
) -> tuple[Tensor, Tensor]:
    def step(now: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        state = wave_step(now, kernel, state, activation)
        return state, state

    return unroll(step, drive, state)


@whole
@precision.door
def dilated(x: Tensor, past: Tensor, kernel: Tensor, dilation: int = 1) -> tuple[Tensor, Tensor]:
    """A causal convolution with few taps: y_t = sum over k of kernel[..., k] x_{t - k dilation}.

    x is (B, T, I) and past (B, S, I) the S = (K - 1) dilation steps before it, oldest first; kernel is
    (O, I / G, K), G groups as in `torch.nn.Conv1d`, the present first. Gives y (B, T, O) and the next past.
    """
    alone = kernel.shape[1] == 1 and len(kernel) == x.shape[-1] and not x.is_complex()
    if alone and fast(x, past, kernel) and x.dtype == past.dtype == kernel.dtype:
        took("dilated", "numba")
        return Depthwise.apply(x, past, kernel.squeeze(1), dilation), latest(past, x)
    took("dilated", "torch")
    return grouped(x, past, kernel, dilation), latest(past, x)


@whole
@precision.door
def short(x: Tensor, past: Tensor, weight: Tensor, bias: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """SiLU of a causal convolution with few taps in each channel: y_t = SiLU(sum_k weight_k x_{t-k} + bias).

    x is (B, T, E), past (B, K - 1, E) the steps before it, oldest first; weight (E, K) has the present first.
    Returns y (B, T, E) and the next past.
    """
    check_short(x, past, weight, bias)
    if fast(x, past, weight):
        took("short", "numba")
        y = Short.apply(x, past, weight, x.new_zeros(len(weight)) if bias is None else bias)
        return y, latest(past, x)
    took("short", "plain")
    return summed(x, past, weight, bias), latest(past, x)


@whole
@precision.door
def selective(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    state: Tensor | None = None,
    skip: Tensor | None = None,
    gate: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The recurrence h_t = exp(dt_t a) h_{t-1} + dt_t b_t x_t of N states in each channel, y_t = c_t . h_t.

    x and dt are (B, T, E), a is (E, N); b and c (B, T, N) are shared by the channels. `state` (B, E, N) is
    h_0, zero where left out. With `skip` (E,) y_t has skip x_t added, with `gate` (B, T, E) it is then taken
    SiLU(gate_t) times. All real, of one dtype. Returns y (B, T, E) and the last h; the fast route never
    writes out the states of all steps.
    """
    check_selective(x, dt, a, b, c, state, skip, gate)
    if state is None:
        state = x.new_zeros(len(x), *a.shape)
    if fast(x, dt, a, b, c, state):
        took("selective", "numba")
        return Selective.apply(x, dt, a, b, c, state, skip, gate)
    took("selective", "plain")
    return selective_walk(x, dt, a, b, c, state, skip, gate)


@whole
@precision.door
def unitary(
    theta: Tensor, w: Tensor, b: Tensor, c: Tensor, state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The recurrence h_t = exp(i theta_t) h_{t-1} + b w_t of N states in each channel, y_t = Re(c . h_t).

    theta is (B, T, N, E) and w (B, T, E), both real; b and c (N,) are complex and shared by the channels.
    `state` (B, N, E) is h_0, complex, zero where left out. Returns y (B, T, E) and the last h. Turns commute,
    so that where there is no fused walk the recurrence comes apart into prefix sums.
    """
    turns.check_unitary(theta, w, b, c, state)
    if state is None:
        state = b.new_zeros(len(theta), *theta.shape[2:])
    if asked_for_plain():
        took("unitary", "plain")
        return turns.walk(theta, w, b, c, state)
    if fast(theta, w, b, c, state):
        took("unitary", "numba")
        return turns.Unitary.apply(theta, w, b, c, state)
    took("unitary", "prefix sums")
    return turns.separated(theta, w, b, c, state)


@precision.door
def dense(
    x: Tensor, state: Tensor, encode: nn.Linear, recur: nn.Linear, activation: Activation
) -> tuple[Tensor, Tensor]:
    """The fully connected recurrence h_t = act(encode(x_t) + recur(h_{t-1})).

    x is (B, T, I) and state (B, D). Returns h (B, T, D) and its last step (B, D). ReLU and tanh are run by
    PyTorch's own fused kernel, which wants both maps to have a bias.
    """
    check_dense(x, state, encode, recur)
    by_steps = activation is Activation.IDENTITY or x.dtype not in (torch.float32, torch.float64)
    if by_steps or written_out(x, state, encode.weight):
        took("dense", "plain")
        return unroll(lambda now, state: (dense_step(now, state, encode, recur, activation),) * 2, x, state)
    took("dense", "torch rnn")
    run = torch._VF.rnn_relu if activation is Activation.RELU else torch._VF.rnn_tanh
    weights = [encode.weight, recur.weight, encode.bias, recur.bias]
    # biases, one layer, no dropout, gradients wanted, one direction, batch first
    h, last = run(x, state[None], weights, True, 1, 0.0, True, False, True)  # (B, T, D), (1, B, D)
    return h, last[0]


@precision.door
def dense_step(
    x: Tensor, state: Tensor, encode: nn.Linear, recur: nn.Linear, activation: Activation
) -> Tensor:
    """One step of `dense`: x (B, I) and state (B, D) give the next state (B, D)."""
    return activation(encode(x) + recur(state))


@precision.door
def chunked(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, state: Tensor | None = None, size: int = 64
) -> tuple[Tensor, Tensor]:
    """The recurrence of matrices S_t = decay_t S_{t-1} + k_t v_t', read as y_t = q_t' S_t.

    q and k are (B, T, H, K) and v is (B, T, H, P). log_decay is (B, T, H, K), a rate for each row of S, or
    (B, T, H, 1), one for all; minus infinity forgets at once. `state` (B, H, K, P) is S_0, zero where left
    out. Returns y (B, T, H, P) and the last S. Time is cut into chunks of `size` steps: inside them matrix
    products, from one to the next the state alone, so that work grows with T size and no S_t is kept.
    `mixing` gives the weights from step to step.
    """
    check_chunked(q, k, v, log_decay, state)
    if state is None:
        state = v.new_zeros(len(k), *k.shape[2:], v.shape[-1])
    if asked_for_plain():
        took("chunked", "plain")
        return walk(q, k, v, log_decay, state)
    took("chunked", "matrix products")
    return products(q, k, v, log_decay, state, min(size, q.shape[1]))


def attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, scale: float | None = None
) -> Tensor:
    """Softmax attention: y_t = sum_s softmax_s(scale q_t . k_s) v_s, over the steps that t may read.

    q is (B, H, T, P), k (B, H, S, P), v (B, H, S, R); `mask`, which goes together with (B, H, T, S), is true
    where t may read s; left out, s up to t. `scale` is 1 / sqrt(P) where left out. Gives y (B, H, T, R).
    """
    if written_out(q, k, v):
        took("attention", "plain")
        return attend(q, k, v, mask, scale)
    took("attention", "torch")
    learns = torch.is_grad_enabled() and any(part.requires_grad for part in (q, k, v))
    if not learns or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return fused(q, k, v, mask, scale)
    return Attention.apply(q, k, v, mask, scale)


@whole
@precision.door
def newton(cell: Cell, drive: Tensor, state: Tensor, how: Newton | None = None) -> tuple[Tensor, Info]:
    """The nonlinear recurrence h_t = f(h_{t-1}, x_t) of a cell whose channels do not see each other.

    drive is (B, T, G, D): what the input adds to the G sums of each of D channels; state (B, S, D) is h_0,
    S parts a channel. Returns h (B, T, S, D), and per sequence how it was found. The definition is the walk
    through `cell.next`; the other route is Newton's method on all steps at once. On CPU it does more work
    in more time, so that it is taken only where `how` is given; elsewhere also from `WORTH` steps on. What
    does not converge is walked, and `routes` says so.
    """
    check_newton(drive, state)
    many = drive.device.type != "cpu" and drive.shape[1] >= WORTH
    if must_be_plain(drive, state) or (how is None and not many):
        took("newton", "plain")
        return walked(cell, drive, state)
    h, info = solved(cell, drive, state, Newton() if how is None else how, _corrections)
    lost = int((~info.converged).sum())
    route = "numba" if fast(drive, state) else "reduction"
    took("newton", f"{route}, {lost} of {len(drive)} not converged" if lost else route)
    return h, info


def _corrections(jacobian: Tensor, b: Tensor) -> Tensor:
    """The linear recurrence in each step of Newton's method, d_t = J_t d_{t-1} + b_t, as in `blocks`."""
    if not fast(jacobian, b):
        return blocks.reduce(jacobian, b)
    if b.shape[2] > 1:
        return blocks.walk(jacobian, b)
    return linear(jacobian[:, :, 0, 0], b[:, :, 0])[0].unsqueeze(2)
