"""A network driven by an input: what its layers say at each step, and the states that it passes through.

    system    the whole network where it is a layer or carries a state, else the outermost layer in it
    activity  what the last layer says at each step: the hidden states of a recurrent layer
    start     states that the system passes through, and the same with noise, for lenses on its dynamics

A stack that reads tokens is looked at without its encoder and read-out, as the map of its stream.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import Carrying, Layer, State, examined, leaves
from wavetrain.errors import BadInput, unknown
from wavetrain.parts.reader import one_hot
from wavetrain.parts.stack import Body, Stack
from wavetrain.run.looks import crop

WALKED, SEQUENCES = 256, 8  # steps, and sequences, along which states are gathered
STARTS = 8  # states to start from, and as many with noise
NOISE = 0.1  # of the deviation of each number of the state
LARGEST = 512  # numbers in a state that lenses on dynamics can take
FEW = 64  # steps that are looked at where nothing drives a layer


class Driven(NamedTuple):
    """A network under an input."""

    said: tuple[str, ...]
    offered: dict[str, Any]  # to lenses, by the names of their arguments
    shape: tuple[int, int]  # sequences and steps


class Heard(NamedTuple):
    """One call of a layer."""

    x: Tensor
    y: Tensor


def driven(network: nn.Module, x: Tensor, *, part: str = "", rate: float = 1.0) -> Driven:
    """What a network offers to lenses under an input x (B, T, ...); `part` names one of its layers.

    Raises BadInput where it has no layer of that name, or none that reads a whole sequence.
    """
    if x.ndim < 2 or 0 in x.shape:
        raise BadInput(f"expected an input (sequences, steps, channels), got {tuple(x.shape)}")
    names = {name: one for name, one in network.named_modules() if isinstance(one, Layer)}
    if part and part not in names:
        raise unknown("layer", part, [name for name in names if name])
    calls: dict[Layer, list[Heard]] = {one: [] for one in names.values()}
    with torch.no_grad(), examined(network), _listening(calls):
        network(x)
    heard = {one: made[0] for one, made in calls.items() if len(made) == 1 and made[0].x.ndim >= 2}
    if part and names[part] not in heard:
        raise BadInput(f"layer {part}: expected one that reads whole sequences, got none or several calls")
    if isinstance(network, Carrying) and not part and not heard:
        return _carried(network, x, rate)
    outer = names[part] if part else next((one for one in names.values() if one in heard), None)
    inner = [one for one in heard if outer is not None and one in set(outer.modules()) and not _holds(one)]
    if outer is None or not inner:
        raise BadInput(
            f"{type(network).__name__} has no layer that reads a whole sequence: nothing to look at"
        )
    last = outer if part else inner[-1]
    called = next(name for name, one in names.items() if one is last)
    system, given = _floating(outer, heard[outer].x)
    activity = heard[last].y
    offered: dict[str, Any] = _recorded(activity, rate)
    seen = crop(len(given), given.shape[1], system.inputs * system.width)
    offered |= {"layer": system, "x": given[: min(2, seen.sequences), : seen.steps].detach()}
    whole: Layer | Carrying = network if isinstance(network, Carrying) and not part else system
    offered["system"] = whole
    start = starts(whole, x if whole is network else given)
    if start is not None:
        offered["start"] = start
    said = [
        f"activity: what {called or 'the layer'} ({type(last).__name__}) says, {activity.shape[-1]} units"
    ]
    others = [f"{name} ({type(one).__name__})" for name, one in names.items() if name and one in heard]
    if len(others) > 1 and not part:
        said.append(f"layers: {', '.join(others[:9])}{' and more' * (len(others) > 9)}")
    if start is not None:
        said.append(f"dynamics: at an input of 0, from {len(start)} states near those that it passes through")
    return Driven(tuple(said), offered, (activity.shape[0], activity.shape[1]))


def noise(layer: Layer, sequences: int = 2, steps: int = FEW) -> Tensor:
    """An input for a layer that nothing drives: the same each time."""
    like = next(layer.parameters(), torch.zeros(()))
    dtype = torch.get_default_dtype()
    generator = torch.Generator().manual_seed(0)
    return torch.randn(sequences, steps, layer.inputs, generator=generator).to(like.device, dtype)


def starts(system: Layer | Carrying, x: Tensor) -> np.ndarray | None:
    """States (2 STARTS, numbers) near those that a system passes through under x; None without such.

    A state that grows, as that of attention, or that has more numbers than lenses can take, is none.
    """
    with torch.no_grad():
        first = row(system.begin(1)).shape[1]
    seen = None if first > LARGEST else walked(system, x[:SEQUENCES, :WALKED])
    if seen is None or not 0 < seen.shape[2] <= LARGEST:
        return None
    visited = seen[:, seen.shape[1] // 4 :].reshape(-1, seen.shape[2])
    visited = visited[np.isfinite(visited).all(1)]
    if not len(visited):
        return None
    dice = np.random.default_rng(0)
    some = visited[dice.integers(len(visited), size=STARTS)]
    return np.concatenate([some, some + NOISE * visited.std(0) * dice.standard_normal(some.shape)])


@torch.no_grad()
def walked(system: Layer | Carrying, x: Tensor) -> np.ndarray | None:
    """The state (B, T, numbers) after each step of x (B, T, ...); None where its size changes."""
    seen = []
    with examined(system):
        state = system.begin(len(x))
        for token in x.unbind(1):
            if isinstance(system, Layer):
                _, state = system.step(token, state)
            else:
                _, state = system.carry(token[:, None], state)
            seen.append(row(state))
    if len({one.shape for one in seen}) > 1:
        return None
    return torch.stack(seen, 1).double().cpu().numpy()


def row(state: State) -> Tensor:
    """A state as rows of real numbers (B, n): its tensors one after another."""
    parts = [
        torch.view_as_real(one) if one.is_complex() else one
        for one in leaves(state)
        if one.is_floating_point() or one.is_complex()
    ]
    return torch.cat([one.flatten(1) for one in parts], 1) if parts else torch.zeros(1, 0)


def _carried(network: Carrying, x: Tensor, rate: float) -> Driven:
    """A network without layers that carries a state: its state is its activity."""
    seen = walked(network, x)
    if seen is None or not seen.shape[2]:
        raise BadInput(f"{type(network).__name__} has no layer, and no state of one size: nothing to look at")
    start = starts(network, x)
    offered = _recorded(torch.from_numpy(seen), rate) | {"system": network}
    offered |= {} if start is None else {"start": start}
    said = f"activity: the state of {type(network).__name__}, {seen.shape[2]} numbers"
    return Driven((said,), offered, (len(seen), seen.shape[1]))


def _recorded(activity: Tensor, rate: float) -> dict[str, Any]:
    """Activity (B, T, C) as a recording; a single sequence without its batch."""
    found = activity.detach().cpu()
    found = torch.view_as_real(found).flatten(-2) if found.is_complex() else found
    values = found.double().flatten(2).numpy()
    values = values[0] if len(values) == 1 else values
    return {"recording": values, "activity": values, "rate": float(rate)}


def _floating(layer: Layer, x: Tensor) -> tuple[Layer, Tensor]:
    """A layer and its input as numbers: of a stack that reads tokens the map of its stream."""
    if x.is_floating_point():
        return layer, x
    if not isinstance(layer, Stack):
        raise BadInput(f"{type(layer).__name__} reads tokens: expected a stack, or numbers")
    with torch.no_grad():
        stream = layer.encode(one_hot(x, layer.inputs, layer.encode.weight.dtype))
    return Body(layer), stream


def _holds(layer: Layer) -> bool:
    """Whether there are layers in a layer."""
    return any(isinstance(one, Layer) and one is not layer for one in layer.modules())


@contextmanager
def _listening(calls: dict[Layer, list[Heard]]) -> Iterator[None]:
    """Note each call of layers, in the order in which they end."""

    def note(layer: nn.Module, given: tuple[Any, ...], out: Any) -> None:
        assert isinstance(layer, Layer)
        y = out[0] if isinstance(out, tuple) else out
        if given and isinstance(given[0], Tensor) and isinstance(y, Tensor) and y.ndim >= 3:
            calls[layer].append(Heard(given[0], y))

    hooks = [layer.register_forward_hook(note) for layer in calls]
    try:
        yield
    finally:
        for one in hooks:
            one.remove()
