"""Losses of one layer that tell targets apart, as functions of two tables.

    scores   S = h t', how much each row of the data looks like each target
    alike    G = t_0 t_0', how much the targets that came in look like one another

Of feature maps (rows, channels, height, width) the products over channels are averaged over places. Where
there are steps, each has tables of its own.
"""

import enum

import torch
from jaxtyping import Float, Int
from torch import Tensor


class LayerLoss(enum.Enum):
    """Which targets a row of the data is drawn to; minus the log of the softmax of its scores there.

    ALL, ONE and MOST are `v9_input_target_max_all`, `v14_input_target_max_rand` and `v15_input_target_topk`
    of the authors' code, BANK is `v1_input_label_direct`. With ALL and MOST the logs are added, not averaged.
    """

    ALL = "all that came in most alike to its own"
    ONE = "the first of these"
    MOST = "the k most alike to its own"
    BANK = "that of its class, in a bank of one for each class"

    def __call__(
        self,
        scores: Float[Tensor, "*time rows targets"],
        alike: Float[Tensor, "*time rows targets"] | None,
        labels: Int[Tensor, "*time rows"] | None,
        k: int,
    ) -> Float[Tensor, "*time rows"]:
        """The loss of each row. BANK takes labels, the others what is alike."""
        said = scores.log_softmax(-1)
        if alike is None:
            assert labels is not None
            return -said.gather(-1, labels.expand(said.shape[:-1])[..., None])[..., 0]
        alike = alike.expand_as(said)
        if self is LayerLoss.ALL:
            wanted = alike == alike.amax(-1, keepdim=True)
            return -torch.where(wanted, said, 0.0).sum(-1)
        which = alike.topk(k, -1).indices if self is LayerLoss.MOST else alike.argmax(-1, keepdim=True)
        return -said.gather(-1, which).sum(-1)


def products(one: Tensor, other: Tensor) -> Tensor:
    """The inner products of all rows of two streams: (rows, rows), or (T, rows, rows) where there are steps.

    >>> from wavetrain.rules._contrast import products
    >>> products(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 1.0], [0.0, 1.0]]))
    tensor([[5., 2.]])
    >>> products(torch.randn(4, 7, 3), torch.randn(2, 7, 3)).shape
    torch.Size([7, 4, 2])
    """
    if one.ndim == 4:  # feature maps
        return torch.einsum("bcp,rcp->br", one.flatten(2), other.flatten(2)) / one[0, 0].numel()
    if one.ndim == 3:
        return one.transpose(0, 1) @ other.permute(1, 2, 0)
    return one @ other.mT
