"""S4: a state space whose matrix is HiPPO-LegS, written as diagonal plus low rank.

Gu, Goel and Ré 2022, arXiv 2111.00396.

    x' = A x + B u,  v = C x + D u,  one system of N states for each feature,  A = Lambda - P P^*
    bilinear rule:  (1 - dt/2 A) x_t = (1 + dt/2 A) x_{t-1} + dt B u_t
    y = W GELU(v)

Lambda is diagonal and complex, and of each conjugate pair of modes one is kept, so that P P^* x is
2 P Re(P^* x) and C x is 2 Re(C x). A starts as LegS, seen in the modes of its normal part. By Woodbury's
identity a step costs N operations. `forward` takes the powers of the matrix by doubling, as it needs them
for the last state, and convolves by FFT; the paper's Cauchy kernel gives the same numbers (see the test).
C is that of the recurrence, not the authors' C (1 - A^L), so that a layer knows no length.
Where `inputs` is not `width`, a linear map leads from one to the other. Left out: dropout, P other than Q.
Train dt, A and B (`log_step`, `log_decay`, `frequency`, `p`, `b`) at a rate of at most 0.001, undecayed.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_width
from wavetrain.errors import BadInput
from wavetrain.parts.hippo import legs_modes
from wavetrain.parts.linear_system import run_system, system_kernel


class S4(Layer):
    """x (B, T, inputs) to y (B, T, width); the state is (B, width, states), real parts, then imaginary.

    >>> from wavetrain.layers import S4
    >>> layer, x = S4(4, states=16), torch.randn(1, 50, 4)
    >>> y, state = layer(x)
    >>> state.shape  # of 8 modes, real parts and then imaginary
    torch.Size([1, 4, 16])
    >>> now, _ = layer.step(x[:, 0], layer.begin(1))
    >>> torch.allclose(now, y[:, 0], atol=1e-5)  # a step gives what the convolution gives
    True
    """

    splits = True
    card = Card(
        title="Efficiently modeling long sequences with structured state spaces",
        authors="Gu, Albert and Goel, Karan and Ré, Christopher",
        year=2022,
        source="ICLR 2022, arXiv 2111.00396",
        family="state space",
        topic="Linear state spaces",
    )

    def __init__(self, width: int, inputs: int | None = None, states: int = 64):
        super().__init__(width, inputs)
        check_width("S4", states=states)
        if states % 2:
            raise BadInput(f"S4: states must be even, as modes come in pairs, got {states}")
        self.states = states
        modes, b = legs_modes(states)
        decay, frequency, b = (
            part.to(torch.get_default_dtype()).expand(width, *part.shape)
            for part in ((-modes.real).log(), modes.imag, torch.stack([b, torch.zeros_like(b)], -1))
        )  # (D, N / 2) twice, and (D, N / 2, 2)
        self.encode: nn.Module = nn.Identity() if self.inputs == width else nn.Linear(self.inputs, width)
        self.log_step = nn.Parameter(torch.empty(width).uniform_(math.log(0.001), math.log(0.1)))
        self.log_decay = nn.Parameter(decay.clone())
        self.frequency = nn.Parameter(frequency.clone())
        self.p = nn.Parameter(b * 0.5**0.5)  # real and imaginary parts, as in b and c
        self.b = nn.Parameter(b.clone())
        self.c = nn.Parameter(torch.randn(width, states // 2, 2) * 0.5**0.5)
        self.skip = nn.Parameter(torch.randn(width))
        self.out = nn.Linear(width, width)

    def begin(self, batch: int) -> Float[Tensor, "batch width states"]:
        return self.skip.new_zeros(batch, self.width, self.states)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch width states"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width states"]]:
        u = self.encode(x)  # (B, D)
        state = self._advance(state, u)
        v = (self._reading() * state).sum(-1) + self.skip * u
        return self.read(v.unsqueeze(-1)), state

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        v, last = run_system(*self._system(), self.encode(x), state)  # (B, T, D, 1)
        return self.read(v), last

    def fresh(self, x: Tensor) -> tuple[Tensor, State]:
        return self.whole(x, None)  # nothing is there yet, so that nothing of it fades

    def operator(self, x: Tensor) -> Operator:
        kernel, _ = system_kernel(*self._system(), x.shape[1])  # (D, 1, T)
        weight = scan.toeplitz(kernel.squeeze(1))  # (D, T, T)
        return Operator(weight.expand(len(x), -1, -1, -1), self.encode(x).unsqueeze(-1))

    def read(self, mixed: Tensor) -> Tensor:
        return self.out(F.gelu(mixed.squeeze(-1)))

    def _advance(self, state: Tensor, u: Tensor) -> Tensor:
        """One step of the bilinear rule: state (..., D, N) and u (..., D) give the next state."""
        x = torch.complex(*state.chunk(2, -1))  # (..., D, N / 2)
        p, b = torch.view_as_complex(self.p), torch.view_as_complex(self.b)
        rate = torch.complex(-self.log_decay.exp(), self.frequency)  # Lambda
        dt = self.log_step.exp().unsqueeze(-1)
        half = x + dt / 2 * (rate * x - 2 * p * _inner(p, x)) + dt * b * u.unsqueeze(-1)
        inverse = 1 / (1 - dt / 2 * rate)
        low = _inner(p, inverse * half) / (1 + dt * _inner(p, inverse * p))  # Woodbury, rank 1
        x = inverse * (half - dt * p * low)
        return torch.cat([x.real, x.imag], -1)

    def _reading(self) -> Tensor:
        """C as a row on real and imaginary parts, (D, N)."""
        return torch.cat([2 * self.c[..., 0], -2 * self.c[..., 1]], -1)

    def _system(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The step as dense matrices: a (D, N, N), b (D, N), c (D, 1, N), d (D, 1)."""
        units = torch.eye(self.states, dtype=self.skip.dtype, device=self.skip.device).unsqueeze(1)
        a = self._advance(units, self.skip.new_zeros(self.states, self.width))  # (N from, D, N to)
        b = self._advance(torch.zeros_like(units[0]), torch.ones_like(self.skip))  # (D, N)
        return a.permute(1, 2, 0), b, self._reading().unsqueeze(1), self.skip.unsqueeze(-1)


def _inner(p: Tensor, x: Tensor) -> Tensor:
    """Re(p^* x) over the modes, (..., D, 1)."""
    return (p.conj() * x).real.sum(-1, keepdim=True)
