"""Sparse distributed memory as a perceptron: few neurons win, so that what is learned later spares the rest.

Bricken, Davies, Singh, Krotov and Kreiman 2023, arXiv 2303.11934. Addresses W_a (neurons, inputs) are the
neurons' dendrites, stores W_s (width, neurons) their synapses; neither layer has a bias.

    x <- relu(x) / |x|,   z = relu(W_a x),   h = top-k of z,   y = W_s h

After every step of the optimiser `constrain` clamps both matrices at 0 and gives each address the length 1.
Top-k is a mask, or, with a GABA switch of N examples, an inhibition that begins as excitation:

    h_i = relu(z_i - gamma_i theta),   theta the (k+1)-th largest of z, a constant to the gradient
    gamma_i = min(-1 + 2 c_i / N, 1),   c_i the examples of training so far in which neuron i was active

At first theta is added, all neurons are active and learn; at the end k are left. The gradient is then the
paper's and not the derivative, and in training the counters move with every call; N should be passed within
the first task. Left out: a k that falls linearly over epochs. The authors train with plain SGD, since
momentum goes on moving neurons that have stopped to win. Nothing is carried through time.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Card, Layer, Operator, State, check_width
from wavetrain.errors import BadInput


class SdmPerceptron(Layer):
    """x (B, T, inputs) to y (B, T, width), each step by itself; the state is empty, (B, 0).

    `winners` is k; `switch` is N, the examples until the inhibition is whole, None for the mask. With
    `positive` False neither inputs nor weights are kept above 0. As a classifier the width is the number of
    classes; `active` takes single vectors too. The operator is diagonal, its values the active neurons.

    >>> from wavetrain.layers import SdmPerceptron
    >>> layer = SdmPerceptron(10, inputs=784, neurons=1000, winners=10)
    >>> active = layer.active(torch.rand(5, 784))
    >>> (active != 0).sum(-1).tolist()  # few neurons win
    [10, 10, 10, 10, 10]
    """

    roundings = 15.0  # rounded addresses tie, and another of two equal neurons may win
    wins: Tensor  # c, (neurons,)

    card = Card(
        title="Sparse distributed memory is a continual learner",
        authors="Bricken, Trenton and Davies, Xander and Singh, Deepak and Krotov, Dmitry and "
        "Kreiman, Gabriel",
        year=2023,
        source="ICLR 2023, arXiv 2303.11934",
        family="attention",  # to learned keys, at each step by itself
        topic="Learning without forgetting",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        neurons: int = 1000,
        winners: int = 10,
        switch: int | None = None,
        positive: bool = True,
    ):
        super().__init__(width, inputs)
        check_width("SdmPerceptron", neurons=neurons, winners=winners)
        if winners > neurons:
            raise BadInput(f"SdmPerceptron: winners must be at most {neurons} neurons, got {winners}")
        if switch is not None:
            check_width("SdmPerceptron", switch=switch)
        self.neurons = neurons
        self.winners, self.switch, self.positive = winners, switch, positive
        self.address = nn.Parameter(torch.empty(neurons, self.inputs).uniform_(-1, 1) * self.inputs**-0.5)
        self.store = nn.Parameter(torch.empty(width, neurons).uniform_(-1, 1) * neurons**-0.5)
        self.register_buffer("wins", torch.zeros(neurons, dtype=torch.long))
        self.constrain()

    def begin(self, batch: int) -> Float[Tensor, "batch 0"]:
        return self.address.new_zeros(batch, 0)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch 0"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch 0"]]:
        return F.linear(self._counted(x), self.store), state

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        return F.linear(self._counted(x), self.store), state

    def operator(self, x: Tensor) -> Operator:
        itself = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
        return Operator(itself.expand(len(x), 1, -1, -1), self.active(x).unsqueeze(2))

    def read(self, mixed: Tensor) -> Tensor:
        return F.linear(mixed.flatten(-2), self.store)

    def active(self, x: Tensor) -> Tensor:
        """h (..., neurons) of inputs x (..., inputs)."""
        x = F.normalize(x.relu() if self.positive else x, dim=-1)
        z = F.linear(x, self.address).relu()
        if self.switch is None:
            best, place = z.topk(self.winners)
            return torch.zeros_like(z).scatter(-1, place, best)
        if self.winners == self.neurons:
            return z
        theta = z.detach().topk(self.winners + 1).values[..., -1:]
        return (z - self.inhibition() * theta).relu()

    def inhibition(self) -> Tensor:
        """gamma (neurons,), from -1, where theta excites, to 1."""
        assert self.switch is not None
        return (2 * self.wins.to(self.address.dtype) / self.switch - 1).clamp(max=1)

    @torch.no_grad()
    def constrain(self) -> None:
        """What has to follow every step of the optimiser: weights above 0, addresses of length 1."""
        if self.positive:
            self.address.clamp_(min=0)
            self.store.clamp_(min=0)
        self.address.copy_(F.normalize(self.address, dim=-1))

    def _counted(self, x: Tensor) -> Tensor:
        h = self.active(x)
        if self.switch is not None and self.training:
            self.wins += (h.detach() > 0).flatten(0, -2).sum(0)
        return h
