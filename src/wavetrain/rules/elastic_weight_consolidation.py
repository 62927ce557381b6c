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

Only what learns is held. A parameter that the outputs do not come from, as the head of another task, has
importance 0. One that has grown along any of its axes, as a head does with new classes, is taken to keep what
it was at the front: that is held as before, and what is new is free.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from wavetrain.core import Batch, Card, Rule, examined, go_back
from wavetrain.errors import BadInput
from wavetrain.parts.kept import under, within


class ElasticWeightConsolidation(Rule):
    """Backpropagation with springs; `strength` is lambda. The loss that is returned is that of the batch.

    >>> from wavetrain.rules import ElasticWeightConsolidation
    >>> rule, network = ElasticWeightConsolidation(strength=10.0), torch.nn.Linear(3, 2)
    >>> x = torch.randn(50, 3) * torch.tensor([1.0, 1.0, 0.0])  # the third input is never there
    >>> rule.remember(network, x)  # the first task is over
    >>> rule.importance(network, x)["weight"] > 0  # so its weights are free for the next one
    tensor([[ True,  True, False],
            [ True,  True, False]])
    """

    card = Card(
        title="Overcoming catastrophic forgetting in neural networks",
        authors="Kirkpatrick, James and Pascanu, Razvan and Rabinowitz, Neil and Veness, Joel and "
        "Desjardins, Guillaume and Rusu, Andrei A. and Milan, Kieran and Quan, John and Ramalho, Tiago and "
        "Grabska-Barwinska, Agnieszka and Hassabis, Demis and Clopath, Claudia and Kumaran, Dharshan and "
        "Hadsell, Raia",
        year=2017,
        source="PNAS 114, doi 10.1073/pnas.1611835114, arXiv 1612.00796",
        family="gradient",
        topic="Learning without forgetting",
    )

    def __init__(self, strength: float = 1.0, sharpness: float = 1.0):
        if not (strength >= 0 and sharpness > 0):
            raise BadInput(
                f"ElasticWeightConsolidation: expected a strength of at least 0 and a sharpness above 0, "
                f"got {strength} and {sharpness}"
            )
        self.strength, self.sharpness = strength, sharpness
        self.springs: dict[str, tuple[Tensor, Tensor]] = {}  # sum F and sum F p^k of each parameter

    def state_dict(self) -> dict[str, Tensor]:
        stiffness, pull = ({name: both[which] for name, both in self.springs.items()} for which in range(2))
        return within("stiffness", stiffness) | within("pull", pull)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        pull = under("pull", state)
        self.springs = {name: (one, pull[name]) for name, one in under("stiffness", state).items()}

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        value = loss(network(batch.x), batch.y)
        go_back(value)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if name not in self.springs or not parameter.requires_grad:
                    continue
                stiffness, pull = self._spring(name, parameter)
                if parameter.grad is None:  # of no use in this batch
                    if not stiffness.any():
                        continue
                    parameter.grad = torch.zeros_like(parameter)
                _reals(parameter.grad).add_(self.strength * (stiffness * _reals(parameter) - pull))
        return value.detach()

    def remember(self, network: nn.Module, x: Tensor) -> None:
        """Hold the network where it is, by its importances on x (B, ...), inputs of the task that is over."""
        for name, importance in self.importance(network, x).items():
            parameter = network.get_parameter(name)
            stiffness, pull = self._spring(name, parameter)
            self.springs[name] = stiffness + importance, pull + importance * _reals(parameter.detach())

    def importance(self, network: nn.Module, x: Tensor) -> dict[str, Tensor]:
        """F of each parameter that learns, from examples x (N, T, inputs) one by one: squares of gradients.

        Of a complex one, real and imaginary parts each have their own, along a last axis of 2.

        Raises BadInput where x has no example.
        """
        if not len(x):
            raise BadInput("ElasticWeightConsolidation: expected at least one example to remember")
        learns = {name: one for name, one in network.named_parameters() if one.requires_grad}
        sums = {name: torch.zeros_like(_reals(one.detach())) for name, one in learns.items()}
        with examined(network):
            for one in x.split(1):
                likelihood = (self.sharpness * network(one)).log_softmax(-1).amax(-1).sum()
                if not likelihood.requires_grad:  # it comes from nothing that learns
                    continue
                gradients = torch.autograd.grad(likelihood, list(learns.values()), allow_unused=True)
                for total, gradient in zip(sums.values(), gradients, strict=True):
                    if gradient is not None:
                        total += _reals(gradient).square()
        return {name: total / len(x) for name, total in sums.items()}

    def _spring(self, name: str, parameter: Tensor) -> tuple[Tensor, Tensor]:
        """Stiffness and pull of a parameter in its shape of today: 0 where it is new."""
        now = _reals(parameter.detach())
        if name not in self.springs:
            return torch.zeros_like(now), torch.zeros_like(now)
        before = self.springs[name][0].shape
        if now.ndim != len(before) or any(new < old for new, old in zip(now.shape, before, strict=True)):
            raise BadInput(
                f"ElasticWeightConsolidation: expected {name} as it was or grown, {tuple(before)} when "
                f"it was remembered, got {tuple(now.shape)}"
            )
        if now.shape != before:
            front = tuple(slice(size) for size in before)
            grown = torch.zeros_like(now), torch.zeros_like(now)
            for whole, part in zip(grown, self.springs[name], strict=True):
                whole[front] = part
            self.springs[name] = grown
        return self.springs[name]


def _reals(tensor: Tensor) -> Tensor:
    """Complex numbers as pairs of real ones, which is how they learn."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor
