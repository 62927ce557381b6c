"""BCM: a connection grows where the output is above a threshold, weakens below it, and the threshold slides.

Bienenstock, Cooper and Munro 1982, with the threshold of Intrator and Cooper 1992, the mean square of the
output:

    dw = x y (y - theta),        theta <- theta + (1 - exp(-1 / tau)) (mean y^2 - theta)    each batch

The threshold moves first. It must be faster than the weights, or both swing. Of linearly independent inputs
that come with probabilities p_k each unit ends with y = 1 / p_k for one of them and 0 for the others.
"""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.parts.over_batch import OverBatch
from wavetrain.rules.hebbian._rates import RateRule


class BCM(RateRule):
    """Makes each unit of a linear map choose; `tau` of the threshold is in batches, 0 for that of the batch.

    The threshold starts at the mean square of the first batch.

    >>> from wavetrain.core import VALUES, Batch
    >>> from wavetrain.rules import BCM
    >>> network = torch.nn.Linear(2, 1, bias=False)
    >>> _ = network.weight.data.copy_(torch.tensor([[0.6, 0.4]]))
    >>> rule, step = BCM(tau=0.0), torch.optim.SGD(network.parameters(), lr=0.1)
    >>> batch = Batch(torch.eye(2)[:, None], torch.zeros(2, 1, 1))  # two inputs, each in half of the cases
    >>> for _ in range(300):
    ...     step.zero_grad()
    ...     _ = rule.learn(network, batch, VALUES.loss)
    ...     step.step()
    >>> network.weight.data.round(decimals=3).abs()
    tensor([[2., 0.]])
    """

    card = Card(
        title="Theory for the development of neuron selectivity: orientation specificity and binocular "
        "interaction in visual cortex",
        authors="Bienenstock, Elie L. and Cooper, Leon N. and Munro, Paul W.",
        year=1982,
        source="Journal of Neuroscience 2, doi 10.1523/JNEUROSCI.02-01-00032.1982",
        family="Hebbian",
        topic="Learning rules",
    )

    def __init__(self, tau: float = 10.0, over_batch: OverBatch = OverBatch.MEAN):
        super().__init__(over_batch)
        if not tau >= 0:
            raise BadInput(f"BCM: expected tau of at least 0 batches, got {tau!r}")
        self.keeps = math.exp(-1 / tau) if tau else 0.0
        self.thresholds: dict[str, Tensor] = {}  # of the units of each map

    def state_dict(self) -> dict[str, Tensor]:
        return dict(self.thresholds)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.thresholds = dict(state)

    def change(
        self,
        name: str,
        weight: Float[Tensor, "post pre"],
        x: Float[Tensor, "many pre"],
        y: Float[Tensor, "many post"],
    ) -> Float[Tensor, "many post pre"]:
        square = y.square().mean(0)
        theta = torch.lerp(square, self.thresholds.get(name, square), self.keeps)
        self.thresholds[name] = theta
        return (y * (y - theta))[:, :, None] * x[:, None]
