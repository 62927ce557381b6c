"""ParaGRU: a gated unit whose channels meet only in the input, run in parallel by Newton's method.

Danieli, Rodriguez, Sarabia, Suau and Zappella 2026, ICLR 2026, arXiv 2510.21450.

    z, r = sigmoid(a_z h + B_z x + b_z), sigmoid(a_r h + B_r x + b_r)
    c = tanh(a_c (r h) + B_c x + b_c),   h' = (1 - z) h + z c,   y = h'

Every recurrent weight a is one number a channel, so that dh' / dh is diagonal,

    J = (1 - z) + (c - h) a_z z (1 - z) + z a_c (1 - c^2) (r + h a_r r (1 - r)),

and each iteration of Newton's method on the whole sequence is one linear recurrence (`scan.newton`). B is
block-diagonal over heads. Start: a normal with deviation 2 / sqrt(5 width), B uniform by Xavier's rule,
which in the released code counts the inputs of one head and the outputs of all, biases 0 but b_z, which
falls from 0 to -1 over the channels. That code takes 3 iterations and looks no further, which is right only
while a is small; here they go on until they have converged, and where they do not, the steps are walked.
Left out: the block around the cell (convolution, gated norm, MLP).
"""

from jaxtyping import Float
from torch import Tensor

from wavetrain import scan
from wavetrain.core import Card, State
from wavetrain.layers.gate._shared import ChannelCell
from wavetrain.scan import Info, Newton


class ParaGRU(ChannelCell):
    """x (B, T, inputs) to h (B, T, width); the state is h (B, width).

    `heads` divides `width` and `inputs`; by default there are two where that is so, else one. With `newton`
    given, `forward` takes that route everywhere; else the route is chosen by itself, on CPU the walk. The
    three sums, in their order in all parameters, are those of z, r and c.

    >>> from wavetrain import scan
    >>> from wavetrain.layers import ParaGRU
    >>> layer, x = ParaGRU(8, newton=scan.Newton()), torch.randn(2, 50, 8)
    >>> y, state = layer(x)  # all steps at once
    >>> with scan.only_plain():
    ...     print(torch.allclose(y, layer(x)[0], atol=1e-5))  # as step by step
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

    def begin(self, batch: int) -> Float[Tensor, "batch width"]:
        return self.bias.new_zeros(batch, self.width)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        h = self.next(self._drive(x), state.unsqueeze(1)).squeeze(1)
        return h, h

    def next(self, drive: Tensor, state: Tensor) -> Tensor:
        """The cell: drive (..., 3, D) and h (..., 1, D) give the next h."""
        z, _, c = self._gates(drive, state)
        return (1 - z) * state + z * c

    def linearise(self, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The next h (..., 1, D), and its derivative by h (..., 1, 1, D)."""
        z, r, c = self._gates(drive, state)
        to_z, to_r, to_c = self.recur
        slope = to_c * (1 - c**2) * (r + state * to_r * r * (1 - r))  # dc / dh
        jacobian = (1 - z) + (c - state) * to_z * z * (1 - z) + z * slope
        return (1 - z) * state + z * c, jacobian.unsqueeze(-2)

    def _fan_out(self) -> int:
        return self.width  # of all heads, as in the released code

    def _gates(self, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        to_z, to_r, to_c = self.recur
        from_z, from_r, from_c = drive.split(1, -2)  # (..., 1, D) each
        z, r = (from_z + to_z * state).sigmoid(), (from_r + to_r * state).sigmoid()
        return z, r, (from_c + to_c * r * state).tanh()

    def _run(self, x: Tensor, state: State, newton: Newton | None) -> tuple[Tensor, State, Info]:
        h, info = scan.newton(self, self._drive(x), state.unsqueeze(1), newton)
        h = h.squeeze(2)
        return h, h[:, -1], info
