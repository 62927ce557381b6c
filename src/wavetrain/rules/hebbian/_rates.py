"""How a local rule of rates teaches a network: each linear map by its inputs x and outputs W x."""

from abc import abstractmethod
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Batch
from wavetrain.core.terms import Sight, Stated, Terms
from wavetrain.errors import BadInput
from wavetrain.parts.over_batch import OverBatch
from wavetrain.rules._inputs import watched


class RateRule(Stated):
    """Leaves in `.grad` minus the change of each map's weight, and 0 for all else; an optimiser has the rate.

    Each sequence, step and call of a map counts as an input. The loss is only told. Raises BadInput for a
    network without a linear map that learns.
    """

    def __init__(self, over_batch: OverBatch):
        self.over_batch = over_batch

    @abstractmethod
    def change(
        self,
        name: str,
        weight: Float[Tensor, "post pre"],
        x: Float[Tensor, "many pre"],
        y: Float[Tensor, "many post"],
    ) -> Float[Tensor, "many post pre"]:
        """What each input asks of the weight of that name; y is W x."""

    def terms(self, network: nn.Module) -> Terms:
        maps = {name for name, one in network.named_parameters() if one.ndim == 2 and one.requires_grad}
        return Terms(
            trains=frozenset(maps),
            blind=frozenset({Sight.LATER_LAYERS}),
            stored=lambda depth, time: time,  # the changes that all inputs ask of one map outweigh the inputs
        )

    @torch.no_grad()
    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        with watched(network) as seen:
            value = loss(network(batch.x), batch.y)
        inputs = seen()
        if not inputs:
            raise BadInput(
                f"{type(self).__name__}: expected a network with a linear map that learns, "
                f"got {type(network).__name__}"
            )
        for name, parameter in network.named_parameters():
            if not parameter.requires_grad:
                continue
            update = torch.zeros_like(parameter)
            if name in inputs:
                x = inputs[name]
                update = -self.over_batch(self.change(name, parameter, x, x @ parameter.mT))
            parameter.grad = update if parameter.grad is None else parameter.grad + update
        return value.detach()
