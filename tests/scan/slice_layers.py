"""Layers on sequences that lie in slices on several ranks, and on the same sequences in one process."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, distributed

from tests.scan.slices import LENGTHS, SHARES, joined
from wavetrain import find, scan
from wavetrain.core import Layer, leaves, map_state
from wavetrain.layers import (
    AUSSM,
    FSMN,
    LRU,
    LSSL,
    S4,
    S4D,
    Aaren,
    LightNet,
    LinearAttention,
    LineAttractor,
    Mamba,
    Mamba2,
    Ring,
    TemporalConvolution,
)
from wavetrain.layers.attention.linear_attention import Decay, Feature
from wavetrain.parts.stack import MLP, Stack

LAYERS: dict[str, Callable[[], Layer]] = {
    "lru": lambda: LRU(6),
    "s4": lambda: S4(3, 6, states=4),
    "s4d": lambda: S4D(3, 6, states=4),
    "lssl": lambda: LSSL(3, 6, states=4, readings=2),
    "mamba": lambda: Mamba(6, states=3),
    "mamba2": lambda: Mamba2(6, states=3, heads=2),
    "aussm": lambda: AUSSM(6, states=3),
    "linear_attention": lambda: LinearAttention(6, heads=2),
    "linear_attention, gated": lambda: LinearAttention(6, heads=2, decay=Decay.GATED),
    "linear_attention, plain": lambda: LinearAttention(6, None, 2, Feature.IDENTITY, Decay.FIXED),
    "aaren": lambda: Aaren(6, heads=2),
    "lightnet": lambda: LightNet(6, heads=2),
    "lightnet, sink": lambda: LightNet(6, heads=2, sink=True),
    "temporal_convolution": lambda: TemporalConvolution(6),
    "fsmn": lambda: FSMN(6),
    "line_attractor": lambda: LineAttractor(6),
    "ring": lambda: Ring(6, cells=5, speed=0.7, keep=0.9),
    "ring, closed": lambda: Ring(6, cells=5, closed=True),
    "a stack": lambda: Stack([LRU(4), Mamba(4), Mamba2(4), LinearAttention(4), S4D(4)], 6, 2, MLP.PLAIN),
}

Found = dict[str, list[Tensor]]


def built(name: str) -> tuple[Layer, Tensor, Any]:
    """The layer in float64, the whole sequence x (2, 10, 6), and a first state like one after some steps."""
    torch.manual_seed(5)
    layer = LAYERS[name]().double()
    x = torch.randn(2, 10, 6, dtype=torch.float64)
    with torch.no_grad():
        _, state = layer(torch.randn(2, 4, 6, dtype=torch.float64))
    return layer, x, state


def ran(name: str, given: bool) -> Found:
    """Outputs, last state and gradients, of the whole sequence."""
    return _ran(built(name), given, slice(None), 1.0)


def ran_here(name: str, given: bool, lengths: Sequence[int]) -> Found:
    """The same on this rank, of its slice; gradients of parameters are summed."""
    what = built(name)
    with scan.across_time() as slices:
        start = sum(lengths[: slices.rank])
        place = slice(start, start + lengths[slices.rank])
        found = _ran(what, given, place, SHARES[slices.many][slices.rank])
        slices.sum_gradients(what[0].parameters())
    found["gradients of parameters"] = [_grad(part) for part in what[0].parameters()]
    return found


def _ran(what: tuple[Layer, Tensor, Any], given: bool, place: slice, share: float) -> Found:
    layer, x, state = what
    x = x[:, place].clone().requires_grad_()
    state = map_state(lambda part: part.clone().requires_grad_(), state) if given else None
    y, last = layer(x, state)
    generator = torch.Generator().manual_seed(7)
    to = torch.randn(2, 10, y.shape[-1], dtype=y.dtype, generator=generator)[:, place]
    loss = (y * to).sum()
    for part in leaves(last):
        to = torch.randn(part.shape, dtype=part.dtype, generator=generator)
        loss = loss + share * (part * to).sum().real
    loss.backward()
    return {
        "y": [y.detach()],
        "last state": [part.detach() for part in leaves(last)],
        "gradient of x": [_grad(x)],
        "gradients of parameters": [_grad(part) for part in layer.parameters()],
        "gradients of the first state": [_grad(part) for part in leaves(state)] if given else [],
    }


def _grad(part: Tensor) -> Tensor:
    return torch.zeros_like(part) if part.grad is None else part.grad


def work() -> dict[str, Any]:
    """On each rank: all layers that can be split, and what the others say."""
    with joined():
        return _work()


def _work() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in LAYERS:
        for given in (True, False):
            for lengths in LENGTHS[distributed.get_world_size()][:2]:
                found[f"{name}, {given}, {lengths}"] = ran_here(name, given, lengths)
    for one in find.members("layers"):
        layer = one.load()(4)
        if not layer.splits:
            try:
                with scan.across_time():
                    layer(torch.zeros(1, 3, 4))
                found[one.name] = "nothing"
            except ValueError as error:
                found[one.name] = str(error)
    return found
