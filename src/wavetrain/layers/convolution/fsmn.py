"""Feedforward sequential memory network: a learned filter over past hidden states in place of a recurrence.

Zhang, Liu, Jiang, Wei, Dai and Hu 2015, arXiv 1512.08301, with the low-rank projection of the compact FSMN
(2016), and the dilation, dense connection and gate of the recurrent block of MossFormer2, arXiv 2312.11825.

    p_t = V relu(W x_t + b),   q_0 = p
    q_l(t) = sum over j < l and i < N of a_{l,j,i} * q_j(t - 2^(l-1) i),   l = 1 .. L
    m_t = p_t + q_L(t),   y_t = silu(U x_t + d) * m_t  (without `gated`, y_t = m_t)

The taps a are one vector of channels each, so m is a convolution of p for each channel by itself and reaches
back (N - 1) (2^L - 1) steps: one level is the compact FSMN, two with 20 taps are the past half, 57 steps, of
MossFormer2's. Linear in p given the gates, so the operator is exact: Toeplitz, times the gate of its row.
Left out: taps on the future, and what in MossFormer2's block is not linear or not causal between p and m
(PReLU, instance norm over the excerpt), its layer norms and short convolutions, and the skip from x.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_width


class FSMN(Layer):
    """x (B, T, inputs) to y (B, T, width).

    The state is for each level the last (taps - 1) dilation values of all levels below it, (B, S, width l),
    oldest first. `hidden` is the size of relu(W x + b), by default the width.

    >>> from wavetrain.layers import FSMN
    >>> layer = FSMN(8, taps=3, levels=2)
    >>> operator = layer.operator(torch.randn(1, 20, 8))
    >>> reach = (operator.weight[0, 0, -1] != 0).nonzero()
    >>> 19 - reach.min().item()  # (taps - 1) (2^levels - 1) steps back
    6
    """

    splits = True
    card = Card(
        title="Feedforward sequential memory networks: a new structure to learn long-term dependency",
        authors="Zhang, Shiliang and Liu, Cong and Jiang, Hui and Wei, Si and Dai, Lirong and Hu, Yu",
        year=2015,
        source="arXiv 1512.08301",
        family="convolution",
        topic="Temporal convolutions",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        hidden: int | None = None,
        taps: int = 20,
        levels: int = 2,
        gated: bool = True,
    ):
        super().__init__(width, inputs)
        check_width("FSMN", taps=taps, levels=levels)
        hidden = width if hidden is None else hidden
        check_width("FSMN", hidden=hidden)
        self.taps = taps
        self.dilations = [2**level for level in range(levels)]
        self.expand = nn.Linear(self.inputs, hidden)
        self.project = nn.Linear(hidden, width, bias=False)
        self.gate = nn.Linear(self.inputs, width) if gated else None
        self.kernels = nn.ParameterList(
            torch.empty(width, below, taps).uniform_(-1, 1) * (below * taps) ** -0.5
            for below in range(1, levels + 1)
        )

    def begin(self, batch: int) -> tuple[Float[Tensor, "batch _ _"], ...]:
        return tuple(
            kernel.new_zeros(batch, (self.taps - 1) * dilation, self.width * kernel.shape[1])
            for kernel, dilation in zip(self.kernels, self.dilations, strict=True)
        )

    def step(
        self, x: Float[Tensor, "batch inputs"], state: tuple[Float[Tensor, "batch _ _"], ...]
    ) -> tuple[Float[Tensor, "batch width"], tuple[Float[Tensor, "batch _ _"], ...]]:
        p = self._values(x)
        known, after = [p], []
        for kernel, dilation, past in zip(self.kernels, self.dilations, state, strict=True):
            now = torch.stack(known, -1).flatten(-2)  # (B, D l), the levels of a channel side by side
            window = torch.cat([past, now.unsqueeze(1)], 1)  # (B, S + 1, D l)
            seen = window.flip(1)[:, ::dilation].unflatten(-1, (self.width, -1))  # (B, N, D, l)
            known.append(torch.einsum("dli,bidl->bd", kernel, seen))
            after.append(window[:, 1:])
        return self._gates(x) * (p + known[-1]), tuple(after)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        memory, after = self._remember(self._values(x), state)
        return self._gates(x) * memory, after

    def operator(self, x: Tensor) -> Operator:
        p = self._values(x)
        pulse = F.pad(torch.ones_like(p[:1, :1]), (0, 0, 0, x.shape[1] - 1))  # (1, T, D)
        kernel = self._remember(pulse, self.begin(1))[0][0]  # (T, D)
        gates = self._gates(x).expand_as(p).mT.unsqueeze(-1)  # (B, D, T, 1)
        return Operator(gates * scan.toeplitz(kernel.T), p.unsqueeze(-1))

    def read(self, mixed: Tensor) -> Tensor:
        return mixed.squeeze(-1)

    def _values(self, x: Tensor) -> Tensor:
        return self.project(torch.relu(self.expand(x)))

    def _gates(self, x: Tensor) -> Tensor:
        """What each channel of the memory is multiplied with, (..., width), or a one for all."""
        return x.new_ones(1) if self.gate is None else F.silu(self.gate(x))

    def _remember(self, p: Tensor, state: State) -> tuple[Tensor, State]:
        """The memory m of the values p, (B, T, width) each, and the next state."""
        known, after = [p], []
        for kernel, dilation, past in zip(self.kernels, self.dilations, state, strict=True):
            q, past = scan.dilated(torch.stack(known, -1).flatten(-2), past, kernel, dilation)
            known.append(q)
            after.append(past)
        return p + known[-1], tuple(after)
