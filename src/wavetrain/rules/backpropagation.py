"""Backpropagation: the exact gradient of the loss, by reverse-mode differentiation through all of time.

Rumelhart, Hinton and Williams 1986. The rule that every other rule is compared with.
"""

from collections.abc import Callable

from torch import Tensor, nn

from wavetrain.core import Batch, Card, Rule, go_back


class Backpropagation(Rule):
    """Leaves the gradient of the loss in `.grad`, so that any optimiser may follow.

    >>> from wavetrain.core import Batch
    >>> from wavetrain.rules import Backpropagation
    >>> network, batch = torch.nn.Linear(3, 1), Batch(torch.randn(8, 5, 3), torch.randn(8, 5, 1))
    >>> loss = Backpropagation().learn(network, batch, torch.nn.functional.mse_loss)
    >>> network.weight.grad.shape, loss.requires_grad  # any optimiser may follow
    (torch.Size([1, 3]), False)
    """

    card = Card(
        title="Learning representations by back-propagating errors",
        authors="Rumelhart, David E. and Hinton, Geoffrey E. and Williams, Ronald J.",
        year=1986,
        source="Nature 323, doi 10.1038/323533a0",
        family="gradient",
        topic="Gates",
    )
    by_rows = True

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        value = loss(network(batch.x), batch.y)
        go_back(value)
        return value.detach()
