"""Sequence layers, one file each; and here what several of them share.

legs, legs_modes      the matrix of HiPPO-LegS and the modes of its normal part
krylov, run_system    a linear system in state space, and its impulse response `system_kernel`
GatedChunks           gated attention inside chunks of time
rotary                positions as angles by which queries and keys are turned
ChannelCell           gated units whose channels meet only in the input

HiPPO-LegS by Gu, Dao, Ermon, Rudra and Ré 2020, arXiv 2008.07669: the matrix whose state holds the
coefficients of the past in Legendre polynomials. Its powers are taken by doubling (Krylov columns).
"""

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import precision, scan
from wavetrain.core import Nonlinear, State, check_width, divisor
from wavetrain.errors import BadInput
from wavetrain.scan import Info, Newton


def legs(states: int) -> tuple[Tensor, Tensor]:
    """HiPPO-LegS in float64: A (N, N), lower triangular with eigenvalues -1 to -N, and B (N)."""
    order = torch.arange(states, dtype=torch.float64)
    b = (2 * order + 1).sqrt()
    return -(b[:, None] * b).tril(-1) - torch.diag(order + 1), b


def legs_modes(states: int) -> tuple[Tensor, Tensor]:
    """The normal part of LegS, diagonal: eigenvalues (N / 2) of positive frequency, ascending, and B there.

    A = S - P P^T with P = B / sqrt(2) and S = skew - I / 2, which is normal. The eigenvectors come in
    conjugate pairs, of which one is kept, turned so that B (N / 2) is real and positive.
    """
    a, b = legs(states)
    skew = a + torch.outer(b, b) / 2 + torch.eye(states, dtype=a.dtype) / 2
    frequency, modes = torch.linalg.eigh(-1j * skew)  # ascending, in pairs +/- w
    upper = modes[:, states // 2 :]
    rates = torch.complex(torch.full_like(b[: states // 2], -0.5), frequency[states // 2 :])
    return rates, (upper.mH @ (b + 0j)).abs()


def krylov(matrix: Tensor, vector: Tensor, length: int) -> Tensor:
    """The columns v, A v, A^2 v, ...: matrix (..., N, N) and vector (..., N) give (..., N, length)."""
    columns = vector.unsqueeze(-1)
    while (have := columns.shape[-1]) < length:
        columns = torch.cat([columns, matrix @ columns[..., : length - have]], -1)
        if 2 * have < length:
            matrix = matrix @ matrix
    return columns


def system_kernel(a: Tensor, b: Tensor, c: Tensor, d: Tensor, time: int) -> tuple[Tensor, Tensor]:
    """The answers of `run_system` to an impulse, (D, M, T), and its states after it, (D, N, T)."""
    columns = krylov(a, b, time)
    return c @ columns + F.pad(d.unsqueeze(-1), (0, time - 1)), columns


def run_system(
    a: Tensor, b: Tensor, c: Tensor, d: Tensor, u: Tensor, state: Tensor | None
) -> tuple[Tensor, Tensor]:
    """x_t = a x_{t-1} + b u_t, y_t = c x_t + d u_t: one system for each channel of u, by convolution.

    a (D, N, N), b (D, N), c (D, M, N), d (D, M), u (B, T, D) and x_0 (B, D, N), zero where left out, give
    y (B, T, D, M) and the last state (B, D, N).
    """
    time, readings = u.shape[1], c.shape[1]
    kernel, columns = system_kernel(a, b, c, d, time)
    y = scan.convolve(u.repeat_interleave(readings, -1), kernel.flatten(0, 1).T)  # (B, T, D M)
    y = y.unflatten(-1, (-1, readings))
    last = torch.einsum("dnt,btd->bdn", columns.flip(-1), u)
    if state is not None:
        rows = krylov(a.mT.unsqueeze(1), c, time + 1)[..., 1:]  # (D, M, N, T): c a^(t + 1)
        y = y + torch.einsum("dmnt,bdn->btdm", rows, state)
        last = last + torch.einsum("dij,bdj->bdi", torch.linalg.matrix_power(a, time), state)
    return y, last


class GatedChunks(nn.Module):
    """Gated attention inside chunks of time, as in MEGA, for a stream x (B, T, D) and any context m of it.

    Ma et al. 2022, arXiv 2209.10655; Z channels of queries and keys, H of values:

        v = silu(W_v x);   u, (z, r), h = sigmoid, silu, identity of W m;   q, k = z * scale + shift, 2 pairs
        y = x + u * (silu(h + W_h (r * attention(q, k, v))) - x)

    Attention is softmax over the steps of the same chunk so far, with a bias for each distance. The state is
    the keys (B, C, Z) and values (B, C, H) of the chunk under way, and how far it is (B).
    """

    def __init__(self, width: int, hidden: int, shared: int, chunk: int):
        super().__init__()
        self.sizes = (width, shared + hidden, width)
        self.value = nn.Linear(width, hidden)
        self.base = nn.Linear(width, sum(self.sizes))
        self.mix = nn.Linear(hidden, width)
        self.scale = nn.Parameter(0.02 * torch.randn(2, shared))
        self.shift = nn.Parameter(torch.zeros(2, shared))
        self.bias = nn.Parameter(0.02 * torch.randn(chunk))
        for linear in (self.value, self.base, self.mix):
            nn.init.normal_(linear.weight, std=0.02)
            nn.init.zeros_(linear.bias)

    def begin(self, batch: int) -> State:
        (chunk,), shared, hidden = self.bias.shape, self.scale.shape[1], self.mix.in_features
        none = self.bias.new_zeros(batch, chunk, shared), self.bias.new_zeros(batch, chunk, hidden)
        return *none, torch.zeros(batch, dtype=torch.long, device=self.bias.device)

    def step(self, x: Tensor, context: Tensor, state: State) -> tuple[Tensor, State]:
        """One step: x and context (B, D) give y (B, D)."""
        q, k, v, *gates = self._gates(x, context)
        keys, values, count = state
        place = torch.arange(len(self.bias), device=x.device)
        now, known = place == count[:, None], place < count[:, None]  # (B, C)
        keys = _put(k[:, None], now, keys, known)
        values = _put(v[:, None], now, values, known)
        fit = torch.einsum("bz,bcz->bc", q, keys) * q.shape[-1] ** -0.5
        fit = fit + self.bias[(count[:, None] - place).clamp(min=0)]
        weight = fit.masked_fill(~(now | known), -torch.inf).softmax(-1)
        y = self._out(x, torch.einsum("bc,bch->bh", weight, values), *gates)
        return y, (keys, values, (count + 1) % len(self.bias))

    def forward(self, x: Tensor, context: Tensor, state: State) -> tuple[Tensor, State]:
        """The whole sequence: x and context (B, T, D) give y (B, T, D)."""
        q, k, v, *gates = self._gates(x, context)
        keys, values, count = state
        chunk, time = len(self.bias), x.shape[1]
        chunks = -(-(chunk - 1 + time) // chunk)  # enough wherever in its chunk a sequence starts
        place = torch.arange(chunk, device=x.device)
        known = place < count[:, None]
        line = (count[:, None] + torch.arange(time, device=x.device)).unsqueeze(-1)  # (B, T, 1)

        def laid(new: Tensor, old: Tensor) -> Tensor:
            """Old and new steps on a line of whole chunks, (B, N, C, channels)."""
            start = torch.where(known.unsqueeze(-1), old, 0.0)
            room = nn.functional.pad(start, (0, 0, 0, (chunks - 1) * chunk))
            return room.scatter(1, line.expand_as(new), new).unflatten(1, (chunks, chunk))

        q, k, v = laid(q, torch.zeros_like(keys)), laid(k, keys), laid(v, values)
        distance = place[:, None] - place
        fit = q @ k.mT * q.shape[-1] ** -0.5 + self.bias[distance.clamp(min=0)]  # (B, N, C, C)
        weight = fit.masked_fill(distance < 0, -torch.inf).softmax(-1)
        mixed = (weight @ v).flatten(1, 2)
        mixed = mixed.gather(1, line.expand(-1, -1, mixed.shape[-1]))  # (B, T, H)
        rows, last = torch.arange(len(x), device=x.device), (count + time - 1) // chunk
        return self._out(x, mixed, *gates), (k[rows, last], v[rows, last], (count + time) % chunk)

    def _gates(self, x: Tensor, context: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values, and the three parts that go round the attention."""
        u, zr, h = self.base(context).split(self.sizes, -1)
        z, r = nn.functional.silu(zr).split([self.scale.shape[1], self.mix.in_features], -1)
        q, k = (z.unsqueeze(-2) * self.scale + self.shift).unbind(-2)
        return q, k, nn.functional.silu(self.value(x)), u.sigmoid(), r, h

    def _out(self, x: Tensor, mixed: Tensor, u: Tensor, r: Tensor, h: Tensor) -> Tensor:
        return x + u * (nn.functional.silu(h + self.mix(r * mixed)) - x)


def _put(new: Tensor, now: Tensor, old: Tensor, known: Tensor) -> Tensor:
    """The places of a chunk (B, C, channels): the new step, those that are known, and zero in the rest."""
    return torch.where(now.unsqueeze(-1), new, torch.where(known.unsqueeze(-1), old, 0.0))


class ChannelCell(Nonlinear):
    """A unit of three sums whose channels meet only in the input, as in ParaRNN, arXiv 2510.21450.

    What its members share: the input's part of the sums, block-diagonal over heads, the start of the
    parameters, and the two ways to a whole sequence. Each writes its cell as `scan.newton` wants it, and
    `_run`. The sums are encode x + recur h + bias, with one recurrent weight a sum and channel.
    """

    def __init__(
        self, width: int, inputs: int | None = None, heads: int | None = None, newton: Newton | None = None
    ):
        super().__init__()
        name, inputs = type(self).__name__, width if inputs is None else inputs
        check_width(name, width=width, inputs=inputs)
        heads = divisor(math.gcd(width, inputs), 2) if heads is None else heads
        check_width(name, heads=heads)
        if width % heads or inputs % heads:
            raise BadInput(f"{name}: heads must divide width {width} and inputs {inputs}, got {heads}")
        self.width, self.inputs, self.heads, self.newton = width, inputs, heads, newton
        self.encode = nn.Parameter(torch.empty(heads, 3, width // heads, inputs // heads))
        self.recur = nn.Parameter(torch.empty(3, width))
        self.bias = nn.Parameter(torch.zeros(3, width))
        bound = (6 / (inputs // heads + self._fan_out())) ** 0.5
        nn.init.uniform_(self.encode, -bound, bound)
        nn.init.normal_(self.recur, std=2 / (5 * width) ** 0.5)
        with torch.no_grad():
            self.bias[0] = -torch.linspace(0, 1, width)

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        y, last, _ = self._run(x, state, self.newton)
        return y, last

    def solve(self, x: Tensor, state: State = None) -> tuple[Tensor, State, Info]:
        """As `forward`, by Newton's method at any length, and how each sequence was found."""
        return self._run(x, state, self.newton or Newton())

    @abstractmethod
    def _run(self, x: Tensor, state: State, newton: Newton | None) -> tuple[Tensor, State, Info]:
        """The whole sequence by `scan.newton`: output, last state, and how each sequence was found."""

    def _fan_out(self) -> int:
        """The outputs that Xavier's start of `encode` counts: those of a head."""
        return self.width // self.heads

    def _drive(self, x: Tensor) -> Tensor:
        """What the input x (..., I) adds to the sums, biases included: (..., 3, D)."""
        parts = x.unflatten(-1, (self.heads, -1))
        return torch.einsum("...hi,hgoi->...gho", parts, self.encode).flatten(-2) + self.bias


@precision.door
def rotary(x: Tensor, place: Tensor) -> Tensor:
    """Rotary positions: pairs of channels of x (B, H, T, P) turned in proportion to place (B, T).

    Angles are never in half precision, in which places 2001 to 2004 are one.
    """
    half = x.shape[-1] // 2
    rate = 10_000 ** (-torch.arange(half, dtype=x.dtype, device=x.device) / max(half, 1))
    angle = place[:, None, :, None].to(x.dtype) * rate  # (B, 1, T, half)
    a, b, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos(), rest], -1)
