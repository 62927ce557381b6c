"""Synthetic gradients: a small network says what gradient will come back, before it has.

Jaderberg et al. 2017, arXiv 1608.05343. A predictor is an MLP whose last layer starts at zero, so that at
first it says that nothing comes. It learns from the gradient that does come, and neither learns from the
other: what it sees is detached, and so is what it is told.

    predictor    the MLP, which the rule `Decoupled` asks at the ends of windows of time
    Cut          one that stands in the way of the gradients of a network, which go back through it
"""

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

FADE = 0.999  # of the running size of gradients, at every use


def predictor(inputs: int, outputs: int, hidden: Sequence[int]) -> nn.Sequential:
    """So many hidden layers of ReLU units, and a linear one of zeros."""
    sizes = (inputs, *hidden)
    last = nn.Linear(sizes[-1], outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    maps = [nn.Linear(one, other) for one, other in itertools.pairwise(sizes)]
    return nn.Sequential(*(part for one in maps for part in (one, nn.ReLU())), last)


class Cut(nn.Module):
    """a (..., width) as it is; of the gradient that comes back `keep` goes on, and a `share` is predicted.

    `size` is the running root mean square of the gradients.
    """

    size: Tensor

    def __init__(self, width: int, context: int, keep: float, share: float):
        super().__init__()
        self.keep, self.share = keep, share
        self.net = predictor(width + context, width, (2 * width,))
        self.register_buffer("size", torch.zeros(()))
        self.seen: list[tuple[Tensor, Tensor]] | None = None  # pairs of gradient and guess, where watched

    def guess(self, a: Tensor, context: Tensor) -> Tensor:
        """The prediction, in units of `size`."""
        return self.net(torch.cat([a, context], -1))

    def forward(self, a: Tensor, context: Tensor) -> Tensor:
        guess = self.guess(a.detach(), context.detach())
        return _Watched.apply(a, guess, self) if self.seen is not None else _Replaced.apply(a, guess, self)

    @torch.no_grad()
    def track(self, gradient: Tensor) -> None:
        size = gradient.square().mean()
        if size > 0:  # what nobody reads later has none
            self.size = (size if self.size == 0 else FADE * self.size**2 + (1 - FADE) * size).sqrt()


class _Watched(torch.autograd.Function):
    """Identity both ways, which notes the gradient beside the guess."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, guess: Tensor, cut: Cut) -> Tensor:
        ctx.save_for_backward(guess)
        ctx.cut = cut
        return a.view_as(a)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        ctx.cut.seen.append((gradient.flatten(), ctx.saved_tensors[0].flatten()))
        return gradient, None, None


class _Replaced(torch.autograd.Function):
    """Identity forwards; backwards the mixture goes to a, and to the guess its own regression gradient."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, guess: Tensor, cut: Cut) -> Tensor:
        ctx.save_for_backward(guess)
        ctx.cut = cut
        return a.view_as(a)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        (guess,), cut = ctx.saved_tensors, ctx.cut
        cut.track(gradient)
        target = gradient / cut.size.clamp(min=torch.finfo(gradient.dtype).tiny)
        mixed = cut.keep * gradient + cut.share * cut.size * guess
        return mixed, 2 * (guess - target) / guess.numel(), None
