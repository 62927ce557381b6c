"""Digits as spikes, shown to a layer that learns without labels, and what its units then stand for."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.core import Batch
from wavetrain.parts.interval_code import interval_spikes
from wavetrain.parts.rate_code import poisson_spikes
from wavetrain.parts.votes import assigned
from wavetrain.rules.hebbian.minibatch_stdp import MinibatchSTDP
from wavetrain.spiking.diehl_cook import DiehlCook

Code = Callable[[Tensor, int, torch.Generator], Tensor]  # rates in Hz, steps of 1 ms, to spikes
INTERVALS: Code = interval_spikes
POISSON: Code = poisson_spikes
HERTZ = 128.0  # of a white pixel
STEPS = 100  # of an image, 1 ms each
CLASSES = 10
AT_ONCE = 64  # images, where nothing is learned


class Shown(NamedTuple):
    """How images become spikes, and who draws them."""

    code: Code
    generator: torch.Generator

    def __call__(self, images: Float[Tensor, "many pixels"]) -> Float[Tensor, "many steps pixels"]:
        return self.code(HERTZ * images, STEPS, self.generator)


def flat(part: Batch) -> tuple[Float[Tensor, "many pixels"], Int[Tensor, "many"]]:
    """Images that are read pixel by pixel as rows, and their labels."""
    return part.x.flatten(1), part.y


def learn(
    layer: DiehlCook,
    rule: MinibatchSTDP,
    images: Float[Tensor, "many pixels"],
    batch: int,
    show: Shown,
    tell: Callable[[int], object] = lambda shown: None,
) -> Float[Tensor, "many units"]:
    """One pass over images, so many at once; the spikes of each unit to each image on the way."""
    counts = []
    for part in images.split(batch):
        counts.append(rule.teach(layer, show(part)).sum(1))
        tell(sum(map(len, counts)))
    return torch.cat(counts)


@torch.no_grad()
def count(layer: DiehlCook, images: Float[Tensor, "many pixels"], show: Shown) -> Float[Tensor, "many units"]:
    """The spikes of each unit to each image, where nothing is learned."""
    return torch.cat([layer(show(part))[0].sum(1) for part in images.split(AT_ONCE)])


def right(
    known: tuple[Float[Tensor, "many units"], Int[Tensor, "many"]],
    asked: tuple[Float[Tensor, "others units"], Int[Tensor, "others"]],
) -> float:
    """The share of images whose class is the one with the most votes, units standing for what is known."""
    answers = assigned(*known, classes=CLASSES).answers(asked[0])
    return float((answers == asked[1]).float().mean())
