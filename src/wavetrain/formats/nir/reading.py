"""Layers from a NIR graph; `writing` says how the two are the same."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.errors import BadInput
from wavetrain.formats.nir._package import MAPS, MS, SAID, UNITS, nir
from wavetrain.parts.delays import Delayed
from wavetrain.parts.firing import Firing, Reset
from wavetrain.spiking.lif import LIF
from wavetrain.spiking.recurrent_lif import RecurrentLIF

ONE = 1e-9  # how near r (1 - k) must be to 1 to be it


def layers_of(graph: nir.NIRGraph, dt: float | None = None) -> list[nn.Module]:
    """The layers of a graph, in steps of `dt` ms; by default of what `graph_of` has noted in it.

    Raises BadInput for a graph that is not one layer after the other, or of other nodes.
    """
    noted = graph.metadata.get("dt") if isinstance(graph.metadata, Mapping) else None
    if dt is None:
        if noted is None:
            raise BadInput("NIR: expected dt in ms, as the graph has noted none")
        dt = float(f"{float(noted) * MS:.12g}")
    if not 0 < dt < math.inf:
        raise BadInput(f"NIR: expected dt above 0 ms, got {dt!r}")
    return list(_Reader(graph, dt).layers())


def load(path: Path, dt: float | None = None) -> list[nn.Module]:
    """The layers of a file. Raises BadInput for a file that is not there, or holds no such graph."""
    try:
        graph = nir.read(path)
    except Exception as error:  # a damaged file raises almost anything
        raise BadInput(f"{path} must be a file of NIR, got {error!r}") from error
    return layers_of(graph, dt)


class _Moved(NamedTuple):
    """The units of a node as a layer here has them."""

    gain: np.ndarray  # of what comes in
    tau: float  # ms
    log: np.ndarray | None  # of tau, where each unit has its own
    threshold: float


def _outputs(layer: nn.Module) -> int:
    found: int = layer.width if isinstance(layer, LIF | RecurrentLIF) else len(layer.weight)  # type: ignore[arg-type]
    return found


class _Reader:
    """Layers from the nodes of a graph."""

    def __init__(self, graph: nir.NIRGraph, dt: float):
        self.nodes, self.dt = graph.nodes, dt
        self.after: dict[str, list[str]] = {name: [] for name in graph.nodes}
        for source, target in graph.edges:
            self.after[source].append(target)

    def layers(self) -> Iterator[nn.Module]:
        first = [name for name, node in self.nodes.items() if isinstance(node, nir.Input)]
        if len(first) != 1:
            raise BadInput(f"NIR: expected one input, got {len(first)}")
        at = first[0]
        for name, node in self.nodes.items():
            if not isinstance(node, (*UNITS, *MAPS, nir.Delay, nir.Input, nir.Output)):
                raise BadInput(f"NIR: expected nodes {SAID}, got {type(node).__name__} ({name})")
        width = int(np.prod(self.nodes[at].input_type["input"]))
        layer: nn.Module | None
        while not isinstance(self.nodes[at], nir.Output):
            ways = [name for name in self.after[at] if not self._back(name, at)]
            if len(ways) > 1 or (len(ways) == 1 and isinstance(self.nodes[ways[0]], nir.Delay)):
                layer, at = self._delayed(at, ways, width)
            elif len(ways) == 1:
                layer, at = self._plain(ways[0], width)
            else:
                raise BadInput(f"NIR: expected a way from {at} to an output, got none")
            if layer is not None:
                yield layer
                width = _outputs(layer)

    def _plain(self, name: str, width: int) -> tuple[nn.Module | None, str]:
        """What stands at a node, and the node behind which the next one comes."""
        node = self.nodes[name]
        if isinstance(node, nir.Output):
            return None, name
        if isinstance(node, UNITS):
            return self._spiking(name, np.eye(width), np.zeros(width)), name
        bias = node.bias if isinstance(node, nir.Affine) else None
        behind = self.after[name]
        if len(behind) == 1 and isinstance(self.nodes[behind[0]], UNITS):
            zeros = np.zeros(len(node.weight), node.weight.dtype)
            return self._spiking(behind[0], node.weight, zeros if bias is None else bias), behind[0]
        outputs, inputs = node.weight.shape
        layer = nn.Linear(inputs, outputs, bias=bias is not None)
        return _filled(layer, node.weight, {"weight": node.weight, "bias": bias}), name

    def _spiking(self, name: str, weight: np.ndarray, bias: np.ndarray) -> nn.Module:
        moved = _moved(self.nodes[name], name, self.dt)
        back = [one for one in self.after[name] if self._back(one, name)]
        firing = Firing(threshold=moved.threshold, reset=Reset.ZERO)
        words: dict[str, Any] = {"tau": moved.tau, "firing": firing, "dt": self.dt}
        words["learned"] = moved.log is not None
        width, inputs = weight.shape
        layer: LIF | RecurrentLIF = LIF(width, inputs, **words)
        scaled = {
            "encode.weight": _times(moved.gain[:, None], weight),
            "encode.bias": _times(moved.gain, bias),
        }
        if moved.log is not None:
            scaled["tau.log"] = moved.log
        if back:
            delay, between = self._connections(back, least=1)
            layer = RecurrentLIF(width, inputs, delay=self._late(delay), **words)
            scaled["recur.weight"] = _times(moved.gain[:, None], between)
        return _filled(layer, weight, scaled)

    def _delayed(self, at: str, ways: list[str], width: int) -> tuple[nn.Module, str]:
        """Connections side by side, and one of the nodes behind which the next one comes."""
        ends = {self._map(way)[1] for way in ways}
        behind = {tuple(self.after[end]) for end in ends}
        if len(behind) != 1:
            raise BadInput(f"NIR: expected one layer after the other, got {len(ways)} ways from {at}")
        delay, weight = self._connections(ways, least=0)
        layer = Delayed(width, len(weight), self._late(delay), dt=self.dt)
        return _filled(layer, weight, {"weight": weight}), sorted(ends)[0]

    def _connections(self, ways: list[str], least: int) -> tuple[np.ndarray, np.ndarray]:
        """The delays in steps and the weights of connections side by side; a pair has one that is not 0."""
        parts = []
        for way in ways:
            late, name = self._map(way)
            node = self.nodes[name]
            if getattr(node, "bias", None) is not None and node.bias.any():
                raise BadInput(f"NIR: expected connections with delays without a bias, got one in {name}")
            steps = np.full(node.weight.shape[1], float(least))
            if late is not None:
                steps = np.broadcast_to(self.nodes[late].delay, steps.shape) * MS / self.dt
            near = np.rint(steps)
            if not (np.isfinite(steps).all() and (abs(steps - near) <= 1e-6).all() and near.min() >= least):
                raise BadInput(
                    f"NIR: expected delays in whole steps of {self.dt:g} ms, from {least} on, got "
                    f"{steps[np.argmax(abs(steps - near))] * self.dt:g} ms"
                )
            parts.append((near.astype(np.int64), node.weight))
        parts.sort(key=lambda part: part[0].min())
        delay = np.broadcast_to(parts[0][0], parts[0][1].shape).copy()
        weight = np.zeros_like(parts[0][1])
        for steps, one in parts:
            if ((weight != 0) & (one != 0)).any():
                raise BadInput("NIR: expected one delay from a unit to another, got two")
            delay, weight = np.where(one != 0, steps, delay), np.where(one != 0, one, weight)
        return delay, weight

    def _late(self, delay: np.ndarray) -> float | Tensor:
        """Delays in ms, one for all where they are the same."""
        same = (delay == delay.flat[0]).all()
        return float(delay.flat[0]) * self.dt if same else torch.from_numpy(delay).double() * self.dt

    def _map(self, way: str) -> tuple[str | None, str]:
        """The Delay where there is one, and the map behind it."""
        late = way if isinstance(self.nodes[way], nir.Delay) else None
        name = self.after[way][0] if late and len(self.after[way]) == 1 else way
        if not isinstance(self.nodes[name], MAPS):
            raise BadInput(
                f"NIR: expected a Linear behind {late or way}, got {type(self.nodes[name]).__name__}"
            )
        return late, name

    def _back(self, name: str, to: str) -> bool:
        """Whether a Delay, or a map, or both lead back to the units that they come from."""
        if not isinstance(self.nodes[to], UNITS):
            return False
        for _ in range(3):
            if name == to:
                return True
            if isinstance(self.nodes[name], UNITS) or len(self.after[name]) != 1:
                return False
            name = self.after[name][0]
        return False


def _moved(node: Any, name: str, dt: float) -> _Moved:
    """The units of a node, in steps of `dt` ms."""
    leak = getattr(node, "v_leak", np.zeros_like(node.v_threshold))
    threshold, reset = (np.asarray(one, float) - leak for one in (node.v_threshold, node.v_reset))
    if reset[np.isfinite(threshold)].any():
        raise BadInput(f"NIR: expected units of {name} that are reset to v_leak, got {node.v_reset}")
    if not (threshold > 0).all():
        raise BadInput(f"NIR: expected thresholds above v_leak, got {node.v_threshold} in {name}")
    r, log, tau = np.asarray(node.r, float), None, math.inf
    gain = r * dt / MS
    if isinstance(node, nir.LIF):
        taus = np.asarray(node.tau, float) * MS
        if not (np.isfinite(taus) & (taus > 0)).all():
            raise BadInput(f"NIR: expected tau above 0 s, got {node.tau} in {name}")
        gain = r * -np.expm1(-dt / taus)
        log = node.metadata.get("log_tau")
        if log is None or not np.allclose(np.exp(np.asarray(log, float)), taus, rtol=1e-6):
            log = None if (taus == taus[0]).all() else np.log(taus)
        tau = float(f"{taus[0]:.12g}")
    same = bool((threshold == threshold[0]).all())
    if not same:  # potentials in units of the own threshold
        gain, threshold = gain / threshold, np.ones_like(threshold)
    return _Moved(np.where(abs(gain - 1) <= ONE, 1.0, gain), tau, log, float(threshold[0]))


def _times(gain: np.ndarray, values: np.ndarray) -> np.ndarray:
    found: np.ndarray = values if (gain == 1).all() else gain * values
    return found


def _filled(layer: nn.Module, like: np.ndarray, values: Mapping[str, np.ndarray | None]) -> nn.Module:
    """The layer with these parameters, in the precision of `like`."""
    layer.to(torch.from_numpy(np.empty(0, like.dtype)).dtype)
    for name, value in values.items():
        if value is not None:
            layer.get_parameter(name).data.copy_(torch.from_numpy(np.asarray(value)))
    return layer
