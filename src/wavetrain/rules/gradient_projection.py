"""Gradient projection: the principal directions of what came in on old tasks are taken out of the updates.

Saha, Garg and Roy 2021, arXiv 2103.09762 (gradient projection memory). When a task is over, `remember` looks
at what its examples x send into each linear map, takes out what is held already, and holds the directions of
the largest squares of what is left: the right singular vectors, uncentred. Gradients are then orthogonal to
all that is held (`_projection`). The authors hold as many directions as a share of the energy needs; here
their number is given, as that of lateral neurons of `HebbianProjection` is, of which this is the exact form.
Directions in which nothing is left are not held: they would be rounding noise.
Left out: convolutions.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.rules._inputs import inputs_of
from wavetrain.rules._projection import Projection

LEFT = 1e-10  # of the energy of inputs: a direction with less is rounding


class GradientProjection(Projection):
    """Teaches any network with linear maps, and learns its directions from examples at a task's end.

    Raises BadInput for a network without such a map.

    >>> from wavetrain.core import VALUES, Batch
    >>> from wavetrain.rules import GradientProjection
    >>> rule, network = GradientProjection(rows=1), torch.nn.Linear(3, 2, bias=False)
    >>> rule.remember(network, torch.tensor([[[5.0, 0.0, 0.0]]]))
    >>> _ = rule.learn(network, Batch(torch.randn(50, 1, 3), torch.randn(50, 1, 2)), VALUES.loss)
    >>> network.weight.grad != 0
    tensor([[False,  True,  True],
            [False,  True,  True]])
    """

    card = Card(
        title="Gradient projection memory for continual learning",
        authors="Saha, Gobinda and Garg, Isha and Roy, Kaushik",
        year=2021,
        source="ICLR 2021, arXiv 2103.09762",
        family="projection",
        topic="Learning without forgetting",
    )

    def __init__(self, rows: int | tuple[int, ...] = 32, then: int | tuple[int, ...] | None = None):
        super().__init__(rows, then)

    def see(self, inputs: dict[str, Float[Tensor, "many inputs"]]) -> None:
        """Nothing is learned before a task is over."""

    @torch.no_grad()
    def remember(self, network: nn.Module, x: Float[Tensor, "batch ..."]) -> None:
        """A task is over: hold the main directions of what its examples x send into each map.

        Raises BadInput for no example, and for a network without a linear map that learns.
        """
        if not len(x):
            raise BadInput("GradientProjection: expected at least one example to remember, got none")
        inputs = self.checked(network, inputs_of(network, x))
        wanted = self.wanted(inputs)
        self.over({name: self._directions(name, one, wanted[name]) for name, one in inputs.items()})

    def _directions(
        self, name: str, x: Float[Tensor, "many inputs"], rows: int
    ) -> Float[Tensor, "rows inputs"]:
        """The main directions of what is left, orthonormal to those that are held and among themselves."""
        left = self.beyond(name, x).double()
        energy, directions = torch.linalg.eigh(left.mT @ left)
        there = energy > LEFT * x.double().square().sum()
        return directions[:, there].mT.flip(0)[:rows].to(x)
