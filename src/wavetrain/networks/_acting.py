"""Who acts: a choice among actions in each state, a value of each state, and one error that teaches both.

    delta = r + gamma V(s') - V(s),    V(s) <- V(s) + alpha delta,    and the actor learns by delta too

This is the circuit that is read into the basal ganglia: cortex says the state, a part of the striatum its
value and another part what to do, and dopamine tells both the same error. The rule cannot be taken from the
network, since what is learned next depends on what was chosen.
"""

from abc import abstractmethod
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wavetrain.core import Network, check_width
from wavetrain.errors import BadInput
from wavetrain.parts.errands import Errand
from wavetrain.parts.rewards import between


class Lived(NamedTuple):
    """One errand: the nodes, with the start and where it ended; the actions and errors in between."""

    nodes: list[int]
    actions: list[int]
    errors: list[float]

    @property
    def steps(self) -> int:
        return len(self.actions)


class Acting(Network):
    """States (B, T) to the logarithms of how likely each action is, (B, T, actions)."""

    def __init__(self, states: int, actions: int, *, rate: float, discount: float):
        super().__init__()
        check_width(type(self).__name__, states=states, actions=actions)
        if not rate >= 0:
            raise BadInput(f"{type(self).__name__}: expected a rate of the critic of 0 or more, got {rate}")
        between(type(self).__name__, "discount", discount)
        self.states, self.actions, self.rate, self.discount = states, actions, rate, discount
        self.value = nn.Parameter(torch.zeros(states))

    @abstractmethod
    def wants(self, states: Int[Tensor, "*many"]) -> Float[Tensor, "*many actions"]:
        """How much each action is wanted; the softmax of it is how likely it is."""

    @abstractmethod
    def teach(self, state: int, action: int, error: float) -> None:
        """What the actor learns from an action in a state and the error that came of it."""

    def forward(self, x: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time actions"]:
        if x.ndim != 2 or not x.shape[1] or x.is_floating_point():
            raise BadInput(f"{type(self).__name__}: expected states (batch, time), got {tuple(x.shape)}")
        if x.numel() and (int(x.min()) < 0 or int(x.max()) >= self.states):
            raise BadInput(
                f"{type(self).__name__}: expected states from 0 to {self.states - 1}, "
                f"got {int(x.min())} to {int(x.max())}"
            )
        return self.wants(x).log_softmax(-1)

    @torch.no_grad()
    def choose(self, state: int, generator: torch.Generator) -> int:
        """An action, drawn as likely as it is wanted."""
        likely = self.wants(torch.tensor(state, device=self.value.device)).softmax(-1)
        return int(torch.multinomial(likely, 1, generator=generator))

    @torch.no_grad()
    def learn(self, state: int, action: int, reward: float, after: int | None = None) -> float:
        """Learns from one action, the reward and the state after it; None where that is the end.

        Returns the error.
        """
        later = 0.0 if after is None else self.discount * float(self.value[after])
        error = reward + later - float(self.value[state])
        self.value[state] += self.rate * error
        self.teach(state, action, error)
        return error

    def live(self, errand: Errand, generator: torch.Generator, most: int = 1000, learn: bool = True) -> Lived:
        """One errand from its start to its goal, or `most` steps of it; who is cut off learns no end.

        Raises BadInput for a world of another size.
        """
        if errand.world.successor.shape != (self.states, self.actions):
            raise BadInput(
                f"{type(self).__name__}: expected a world of {self.states} nodes and {self.actions} actions, "
                f"got {' and '.join(map(str, errand.world.successor.shape))}"
            )
        nodes, actions, errors = [errand.start], list[int](), list[float]()
        while nodes[-1] != errand.goal and len(actions) < most:
            action = self.choose(nodes[-1], generator)
            after, reward = errand.after(nodes[-1], action)
            if learn:
                end = after == errand.goal
                errors.append(self.learn(nodes[-1], action, reward, None if end else after))
            nodes.append(after)
            actions.append(action)
        return Lived(nodes, actions, errors)
