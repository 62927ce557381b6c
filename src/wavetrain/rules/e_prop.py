"""e-prop: eligibility traces of each unit's own dynamics, times a learning signal from the outputs.

Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein and Maass 2020, Nature Communications 11:3625. With s_j
the state of unit j and z_j what it sends,

    eps_ji <- (ds_j^t / ds_j^{t-1}) eps_ji + ds_j^t / dW_ji,      e_ji = (dz_j / ds_j) eps_ji
    dL / dW_ji = sum over t of L_j^t e_ji,                        L_j^t = sum over k of B_jk (o_k^t - o*_k^t)

What a unit sends to others and hears back is left out, so the influence of a weight is that on its own unit
(`_influence`). Of a layer of spikes the own state is what fades by itself, as the potential and the
adaptation; spikes on their way are not followed, also those that a unit sends to itself. A layer whose reset
is `detached` has the published traces: that of the potential is the presynaptic trace, and the spike is felt
by the threshold alone. A leaky read-out filters the traces by its own time constant (`LeakyReader`). B is the
read-out (symmetric e-prop), or random numbers that a seed decides and that stay.

Exact where units do not hear one another and B is the read-out. On a plain rate network, whose state is what
it sends, a unit's connection to itself belongs to its own dynamics, and symmetric e-prop is SnAp-1.
Left out: B that follows the read-out (adaptive e-prop), and the price of firing rates, which may be a part
of the loss.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wavetrain.core import Batch, Card, Lesson, leaves
from wavetrain.core.spiking import Spiking
from wavetrain.core.terms import Sight, Terms
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.rules._cell import Cell
from wavetrain.rules._influence import Influence, reached
from wavetrain.spiking.recurrent_lif import RecurrentLIF


class EProp(Influence):
    """Teaches a network of one layer, of rates or spikes, with a linear read-out, leaky or not.

    With a `seed` errors come back by random weights, N(0, 1 / width), else by the read-out's. It takes
    `chunk` steps at once, which changes no figure. Raises BadInput for another network.

    >>> from wavetrain.rules import EProp
    >>> network, batch, loss = EProp.lesson()
    >>> EProp(seed=0).learn(network, batch, loss).shape, network.layer.recur.weight.grad.shape
    (torch.Size([]), torch.Size([6, 6]))
    """

    card = Card(
        title="A solution to the learning dilemma for recurrent networks of spiking neurons",
        authors="Bellec, Guillaume and Scherr, Franz and Subramoney, Anand and Hajek, Elias and Salaj, "
        "Darjan and Legenstein, Robert and Maass, Wolfgang",
        year=2020,
        source="Nature Communications 11, doi 10.1038/s41467-020-17236-y",
        family="influence",
        topic="Learning rules",
    )

    def __init__(self, seed: int | None = None, chunk: int = 32):
        super().__init__(chunk)
        self.seed = seed

    @classmethod
    def lesson(cls) -> Lesson:
        draw = torch.Generator().manual_seed(1)
        x = 2 * torch.randn(4, 12, 3, generator=draw)
        network = LeakyReader(RecurrentLIF(6, inputs=3), outputs=2, tau=5.0)
        return Lesson(network, Batch(x, x[..., :2].cumsum(1).tanh()), nn.functional.mse_loss)

    def keeps(
        self, by_state: Bool[Tensor, "rows state"], by_theta: Bool[Tensor, "rows parameters"]
    ) -> Bool[Tensor, "rows parameters"]:
        return reached(by_state, by_theta, 1)

    def follows(self, cell: Cell) -> Bool[Tensor, "state"]:
        every = super().follows(cell)
        if isinstance(cell.layer, Spiking):
            parts = zip(leaves(cell.first), cell.layer.fades(), cell.starts, strict=True)
            for part, fades, start in parts:
                if fades is None and part.is_floating_point():
                    every[start : start + part.numel()] = False
        return every

    def feedback(self, read: nn.Linear) -> Float[Tensor, "outputs width"]:
        if self.seed is None:
            return super().feedback(read)
        drawn = torch.randn(read.weight.shape, generator=torch.Generator().manual_seed(self.seed))
        return drawn.to(read.weight) * read.in_features**-0.5

    def terms(self, network: nn.Module) -> Terms:
        said = super().terms(network)
        if self.seed is None:
            return said
        blind = said.blind | {Sight.FORWARD_WEIGHTS}
        unseen = frozenset({"read.weight"})
        return Terms(trains=said.trains, blind=blind, unseen=unseen, passes=said.passes, stored=said.stored)
