"""Networks of spikes as NIR graphs, which other libraries and chips read; and back.

Pedersen et al. 2024, Nature Communications 15:8122. A graph says in continuous time what units do, with times
in seconds:

    tau dv/dt = (v_leak - v) + r I,   a spike where v > v_threshold, then v <- v_reset

A layer here moves in steps of dt ms, by v <- k v + W x + b with k = exp(-dt / tau). With an input that is
held for a step that is the equation above, solved exactly, where r (1 - k) = 1: so r is written. What is read
with another r has its weights, and those between units, multiplied by r (1 - k).

    LIF, RecurrentLIF     Affine and LIF (IF where tau is infinite, and r dt = 1), Linear from units to units
    nn.Linear             Affine or Linear
    Delayed               for each delay d a Delay of d dt and a Linear, side by side

From units to units a Delay is the whole time from a spike to its arrival. Without one it is one step, the
shortest there is, as other libraries have it.

What a graph cannot say is refused: a reset that takes off the threshold, or none; a refractory time; an
adapting threshold. So is a node that is none of the above. Surrogates, and whether the reset is detached, are
not in a graph. In another dt weights stay and r (1 - k) changes, so that currents have the effect that they
had; but a spike lasts a step, and in longer steps says more.

Needs `pip install wavetrain[nir]`; nothing else in the package imports this file.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from wavetrain.core.spiking import Spiking
from wavetrain.errors import BadInput
from wavetrain.formats.nir._package import MS, nir
from wavetrain.parts.delays import Delayed
from wavetrain.parts.firing import Reset
from wavetrain.spiking.lif import LIF
from wavetrain.spiking.recurrent_lif import RecurrentLIF


def graph_of(layers: Sequence[nn.Module], dt: float | None = None) -> nir.NIRGraph:
    """The graph of layers, one after the other; dt in ms, where no layer says it.

    Raises BadInput for what a graph cannot say.

    >>> from wavetrain.formats.nir import graph_of, layers_of
    >>> from wavetrain.parts.firing import Firing, Reset
    >>> from wavetrain.spiking import LIF
    >>> graph = graph_of([LIF(8, inputs=3, firing=Firing(reset=Reset.ZERO))])
    >>> list(graph.nodes), graph.nodes["units_0"].tau.tolist()[0]  # seconds
    (['input', 'map_0', 'units_0', 'output'], 0.02)
    >>> [layer] = layers_of(graph)
    >>> layer.tau.mean, layer.dt  # ms
    (20.0, 1.0)
    """
    step = _step(layers, dt)
    nodes: dict[str, Any] = {"input": nir.Input(np.array([_inputs(layers)]))}
    edges: list[tuple[str, str]] = []
    ends = ["input"]
    for at, layer in enumerate(layers):
        ends = _written(layer, at, step, ends, nodes, edges)
    nodes["output"] = nir.Output(nodes[ends[0]].output_type["output"])
    edges += [(end, "output") for end in ends]
    return nir.NIRGraph(nodes, edges, metadata={} if step is None else {"dt": step / MS})


def save(path: Path, layers: Sequence[nn.Module], dt: float | None = None) -> None:
    """Write the graph of layers as a file, whole or not at all."""
    graph, new = graph_of(layers, dt), path.with_name(path.name + ".new")
    nir.write(new, graph)
    new.replace(path)


def _step(layers: Sequence[nn.Module], dt: float | None) -> float | None:
    """The one dt of all."""
    found = {layer.dt for layer in layers if isinstance(layer, Spiking)} | ({dt} if dt is not None else set())
    if len(found) > 1:
        raise BadInput(f"NIR: expected layers of one dt, got {', '.join(f'{one:g}' for one in found)} ms")
    if not found and any(isinstance(layer, Delayed) for layer in layers):
        raise BadInput("NIR: expected dt in ms, as the delays of a graph are in seconds")
    return next(iter(found), None)


def _inputs(layers: Sequence[nn.Module]) -> int:
    if not layers:
        raise BadInput("NIR: expected a layer or more, got none")
    return _weight(layers[0]).shape[1]


def _weight(layer: nn.Module) -> Tensor:
    if type(layer) in (LIF, RecurrentLIF):
        return layer.encode.weight  # type: ignore[union-attr,return-value]
    if isinstance(layer, nn.Linear) or (isinstance(layer, Delayed) and not layer.recurrent):
        return layer.weight
    raise BadInput(f"NIR: expected LIF, RecurrentLIF, Linear or Delayed, got {type(layer).__name__}")


def _array(values: Tensor) -> np.ndarray:
    found: np.ndarray = values.detach().cpu().numpy()
    return found


def _written(
    layer: nn.Module,
    at: int,
    dt: float | None,
    ends: list[str],
    nodes: dict[str, Any],
    edges: list[tuple[str, str]],
) -> list[str]:
    """Add a layer behind the nodes `ends`; returns the nodes behind which the next one comes."""
    weight = _weight(layer)
    if isinstance(layer, Delayed):
        assert dt is not None
        return _branches(layer, f"_{at}", dt, ends, nodes, edges)
    affine = layer if isinstance(layer, nn.Linear) else layer.encode
    assert isinstance(affine, nn.Linear)
    bias = None if affine.bias is None else _array(affine.bias)
    name = f"map_{at}"
    nodes[name] = nir.Linear(_array(weight)) if bias is None else nir.Affine(_array(weight), bias)
    edges += [(end, name) for end in ends]
    if isinstance(layer, LIF | RecurrentLIF):
        nodes[f"units_{at}"] = _units(layer)
        edges.append((name, f"units_{at}"))
        name = f"units_{at}"
        if isinstance(layer, RecurrentLIF):
            back = _branches(layer.recur, f"_back_{at}", layer.dt, [name], nodes, edges)
            edges += [(end, name) for end in back]
    return [name]


def _branches(
    map: Delayed, about: str, dt: float, ends: list[str], nodes: dict[str, Any], edges: list[tuple[str, str]]
) -> list[str]:
    """A Delay and a Linear for each delay; no Delay for the shortest that there can be."""
    found = []
    for steps, weight in map.weights():
        name, behind = f"map{about}_{steps}", ends
        if steps > (1 if map.recurrent else 0):
            late = f"delay{about}_{steps}"
            nodes[late] = nir.Delay(np.full(map.sources, steps * dt / MS))
            edges += [(end, late) for end in ends]
            behind = [late]
        nodes[name] = nir.Linear(_array(weight))
        edges += [(end, name) for end in behind]
        found.append(name)
    return found


def _units(layer: LIF | RecurrentLIF) -> Any:
    """The units of a layer as a node."""
    name, all_same = type(layer).__name__, np.ones(layer.width)
    if layer.reset is not Reset.ZERO and math.isfinite(layer.threshold):
        raise BadInput(
            f"NIR: expected {name} with Reset.ZERO, as a graph can say no other reset, got {layer.reset}"
        )
    if layer.silence:
        raise BadInput(
            f"NIR: expected {name} without a refractory time, which a graph cannot say, got "
            f"{layer.silence * layer.dt:g} ms"
        )
    threshold = all_same * layer.threshold
    if not math.isfinite(layer.tau.mean):
        return nir.IF(r=all_same * MS / layer.dt, v_threshold=threshold)
    learned = isinstance(layer.tau.log, nn.Parameter)
    tau = _array(layer.taus().double()) if learned else all_same * layer.tau.mean
    noted = {"log_tau": _array(layer.tau.log)} if learned else {}  # type: ignore[arg-type]
    return nir.LIF(
        tau=tau / MS,
        r=1 / -np.expm1(-layer.dt / tau),
        v_leak=0 * all_same,
        v_threshold=threshold,
        metadata=noted,
    )
