"""ParaLSTM: long short-term memory whose channels meet only in the input, run by Newton's method.

Danieli, Rodriguez, Sarabia, Suau and Zappella 2026, ICLR 2026, arXiv 2510.21450.

    f = sigmoid(a_f h + p_f c + B_f x + b_f),   g = tanh(a_g h + B_g x + b_g),   c' = f c + (1 - f) g
    o = sigmoid(a_o h + p_o c' + B_o x + b_o),   h' = o tanh(c'),   y = h'

What is forgotten makes room for what is written (coupled gates); f and o see the cell (peepholes). a, p are
one number a channel). The Jacobian of (c', h') by (c, h) is a 2 x 2 matrix a channel: with t = tanh(c'),

    J_cc = f + (c - g) f (1 - f) p_f,   J_ch = (c - g) f (1 - f) a_f + (1 - f) (1 - g^2) a_g,
    (J_hc, J_hh) = (t o (1 - o) p_o + o (1 - t^2)) (J_cc, J_ch) + (0, t o (1 - o) a_o),

and each iteration of Newton's method on the whole sequence is one linear recurrence of such matrices
(`scan.newton`). B is block-diagonal over heads. Start: a and p normal with deviation 2 / sqrt(5 width), B
Xavier uniform in each head, biases 0 but b_f, which falls from 0 to -1 over the channels. The iterations go
on until they have converged, where the released code takes 3. Left out: the block around the cell.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, State
from wavetrain.layers.gate._shared import ChannelCell
from wavetrain.scan import Info, Newton


class ParaLSTM(ChannelCell):
    """x (B, T, inputs) to h (B, T, width); the state is c and h, one above the other (B, 2, width).

    `heads` divides `width` and `inputs`; by default there are two where that is so, else one. With `newton`
    given, `forward` takes that route everywhere; else the route is chosen by itself, on CPU the walk. The
    three sums, in their order in all parameters, are those of f, g and o.

    >>> from wavetrain.layers import ParaLSTM
    >>> layer = ParaLSTM(8)
    >>> y, state = layer(torch.randn(2, 50, 8))
    >>> cell, h = state.unbind(1)
    >>> torch.equal(y[:, -1], h)
    True
    """

    card = Card(
        title="ParaRNN: Unlocking Parallel Training of Nonlinear RNNs for Large Language Models",
        authors="Danieli, Federico and Rodriguez, Pau and Sarabia, Miguel and Suau, Xavier "
        "and Zappella, Luca",
        year=2026,
        source="ICLR 2026, arXiv 2510.21450",
        family="gate",
        topic="Recurrences in parallel",
    )

    def __init__(
        self, width: int, inputs: int | None = None, heads: int | None = None, newton: Newton | None = None
    ):
        super().__init__(width, inputs, heads, newton)
        self.peep = nn.Parameter(torch.empty(2, width))  # from the cell to f, o
        nn.init.normal_(self.peep, std=2 / (5 * width) ** 0.5)

    def begin(self, batch: int) -> Float[Tensor, "batch 2 width"]:
        return self.bias.new_zeros(batch, 2, self.width)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch 2 width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch 2 width"]]:
        state = self.next(self._drive(x), state)
        return state[:, 1], state

    def next(self, drive: Tensor, state: Tensor) -> Tensor:
        """The cell: drive (..., 3, D) and (c, h) (..., 2, D) give the next (c, h)."""
        _, _, o, c = self._gates(drive, state)
        return torch.stack([c, o * c.tanh()], -2)

    def linearise(self, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The next (c, h), and its Jacobian (..., 2, 2, D)."""
        f, g, o, new = self._gates(drive, state)
        (to_f, to_g, to_o), (peep_f, peep_o) = self.recur, self.peep
        t = new.tanh()
        forget = (state[..., 0, :] - g) * f * (1 - f)  # dc' by the sum of f
        show = t * o * (1 - o)  # dh' by the sum of o
        along = show * peep_o + o * (1 - t**2)  # dh' / dc'
        cc = f + forget * peep_f
        ch = forget * to_f + (1 - f) * (1 - g**2) * to_g
        jacobian = torch.stack([cc, ch, along * cc, along * ch + show * to_o], -2)
        return torch.stack([new, o * t], -2), jacobian.unflatten(-2, (2, 2))

    def _gates(self, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The gate f, the candidate g, the gate o and the next cell, (..., D) each."""
        (c, h), (from_f, from_g, from_o) = state.unbind(-2), drive.unbind(-2)
        (to_f, to_g, to_o), (peep_f, peep_o) = self.recur, self.peep
        f = (from_f + to_f * h + peep_f * c).sigmoid()
        g = (from_g + to_g * h).tanh()
        new = f * c + (1 - f) * g
        return f, g, (from_o + to_o * h + peep_o * new).sigmoid(), new

    def _run(self, x: Tensor, state: State, newton: Newton | None) -> tuple[Tensor, State, Info]:
        states, info = scan.newton(self, self._drive(x), state, newton)
        return states[:, :, 1], states[:, -1], info
