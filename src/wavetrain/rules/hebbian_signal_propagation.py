"""Hebbian signal propagation: rates settle to the data and to the target, and the difference is learned.

Kohan, Rietman and Siegelmann 2022, arXiv 2204.01723, whose abstract says that networks in continuous time are
trained so by Hebbian updates. Equations and constants could not be had; this construction is ours:

    tau du_i/dt = -u_i + W_i f(u_{i-1}),   f = relu,   by Euler from 0 until settled
    the first layer hears the data by W_1 and the class by a fixed random S_1; W_i (i > 1) serves both
    dW_i = mean over the batch of [(t_i - mean t_i) - (h_i - mean h_i)] h_{i-1}',   h_0 = x

h_i are the settled rates of the data and t_i those of its class, each at a length of 0.3 sqrt(units). Taking
off means over the batch is what keeps classes apart. There is no gradient and no way back: a change is what
the target asks more of than the data gives, times what came in. The answer is the class whose settled rates
are nearest in the last layer, means taken off; the network keeps a running mean of h for it.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import CLASSES, Batch, Card, Lesson, check_width
from wavetrain.core.terms import Sight, Stated, Terms, as_deep, learns
from wavetrain.errors import BadInput

LENGTH = 0.3  # of settled rates, times the root of the number of units
STEP, STEPS = 0.2, 30  # of Euler, in time constants
KEPT = 0.95  # of the running mean, a batch


class Settling(nn.Module):
    """x (B, ...) to scores (B, classes): how near settled rates are to those of each class.

    `depth` layers of as many `units` without biases; S_1 is fixed, N(0, 1). Draws from the shared generator.

    >>> from wavetrain.rules.hebbian_signal_propagation import Settling
    >>> network = Settling(30, inputs=8, classes=3, depth=2)
    >>> network(torch.rand(4, 1, 8)).shape, [tuple(one.shape) for one in network.rates(torch.rand(4, 8))]
    (torch.Size([4, 3]), [(4, 30), (4, 30)])
    """

    signal: Tensor
    mean: Tensor

    def __init__(self, units: int, inputs: int, classes: int, depth: int = 2):
        super().__init__()
        check_width("Settling", units=units, inputs=inputs, classes=classes, depth=depth)
        self.inputs, self.classes = inputs, classes
        self.maps = nn.ModuleList(
            nn.Linear(units if place else inputs, units, bias=False) for place in range(depth)
        )
        self.register_buffer("signal", torch.randn(classes, units))
        self.register_buffer("mean", torch.zeros(depth, units))  # of settled rates

    def forward(self, x: Float[Tensor, "batch *axes"]) -> Float[Tensor, "batch classes"]:
        return self.scores(x)[-1]

    def rates(self, x: Float[Tensor, "batch *axes"]) -> list[Float[Tensor, "batch units"]]:
        """The settled rates of each layer, of the data; raises BadInput where x has another size."""
        x = x.flatten(1)
        if x.shape[1] != self.inputs:
            raise BadInput(f"Settling: expected x of {self.inputs} numbers a sequence, got {x.shape[1]}")
        return self.settled(self.maps[0](x))

    def bank(self) -> list[Float[Tensor, "classes units"]]:
        """The same of each class."""
        return self.settled(self.signal)

    def scores(self, x: Float[Tensor, "batch *axes"]) -> list[Float[Tensor, "batch classes"]]:
        """Minus half the square of the distance to each class in each layer, means taken off."""
        found = []
        for h, t, mean in zip(self.rates(x), self.bank(), self.mean, strict=True):
            found.append(-torch.cdist(h - mean, t - t.mean(0)).square() / 2)
        return found

    def settled(self, drive: Float[Tensor, "rows units"]) -> list[Float[Tensor, "rows units"]]:
        """Where all layers come to rest under what the first one hears, at their length."""
        states = [torch.zeros_like(drive) for _ in self.maps]
        for _ in range(STEPS):
            heard = [drive, *(one(u.relu()) for one, u in zip(self.maps[1:], states, strict=False))]
            states = [u + STEP * (into - u) for u, into in zip(states, heard, strict=True)]
        rates = [u.relu() for u in states]
        size = LENGTH * drive.shape[1] ** 0.5
        return [size * nn.functional.normalize(r, dim=1) for r in rates]


class Streams(NamedTuple):
    """What came into a layer, and what it makes of the data and of its classes."""

    before: Float[Tensor, "batch inputs"]
    h: Float[Tensor, "batch units"]
    t: Float[Tensor, "batch units"]


class HebbianSignalPropagation(Stated):
    """Teaches a `Settling`; an optimiser without momentum has the rate, 0.02 say. The loss is only told.

    Raises BadInput for another network, and for answers that are no classes.

    >>> from wavetrain.rules import HebbianSignalPropagation
    >>> network, batch, loss = HebbianSignalPropagation.lesson()
    >>> rule, step = HebbianSignalPropagation(), torch.optim.SGD(network.parameters(), lr=0.02)
    >>> for _ in range(100):
    ...     step.zero_grad()
    ...     _ = rule.learn(network, batch, loss)
    ...     step.step()
    >>> bool((network(batch.x).argmax(1) == batch.y).float().mean() > 0.9)
    True
    """

    card = Card(
        title="Signal propagation: the framework for learning and inference in a forward pass",
        authors="Kohan, Adam and Rietman, Edward A. and Siegelmann, Hava T.",
        year=2022,
        source="IEEE TNNLS 2023, arXiv 2204.01723",
        family="forward",
        topic="Learning rules",
    )

    @classmethod
    def lesson(cls) -> Lesson:
        draw = torch.Generator().manual_seed(1)
        y = torch.arange(48) % 3
        x = torch.randn(3, 8, generator=draw)[y] + 0.3 * torch.randn(48, 8, generator=draw)
        return Lesson(Settling(30, inputs=8, classes=3), Batch(x[:, None], y), CLASSES.loss)

    def terms(self, network: nn.Module) -> Terms:
        _settling(network)
        return Terms(trains=learns(network), blind=frozenset({Sight.LATER_LAYERS}), stored=as_deep)

    @torch.no_grad()
    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        network, y = _settling(network), batch.y
        if y.ndim != 1 or y.is_floating_point():
            raise BadInput(
                f"HebbianSignalPropagation: expected classes (batch,), got {y.dtype} {tuple(y.shape)}"
            )
        if (y < 0).any() or (y >= network.classes).any():
            raise BadInput(
                f"HebbianSignalPropagation: expected classes from 0 to {network.classes - 1}, "
                f"got {int(y.min())} to {int(y.max())}"
            )
        if not learns(network):
            raise BadInput("expected a loss of something that learns, got one of frozen parameters alone")
        value = loss(network(batch.x), y)
        rates, bank = network.rates(batch.x), network.bank()
        befores = [batch.x.flatten(1), *rates[:-1]]
        weights = list(network.maps.parameters())
        for place, (weight, h, t) in enumerate(zip(weights, rates, bank, strict=True)):
            network.mean[place].lerp_(h.mean(0), 1 - KEPT if network.mean[place].any() else 1.0)
            if weight.requires_grad:
                update = -self.change(Streams(befores[place], h, t[y]))
                weight.grad = update if weight.grad is None else weight.grad + update
        return value.detach()

    def change(self, streams: Streams) -> Float[Tensor, "units inputs"]:
        """What a layer asks of its weights."""
        before, h, t = streams
        return ((t - t.mean(0)) - (h - h.mean(0))).mT @ before / len(before)


def _settling(network: nn.Module) -> Settling:
    if not isinstance(network, Settling):
        raise BadInput(f"HebbianSignalPropagation: expected a Settling, got {type(network).__name__}")
    return network
