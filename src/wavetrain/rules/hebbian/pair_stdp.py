"""Pair-based spike-timing-dependent plasticity: inputs that fire before a unit grow, those after it decay.

Song, Miller and Abbott 2000. A pair of spikes with the lag s = t_post - t_pre changes the weight by

    A_plus exp(-s / tau_plus)      for s > 0,       -A_minus exp(s / tau_minus)      for s < 0

and all pairs count, or of each spike the nearest partners alone. By traces x of spikes before and y of spikes
behind (`parts.traces`), which hold the spike of their own step:

    w <- w + A_plus growth(w) x_pre s_post - A_minus decay(w) y_post s_pre

A step: traces decay, the spikes of the step are added, both terms are read, then weights are clipped. So a
pair in one step counts A_plus - A_minus. With soft bounds (`parts.bounds`) the terms depend on the weight.
With all pairs and hard bounds the change over a sequence is bilinear in the spikes, S_post' K S_pre, and K is
`kernel`: the operator of the rule. The default amplitudes, A_minus 1.05 A_plus, favour decay where spikes
come at random: there the mean change a ms is r_pre r_post (A_plus tau_plus - A_minus tau_minus).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card, State
from wavetrain.parts.bounds import Bounds
from wavetrain.parts.over_batch import OverBatch
from wavetrain.rules.hebbian._pairs import Pairs

HARD = Bounds()


class PairSTDP(Pairs):
    """Changes weights (post, pre) by spikes (B, T, pre) and (B, T, post); times are in ms.

    The state are the traces (B, pre) and (B, post).

    >>> from wavetrain.rules import PairSTDP
    >>> rule = PairSTDP(0.01, 0.01, tau_plus=20.0, tau_minus=20.0)
    >>> pre, post = torch.zeros(2, 1, 5, 1)
    >>> pre[:, 0] = post[:, 2] = 1.0
    >>> weight, (x, y) = rule.run(torch.tensor([[0.5]]), pre, post)
    >>> round(weight.item(), 6)  # 0.5 + 0.01 exp(-2 / 20)
    0.509048
    """

    card = Card(
        title="Competitive Hebbian learning through spike-timing-dependent synaptic plasticity",
        authors="Song, Sen and Miller, Kenneth D. and Abbott, L. F.",
        year=2000,
        source="Nature Neuroscience 3, doi 10.1038/78829",
        family="spike timing",
        topic="Learning rules",
    )

    def __init__(
        self,
        potentiation: float = 0.005,
        depression: float = 0.00525,
        *,
        tau_plus: float = 20.0,
        tau_minus: float = 20.0,
        dt: float = 1.0,
        nearest: bool = False,
        bounds: Bounds = HARD,
        over_batch: OverBatch = OverBatch.SUM,
    ):
        super().__init__(
            potentiation,
            depression,
            tau_plus=tau_plus,
            tau_minus=tau_minus,
            dt=dt,
            nearest=nearest,
            bounds=bounds,
            over_batch=over_batch,
        )

    def total(
        self,
        weight: Float[Tensor, "post pre"],
        pre: Float[Tensor, "batch time pre"],
        post: Float[Tensor, "batch time post"],
        state: State = None,
    ) -> tuple[Float[Tensor, "batch post pre"], State]:
        """What each sequence asks for over all steps, as two products of matrices. Raises as `run`."""
        first = self.begun(weight, pre, post, state)
        (x, last), (y, end) = self.before.whole(pre, first[0]), self.behind.whole(post, first[1])
        return self.weighed(weight, post.mT @ x, y.mT @ pre), (last, end)

    def kernel(self, steps: int) -> Float[Tensor, "steps steps"]:
        """K[t, s]: what a spike behind in step t and one before in step s change, for hard bounds.

        All pairs count in it, whether the rule takes the nearest alone or not.
        """
        lag = self.dt * (torch.arange(steps)[:, None] - torch.arange(steps)).double()
        grows = self.potentiation * torch.exp(-lag / self.before.tau).where(lag >= 0, 0.0)
        decays = self.depression * torch.exp(lag / self.behind.tau).where(lag <= 0, 0.0)
        return grows - decays
