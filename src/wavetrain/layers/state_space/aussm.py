"""Adaptive unitary state space model: states that the input turns and that never decay, so that they count.

Karuvally, Nowak, Keller, Amo Alonso, Sejnowski and Siegelmann 2025, NeurIPS 2025, arXiv 2507.05238.

    u_t, z_t = W_in x_t,  u = causal depthwise convolution of u,  v = SiLU(u)
    dt_t = softplus(W_dt (W_x u_t) + 2 b_dt)          (the released code adds the bias twice)
    theta_t[n, d] = width^-1/2 sum_r W_A[n, d, r] u_t[r] + beta[n, d],  beta uniform in +/- pi
    h_t[n, d] = exp(i theta_t[n, d]) h_{t-1}[n, d] + B[n] dt_t[d] v_t[d]
    y_t = W_out (SiLU(z_t) (Re sum_n C[n] h_t[n] + D v_t)),  D = 1 at the start

All turns commute, so with G_t = theta_1 + ... + theta_t the recurrence comes apart into prefix sums,
h_t = exp(i G_t) (h_0 + B sum_{s <= t} exp(-i G_s) dt_s v_s), or is walked in one fused kernel. One layer
tracks abelian groups; two in a row solvable ones. Linear in v given its gates, so the operator is exact, a
head per channel. B and C start complex normal, read as modulus softplus(first part) and phase (second part).
Left out: the variant that keeps the sign of cos(G) alone. The paper puts Mamba layers between these.
"""

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_width
from wavetrain.scan.haloed import steps_before


class AUSSM(Layer):
    """x (B, T, inputs) to y (B, T, width).

    The state is the last `taps` - 1 values of u (B, taps - 1, width), and h (B, states, width), complex.
    `rank` is that of dt's map, by default `states`; with one tap the convolution is only a scale.

    >>> from wavetrain.layers import AUSSM
    >>> layer = AUSSM(8, states=4)
    >>> y, (past, h) = layer(torch.randn(2, 50, 8))
    >>> h.shape, h.dtype  # states that turn and never decay
    (torch.Size([2, 4, 8]), torch.complex64)
    """

    splits = True
    card = Card(
        title="Bridging expressivity and scalability with adaptive unitary SSMs",
        authors="Karuvally, Arjun and Nowak, Franz and Keller, T. Anderson and Amo Alonso, Carmen and "
        "Sejnowski, Terrence J. and Siegelmann, Hava T.",
        year=2025,
        source="NeurIPS 2025, arXiv 2507.05238",
        family="state space",
        topic="Selective state spaces",
    )

    def __init__(
        self, width: int, inputs: int | None = None, states: int = 16, rank: int | None = None, taps: int = 4
    ):
        super().__init__(width, inputs)
        rank = states if rank is None else rank
        check_width("AUSSM", states=states, rank=rank, taps=taps)
        self.states = states
        self.enter = nn.Linear(self.inputs, 2 * width, bias=False)  # u and z
        self.convolve = nn.Conv1d(width, width, taps, groups=width)
        self.rate_down = nn.Linear(width, rank, bias=False)  # W_x
        self.rate_up = nn.Linear(rank, width)  # W_dt and b_dt
        self.turn = nn.Linear(width, states * width)  # W_A and beta, states outside, channels inside
        self.B = nn.Parameter(0.5**0.5 * torch.randn(states, 2))
        self.C = nn.Parameter(0.5**0.5 * torch.randn(states, 2))
        self.D = nn.Parameter(torch.ones(width))
        self.out = nn.Linear(width, width, bias=False)
        nn.init.uniform_(self.turn.bias, -torch.pi, torch.pi)

    def begin(
        self, batch: int
    ) -> tuple[Float[Tensor, "batch past channels"], Complex[Tensor, "batch states channels"]]:
        window = self.D.new_zeros(batch, self.convolve.kernel_size[0] - 1, self.width)
        zero = self.D.new_zeros(batch, self.states, self.width)
        return window, torch.complex(zero, zero)

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Float[Tensor, "batch past channels"], Complex[Tensor, "batch states channels"]],
    ) -> tuple[
        Float[Tensor, "batch width"],
        tuple[Float[Tensor, "batch past channels"], Complex[Tensor, "batch states channels"]],
    ]:
        window, h = state
        u, z, window = self._enter(x.unsqueeze(1), window)
        v, dt, theta = self._gates(u)
        h = scan.turned(theta) * h.unsqueeze(1) + _polar(self.B)[:, None] * (dt * v).unsqueeze(2)
        y = (_polar(self.C)[:, None] * h).sum(2).real  # of states h (B, 1, N, D)
        return self._leave(y, v, z).squeeze(1), (window, h.squeeze(1))

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        window, h = state
        u, z, window = self._enter(x, window)
        v, dt, theta = self._gates(u)
        y, h = scan.unitary(theta, dt * v, _polar(self.B), _polar(self.C), h)
        return self._leave(y, v, z), (window, h)

    def operator(self, x: Tensor) -> Operator:
        u, z, _ = self._enter(x, self.begin(len(x))[0])
        v, dt, theta = self._gates(u)
        total = theta.cumsum(1, dtype=torch.float64) % (2 * torch.pi)  # float32 would lose its place
        turned = scan.turned(total.to(theta.dtype))
        now = _polar(self.C)[:, None] * turned
        then = _polar(self.B)[:, None] * turned.conj() * dt.unsqueeze(2)
        weight = torch.einsum("btnd,bsnd->bdts", now, then).real.tril()
        weight = weight + torch.diag_embed(self.D[:, None].expand(-1, x.shape[1]))
        return Operator(weight * F.silu(z).transpose(1, 2).unsqueeze(-1), v.unsqueeze(-1))

    def read(self, mixed: Tensor) -> Tensor:
        return self.out(mixed.flatten(-2))

    def _enter(self, x: Tensor, window: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """From x (B, T, I) and the last values before it: u and z (B, T, D), and the last values after it."""
        u, z = self.enter(x).chunk(2, -1)
        window, after = steps_before("aussm", u, window)
        u = torch.cat([window, u], 1)
        return self.convolve(u.transpose(1, 2)).transpose(1, 2), z, after

    def _gates(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The values v and step sizes dt (B, T, D), and the angles theta (B, T, N, D)."""
        dt = F.softplus(self.rate_up(self.rate_down(u)) + self.rate_up.bias)
        theta = scan.affine(u, self.turn.weight * self.width**-0.5, self.turn.bias)
        return F.silu(u), dt, theta.unflatten(-1, (self.states, self.width))

    def _leave(self, y: Tensor, v: Tensor, z: Tensor) -> Tensor:
        """From what is read of the states to the output, all (B, T, D)."""
        return self.out((y + self.D * v) * F.silu(z))


def _polar(pair: Tensor) -> Tensor:
    """The complex numbers of B or C: pair (N, 2) gives (N,)."""
    return F.softplus(pair[:, 0]) * scan.turned(pair[:, 1])
