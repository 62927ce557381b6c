"""Kinds of replay that brains are said to have and machines lack, each one change to experience replay.

Hayes et al. 2021, Neural Computation 33:2908, arXiv 2104.04132. All replay as many numbers a step as plain
replay, and keep no more bytes.

    Selected   what is replayed is drawn by its loss when it was seen last, to the power 0.6
    Partial    twice as many sequences, of each a random half of its numbers, the others 0
    Inner      not sequences but what the first layer made of them when they came, of which more are kept;
               with `held`, that layer learns nothing after the first task
    Asleep     nothing is replayed while a task is learned; when it is over, as much as would have been, in
               steps of its own; with `shrink`, all weights are then smaller by that share
    Mixed      the control: a sequence is replayed with the label of another that is kept
    Dealt      another: replayed labels are dealt anew in each step
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Batch, go_back
from wavetrain.rules.replay.experience_replay import ExperienceReplay

POWER = 0.6  # of Schaul et al. 2015, arXiv 1511.05952
Loss = Callable[[Tensor, Tensor], Tensor]


class Selected(ExperienceReplay):
    """Draws by loss; what is kept are sequences, labels and losses."""

    def __init__(self, size: int, replayed: int, seed: int):
        super().__init__(size, replayed, seed)
        self.dice = np.random.default_rng((seed, 2))

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        x, y = batch
        rows = np.array([], dtype=int)
        if len(self.kept):
            rows = self.chosen(self.replayed or len(x))
            x = torch.cat([x, self.kept.columns[0][rows]])
            y = torch.cat([y, self.kept.columns[1][rows]])
        outputs = network(x)
        go_back(loss(outputs, y))
        losses = F.cross_entropy(outputs.detach(), y, reduction="none")
        many = len(batch.x)
        if len(rows):
            self.kept.columns[2][rows] = losses[many:]
        self.kept.keep(*batch, losses[:many])
        return loss(outputs[:many], batch.y).detach()

    def chosen(self, many: int) -> np.ndarray:
        """The places of so many different ones."""
        weight = (self.kept.columns[2][: len(self.kept)].double().numpy() + 1e-6) ** POWER
        return self.dice.choice(len(weight), min(many, len(weight)), replace=False, p=weight / weight.sum())


class Partial(ExperienceReplay):
    """Halves of twice as many, which together weigh as much as what is new."""

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        value = loss(network(batch.x), batch.y)
        total = value
        if len(self.kept):
            old = self.drawn(self.replayed or len(batch.y))
            total = (value + loss(network(old.x), old.y)) / 2
        go_back(total)
        self.kept.keep(*batch)
        return value.detach()

    def drawn(self, many: int) -> Batch:
        x, y = super().drawn(2 * many)
        return Batch(x * halves(x), y)


def halves(x: Tensor) -> Tensor:
    """1 for a random half of the numbers of each sequence, 0 for the others."""
    order = torch.rand(len(x), x[0].numel()).argsort(-1)
    return (order < x[0].numel() // 2).view(x.shape).to(x)


class Inner(ExperienceReplay):
    """Keeps activity behind the first parts of a sequential network; `held`, they learn in one task."""

    layers = 3  # of `perceptron`: flatten, map, rectify

    def __init__(self, size: int, replayed: int, seed: int, held: bool = False):
        super().__init__(size, replayed, seed)
        self.held, self.over = held, False  # whether a task is over

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        assert isinstance(network, nn.Sequential)
        inner = network[: self.layers](batch.x)
        outputs, y = network[self.layers :](inner), batch.y
        value = loss(outputs, y)
        if len(self.kept):
            old = self.drawn(self.replayed or len(y))
            outputs = torch.cat([outputs, network[self.layers :](old.x)])
            y = torch.cat([y, old.y])
        go_back(loss(outputs, y))
        for one in network[: self.layers].parameters() if self.held and self.over else ():
            one.grad = None
        self.kept.keep(inner.detach(), batch.y)
        return value.detach()

    def remember(self) -> None:
        """A task is over."""
        self.over = True


class Asleep(ExperienceReplay):
    """Replays when a task is over, in steps of gradient descent at `rate`."""

    def __init__(self, size: int, replayed: int, seed: int, rate: float, shrink: float = 0.0):
        super().__init__(size, replayed, seed)
        self.rate, self.shrink = rate, shrink
        self.many, self.steps = replayed, 0  # in a step of sleep, and steps that are owed
        self.loss: Loss | None = None

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        value = loss(network(batch.x), batch.y)
        go_back(value)
        self.kept.keep(*batch)
        self.loss, self.steps = loss, self.steps + 1
        return value.detach()

    def remember(self, network: nn.Module) -> None:
        """A task is over: it sleeps."""
        learns = [one for one in network.parameters() if one.requires_grad]
        for _ in range(self.steps):
            assert self.loss is not None
            old = self.drawn(self.many)
            gradients = torch.autograd.grad(self.loss(network(old.x), old.y), learns)
            with torch.no_grad():
                for one, gradient in zip(learns, gradients, strict=True):
                    one.sub_(self.rate * gradient)
        self.steps = 0
        with torch.no_grad():
            for one in learns:
                if one.ndim > 1:
                    one.mul_(1 - self.shrink)


class Mixed(ExperienceReplay):
    """The control: a sequence is replayed with the label of another that is kept, always the same one."""

    def drawn(self, many: int) -> Batch:
        (x, y), rows = self.kept.columns, self.kept.rows(many)
        others = np.random.default_rng(0).permutation(len(self.kept))
        return Batch(x[rows], y[others[rows]])


class Dealt(ExperienceReplay):
    """Another: replayed sequences have each other's labels, dealt anew in each step."""

    def drawn(self, many: int) -> Batch:
        x, y = super().drawn(many)
        return Batch(x, y[torch.randperm(len(y))])
