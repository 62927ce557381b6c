"""S4D: a state space with a diagonal state matrix, so that its kernel is a sum of damped oscillations.

Gu, Gupta, Goel and Ré 2022, arXiv 2206.11893.

    x' = A x + u,  v = 2 Re(C x) + D u,  one system of N / 2 complex modes for each feature, A diagonal
    held over a step of dt:  x_t = e^(dt A) x_{t-1} + (e^(dt A) - 1) / A u_t
    as a convolution:  v = K * u,  K_l = 2 Re sum_n C_n (e^(dt A_n) - 1) / A_n e^(dt A_n l),  and D at l = 0
    y = GLU(W GELU(v))

Re A = -exp(.), so that no mode grows; dt starts log-uniform in [0.001, 0.1]. `Start` gives the paper's
starts of A. Where `inputs` is not `width`, a linear map leads from one to the other. `forward` is the
convolution by FFT; the operator is its Toeplitz matrix. Left out: dropout, the bilinear rule, both
directions. Train dt and A (`log_step`, `log_decay`, `frequency`) at a rate of at most 0.001, undecayed.
"""

import enum
import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_width
from wavetrain.errors import BadInput
from wavetrain.parts.hippo import legs_modes
from wavetrain.scan.over_slices import Passing, in_slices


class Start(enum.Enum):
    """Where the modes start: at -1/2 + i w, but for REAL."""

    LEGS = "legs"  # w of the normal part of HiPPO-LegS
    INV = "inv"  # w = N / pi (N / (2 n + 1) - 1), close to LEGS
    LIN = "lin"  # w = pi n: Fourier modes
    REAL = "real"  # -(n + 1), without oscillation

    def modes(self, states: int) -> Tensor:
        """The N / 2 diagonal entries of A, complex128."""
        order = torch.arange(states // 2, dtype=torch.float64)
        if self is Start.LEGS:
            return legs_modes(states)[0]
        if self is Start.REAL:
            return torch.complex(-(order + 1), torch.zeros_like(order))
        inv = states / math.pi * (states / (2 * order + 1) - 1)
        return torch.complex(torch.full_like(order, -0.5), inv if self is Start.INV else math.pi * order)


class S4D(Layer):
    """x (B, T, inputs) to y (B, T, width); the state is the complex modes (B, width, states / 2).

    >>> from wavetrain.layers import S4D
    >>> layer = S4D(4, states=16)
    >>> y, state = layer(torch.randn(2, 50, 4))
    >>> state.dtype, state.shape  # 8 modes, one of each conjugate pair
    (torch.complex64, torch.Size([2, 4, 8]))
    """

    splits = True
    card = Card(
        title="On the parameterization and initialization of diagonal state space models",
        authors="Gu, Albert and Gupta, Ankit and Goel, Karan and Ré, Christopher",
        year=2022,
        source="NeurIPS 2022, arXiv 2206.11893",
        family="state space",
        topic="Linear state spaces",
    )

    def __init__(self, width: int, inputs: int | None = None, states: int = 64, start: Start = Start.LIN):
        super().__init__(width, inputs)
        check_width("S4D", states=states)
        if states % 2:
            raise BadInput(f"S4D: states must be even, as modes come in pairs, got {states}")
        self.states = states
        modes = start.modes(states).to(torch.get_default_dtype().to_complex()).expand(width, -1)
        self.encode: nn.Module = nn.Identity() if self.inputs == width else nn.Linear(self.inputs, width)
        self.log_step = nn.Parameter(torch.empty(width).uniform_(math.log(0.001), math.log(0.1)))
        self.log_decay = nn.Parameter((-modes.real).log())  # (D, N / 2)
        self.frequency = nn.Parameter(modes.imag.clone())  # (D, N / 2)
        self.c = nn.Parameter(torch.randn(width, states // 2, 2) * 0.5**0.5)  # real and imaginary part
        self.skip = nn.Parameter(torch.randn(width))
        self.out = nn.Linear(width, 2 * width)

    def begin(self, batch: int) -> Complex[Tensor, "batch width modes"]:
        zero = self.skip.new_zeros(batch, self.width, self.states // 2)
        return torch.complex(zero, zero)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Complex[Tensor, "batch width modes"]
    ) -> tuple[Float[Tensor, "batch width"], Complex[Tensor, "batch width modes"]]:
        u = self.encode(x)  # (B, D)
        rate, drive = self._discrete()
        state = rate.exp() * state + drive * u.unsqueeze(-1)
        v = 2 * (torch.view_as_complex(self.c) * state).real.sum(-1) + self.skip * u
        return self.read(v.unsqueeze(-1)), state

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        u, time = self.encode(x), x.shape[1]  # (B, T, D)
        tensors = [u, *self.parameters()] if state is None else [u, state, *self.parameters()]
        v, last = in_slices(
            "s4d",
            lambda before: self._filter(u, before),
            lambda: Passing((self._discrete()[0] * time).exp()),
            state,
            tensors,
        )
        return self.read(v.unsqueeze(-1)), last

    def _filter(self, u: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """v (B, T, D) and the last state, of u (B, T, D)."""
        time = u.shape[1]
        fine, coarse = self._powers(time)
        v = scan.convolve(u, self._kernel(time).T)
        last = self._discrete()[1] * _gathered(fine, coarse, u)
        if state is not None:
            begun = self._discrete()[0].exp() * state  # (B, D, N / 2)
            v = v + _spread(fine, coarse, torch.view_as_complex(self.c) * begun)[..., :time].mT
            last = last + (self._discrete()[0] * time).exp() * state
        return v, last

    def fresh(self, x: Tensor) -> tuple[Tensor, State]:
        return self.whole(x, None)  # nothing is there yet, so that nothing of it fades

    def operator(self, x: Tensor) -> Operator:
        weight = scan.toeplitz(self._kernel(x.shape[1]))  # (D, T, T)
        return Operator(weight.expand(len(x), -1, -1, -1), self.encode(x).unsqueeze(-1))

    def read(self, mixed: Tensor) -> Tensor:
        y, gate = self.out(F.gelu(mixed.squeeze(-1))).chunk(2, -1)
        return y * gate.sigmoid()  # F.glu, which has no forward mode under vmap

    def _discrete(self) -> tuple[Tensor, Tensor]:
        """dt A and (e^(dt A) - 1) / A, both (D, N / 2)."""
        a = torch.complex(-self.log_decay.exp(), self.frequency)
        rate = self.log_step.exp().unsqueeze(-1) * a
        return rate, torch.expm1(rate) / a

    def _powers(self, time: int) -> tuple[Tensor, Tensor]:
        """e^(dt A l) for each l = i + size j as fine_i times coarse_j, both (D, about sqrt(T), N / 2).

        All powers of all modes at once would take N / 2 times the memory of the input.
        """
        rate, size = self._discrete()[0].unsqueeze(-2), math.isqrt(time - 1) + 1
        lag = torch.arange(size, device=rate.device).unsqueeze(-1)
        return (rate * lag).exp(), (rate * size * lag[: -(-time // size)]).exp()

    def _kernel(self, time: int) -> Tensor:
        """What an impulse leaves at each step, (D, T)."""
        weight = torch.view_as_complex(self.c) * self._discrete()[1]
        kernel = _spread(*self._powers(time), weight)[..., :time]
        return kernel + F.pad(self.skip.unsqueeze(-1), (0, time - 1))


def _spread(fine: Tensor, coarse: Tensor, weight: Tensor) -> Tensor:
    """2 Re sum_n weight_n fine_in coarse_jn at each lag, (..., D, lags), from weights (..., D, N / 2)."""
    weighted = _parts(weight.unsqueeze(-2) * coarse)  # (..., D, J, N)
    return 2 * (weighted @ _parts(fine.conj()).mT).flatten(-2)


def _gathered(fine: Tensor, coarse: Tensor, u: Tensor) -> Tensor:
    """sum_t e^(dt A (T - 1 - t)) u_t for each mode, (B, D, N / 2), from u (B, T, D)."""
    batch, time, width = u.shape
    size, blocks = fine.shape[-2], coarse.shape[-2]
    padded = F.pad(u, (0, 0, size * blocks - time, 0)).view(batch, blocks, size, width)
    within = padded.permute(3, 0, 1, 2).flatten(1, 2) @ _parts(fine.flip(-2))  # (D, B J, N)
    within = torch.view_as_complex(within.unflatten(-1, (-1, 2))).unflatten(1, (batch, blocks))
    return (within * coarse.flip(-2).unsqueeze(1)).sum(2).transpose(0, 1)


def _parts(x: Tensor) -> Tensor:
    """Real and imaginary parts side by side, (..., 2 n)."""
    return torch.view_as_real(x.resolve_conj()).flatten(-2)
