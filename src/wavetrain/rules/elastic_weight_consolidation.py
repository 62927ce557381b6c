"""Elastic weight consolidation: what mattered for a task that is over is held in place by a spring.

Kirkpatrick et al. 2017, arXiv 1612.00796. After task k, `remember` takes parameters p^k and importances

    F_i = mean over examples of (d log q(a | x) / d p_i)^2,   a the network's own likeliest class,
    q = softmax(sharpness * outputs)

and from then on each step adds lambda F_i (p_i - p^k_i), the gradient of lambda / 2 F_i (p_i - p^k_i)^2, for
every task so far. The springs of all tasks together are one spring, of stiffness sum F and pull sum F p^k, so
memory does not grow with tasks. The paper's Fisher information averages over the classes that q draws; the
likeliest alone, and a sharpness far below 1, without which a confident network has importances of zero, are
from Bricken et al. 2023, arXiv 2303.11934. They square gradients of whole batches, so that their lambda is
another. Left out: importances that fade (the online form).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from wavetrain.core import Batch, Card, Rule
from wavetrain.errors import BadInput


class ElasticWeightConsolidation(Rule):
    """Backpropagation with springs; `strength` is lambda. The loss that is returned is that of the batch."""

    card = Card(
        title="Overcoming catastrophic forgetting in neural networks",
        authors="Kirkpatrick, James and Pascanu, Razvan and Rabinowitz, Neil and Veness, Joel and "
        "Desjardins, Guillaume and Rusu, Andrei A. and Milan, Kieran and Quan, John and Ramalho, Tiago and "
        "Grabska-Barwinska, Agnieszka and Hassabis, Demis and Clopath, Claudia and Kumaran, Dharshan and "
        "Hadsell, Raia",
        year=2017,
        source="PNAS 114, doi 10.1073/pnas.1611835114, arXiv 1612.00796",
        family="gradient",
        seed="P: continual learning, the rule that others are compared with",
    )

    def __init__(self, strength: float = 1.0, sharpness: float = 1.0):
        if not (strength >= 0 and sharpness > 0):
            raise BadInput(
                f"ElasticWeightConsolidation: expected a strength of at least 0 and a sharpness above 0, "
                f"got {strength} and {sharpness}"
            )
        self.strength, self.sharpness = strength, sharpness
        self.springs: dict[str, tuple[Tensor, Tensor]] = {}  # sum F and sum F p^k of each parameter

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        value = loss(network(batch.x), batch.y)
        value.backward()
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if name in self.springs and parameter.grad is not None:
                    stiffness, pull = self.springs[name]
                    parameter.grad += self.strength * (stiffness * parameter - pull)
        return value.detach()

    def remember(self, network: nn.Module, x: Tensor) -> None:
        """Hold the network where it is, by its importances on x (B, ...), inputs of the task that is over."""
        for name, importance in self.importance(network, x).items():
            stiffness, pull = self.springs.get(name, (0.0, 0.0))
            parameter = network.get_parameter(name).detach()
            self.springs[name] = stiffness + importance, pull + importance * parameter

    def importance(self, network: nn.Module, x: Tensor) -> dict[str, Tensor]:
        """F of each parameter, example by example: squares of single gradients are needed."""
        if not len(x):
            raise BadInput("ElasticWeightConsolidation: expected at least one example to remember")
        parameters = dict(network.named_parameters())
        sums = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
        training = network.training
        network.eval()
        for one in x.split(1):
            likelihood = (self.sharpness * network(one)).log_softmax(-1).amax(-1).sum()
            gradients = torch.autograd.grad(likelihood, list(parameters.values()))
            for total, gradient in zip(sums.values(), gradients, strict=True):
                total += gradient.square()
        network.train(training)
        return {name: total / len(x) for name, total in sums.items()}
