"""Noise generator: a recurrent network that turns white noise into sequences of symbols.

Torre, Viscione, Pompe, Grewe and Mante 2025, arXiv 2510.25674. The first channels of the input push the
state; the last ones, one for each symbol, decide between symbols:

    h_t = relu(W_h h_{t-1} + W_i x_t)    without bias, h_0 = 0
    l_t = A h_t
    y_t = one-hot of the largest of l_t + g_t, with the gradient of softmax(l_t + g_t)

With Gumbel noise g = -log(-log u) of even u, y_t is drawn with the chances softmax(l_t) (Jang et al. 2017,
arXiv 1611.01144). So the network itself draws nothing: the same noise gives the same symbols. Without noise
it stays at 0, and with c times the noise the states are c times as large. Trained to emit sequences with the
law of a hidden Markov model, it is said to go round a closed orbit, with slow places for the hidden states.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Card, Carrying, State, check_width
from wavetrain.errors import BadInput


class NoiseGenerator(Carrying):
    """x (B, T, noise + symbols) to one-hot symbols (B, T, symbols); the state is h (B, hidden).

    >>> from wavetrain.networks import NoiseGenerator
    >>> network = NoiseGenerator(hidden=20, noise=5, symbols=3)
    >>> y = network(network.drawn(2, 10, torch.Generator().manual_seed(0)))
    >>> y.shape, y.sum(-1).unique().tolist()
    (torch.Size([2, 10, 3]), [1.0])
    """

    card = Card(
        title="Mechanistic Interpretability of RNNs emulating Hidden Markov Models",
        authors="Torre, Elia and Viscione, Michele and Pompe, Lucas and Grewe, Benjamin F. and "
        "Mante, Valerio",
        year=2025,
        source="arXiv 2510.25674",
        family="recurrence",
        topic="Looking inside",
    )

    def __init__(self, hidden: int, noise: int, symbols: int):
        super().__init__()
        check_width("NoiseGenerator", hidden=hidden, noise=noise, symbols=symbols)
        self.hidden, self.noise, self.symbols = hidden, noise, symbols
        self.inputs = noise + symbols
        self.encode = nn.Linear(noise, hidden, bias=False)
        self.recur = nn.Linear(hidden, hidden, bias=False)
        self.read = nn.Linear(hidden, symbols, bias=False)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden**-0.5), hidden**-0.5)

    def begin(self, batch: int) -> Float[Tensor, "batch hidden"]:
        return self.recur.weight.new_zeros(batch, self.hidden)

    def carry(
        self, x: Float[Tensor, "batch time inputs"], state: State = None
    ) -> tuple[Float[Tensor, "batch time symbols"], State]:
        h = self.states(x, state)
        return self.emit(self.read(h), x[..., self.noise :]), h[:, -1]

    def states(
        self, x: Float[Tensor, "batch time inputs"], state: State = None
    ) -> Float[Tensor, "batch time hidden"]:
        """The activity of all units, from rest where no state is given.

        Raises BadInput where x has another shape, or no step.
        """
        if x.ndim != 3 or x.shape[-1] != self.inputs or x.shape[1] == 0:
            raise BadInput(f"NoiseGenerator: expected x (batch, time, {self.inputs}), got {tuple(x.shape)}")
        h = self.begin(len(x)) if state is None else state
        pushed, seen = self.encode(x[..., : self.noise]), []
        for now in pushed.unbind(1):
            h = torch.relu(now + self.recur(h))
            seen.append(h)
        return torch.stack(seen, 1)

    @staticmethod
    def emit(
        logits: Float[Tensor, "*steps symbols"], gumbel: Float[Tensor, "*steps symbols"]
    ) -> Float[Tensor, "*steps symbols"]:
        """The symbols that noise decides on, one-hot, with the gradient of the soft choice."""
        soft = torch.softmax(logits + gumbel, -1)
        hard = nn.functional.one_hot(soft.argmax(-1), soft.shape[-1]).to(soft.dtype)
        return hard + (soft - soft.detach())

    def drawn(self, batch: int, time: int, generator: torch.Generator) -> Float[Tensor, "batch time inputs"]:
        """Noise to go by: normal for the state, of Gumbel's law for the choice; float32, on the CPU."""
        return noise(batch, time, self.noise, self.symbols, generator=generator)


def noise(
    batch: int, time: int, normal: int, gumbel: int, *, generator: torch.Generator
) -> Float[Tensor, "batch time channels"]:
    """Channels of normal noise and, behind them, of Gumbel's.

    >>> from wavetrain.networks.noise_generator import noise
    >>> noise(2, 10, 5, 3, generator=torch.Generator()).shape
    torch.Size([2, 10, 8])
    """
    push = torch.randn(batch, time, normal, generator=generator)
    even = torch.rand(batch, time, gumbel, generator=generator, dtype=torch.float64)
    return torch.cat([push, -torch.log(-torch.log(even.clamp(1e-12, 1 - 1e-12))).float()], 2)
