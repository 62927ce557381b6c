"""Held weights: a hypernetwork learns a task, while what it makes for old tasks is held where it was.

Von Oswald, Henning, Grewe and Sacramento 2020, arXiv 1906.00695. In task T, with h the generator as it is and
h* as it was when the task before was over:

    loss of the batch + beta / (T - 1) sum over t < T of w_t |h*(e_t) - h(e_t)|^2

The second term is 0 at the first step of a task. Looking ahead, h is taken where the optimiser's next step
for the batch alone would bring it, that step being a constant: then it is the harm that the step would do.
`follow` names the optimiser. With `most`, so many old tasks are drawn at each step, for T - 1.

w_t is 1, or how much each weight matters for its task: the mean over examples of the squared slope of the log
chance of the likeliest class, scaled to a mean of 1. That is a choice of ours, for the importances of Chandra
et al. 2023, arXiv 2209.07712, which were not at hand.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import grad, vmap

from wavetrain.core import CLASSES, Batch, Card, Lesson, check_width, go_back
from wavetrain.core.terms import Stated, Terms, learns
from wavetrain.errors import BadInput
from wavetrain.networks._weight_generators import Chunked
from wavetrain.networks.hypernetwork import Hypernetwork
from wavetrain.parts.kept import under


class HeldWeights(Stated):
    """Teaches a `Hypernetwork` its task of now; the loss that is returned is that of the batch.

    At the end of a task `remember` goes on to the next, and with `growth` adds so many units to the
    generator; the optimiser has then to begin anew.

    >>> from wavetrain.rules import HeldWeights
    >>> rule, (network, batch, loss) = HeldWeights(beta=0.01), HeldWeights.lesson()
    >>> _, task = rule.learn(network, batch, loss), network.task
    >>> rule.remember(network, batch.x)
    >>> task, network.task, float(rule.moved(network).detach())  # nothing has moved yet
    (0, 1, 0.0)
    """

    card = Card(
        title="Continual learning with hypernetworks",
        authors="von Oswald, Johannes and Henning, Christian and Grewe, Benjamin F. and Sacramento, João",
        year=2020,
        source="ICLR, arXiv 1906.00695",
        family="gradient",
        topic="Learning without forgetting",
    )

    def __init__(
        self,
        beta: float = 0.01,
        ahead: bool = False,
        most: int | None = None,
        important: bool = False,
        growth: int = 0,
    ):
        if not beta >= 0 or beta == float("inf"):
            raise BadInput(f"HeldWeights: expected a finite beta of at least 0, got {beta}")
        if most is not None:
            check_width("HeldWeights", most=most)
        if not isinstance(growth, int) or growth < 0:
            raise BadInput(f"HeldWeights: expected a growth of 0 units or more, got {growth!r}")
        self.beta, self.ahead, self.most, self.important, self.growth = beta, ahead, most, important, growth
        self.optimiser: torch.optim.Optimizer | None = None
        self.held: Float[Tensor, "tasks numbers"] | None = None  # h*(e_t) of the tasks that are over
        self.matter: list[Float[Tensor, numbers]] = []  # of each of them, w_t

    @classmethod
    def lesson(cls) -> Lesson:
        network = Hypernetwork((6, 5, 2), 2, partial(Chunked, chunk=20, places=3, hidden=(4,)), embedding=4)
        x = torch.linspace(-1, 1, 24).view(4, 2, 3)
        batch = Batch(x, torch.tensor([0, 1, 1, 0]))
        return Lesson(network, batch, lambda outputs, y: CLASSES.loss(outputs[:, :2], y))  # told the task

    def terms(self, network: nn.Module) -> Terms:
        network = _hypernetwork(network)
        others = {f"embeddings.{task}" for task in range(network.tasks) if task != network.task}
        return Terms(trains=learns(network) - others)

    def state_dict(self) -> dict[str, Tensor]:
        held = {} if self.held is None else {"held": self.held}
        return held | {f"matter.{task}": one for task, one in enumerate(self.matter)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        matter = under("matter", state)
        self.held, self.matter = state.get("held"), [matter[str(task)] for task in range(len(matter))]

    def follow(self, optimiser: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """Look ahead along the steps of this optimiser, which is given back."""
        self.optimiser = optimiser
        return optimiser

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        network = _hypernetwork(network)
        if self.ahead and self.optimiser is None:
            raise BadInput("HeldWeights: expected an optimiser to follow, to look ahead along its steps")
        value = loss(network.learning(batch.x), batch.y)
        go_back(value)
        if self.held is not None and self.beta > 0:
            with _stepped(self.optimiser if self.ahead else None):
                (self.beta * self.moved(network)).backward()
        return value.detach()

    def moved(self, network: nn.Module) -> Float[Tensor, ""]:
        """How far the weights of old tasks are from where they are held: mean of squares over tasks.

        Of each task it is the sum over its weights; 0 in the first task.
        """
        network = _hypernetwork(network)
        if self.held is None:
            return torch.zeros((), device=network.now.device)
        which = torch.arange(len(self.held))
        if self.most is not None and self.most < len(which):
            which = torch.randperm(len(which))[: self.most].sort().values
        away = (network.weights(which) - self.held[which]).square()
        if self.matter:
            away = away * torch.stack(self.matter)[which]
        return away.sum(-1).mean()

    def remember(self, network: nn.Module, x: Float[Tensor, "many time inputs"]) -> None:
        """The task is over, with sequences like x. After the last one there is nothing more to hold."""
        network = _hypernetwork(network)
        if self.important:
            self.matter.append(self.importance(network, x))
        if network.task == network.tasks - 1:
            return
        network.next_task()
        if self.growth:
            network.generator.grow(self.growth)
        with torch.no_grad():
            self.held = network.weights(torch.arange(network.task))

    @torch.no_grad()
    def importance(
        self, network: nn.Module, x: Float[Tensor, "many time inputs"]
    ) -> Float[Tensor, "numbers"]:
        """How much each weight of the task of now matters for x, one sequence at a time; its mean is 1.

        Raises BadInput where x has no sequence.
        """
        if not len(x):
            raise BadInput("HeldWeights: expected at least one sequence to remember")
        network = _hypernetwork(network)
        weights = network.weights(network.now[None])[0]

        def chance(weights: Tensor, one: Tensor) -> Tensor:
            return network.target(weights, one.unsqueeze(0)).log_softmax(-1).amax()

        total = torch.zeros_like(weights)
        for some in x.split(20):
            total += vmap(grad(chance), (None, 0))(weights, some).square().sum(0)
        mean = total.mean()
        return total / mean if mean > 0 else torch.ones_like(total)


@contextmanager
def _stepped(optimiser: torch.optim.Optimizer | None) -> Iterator[None]:
    """Inside, parameters are where the optimiser's next step would bring them; it has not taken it."""
    if optimiser is None:
        yield
        return
    parameters = [one for group in optimiser.param_groups for one in group["params"]]
    before, state = [one.detach().clone() for one in parameters], copy.deepcopy(optimiser.state_dict())
    optimiser.step()
    try:
        yield
    finally:
        with torch.no_grad():
            for one, was in zip(parameters, before, strict=True):
                one.copy_(was)
        optimiser.load_state_dict(state)


def _hypernetwork(network: nn.Module) -> Hypernetwork:
    if not isinstance(network, Hypernetwork):
        raise BadInput(f"HeldWeights: expected a Hypernetwork, got {type(network).__name__}")
    return network
