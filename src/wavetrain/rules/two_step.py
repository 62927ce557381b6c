"""Two-step consolidation: a task is learned by fast weights that matter less, and then by slow weights.

A reconstruction of Wang, Li, Zhong and Zhu 2021, arXiv 2104.09034, of which the abstract alone was at hand:
what is exact here is ours. With theta the fast and phi the slow weights of a `FastSlow`, in each task

    start     theta <- rho theta + (1 - rho) phi, but for the first; theta* <- theta
    step 1    the loss of the batch, and lambda / 2 sum_k Omega_k (theta_k - theta*_k)^2
    step 2    phi <- phi + eps (theta - phi)
    end       Omega <- Omega + the mean over examples of the squared slope of log p(y | x)

The end of a task is told by `remember`. Importances are those of the body on the batch that was learned last,
which in a few-shot task is all of it, each example by the loss that was given; they are noisy, so that those
above the 99th percentile of a task are cut to it. With rho = 1 slow weights never enter fast ones, and what
is known of the tasks seen is that of a single copy; with lambda = 0 it is plain learning in turn.
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import CLASSES, Batch, Card, Lesson, Rule, go_back
from wavetrain.errors import BadInput
from wavetrain.networks.fast_slow import Embedding, FastSlow, check_share
from wavetrain.parts.kept import under, within

CUT = 0.99  # of importances, the share that stays as it is


class TwoStep(Rule):
    """Teaches a `FastSlow`; `strength` is lambda. The loss that is returned is that of the batch.

    >>> from wavetrain.rules import TwoStep
    >>> rule, (network, batch, loss) = TwoStep(eps=1.0), TwoStep.lesson()
    >>> _ = rule.learn(network, batch, loss)
    >>> torch.optim.SGD(network.parameters(), 0.1).step()
    >>> rule.remember(network)  # the task is over
    >>> torch.allclose(network.slow(batch.x), network.body(batch.x)), sorted(rule.omega)[:2]
    (True, ['layer.cell.bias_hh_l0', 'layer.cell.bias_ih_l0'])
    """

    card = Card(
        title="Few-shot continual learning: a brain-inspired approach",
        authors="Wang, Liyuan and Li, Qian and Zhong, Yi and Zhu, Jun",
        year=2021,
        source="arXiv 2104.09034",
        family="gradient",
        topic="Learning without forgetting",
    )

    def __init__(self, rho: float = 0.5, eps: float = 0.1, strength: float = 100.0):
        check_share("rho", rho)
        check_share("eps", eps)
        if not 0 <= strength < float("inf"):
            raise BadInput(f"TwoStep: expected a finite strength of at least 0, got {strength}")
        self.rho, self.eps, self.strength = rho, eps, strength
        self.omega: dict[str, Tensor] = {}  # of each parameter of the body, summed over tasks
        self.start: dict[str, Tensor] = {}  # where the task of now began
        self.begins = False  # whether the next batch is the first of a further task
        self.last: tuple[Batch, Callable[[Tensor, Tensor], Tensor]] | None = None

    @classmethod
    def lesson(cls) -> Lesson:
        network = FastSlow(Embedding(3, 5, 4), 4, 2)
        x = torch.linspace(-1, 1, 24).view(4, 2, 3)
        return Lesson(network, Batch(x, torch.tensor([0, 1, 1, 0])), CLASSES.loss)

    def state_dict(self) -> dict[str, Tensor]:
        """Of the last batch nothing: after it is taken up, one is learned before a task may end."""
        begins = {"begins": torch.tensor(self.begins)}
        return begins | within("omega", self.omega) | within("start", self.start)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.begins, self.last = bool(state["begins"]), None
        self.omega, self.start = under("omega", state), under("start", state)

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        network = _fast_slow(network)
        if self.begins:
            network.mixed(self.rho)
            self.start = {name: one.detach().clone() for name, one in network.body.named_parameters()}
            self.begins = False
        value = loss(network(batch.x), batch.y)
        go_back(value)
        with torch.no_grad():
            for name, one in network.body.named_parameters():
                if name in self.omega and one.grad is not None:
                    one.grad += self.strength * self.omega[name] * (one - self.start[name])
        self.last = batch, loss
        return value.detach()

    def remember(self, network: nn.Module) -> None:
        """The task is over: importances of its last batch, and the second step.

        Raises BadInput where nothing was learned.
        """
        network = _fast_slow(network)
        if self.last is None:
            raise BadInput("TwoStep: expected a task that was learned, got the end of none")
        for name, one in importance(network, *self.last).items():
            self.omega[name] = self.omega.get(name, 0) + one
        network.consolidated(self.eps)
        self.begins = True


def importance(
    network: FastSlow, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]
) -> dict[str, Float[Tensor, "..."]]:
    """Mean over examples of the squared slope of each one's loss by each weight of the body, cut above."""
    learns = {name: one for name, one in network.body.named_parameters() if one.requires_grad}
    sums = {name: torch.zeros_like(one) for name, one in learns.items()}
    for x, y in zip(batch.x.split(1), batch.y.split(1), strict=True):
        slopes = torch.autograd.grad(loss(network(x), y), list(learns.values()), allow_unused=True)
        for total, slope in zip(sums.values(), slopes, strict=True):
            if slope is not None:
                total += slope.square()
    most = torch.cat([one.flatten() for one in sums.values()]).quantile(CUT) if sums else 0.0
    return {name: one.clamp(max=most) / len(batch.y) for name, one in sums.items()}


def _fast_slow(network: nn.Module) -> FastSlow:
    if not isinstance(network, FastSlow):
        raise BadInput(f"TwoStep: expected a FastSlow, got {type(network).__name__}")
    return network
