"""Known solutions of tasks, examined as networks are.

An experiment's `exact` passes them to the functions that measure its networks.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Known(nn.Module):
    """A rule in the place of a network: `answer` names one of the classes, of each step or each sequence.

    >>> from wavetrain.experiments._known import Known
    >>> Known(3, lambda x: x.cumsum(1) % 3)(torch.tensor([[1, 2]]))  # counts modulo 3
    tensor([[[0., 1., 0.],
             [1., 0., 0.]]])
    """

    def __init__(self, classes: int, answer: Callable[[Tensor], Tensor]):
        super().__init__()
        self.classes, self.answer = classes, answer
        self.register_parameter("here", nn.Parameter(torch.zeros(()), requires_grad=False))  # its device

    def forward(self, x: Tensor) -> Tensor:
        return F.one_hot(self.answer(x), self.classes).to(torch.float32)
