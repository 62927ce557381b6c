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

In adaptive e-prop B begins at random and `Follows` the read-out: it takes the same steps, and both fade, so
that what is between them fades too, though neither sees the other. A `Price` is put on how far units are
from a firing rate f*: half of strength (f_j - f*)^2 for each, whose slope by every spike joins the learning
signal, past the read-out's filter. f_j is a mean over the batches before, since a step does not know the rate
of its own trial; the first batch has no price.

Exact where units do not hear one another and B is the read-out. On a plain rate network, whose state is what
it sends, a unit's connection to itself belongs to its own dynamics, and symmetric e-prop is SnAp-1.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wavetrain.core import Batch, Card, Layer, Lesson, leaves
from wavetrain.core.spiking import Spiking
from wavetrain.core.terms import Sight, Terms
from wavetrain.errors import BadInput
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.rules._apart import Apart
from wavetrain.rules._cell import Cell
from wavetrain.rules._influence import Influence, reached
from wavetrain.spiking.recurrent_lif import RecurrentLIF

MOVES = 0.1  # of what is known of firing rates, by each batch after the first


@dataclass(frozen=True)
class Follows:
    """B <- B - rate (g + decay B), with g the gradient of the read-out, after each batch.

    The optimiser of the read-out, plain gradient descent of the same rate, is to have the same weight decay.

    >>> from wavetrain.rules.e_prop import Follows
    >>> Follows(rate=0.1, decay=0.01).decay
    0.01
    """

    rate: float
    decay: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.rate < math.inf and 0 <= self.decay < math.inf):
            raise BadInput(
                f"Follows: expected a rate and a decay of at least 0, got {self.rate} and {self.decay}"
            )


@dataclass(frozen=True)
class Price:
    """Half of `strength` times the squared distance of each unit's firing rate from `rate`, spikes a step.

    >>> from wavetrain.rules.e_prop import Price
    >>> Price(rate=0.01, strength=300.0).rate  # 10 Hz in steps of 1 ms
    0.01
    """

    rate: float
    strength: float

    def __post_init__(self) -> None:
        if not (0 <= self.rate < math.inf and 0 <= self.strength < math.inf):
            raise BadInput(
                f"Price: expected a rate and a strength of at least 0, got {self.rate} and {self.strength}"
            )


class EProp(Influence):
    """Teaches a network of one layer, of rates or spikes, with a linear read-out, leaky or not.

    With a `seed` errors come back by random weights, N(0, 1 / width), which stay unless they are to follow,
    else by the read-out's. It takes `chunk` steps at once, which changes no figure. Raises BadInput for
    another network, and where weights are to follow that are none of its own.

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

    def __init__(
        self,
        seed: int | None = None,
        chunk: int = 32,
        *,
        follows: Follows | None = None,
        price: Price | None = None,
    ):
        super().__init__(chunk)
        if follows is not None and seed is None:
            raise BadInput("EProp: expected a seed of weights that follow the read-out, got none")
        self.seed, self.follows_read, self.price = seed, follows, price
        self.back: Float[Tensor, "outputs width"] | None = None  # B, where it follows
        self.rates: Float[Tensor, width] | None = None  # of units, over the batches so far
        self.heard: list[Tensor] = []  # sums of the spikes of this batch, a chunk or a step each

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

    def state_dict(self) -> dict[str, Tensor]:
        both = {"back": self.back, "rates": self.rates}
        return {name: one.clone() for name, one in both.items() if one is not None}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.back, self.rates = state.get("back"), state.get("rates")

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        self.heard = []
        value = super().learn(network, batch, loss)
        if self.price is not None:
            now = torch.stack(self.heard).sum(0) / math.prod(batch.x.shape[:2])
            self.rates = now if self.rates is None else torch.lerp(self.rates, now, MOVES)
        return value

    def summed(
        self, network: nn.Module, parts: Apart, x: Tensor, errors: Float[Tensor, "batch *time outputs"]
    ) -> dict[str, Tensor]:
        found = super().summed(network, parts, x, errors)
        if self.follows_read is not None and "read.weight" in found:
            rate, decay = self.follows_read.rate, self.follows_read.decay
            back = self.feedback(parts.read)
            self.back = back - rate * (found["read.weight"] + decay * back)
        return found

    def besides(self, layer: Layer, many: int) -> Float[Tensor, "width"] | None:
        if self.price is None or self.rates is None:
            return None
        return self.price.strength / many * (self.rates - self.price.rate)

    def hears(self, y: Float[Tensor, "batch *time width"]) -> None:
        if self.price is not None:
            self.heard.append(y.flatten(0, -2).sum(0))

    def feedback(self, read: nn.Linear) -> Float[Tensor, "outputs width"]:
        if self.seed is None:
            return super().feedback(read)
        if self.back is not None:
            return self.back.to(read.weight)
        drawn = torch.randn(read.weight.shape, generator=torch.Generator().manual_seed(self.seed))
        return drawn.to(read.weight) * read.in_features**-0.5

    def terms(self, network: nn.Module) -> Terms:
        said = super().terms(network)
        if self.seed is None:
            return said
        blind = said.blind | {Sight.FORWARD_WEIGHTS}
        unseen = frozenset({"read.weight"})
        return Terms(trains=said.trains, blind=blind, unseen=unseen, passes=said.passes, stored=said.stored)
