"""Hebb's rule: what is active together is tied together, x y. By itself it has no bound.

Hebb 1949. Where x and y are centred it is the covariance rule (Sejnowski 1977): running means of both are
taken off, so that what is constant or independent changes nothing, and activity of one side alone weakens.
Weights grow without end, as exp(rate lambda t) along the main direction of the inputs; the rules beside this
one differ in what holds them.
"""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.parts.kept import under, within
from wavetrain.parts.over_batch import OverBatch
from wavetrain.rules.hebbian._rates import RateRule


class Hebb(RateRule):
    """dw = x y, or (x - its mean)(y - its mean), the running means having a time constant `tau` in batches.

    >>> from wavetrain.core import VALUES, Batch
    >>> from wavetrain.rules import Hebb
    >>> network = torch.nn.Linear(2, 1, bias=False)
    >>> _ = network.weight.data.copy_(torch.tensor([[1.0, 0.0]]))
    >>> step = torch.optim.SGD(network.parameters(), lr=0.1)
    >>> _ = Hebb().learn(network, Batch(torch.tensor([[[1.0, 2.0]]]), torch.zeros(1, 1, 1)), VALUES.loss)
    >>> step.step()
    >>> network.weight.data  # 0.1 x y, with x = (1, 2) and y = 1
    tensor([[1.1000, 0.2000]])
    """

    card = Card(
        title="The organization of behavior",
        authors="Hebb, Donald O.",
        year=1949,
        source="Wiley, New York; reprinted 2002, doi:10.4324/9781410612403",
        family="Hebbian",
        topic="Learning rules",
    )

    def __init__(self, tau: float | None = None, over_batch: OverBatch = OverBatch.MEAN):
        super().__init__(over_batch)
        if tau is not None and not tau >= 0:
            raise BadInput(f"Hebb: expected tau of at least 0 batches, got {tau!r}")
        self.keeps = None if tau is None else math.exp(-1 / tau) if tau else 0.0
        self.means: dict[str, tuple[Tensor, Tensor]] = {}  # of x and y of each map

    def state_dict(self) -> dict[str, Tensor]:
        before, behind = ({name: both[which] for name, both in self.means.items()} for which in range(2))
        return within("before", before) | within("behind", behind)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        behind = under("behind", state)
        self.means = {name: (one, behind[name]) for name, one in under("before", state).items()}

    def change(
        self,
        name: str,
        weight: Float[Tensor, "post pre"],
        x: Float[Tensor, "many pre"],
        y: Float[Tensor, "many post"],
    ) -> Float[Tensor, "many post pre"]:
        if self.keeps is not None:
            now = x.mean(0), y.mean(0)
            old = self.means.get(name, now)
            self.means[name] = (
                torch.lerp(now[0], old[0], self.keeps),
                torch.lerp(now[1], old[1], self.keeps),
            )
            x, y = x - self.means[name][0], y - self.means[name][1]
        return y[:, :, None] * x[:, None]
