"""The three-factor rule: what fires before, what fires after, and dopamine, which says if it was worth it.

Williams 1992, REINFORCE; that dopamine is the third factor of synapses in the striatum is the idea of Muller,
Churchland and Sejnowski 2024, arXiv 2401.14267, and how it is put here is ours. In each trial the loop of
cortex and basal ganglia selects one place j of the wave by p = softmax(s), what that place holds is read out,
and a reward R comes. Dopamine is what it is better than expected, and teaches queries and keys:

    delta = R - V(x),   W <- W + rate delta d log p_j / d W,   V(x) = v . x,   v <- v + critic delta x

Written out, the update of W_q is delta sum_i (1[i = j] - p_i) k_i x' / sqrt(D): what came in, times what the
selected channel has more than the others, times one number that is the same for all synapses. No weight is
looked at on the way back, and no error either. It is in `.grad` with the other sign, as the mean over the
sequences of a batch, so an optimiser that goes down goes up in reward.

    Teaches.SELECTION     queries and keys; what is returned and how it is read is given
    Teaches.ALL           values and read-out too. The answer is then drawn from the softmax of the outputs,
                          and its log p is taught by the same delta, by the gradient through the read-out

The critic v belongs to the rule and begins at 0. It is steady while its rate times |x|^2 is below 2; at rate
0 there is none. Left out: rewards within a trial, and traces that keep a synapse eligible until one comes.
"""

import enum
import math
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import CLASSES, Batch, Card, Lesson
from wavetrain.core.terms import Sight, Stated, Terms, learns
from wavetrain.errors import BadInput
from wavetrain.layers.attention.loop_attention import LoopAttention
from wavetrain.parts.reader import Reader, one_hot


class Teaches(enum.Enum):
    """Whether dopamine teaches what is selected alone, or what is made of it too."""

    SELECTION = "queries and keys"
    ALL = "queries, keys, values and read-out"


