"""Opponent actor: one path learns for an action and one against it, so that gains and losses weigh apart.

Collins and Frank 2014, Psychological Review 121 (OpAL). The direct path has G and the indirect path N for
each state and action, and one error teaches both, each in proportion to itself:

    G <- G + alpha_G G delta,   N <- N - alpha_N N delta,    pi = softmax(beta_G G - beta_N N)

Both begin at 1. Being multiplied, G grows most for what is often good and N for what is often bad: with
more dopamine while choosing (beta_G above beta_N) differences among good options count, with less
those among bad ones. Where |alpha delta| < 1, as with rewards from 0 to 1 and rates below 1, both stay above
0. The critic is that of the actor-critic.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.networks._acting import Acting


class OpponentActor(Acting):
    """States (B, T) to the logarithms of how likely each action is, (B, T, actions).

    `rate` is that of the critic; `go` and `stop` are alpha_G and alpha_N, `gains` and `losses` the betas.

    >>> from wavetrain.networks import OpponentActor
    >>> network = OpponentActor(1, 2, rate=0.0, go=0.1, stop=0.1)
    >>> for reward in (1.0, 1.0, -1.0):
    ...     error = network.learn(0, 0, reward)
    >>> network.for_it.data, network.against.data  # 1.1 1.1 0.9 and 0.9 0.9 1.1 for the first action
    (tensor([[1.0890, 1.0000]]), tensor([[0.8910, 1.0000]]))
    """

    card = Card(
        title="Opponent actor learning (OpAL): Modeling interactive effects of striatal dopamine on "
        "reinforcement learning and choice incentive",
        authors="Collins, Anne G. E. and Frank, Michael J.",
        year=2014,
        source="Psychological Review 121, doi 10.1037/a0037015",
        family="actor and critic",
        topic="Reward and choice",
    )

    def __init__(
        self,
        states: int,
        actions: int,
        *,
        rate: float = 0.1,
        go: float = 0.1,
        stop: float = 0.1,
        gains: float = 1.0,
        losses: float = 1.0,
        discount: float = 0.95,
    ):
        super().__init__(states, actions, rate=rate, discount=discount)
        if not min(go, stop, gains, losses) >= 0:
            raise BadInput(
                "OpponentActor: expected rates and weights of 0 or more, got "
                f"{', '.join(map(str, (go, stop, gains, losses)))}"
            )
        self.go, self.stop, self.gains, self.losses = go, stop, gains, losses
        self.for_it = nn.Parameter(torch.ones(states, actions))
        self.against = nn.Parameter(torch.ones(states, actions))

    def wants(self, states: Int[Tensor, "*many"]) -> Float[Tensor, "*many actions"]:
        return self.gains * self.for_it[states] - self.losses * self.against[states]

    @torch.no_grad()
    def teach(self, state: int, action: int, error: float) -> None:
        self.for_it[state, action] *= 1 + self.go * error
        self.against[state, action] *= 1 - self.stop * error
