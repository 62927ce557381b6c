"""Competing units that learn images as spikes, and read-outs of what they have learned."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.parts.competition import Competition
from wavetrain.parts.ngrams import NGrams
from wavetrain.parts.rate_code import poisson_spikes
from wavetrain.parts.votes import assigned
from wavetrain.rules.hebbian.minibatch_stdp import MinibatchSTDP, scaled
from wavetrain.spiking.locally_connected import LocallyConnected

CLASSES = 10
RATES = 1e-2, 1e-4  # potentiation and depression
AT_ONCE = 256  # images that are read at once


@dataclass(frozen=True, kw_only=True)
class Drive:
    """How images become trains."""

    rate: float  # Hz of a pixel of 1
    code: Callable[[Tensor, int, torch.Generator], Tensor] = poisson_spikes  # of rates and steps
    time: int = 100  # ms, or steps
    batch: int = 16  # images that are learned at once


class Images(NamedTuple):
    """Images from 0 to 1, pixel by pixel, and their classes."""

    x: Float[Tensor, "many pixels"]
    y: Int[Tensor, "many"]


class Net(NamedTuple):
    """A layer, and the rule that teaches it."""

    layer: LocallyConnected
    rule: MinibatchSTDP


class Read(NamedTuple):
    """The share of images that each read-out says right, and how much fires."""

    votes: float
    shares: float  # votes that each unit shares among classes
    pairs: float  # which two fired one after another
    spikes: float  # of the whole layer, an image


def begun(
    width: int,
    inputs: int,
    windows: Int[Tensor, "places taps"] | None,
    total: float,
    *,
    cell: Competition,
    seed: int,
    rates: tuple[float, float] = RATES,
) -> Net:
    """A network with weights of a seed, which sum up to `total` from the start."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = LocallyConnected(width, inputs, windows=windows, cell=cell)
    with torch.no_grad():
        layer.encode.weight.copy_(scaled(layer.encode.weight, total))
    return Net(layer, MinibatchSTDP(*rates, total=total))


def teach(net: Net, x: Float[Tensor, "many pixels"], drive: Drive, seed: int) -> None:
    """One pass over images in an order of the seed, with trains of it."""
    generator = torch.Generator().manual_seed(seed)
    for rows in torch.randperm(len(x), generator=generator).split(drive.batch):
        net.rule.teach(net.layer, drive.code(drive.rate * x[rows], drive.time, generator))


@torch.no_grad()
def responses(
    layer: LocallyConnected, x: Float[Tensor, "many pixels"], drive: Drive, seed: int
) -> Iterator[Float[Tensor, "batch time units"]]:
    """The spikes of a layer that learns nothing meanwhile, some images at a time, in their order."""
    generator = torch.Generator().manual_seed(seed)
    for some in x.split(AT_ONCE):
        yield layer(drive.code(drive.rate * some, drive.time, generator))[0]


def counted(
    layer: LocallyConnected, x: Float[Tensor, "many pixels"], drive: Drive, seed: int
) -> Float[Tensor, "many units"]:
    """How often each unit fires for each image."""
    return torch.cat([spikes.sum(1) for spikes in responses(layer, x, drive, seed)])


def examined(layer: LocallyConnected, learn: Images, ask: Images, drive: Drive, seed: int) -> Read:
    """What read-outs that are fitted to the first images say right of the others."""
    grams, counts = NGrams(n=2, classes=CLASSES), []
    batches = zip(responses(layer, learn.x, drive, seed), learn.y.split(AT_ONCE), strict=True)
    for spikes, labels in batches:
        grams.learn(spikes, labels)
        counts.append(spikes.sum(1))
    fitted = torch.cat(counts)
    votes, told, pairs = assigned(fitted, learn.y, CLASSES), [], []
    for spikes in responses(layer, ask.x, drive, seed + 1):
        told.append(spikes.sum(1))
        pairs.append(grams.answers(spikes))
    asked = torch.cat(told)
    answers = votes.answers(asked), votes.by_share(asked), torch.cat(pairs)
    one, two, three = (float((said == ask.y).double().mean()) for said in answers)
    return Read(one, two, three, float(fitted.sum(1).mean()))
