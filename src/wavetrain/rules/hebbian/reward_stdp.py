"""Reward-modulated plasticity: spikes make a connection eligible, and a reward that comes later changes it.

Florian 2007 (MSTDPET). What a pair rule would change in a step, E, is not made at once but kept in a trace

    e <- exp(-dt / tau_e) e + E / tau_e,        w <- w + dt r e

of each connection and sequence, and r is the reward of the step. A step: traces of spikes as in the pair
rule, then the eligibility, which holds what this step adds, then the weights. With a constant reward of 1 a
pair of spikes changes dt / tau_e / (1 - exp(-dt / tau_e)) of what the pair rule would, in the long run.

For a network the reward comes once, in the last step of the sequence: by default minus the loss of each
sequence by itself, less what is usual, so that what is better than usual is strengthened. What is usual is
the mean of the first batch, and then moves a tenth of the way to that of each further one.
Left out: a critic that foretells the reward.
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Batch, Card, State
from wavetrain.errors import BadInput
from wavetrain.parts.bounds import Bounds
from wavetrain.parts.over_batch import OverBatch
from wavetrain.parts.traces import Trace
from wavetrain.rules.hebbian._pairs import Pairs
from wavetrain.rules.hebbian._spike_timing import Loss

HARD = Bounds()
MOVES = 0.1  # of the way to the mean of a batch


class RewardSTDP(Pairs):
    """Changes weights (post, pre) by spikes (B, T, pre) and (B, T, post), and by rewards; times are in ms.

    `reward` takes the outputs and answers of a batch to a number for each sequence, which then is taken as
    it is. `run`, `step` and `total` are those of a reward of 1 in every step. The state are the traces
    (B, pre) and (B, post), and the eligibility (B, post, pre).

    >>> from wavetrain.rules import RewardSTDP
    >>> rule = RewardSTDP(0.01, 0.01, tau_e=25.0)
    >>> pre, post = torch.zeros(2, 2, 9, 1)
    >>> pre[:, 0] = post[:, 2] = 1.0  # in both sequences alike
    >>> reward = torch.zeros(2, 9)
    >>> reward[:, 7] = torch.tensor([25.0, -25.0])  # five steps later
    >>> weight, _ = rule.rewarded(torch.tensor([[0.5]]), pre[:1], post[:1], reward[:1])
    >>> round(weight.item(), 5)  # 0.5 + 0.01 exp(-2 / 20) exp(-5 / 25)
    0.50741
    >>> round(rule.rewarded(torch.tensor([[0.5]]), pre, post, reward)[0].item(), 5)
    0.5
    """

    card = Card(
        title="Reinforcement learning through modulation of spike-timing-dependent synaptic plasticity",
        authors="Florian, Razvan V.",
        year=2007,
        source="Neural Computation 19, doi 10.1162/neco.2007.19.6.1468",
        family="spike timing",
        topic="Learning rules",
    )

    def __init__(
        self,
        potentiation: float = 0.005,
        depression: float = 0.005,
        *,
        tau_plus: float = 20.0,
        tau_minus: float = 20.0,
        tau_e: float = 25.0,
        dt: float = 1.0,
        reward: Callable[[Tensor, Tensor], Float[Tensor, "batch"]] | None = None,
        bounds: Bounds = HARD,
        over_batch: OverBatch = OverBatch.SUM,
    ):
        super().__init__(
            potentiation,
            depression,
            tau_plus=tau_plus,
            tau_minus=tau_minus,
            dt=dt,
            nearest=False,
            bounds=bounds,
            over_batch=over_batch,
        )
        self.eligible, self.reward = Trace(tau_e, dt), reward
        self.usual: float | None = None

    def state_dict(self) -> dict[str, Tensor]:
        return {} if self.usual is None else {"usual": torch.tensor(self.usual, dtype=torch.float64)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.usual = float(state["usual"]) if "usual" in state else None

    def begin(self, weight: Float[Tensor, "post pre"], batch: int) -> State:
        return *super().begin(weight, batch), weight.new_zeros(batch, *weight.shape)

    def change(
        self,
        weight: Float[Tensor, "post pre"],
        pre: Float[Tensor, "batch pre"],
        post: Float[Tensor, "batch post"],
        state: State,
    ) -> tuple[Float[Tensor, "batch post pre"], State]:
        pairs, traces = super().change(weight, pre, post, state[:2])
        eligibility = self.eligible.faded(state[2]) + pairs / self.eligible.tau
        return self.dt * eligibility, (*traces, eligibility)

    def rewarded(
        self,
        weight: Float[Tensor, "post pre"],
        pre: Float[Tensor, "batch time pre"],
        post: Float[Tensor, "batch time post"],
        reward: Float[Tensor, "batch time"],
        state: State = None,
    ) -> tuple[Float[Tensor, "post pre"], State]:
        """The weights after all steps, each with its reward, and the state.

        Raises BadInput as `run` does, and for rewards of another shape.
        """
        state = self.begun(weight, pre, post, state)
        if reward.shape != pre.shape[:2]:
            raise BadInput(
                f"RewardSTDP: expected rewards (batch, time) {tuple(pre.shape[:2])}, "
                f"got {tuple(reward.shape)}"
            )
        for before, behind, now in zip(pre.unbind(1), post.unbind(1), reward.unbind(1), strict=True):
            changes, state = self.change(weight, before, behind, state)
            weight = self.bounds.clipped(weight + self.over_batch(now[:, None, None] * changes))
        return weight, state

    def asked(
        self,
        weight: Float[Tensor, "post pre"],
        before: Float[Tensor, "batch time pre"],
        behind: Float[Tensor, "batch time post"],
        rewards: Float[Tensor, "batch"],
    ) -> Float[Tensor, "batch post pre"]:
        _, (_, _, eligibility) = self.total(weight, before, behind)
        return rewards[:, None, None] * self.dt * eligibility

    def rewards(self, outputs: Tensor, batch: Batch, loss: Loss) -> Float[Tensor, "batch"]:
        """Of each sequence, from outputs (B, T, ...): one's own, or minus the loss less what is usual."""
        if self.reward is not None:
            return self.reward(outputs, batch.y)
        each = zip(outputs.split(1), batch.y.split(1), strict=True)
        given = -torch.stack([loss(output, answer) for output, answer in each])
        mean = float(given.mean())
        usual = mean if self.usual is None else self.usual
        self.usual = usual + MOVES * (mean - usual)
        return given - usual
