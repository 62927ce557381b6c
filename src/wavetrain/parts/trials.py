"""Trials of working memory: what they are made of, and answers sorted by the facts of each trial.

A trial is a sequence of frames. Items are shown (encoding), blank frames may follow (retention), and then
frames that test the memory are answered (retrieval). A frame is a vector of what stands in each place of the
picture, 0 where nothing is; frames behind the last of a trial are blank, so that trials of unequal length
share a batch. What is known of a trial (set size, delay, serial position) is kept beside it: an effect in
behaviour is the accuracy for each value of such a fact.

    Trials, TrialTask
    one_of, order, lay, patterns    drawing, for a batch at once
    answers, accuracy_by            looking
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor, nn

from wavetrain.core import Batch, Generated, HeldOut


class Trials(NamedTuple):
    """A batch of trials, and the facts of each by name."""

    x: Float[Tensor, "batch time inputs"]
    y: Num[Tensor, "batch time *answer"]  # classes, 0 where nothing is asked; or values
    facts: dict[
        str,
        Num[Tensor, "batch"] | Num[Tensor, "batch time"] | Bool[Tensor, "batch"] | Bool[Tensor, "batch time"],
    ]  # of a whole trial, or of each step


class TrialTask(Generated):
    """A task that is drawn with its facts; training sees the trials alone."""

    held_out: ClassVar[int] = 2000  # enough to tell conditions apart
    tokens = False
    every_step = True

    @abstractmethod
    def trials(self, batch: int, generator: torch.Generator) -> Trials:
        """Trials with their facts, conditions mixed with equal chances."""

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        trials = self.trials(batch, generator)
        return Batch(trials.x, trials.y)

    def tested(self, batch: int | None = None) -> Trials:
        """The trials of `test` with their facts, or as many as wanted, drawn in the same way."""
        return self.trials(batch or self.held_out, HeldOut.TEST.generator())


def one_of(values: Sequence[int], batch: int, generator: torch.Generator) -> Int[Tensor, "batch"]:
    """One of the values for each trial, all with equal chances."""
    return torch.tensor(values)[torch.randint(len(values), (batch,), generator=generator)]


def order(shown: Bool[Tensor, "batch many"], generator: torch.Generator) -> Int[Tensor, "batch many"]:
    """Ranks in a random order that puts all that are shown before all that are not."""
    keys = torch.rand(shown.shape, generator=generator)
    return (keys + ~shown).argsort(-1).argsort(-1)


def lay(
    into: Num[Tensor, "batch time *cells"],
    when: Int[Tensor, "batch many"],
    what: Num[Tensor, "batch many *cells"],
    shown: Bool[Tensor, "batch many"],
) -> None:
    """Add `what` to the steps `when` of `into`, in place, where it is shown."""
    what = torch.where(shown.reshape(*shown.shape, *[1] * (what.ndim - 2)), what, 0)
    when = when.clamp(max=into.shape[1] - 1).reshape(*when.shape, *[1] * (what.ndim - 2))
    into.scatter_add_(1, when.expand_as(what), what.to(into.dtype))


def patterns(
    count: int, cells: int, differ: Int[Tensor, "batch"], generator: torch.Generator
) -> tuple[Float[Tensor, "batch count cells"], Float[Tensor, "batch count cells"]]:
    """Patterns, half of the cells 1 and half -1, and a distractor for each.

    A distractor differs from its pattern in `differ` cells, an even number above 0 for each trial, and
    is none of the patterns of its trial, which differ from each other.
    """
    rank = torch.rand(len(differ), count, cells, generator=generator).argsort(-1)
    moved = differ[:, None, None] // 2
    dark = rank < cells // 2, (rank >= moved) & (rank < cells // 2 + moved)
    old, new = (2.0 * one - 1 for one in dark)
    same = torch.cat([old, new], 1) @ old.mT == cells  # (B, 2 count, count), true on its diagonal
    bad = same.sum((1, 2)) > count
    if bad.any():
        old[bad], new[bad] = patterns(count, cells, differ[bad], generator)
    return old, new


@torch.no_grad()
def answers(
    network: nn.Module, x: Float[Tensor, "batch time inputs"], chunk: int = 500
) -> Float[Tensor, "batch time outputs"]:
    """The outputs of a network to trials, in chunks to bound memory."""
    device = next(network.parameters()).device
    return torch.cat([network(part.to(device)).cpu() for part in x.split(chunk)])


def accuracy_by(
    output: Float[Tensor, "batch time outputs"],
    y: Int[Tensor, "batch time"],
    fact: Num[Tensor, "batch"]
    | Num[Tensor, "batch time"]
    | Bool[Tensor, "batch"]
    | Bool[Tensor, "batch time"],
) -> dict[int, float]:
    """The accuracy at the asked steps, for each value of a fact, in ascending order."""
    asked = y > 0
    right = (output[..., 1:].argmax(-1) + 1 == y)[asked].double()
    fact = (fact if fact.ndim == 2 else fact[:, None].expand_as(y))[asked]
    return {int(value): float(right[fact == value].mean()) for value in fact.unique()}
