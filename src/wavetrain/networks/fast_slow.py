"""Fast and slow weights: one copy of a body learns tasks in turn, another follows it slowly.

A reconstruction: of Wang, Li, Zhong and Zhu 2021, arXiv 2104.09034, the abstract alone was at hand, and no
code. It says that learning a sequence of tasks interferes with learning from few examples, that fast and slow
weights depend on each other, and that knowledge is consolidated in two steps. The rest is ours.

    x -> body, fast weights theta -> features -> head      the tasks that have been seen, a head for each
    x -> body, slow weights phi -> features                what new classes are told by, from few examples

`mixed` starts a task between both, theta <- rho theta + (1 - rho) phi, and `consolidated` ends it with
phi <- phi + eps (theta - phi): after t tasks phi is eps sum over s of (1 - eps)^(t - s) theta_s, and
(1 - eps)^t phi_0. Heads are outputs side by side in one map and have one copy; which of them are asked is the
objective's affair. The rule `two_step` does both. Left out: learning to adapt in the base phase.
"""

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Card, Network, check_width
from wavetrain.errors import BadInput
from wavetrain.layers.gate.gru import GRU


class Embedding(nn.Module):
    """Features of a sequence, (B, T, inputs) to (B, features): a map of a GRU's last state.

    >>> from wavetrain.networks.fast_slow import Embedding
    >>> Embedding(2)(torch.randn(3, 20, 2)).shape
    torch.Size([3, 32])
    """

    def __init__(self, inputs: int, width: int = 64, features: int = 32):
        super().__init__()
        check_width("Embedding", inputs=inputs, width=width, features=features)
        self.layer, self.map = GRU(width, inputs), nn.Linear(width, features)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch features"]:
        features: Tensor = self.map(self.layer(x)[0][:, -1])
        return features


class FastSlow(Network):
    """A body of two copies and a head: x (B, T, inputs) to (B, outputs) by the fast one.

    Its parameters come in the order body, slow, head; the slow ones learn by no gradient.

    >>> from wavetrain.networks.fast_slow import Embedding, FastSlow
    >>> network = FastSlow(Embedding(2), features=32, outputs=10)
    >>> x = torch.randn(3, 20, 2)
    >>> network(x).shape, torch.allclose(network.slow(x), network.body(x))  # copies are the same at first
    (torch.Size([3, 10]), True)
    """

    card = Card(
        title="Few-shot continual learning: a brain-inspired approach",
        authors="Wang, Liyuan and Li, Qian and Zhong, Yi and Zhu, Jun",
        year=2021,
        source="arXiv 2104.09034",
        family="gate",
        topic="Learning without forgetting",
    )

    def __init__(self, body: nn.Module, features: int, outputs: int):
        super().__init__()
        check_width("FastSlow", features=features, outputs=outputs)
        self.body = body
        self.slow = copy.deepcopy(body).requires_grad_(False)
        self.head = nn.Linear(features, outputs)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch outputs"]:
        outputs: Tensor = self.head(self.body(x))
        return outputs

    def settle(self) -> None:
        """The base phase is over: the slow weights are where the fast ones are."""
        self.consolidated(1.0)

    @torch.no_grad()
    def mixed(self, rho: float) -> None:
        """Fast weights go to rho of themselves and 1 - rho of the slow ones; at 1 nothing moves."""
        check_share("rho", rho)
        for fast, slow in zip(self.body.parameters(), self.slow.parameters(), strict=True):
            fast.copy_(rho * fast + (1 - rho) * slow)

    @torch.no_grad()
    def consolidated(self, eps: float) -> None:
        """Slow weights go by eps of the way to the fast ones; at 0 nothing moves, at 1 they are the same."""
        check_share("eps", eps)
        for fast, slow in zip(self.body.parameters(), self.slow.parameters(), strict=True):
            slow.copy_(eps * fast + (1 - eps) * slow)


def check_share(name: str, value: float) -> None:
    """Raise BadInput unless a share is from 0 to 1.

    >>> from wavetrain.networks.fast_slow import check_share
    >>> check_share("eps", 1.5)
    Traceback (most recent call last):
    wavetrain.errors.BadInput: FastSlow: expected eps from 0 to 1, got 1.5
    """
    if not 0 <= value <= 1:
        raise BadInput(f"FastSlow: expected {name} from 0 to 1, got {value}")
