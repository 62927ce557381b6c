"""What rules are tried on: networks of several kinds, and what a rule leaves in them."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn

from wavetrain.core import Batch, Lesson, Rule
from wavetrain.core.terms import Terms
from wavetrain.errors import BadInput
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.parts.reader import Reader
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.spiking.lif import LIF
from wavetrain.testing.tools import normal

Make = Callable[[], Rule]


def perceptron(depth: int, width: int = 6, outputs: int = 2) -> nn.Sequential:
    """So many hidden layers of units, of three inputs."""
    sizes = [3, *(width,) * depth, outputs]
    maps = [nn.Linear(one, other) for one, other in itertools.pairwise(sizes)]
    return nn.Sequential(*(part for one in maps[:-1] for part in (one, nn.Tanh())), maps[-1])


class Odd(nn.Module):
    """A network whose weight no linear map has."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.5 * torch.ones(3, 2))

    def forward(self, x: Tensor) -> Tensor:
        return (x[..., None] * self.weight).sum(-2)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "a linear map": partial(nn.Linear, 3, 2),
    "a perceptron": partial(perceptron, 2),
    "an Elman network": lambda: Reader(Elman(6, inputs=3), outputs=2, every_step=True),
    "a GRU": lambda: Reader(GRU(6, inputs=3), outputs=2, every_step=True),
    "units that fire, with a leaky read-out": lambda: LeakyReader(LIF(6, inputs=3), outputs=2, tau=5.0),
    "a stack": lambda: Answer(Stack([Elman(6), Elman(6)], 3, 2, MLP.NONE), every_step=True),
    "a weight that no linear map has": Odd,
}


def seeded(make: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return make()


def on(network: nn.Module, *, batch: int = 4, time: int = 7, outputs: int = 2) -> Lesson:
    """Sequences of three inputs, with answers for every step."""
    x = normal(batch, time, 3, dtype=torch.float32)
    return Lesson(network, Batch(x, x[..., :outputs].cumsum(1).tanh()), nn.functional.mse_loss)


def taught(rule: Rule, lesson: Lesson) -> dict[str, Tensor | None]:
    """What the rule leaves in `.grad`, from nothing."""
    lesson.network.zero_grad()
    torch.manual_seed(4)
    rule.learn(*lesson)
    return {
        name: None if one.grad is None else one.grad.clone()
        for name, one in lesson.network.named_parameters()
    }


def check_updates(network: nn.Module, terms: Terms) -> None:
    """Each parameter that is trained has a finite update of its shape, and no other one has any."""
    named = dict(network.named_parameters())
    unknown = terms.trains - {name for name, one in named.items() if one.requires_grad}
    assert not unknown, f"it says that it trains {', '.join(sorted(unknown))}, which does not learn"
    for name, parameter in named.items():
        if name not in terms.trains:
            idle = parameter.grad is None or not parameter.grad.any()
            assert idle, f"an update is left for {name}, which it does not say it trains"
            continue
        assert parameter.grad is not None, f"no update is left for {name}"
        assert parameter.grad.shape == parameter.shape, f"the update of {name} has another shape"
        assert parameter.grad.isfinite().all(), f"the update of {name} is not finite"


def accepted(make: Make, network: nn.Module, outputs: int = 2) -> bool:
    """Whether the rule teaches a network; if not it says so in one line, and leaves no update."""
    rule = make()
    try:
        rule.learn(*on(network, outputs=outputs))
    except BadInput as error:
        said = str(error)
        assert "\n" not in said, f"expected one line, got {said!r}"
        left = [name for name, one in network.named_parameters() if one.grad is not None]
        assert not left, f"it refuses {type(network).__name__}, but leaves updates of {', '.join(left)}"
        network.zero_grad()
        return False
    return True


def own_or(make: Make, *others: Callable[[], nn.Module]) -> Iterator[Lesson]:
    """The rule's own lesson, if it has one, and others on networks that it teaches."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        own = make().lesson()
    if own is not None:
        yield own
    for one in others:
        network = seeded(one)
        if accepted(make, network):
            yield on(network)
