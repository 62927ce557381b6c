"""Actor-critic: a critic says what a state is worth, and its error tells an actor what to do more often.

Barto, Sutton and Anderson 1983; as a model of the basal ganglia see Montague, Dayan and Sejnowski 1996,
J. Neurosci. 16. One number for each state, V, and one for each state and action, p:

    pi(. | s) = softmax(beta p(s, .)),    delta = r + gamma V(s') - V(s)
    V(s) <- V(s) + alpha delta
    p(s, b) <- p(s, b) + alpha_a delta (1[b is chosen] - pi(b | s))     for all actions b of the state

Which is a step up the gradient of log pi, scaled by delta and 1 / beta. All begins at 0, so that at first
every action is as likely. With two actions the choice is the logistic function of beta (p_a - p_b).
Left out: traces, and anything but a table of states.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.networks._acting import Acting


class ActorCritic(Acting):
    """States (B, T) to the logarithms of how likely each action is, (B, T, actions).

    `rate` is that of the critic, `actor` that of the actor, `steep` is beta.

    >>> from wavetrain.networks import ActorCritic
    >>> from wavetrain.parts.errands import Errand
    >>> from wavetrain.parts.worlds import square
    >>> network, dice = ActorCritic(9, 4), torch.Generator().manual_seed(0)
    >>> errand = Errand(square(3), start=0, goal=8)
    >>> steps = [network.live(errand, dice).steps for _ in range(100)]
    >>> steps[0] > 20, sum(steps[-20:]) / 20 < 5, network(torch.tensor([[0, 1]])).shape  # the shortest is 4
    (True, True, torch.Size([1, 2, 4]))
    """

    card = Card(
        title="Neuronlike adaptive elements that can solve difficult learning control problems",
        authors="Barto, Andrew G. and Sutton, Richard S. and Anderson, Charles W.",
        year=1983,
        source="IEEE Transactions on Systems, Man, and Cybernetics 13, doi 10.1109/TSMC.1983.6313077",
        family="actor and critic",
        topic="Reward and choice",
    )

    def __init__(
        self,
        states: int,
        actions: int,
        *,
        rate: float = 0.2,
        actor: float = 1.0,
        discount: float = 0.95,
        steep: float = 1.0,
    ):
        super().__init__(states, actions, rate=rate, discount=discount)
        if not (actor >= 0 and steep >= 0):
            raise BadInput(
                "ActorCritic: expected a rate of the actor and a steepness of 0 or more, "
                f"got {actor} and {steep}"
            )
        self.actor, self.steep = actor, steep
        self.preference = nn.Parameter(torch.zeros(states, actions))

    def wants(self, states: Int[Tensor, "*many"]) -> Float[Tensor, "*many actions"]:
        return self.steep * self.preference[states]

    @torch.no_grad()
    def teach(self, state: int, action: int, error: float) -> None:
        likely = (self.steep * self.preference[state]).softmax(-1)
        self.preference[state] -= self.actor * error * likely
        self.preference[state, action] += self.actor * error