class ThreeFactor(Stated):
    """Teaches a `Reader` of `LoopAttention` that answers at the last step, by reward alone.

    `reward` takes the outputs of what was selected and the answers to a number for each sequence; by default
    minus the loss of each. `critic` is the rate of what foretells it. The loss that is returned is that of
    the network as it is, which selects by shares. Raises BadInput for another network, and for rewards that
    are not one finite number for each sequence.

    >>> from wavetrain.rules import ThreeFactor
    >>> network, batch, loss = ThreeFactor.lesson()
    >>> rule = ThreeFactor(reward=lambda outputs, answers: (outputs.argmax(-1) == answers).float())
    >>> _ = rule.learn(network, batch, loss)
    >>> sorted(name for name, one in network.named_parameters() if one.grad is not None)
    ['layer.key.weight', 'layer.query.weight']
    """

    card = Card(
        title="Simple statistical gradient-following algorithms for connectionist reinforcement learning",
        authors="Williams, Ronald J.",
        year=1992,
        source="Machine Learning 8, doi 10.1007/BF00992696",
        family="reward",
        topic="Loops of cortex and basal ganglia",
    )

    def __init__(
        self,
        reward: Callable[[Tensor, Tensor], Float[Tensor, "batch"]] | None = None,
        critic: float = 0.02,
        teaches: Teaches = Teaches.SELECTION,
    ):
        if not (math.isfinite(critic) and critic >= 0):
            raise BadInput(
                f"ThreeFactor: expected a rate of the critic of 0 or above, which is finite, got {critic}"
            )
        self.reward, self.critic, self.teaches = reward, critic, teaches
        self.expects: Tensor | None = None  # v (width,)

    @classmethod
    def lesson(cls) -> Lesson:
        network = Reader(LoopAttention(8, inputs=8, window=5), outputs=3, every_step=False)
        x = torch.randn(4, 6, 8, generator=torch.Generator().manual_seed(0))
        return Lesson(network, Batch(x, torch.tensor([0, 1, 2, 1])), CLASSES.loss)

    def terms(self, network: nn.Module) -> Terms:
        self._loop(network)
        taught = frozenset(name for name in learns(network) if self._taught(name))
        if self.teaches is Teaches.ALL:
            return Terms(trains=taught)
        named = frozenset(name for name, _ in network.named_parameters())
        return Terms(trains=taught, blind=frozenset({Sight.FORWARD_WEIGHTS}), unseen=named)

    def state_dict(self) -> dict[str, Tensor]:
        return {} if self.expects is None else {"expects": self.expects}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.expects = state.get("expects")

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        network, layer = self._loop(network)
        named = network.named_parameters()
        taught = [one for name, one in named if one.requires_grad and self._taught(name)]
        if not taught:
            raise BadInput("ThreeFactor: expected queries or keys that learn, got a network that is frozen")
        now, fit, returns = layer.selection(one_hot(batch.x, layer.inputs, network.read_dtype))
        chance = fit.log_softmax(-1)  # (B, S)
        if not chance.isfinite().all():
            raise BadInput(
                "ThreeFactor: expected finite scores of all places, got NaN or infinity: it diverged"
            )
        place = torch.multinomial(chance.detach().exp(), 1)  # (B, 1)
        rows = torch.arange(len(now), device=now.device)
        outputs = network.read(now + returns[rows, place[:, 0]])
        with torch.no_grad():
            shares = torch.einsum("bs,bsd->bd", chance.exp(), returns)
            whole = network.read(now + shares)  # of the network as it is
        worth = chance.gather(1, place)[:, 0]  # the log of the chance of what was done
        if self.teaches is Teaches.ALL:
            said = outputs.log_softmax(-1)
            answer = torch.multinomial(said.detach().exp(), 1)
            worth = worth + said.gather(1, answer)[:, 0]
            outputs = F.one_hot(answer[:, 0], outputs.shape[-1]).to(outputs)
        delta = self.dopamine(self._rewards(outputs.detach(), batch.y, loss), now)
        value = loss(whole, batch.y)
        torch.autograd.backward(-(delta * worth).mean(), inputs=taught)
        return value.detach()

    def dopamine(
        self, rewards: Float[Tensor, "batch"], now: Float[Tensor, "batch width"]
    ) -> Float[Tensor, "batch"]:
        """What is better than was expected of the tokens `now`; afterwards more, or less, is expected."""
        if self.expects is None or self.expects.shape != now.shape[1:]:
            self.expects = now.new_zeros(now.shape[1])
        self.expects = self.expects.to(now)
        delta = rewards.to(now) - now @ self.expects
        self.expects = self.expects + self.critic * (delta[:, None] * now).mean(0)
        return delta

    def _rewards(self, outputs: Tensor, answers: Tensor, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        if self.reward is None:
            each = zip(outputs.split(1), answers.split(1), strict=True)
            given = -torch.stack([loss(output, answer).detach() for output, answer in each])
        else:
            given = self.reward(outputs, answers)
        if given.shape != (len(outputs),) or not given.isfinite().all():
            raise BadInput(
                f"ThreeFactor: expected a finite reward for each of {len(outputs)} sequences, got "
                f"{tuple(given.shape)}{'' if given.isfinite().all() else ', not all of them finite'}"
            )
        return given

    def _taught(self, name: str) -> bool:
        """Whether the rule teaches the parameter of that name."""
        selects = name in ("layer.query.weight", "layer.key.weight")
        made = name == "layer.value.weight" or name.startswith("read.")
        return selects or (made and self.teaches is Teaches.ALL)

    @staticmethod
    def _loop(network: nn.Module) -> tuple[Reader, LoopAttention]:
        """The network and its layer, if they are what the rule can teach."""
        if not isinstance(network, Reader) or not isinstance(network.layer, LoopAttention):
            got = type(network).__name__
            got += f" of {type(network.layer).__name__}" if isinstance(network, Reader) else ""
            raise BadInput(f"ThreeFactor: expected a Reader of LoopAttention, got {got}")
        if network.every_step or not network.layer.temperature:
            raise BadInput(
                "ThreeFactor: expected an answer at the last step and a temperature above 0, got "
                f"{'an answer at every step' if network.every_step else 'a temperature of 0'}"
            )
        return network, network.layer
