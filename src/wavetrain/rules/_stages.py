"""A network as one stage after another, for rules that teach each stage by itself, on several streams.

A stage takes the streams that the stage before it gave, each (rows, ...), and shows what it makes of them a
piece at a time, so that what a piece needs on its way back can go before the next one comes:

    Maps     a linear map or a convolution, and what stands behind it up to the next one: all at once
    Cells    a layer of rates: a piece for each step, the state between steps being cut
    Fires    a layer of units that fire: all at once. What a loss looks at is how far the potential is above
             the threshold, before the reset; its gradient is that by the present drive. Spikes and the
             potential that is left of the step before are cut, so that no slope of a spike is ever asked for
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Layer, detached
from wavetrain.core.spiking import Spiking
from wavetrain.errors import BadInput
from wavetrain.parts.chain import Chain
from wavetrain.parts.leaky_reader import LeakyReader, leaky
from wavetrain.parts.reader import Reader, one_hot
from wavetrain.spiking._membrane import Membrane


class Piece(NamedTuple):
    """What a stage makes of each stream, at one step or, without one, at all of them."""

    step: int | None
    seen: list[Tensor]  # what a loss looks at, with its way back
    sent: list[Tensor]  # what the next stage hears, without


class Stage(ABC):
    """One stage; `learning` are its parameters that learn."""

    scaled = False  # whether products of what is seen are divided by the root of the width in any case

    def __init__(self, modules: Sequence[nn.Module]):
        self.modules = list(modules)
        every = (one for module in self.modules for one in module.parameters())
        self.learning = [one for one in every if one.requires_grad]

    @abstractmethod
    def pieces(self, streams: Sequence[Tensor], each: bool) -> Iterator[Piece]:
        """The pieces of streams; `each` says whether every step is told something of its own."""


class Maps(Stage):
    """Modules one after another, the first of which has weights."""

    def pieces(self, streams: Sequence[Tensor], each: bool) -> Iterator[Piece]:
        yield self.piece([self.modules[0](x) for x in streams])

    def piece(self, first: Sequence[Tensor]) -> Piece:
        """What comes of that which the first module gives."""
        seen = []
        for x in first:
            for module in self.modules[1:]:
                x = module(x)
            seen.append(x)
        return Piece(None, seen, [x.detach() for x in seen])


class Cells(Stage):
    """A layer of rates."""

    def __init__(self, layer: Layer):
        super().__init__([layer])
        self.layer = layer

    def pieces(self, streams: Sequence[Tensor], each: bool) -> Iterator[Piece]:
        states = [self.layer.begin(len(x)) for x in streams]
        for step in range(streams[0].shape[1]):
            moved = [self.layer.step(x[:, step], state) for x, state in zip(streams, states, strict=True)]
            states = [detached(state) for _, state in moved]
            seen = [y for y, _ in moved]
            del moved
            yield Piece(step, seen, [y.detach() for y in seen])


class Fires(Stage):
    """A layer of units that fire. A loss looks at the mean over steps where they are all told the same."""

    scaled = True

    def __init__(self, layer: Membrane):
        super().__init__([layer])
        self.layer = layer

    def pieces(self, streams: Sequence[Tensor], each: bool) -> Iterator[Piece]:
        walked = [self._walked(x) for x in streams]
        over = [above if each else above.mean(1) for _, above in walked]
        yield Piece(None, [F.layer_norm(x, x.shape[-1:]) for x in over], [y for y, _ in walked])

    def _walked(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The spikes, and how far potentials are above the threshold, both (rows, T, width)."""
        state, spikes, above = self.layer.begin(len(x)), [], []
        with _Watched(self.layer) as watched:
            for now in x.unbind(1):
                y, state = self.layer.step(now, detached(state))
                spikes.append(y.detach())
                above.append(watched.excess())
        return torch.stack(spikes, 1), torch.stack(above, 1)


class _Watched:
    """Inside, a layer fires without a slope, and what it fires by is noted."""

    def __init__(self, layer: Membrane):
        self.layer, self.noted = layer, list[Tensor]()

    def __enter__(self) -> "_Watched":
        fire = self.layer.fire

        def fired(excess: Tensor, silent: Tensor) -> tuple[Tensor, Tensor]:
            self.noted.append(excess)
            return fire(excess.detach(), silent)

        vars(self.layer)["fire"] = fired
        return self

    def __exit__(self, *_: object) -> None:
        del vars(self.layer)["fire"]

    def excess(self) -> Tensor:
        """That of the last step."""
        noted, self.noted = self.noted, []
        (one,) = noted
        return one


class Staged(NamedTuple):
    """A network: what comes before its stages, those, and what is read from the last one."""

    enter: Callable[[Tensor], Tensor]
    stages: list[Stage]
    read: Callable[[Tensor], Tensor]
    outputs: int
    every_step: bool  # whether there are outputs for each step, where there are steps


def staged(name: str, network: nn.Module) -> Staged:
    """The stages of a network; raises BadInput for one that has none, or that is built otherwise."""
    found: Staged | None = None
    if type(network) is nn.Sequential:
        found = _sequential(network)
    elif isinstance(network, Chain):
        found = _chain(name, network)
    elif isinstance(network, LeakyReader):
        read, kept = network.read, network.kept
        found = Staged(
            _same,
            [_stage(name, network.layer)],
            lambda y: leaky((1 - kept) * read(y), kept),
            read.out_features,
            True,
        )
    elif isinstance(network, Reader) and isinstance(network.read, nn.Linear):
        found = _reader(name, network, network.read)
    if found is None:
        raise BadInput(
            f"{name}: expected a Sequential of maps with a hidden layer, a Chain of layers, or a Reader or "
            f"LeakyReader of one with a linear read-out, got {type(network).__name__}"
        )
    return found


def _same(x: Tensor) -> Tensor:
    return x


def _stage(name: str, layer: Layer) -> Stage:
    if isinstance(layer, Membrane):
        return Fires(layer)
    if isinstance(layer, Spiking):
        raise BadInput(f"{name}: expected units that integrate and leak, got {type(layer).__name__}")
    return Cells(layer)


def _chain(name: str, network: Chain) -> Staged:
    read, every_step = network.read, network.every_step
    layers = [_stage(name, one) for one in network.layers if isinstance(one, Layer)]
    return Staged(
        _same, layers, lambda y: read(y if every_step else y.mean(1)), read.out_features, every_step
    )


def _reader(name: str, network: Reader, read: nn.Linear) -> Staged:
    layer, every_step = network.layer, network.every_step
    return Staged(
        lambda x: one_hot(x, layer.inputs, read.weight.dtype),
        [_stage(name, layer)],
        lambda y: read(y if every_step else y[:, -1]),
        read.out_features,
        every_step,
    )


def _sequential(network: nn.Sequential) -> Staged | None:
    """Each module with a matrix begins a stage; the last of them is the read-out."""
    groups: list[list[nn.Module]] = [[]]
    for module in network:
        if any(one.ndim >= 2 for one in module.parameters()):
            groups.append([])
        groups[-1].append(module)
    before, *maps = groups
    last = maps[-1][0] if maps else None
    plain = not any(True for module in before for _ in module.parameters())
    if len(maps) < 2 or not plain or not isinstance(last, nn.Linear):
        return None
    enter, read = nn.Sequential(*before), nn.Sequential(*maps[-1])
    return Staged(enter, [Maps(one) for one in maps[:-1]], read, last.out_features, every_step=True)
