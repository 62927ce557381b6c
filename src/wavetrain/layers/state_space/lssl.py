"""Linear state space layer: one linear system as a recurrence, a convolution and a differential equation.

Gu, Johnson, Goel, Saab, Dao, Rudra and Ré 2021, arXiv 2110.13985.

    x' = A x + B u,  v = C x + D u,  one system of N states for each feature; C gives M readings of it
    over a step of dt:  (1 - alpha dt A) x_t = (1 + (1 - alpha) dt A) x_{t-1} + dt B u_t
    y = W GELU(v), from the M readings of all features

alpha is 0 for forward Euler, 1/2 for the bilinear rule, 1 for backward Euler. A starts as HiPPO-LegS, whose
state holds the whole past in Legendre polynomials; A is shared by all features, which differ in dt, B, C
and D. `fixed` leaves A and dt as they start (LSSL-fixed). A is dense: `forward` takes its powers by
doubling and convolves by FFT. Where `inputs` is not `width`, a linear map leads from one to the other.
Left out: dropout, and the fast algorithm for quasi-separable A, which loses its digits.
Train A at a rate of 0.0001 and dt (`log_step`) at one of 0.001.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_width
from wavetrain.errors import BadInput
from wavetrain.parts.hippo import legs
from wavetrain.parts.linear_system import run_system, system_kernel


class LSSL(Layer):
    """x (B, T, inputs) to y (B, T, width); the state is (B, width, states).

    >>> from wavetrain.layers import LSSL
    >>> layer = LSSL(4, states=16)
    >>> y, state = layer(torch.randn(2, 50, 4))
    >>> y.shape, state.shape  # 16 Legendre coefficients of the past for each channel
    (torch.Size([2, 50, 4]), torch.Size([2, 4, 16]))
    """

    splits = True
    card = Card(
        title="Combining recurrent, convolutional, and continuous-time models with linear state-space layers",
        authors="Gu, Albert and Johnson, Isys and Goel, Karan and Saab, Khaled and Dao, Tri and Rudra, Atri "
        "and Ré, Christopher",
        year=2021,
        source="NeurIPS 2021, arXiv 2110.13985",
        family="state space",
        topic="Linear state spaces",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        states: int = 64,
        readings: int = 1,
        alpha: float = 0.5,
        fixed: bool = False,
    ):
        super().__init__(width, inputs)
        check_width("LSSL", states=states, readings=readings)
        if not 0 <= alpha <= 1:
            raise BadInput(f"LSSL: expected alpha from 0 to 1, got {alpha}")
        self.states = states
        self.readings, self.alpha = readings, alpha
        a, b = (part.to(torch.get_default_dtype()) for part in legs(states))
        self.encode: nn.Module = nn.Identity() if self.inputs == width else nn.Linear(self.inputs, width)
        self.a = nn.Parameter(a, requires_grad=not fixed)  # (N, N)
        log_step = torch.empty(width).uniform_(math.log(0.001), math.log(0.1))
        self.log_step = nn.Parameter(log_step, requires_grad=not fixed)
        self.b = nn.Parameter(b.repeat(width, 1))  # (D, N)
        self.c = nn.Parameter(torch.randn(width, readings, states))
        self.skip = nn.Parameter(torch.randn(width, readings))
        self.out = nn.Linear(width * readings, width)

    def begin(self, batch: int) -> Float[Tensor, "batch width states"]:
        return self.b.new_zeros(batch, self.width, self.states)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch width states"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width states"]]:
        u = self.encode(x).unsqueeze(-1)  # (B, D, 1)
        a, b, c, d = self._system()
        state = torch.einsum("dij,bdj->bdi", a, state) + b * u
        v = torch.einsum("dmn,bdn->bdm", c, state) + d * u
        return self.read(v.flatten(1).unsqueeze(-1)), state

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        v, last = run_system(*self._system(), self.encode(x), state)  # (B, T, D, M)
        return self.read(v.flatten(2).unsqueeze(-1)), last

    def fresh(self, x: Tensor) -> tuple[Tensor, State]:
        return self.whole(x, None)  # nothing is there yet, so that nothing of it fades

    def operator(self, x: Tensor) -> Operator:
        """One head for each reading of each feature, (B, width readings, T, T)."""
        kernel, _ = system_kernel(*self._system(), x.shape[1])  # (D, M, T)
        weight = scan.toeplitz(kernel.flatten(0, 1)).expand(len(x), -1, -1, -1)
        return Operator(weight, self.encode(x).repeat_interleave(self.readings, -1).unsqueeze(-1))

    def read(self, mixed: Tensor) -> Tensor:
        return self.out(F.gelu(mixed.squeeze(-1)))

    def _system(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The system over one step: a (D, N, N), b (D, N), c (D, M, N), d (D, M)."""
        dt = self.log_step.exp()[:, None, None]
        unit = torch.eye(self.states, dtype=dt.dtype, device=dt.device)
        right = torch.cat([unit + (1 - self.alpha) * dt * self.a, dt * self.b.unsqueeze(-1)], -1)
        both = torch.linalg.solve(unit - self.alpha * dt * self.a, right)  # (D, N, N + 1)
        return both[..., :-1], both[..., -1], self.c, self.skip
