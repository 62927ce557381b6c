"""Distributional: units that take good and bad news differently tell the spread of rewards, not their mean.

Dabney, Kurth-Nelson, Uchida, Starkweather, Hassabis, Munos and Botvinick 2020, Nature 577. Output i has its
own share tau_i of learning from errors above 0:

    V_i <- V_i + (alpha_plus_i if delta_i > 0, else alpha_minus_i) delta_i,    tau = alpha_plus / (both)

V_i ends at the tau_i-expectile of what comes, where tau E[(R - V)+] = (1 - tau) E[(V - R)+]: the mean for
one half, more for optimists. Where only the sign of an error counts, it ends at the tau_i-quantile.
A step of gradient descent has the size alpha_plus + alpha_minus, which all outputs share. The errors are
those of the loss; for what comes after the next step take `Bootstrapped(discount, sampled=True)`, in which a
unit hears another unit, drawn anew each time.
Left out: a distribution decoded from expectiles, without which sampled ones shrink in long chains.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.rules.reward._read_out import ReadOut


class Distributional(ReadOut):
    """Teaches the linear read-out of a `Reader`; tau of its outputs goes evenly from `low` to `high`.

    `signs` takes only the sign of each error, for quantiles. One output has the middle of low and high.
    Raises BadInput for another network, and for low and high that are not rising between 0 and 1.

    >>> from wavetrain.core import Batch
    >>> from wavetrain.parts.rewards import Bootstrapped, critic
    >>> from wavetrain.parts.stimuli import Presence
    >>> from wavetrain.rules import Distributional
    >>> network, rule = critic(Presence(1, level=1.0), outputs=3), Distributional(0.1, 0.9)
    >>> x, rewards = torch.tensor([1.0, 0]).expand(2, 2)[..., None], torch.zeros(2, 2, 3)
    >>> rewards[0, 1] = 1.0  # in one of two trials
    >>> step = torch.optim.SGD(network.parameters(), 0.5)
    >>> for _ in range(100):
    ...     step.zero_grad()
    ...     loss = rule.learn(network, Batch(x, rewards), Bootstrapped())
    ...     step.step()
    >>> network.read.weight.data.flatten()
    tensor([0.1000, 0.5000, 0.9000])
    """

    card = Card(
        title="A distributional code for value in dopamine-based reinforcement learning",
        authors="Dabney, Will and Kurth-Nelson, Zeb and Uchida, Naoshige and Starkweather, Clara Kwon and "
        "Hassabis, Demis and Munos, Remi and Botvinick, Matthew",
        year=2020,
        source="Nature 577, doi 10.1038/s41586-019-1924-6",
        family="prediction error",
        topic="Reward and choice",
    )

    def __init__(self, low: float = 0.05, high: float = 0.95, signs: bool = False, kept: float = 0.0):
        super().__init__(kept)
        if not 0 < low <= high < 1:
            raise BadInput(f"Distributional: expected shares that rise between 0 and 1, got {low} and {high}")
        if not 0 <= kept <= 1:
            raise BadInput(f"Distributional: expected what is kept of a trace from 0 to 1, got {kept}")
        self.low, self.high, self.signs = low, high, signs

    def taus(self, outputs: int) -> Float[Tensor, "outputs"]:
        """The share of each output."""
        if outputs == 1:
            return torch.tensor([(self.low + self.high) / 2], dtype=torch.float64)
        return torch.linspace(self.low, self.high, outputs, dtype=torch.float64)

    def weighed(self, errors: Float[Tensor, "batch *time outputs"]) -> Float[Tensor, "batch *time outputs"]:
        tau = self.taus(errors.shape[-1]).to(errors)
        size = errors.sign() / len(errors) if self.signs else errors
        return torch.where(errors < 0, tau, 1 - tau) * size  # an error of the loss is minus delta
