"""Linear recurrent unit: a diagonal complex recurrence whose eigenvalues start on a ring in the unit disc.

Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu and De 2023, arXiv 2303.06349.

    h_t = lambda h_{t-1} + gamma (B u_t),   y_t = Re(C h_t) + D u_t,   h_0 = 0
    lambda = exp(-exp(nu) + i exp(theta)), inside the unit disc whatever nu and theta are

lambda starts uniform on the ring `smallest` < |lambda| < `largest`, with phases in [0, `phase`]; gamma starts
at sqrt(1 - |lambda|^2), so that white input of variance 1 gives a state of variance 1 at any |lambda|.
Where `inputs` is not `width`, a linear map leads from one to the other. `forward` is the fused scan.
Left out: what stands round it in the paper (norm, GELU, GLU, dropout, skip); a stack brings norm and skip.
"""

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_width
from wavetrain.errors import BadInput


class LRU(Layer):
    """x (B, T, inputs) to y (B, T, width); the state is complex, (B, states), by default `width` of them.

    >>> from wavetrain.layers import LRU
    >>> layer = LRU(8, states=16, smallest=0.9, largest=0.99)
    >>> y, state = layer(torch.randn(2, 50, 8))
    >>> state.dtype, state.shape
    (torch.complex64, torch.Size([2, 16]))
    """

    splits = True
    card = Card(
        title="Resurrecting recurrent neural networks for long sequences",
        authors="Orvieto, Antonio and Smith, Samuel L. and Gu, Albert and Fernando, Anushan and "
        "Gulcehre, Caglar and Pascanu, Razvan and De, Soham",
        year=2023,
        source="ICML 2023, arXiv 2303.06349",
        family="state space",
        topic="Linear state spaces",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        states: int | None = None,
        smallest: float = 0.0,
        largest: float = 1.0,
        phase: float = 2 * math.pi,
    ):
        super().__init__(width, inputs)
        states = width if states is None else states
        check_width("LRU", states=states)
        if not 0 <= smallest < largest <= 1:
            raise BadInput(
                f"LRU: expected 0 <= smallest < largest <= 1 for |lambda|, got {smallest} and {largest}"
            )
        if not 0 < phase <= 2 * math.pi:
            raise BadInput(f"LRU: expected a largest phase above 0 and at most 2 pi, got {phase}")
        self.states = states
        self.encode: nn.Module = nn.Identity() if self.inputs == width else nn.Linear(self.inputs, width)
        # open at both ends, where the logarithms have no value
        square, turn = torch.empty(2, states).uniform_(1e-6, 1 - 1e-6)
        square = square * (largest**2 - smallest**2) + smallest**2  # |lambda|^2
        self.nu = nn.Parameter((-0.5 * square.log()).log())
        self.theta = nn.Parameter((phase * turn).log())
        self.log_gamma = nn.Parameter(0.5 * (1 - square).log())
        self.b = nn.Parameter(torch.randn(2, states, width) * (2 * width) ** -0.5)  # real, imaginary part
        self.c = nn.Parameter(torch.randn(2, width, states) * states**-0.5)
        self.skip = nn.Parameter(torch.randn(width))

    def begin(self, batch: int) -> Complex[Tensor, "batch states"]:
        zero = self.nu.new_zeros(batch, self.states)
        return torch.complex(zero, zero)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Complex[Tensor, "batch states"]
    ) -> tuple[Float[Tensor, "batch width"], Complex[Tensor, "batch states"]]:
        u = self.encode(x)
        h = self._rate().exp() * state + self._drive(u)
        return self._observe(h, u), h

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        u = self.encode(x)
        h, last = scan.linear(self._rate().exp(), self._drive(u), state)  # (B, T, N)
        return self._observe(h, u), last

    def operator(self, x: Tensor) -> Operator:
        """One head for each pair of output and input channel of the recurrence, (B, width width, T, T)."""
        u, time = self.encode(x), x.shape[1]
        powers = (self._rate().unsqueeze(-1) * torch.arange(time, device=x.device)).exp()  # (N, T)
        b = torch.complex(*self.b) * self.log_gamma.exp().unsqueeze(-1)
        kernel = torch.einsum("on,nt,ni->oit", torch.complex(*self.c), powers, b).real
        kernel = kernel + F.pad(torch.diag(self.skip).unsqueeze(-1), (0, time - 1))
        weight = scan.toeplitz(kernel.flatten(0, 1)).expand(len(x), -1, -1, -1)
        return Operator(weight, u.repeat(1, 1, self.width).unsqueeze(-1))

    def read(self, mixed: Tensor) -> Tensor:
        return mixed.squeeze(-1).unflatten(-1, (self.width, self.width)).sum(-1)

    def _rate(self) -> Tensor:
        """log lambda, (N,)."""
        return torch.complex(-self.nu.exp(), self.theta.exp())

    def _drive(self, u: Tensor) -> Tensor:
        """gamma B u: u (..., D) gives (..., N)."""
        parts = F.linear(u, self.b.flatten(0, 1)).unflatten(-1, (2, -1)) * self.log_gamma.exp()
        return torch.complex(*parts.unbind(-2))

    def _observe(self, h: Tensor, u: Tensor) -> Tensor:
        """Re(C h) + D u, (..., D)."""
        return F.linear(h.real, self.c[0]) - F.linear(h.imag, self.c[1]) + self.skip * u
