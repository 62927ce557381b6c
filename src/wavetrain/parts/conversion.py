"""A trained network of ReLUs as one of spikes: each ReLU becomes units that integrate and fire.

After Diehl, Neil, Binas, Cook, Liu and Pfeiffer 2015 (IJCNN), with the reset by subtraction of Rueckauer et
al. 2017 (Frontiers in Neuroscience 11:682). The input is given in each step as it is, and in each step

    v <- v + I,    a spike where v > threshold,    v <- v - threshold where there is one

A spike is passed on with the height of the threshold, which is (nearly) the largest activation that the ReLU
has on some examples: the same as to scale the weights of each layer by that of the last over its own, and
its bias by its own, but no weight is touched. So the mean of what a unit passes on over T steps is its
activation, up to threshold / (2 T) where it starts half way to the threshold and its input is constant.

All else must be linear, and as in evaluation: linear maps, convolutions, means over windows, batch
normalisation by its running statistics, sums. What is not, a maximum over a window for example, is refused.
"""

import copy
import operator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.nn import functional as F

from wavetrain.errors import BadInput

LINEAR = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AvgPool3d,
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.Flatten,
    nn.Unflatten,
    nn.Identity,
)
LINEAR_CALLS = {
    F.linear,
    F.conv1d,
    F.conv2d,
    F.avg_pool1d,
    F.avg_pool2d,
    F.dropout,
    torch.flatten,
    torch.add,
    operator.add,
    operator.getitem,
}
LINEAR_METHODS = {"flatten", "view", "reshape", "size", "add"}
RELUS = {F.relu, F.relu_, torch.relu, torch.relu_}
IN_PLACE = {F.relu_, torch.relu_, "relu_"}


class Converted(nn.Module):
    """A network of spikes, which `converted` makes; x (B, ...) and a number of steps to the mean output.

    >>> from wavetrain.parts.conversion import converted
    >>> network = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> x = torch.rand(100, 3)
    >>> spiking = converted(network, x)
    >>> spiking(x, steps=1000).sub(network(x)).abs().max() < 0.02
    tensor(True)
    """

    def __init__(self, graph: fx.GraphModule, shapes: tuple[torch.Size, ...], start: float):
        super().__init__()
        self.graph, self.shapes, self.start = graph, shapes, start

    @property
    def thresholds(self) -> list[float]:
        """The threshold of each ReLU, in the order in which they are used."""
        return [float(self.graph.get_buffer(f"threshold_{place}")) for place in range(len(self.shapes))]

    def begin(self, x: Float[Tensor, "batch *axes"]) -> tuple[Tensor, ...]:
        """The potentials of the units of each ReLU before the first step."""
        return tuple(
            x.new_full((len(x), *shape), self.start * threshold)
            for shape, threshold in zip(self.shapes, self.thresholds, strict=True)
        )

    def step(
        self, x: Float[Tensor, "batch *axes"], state: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "batch *outputs"], tuple[Tensor, ...]]:
        """One step: the output and the potentials."""
        if any(len(v) != len(x) for v in state):
            raise BadInput(f"Converted: expected a state of {len(x)}, as x has, got one of {len(state[0])}")
        out, *state_after = self.graph(x, *state)
        return out, tuple(state_after)

    @torch.no_grad()
    def forward(self, x: Float[Tensor, "batch *axes"], steps: int) -> Float[Tensor, "batch *outputs"]:
        """The mean output over so many steps, each of which is given x."""
        if steps < 1:
            raise BadInput(f"Converted: expected a step or more, got {steps}")
        state, total = self.begin(x), torch.zeros(())
        for _ in range(steps):
            out, state = self.step(x, state)
            total = total + out
        return total / steps


def integrate(current: Tensor, v: Tensor, threshold: Tensor) -> tuple[Tensor, Tensor]:
    """What is passed on in a step, the threshold or nothing, and the potential after the reset."""
    v = v + current
    passed = threshold * (v > threshold)
    return passed, v - passed


def converted(
    network: nn.Module,
    examples: Float[Tensor, "many *axes"],
    *,
    percentile: float = 99.9,
    start: float = 0.5,
) -> Converted:
    """The network as one of spikes, of the same values; the network itself stays as it is.

    Thresholds are a percentile of the activations of each ReLU on the examples; potentials `start` at this
    share of them. Raises BadInput, with the place, for a network that holds something else than linear maps
    and ReLUs, that cannot be read as a graph, or of which a ReLU is silent on all examples.
    """
    if not 0 < percentile <= 100:
        raise BadInput(f"converted: expected a percentile above 0 and up to 100, got {percentile!r}")
    network = copy.deepcopy(network).eval()
    try:
        traced = fx.symbolic_trace(network)
    except Exception as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(
            f"converted: {type(network).__name__} cannot be read as one graph ({first})"
        ) from error
    relus = [node for node in traced.graph.nodes if _is_relu(traced, node)]
    activations = _Activations(traced, relus)
    activations.run(examples)
    for place, node in enumerate(relus):
        peak = _percentile(activations.seen[node], percentile)
        if not peak > 0:
            raise BadInput(f"converted: {node.name} is silent on all {len(examples)} examples")
        traced.register_buffer(f"threshold_{place}", peak)
    shapes = tuple(activations.seen[node].shape[1:] for node in relus)
    _rewired(traced, relus)
    return Converted(traced, shapes, start)


def _is_relu(traced: fx.GraphModule, node: fx.Node) -> bool:
    """Whether a node is a ReLU; raises BadInput where it is neither that nor linear."""
    if node.op in ("placeholder", "get_attr", "output"):
        return False
    kind: Any = traced.get_submodule(str(node.target)) if node.op == "call_module" else node.target
    name = {"call_module": type(kind).__name__, "call_method": str(kind)}.get(
        node.op, getattr(kind, "__name__", str(kind))
    )
    if isinstance(kind, nn.ReLU) or kind == "relu" or kind in IN_PLACE or kind in RELUS:
        in_place = getattr(kind, "inplace", False) or kind in IN_PLACE or node.kwargs.get("inplace", False)
        if in_place and len(node.all_input_nodes[0].users) > 1:
            raise BadInput(f"converted: {node.name} changes in place what is used elsewhere too")
        return True
    linear = isinstance(kind, LINEAR) or kind in LINEAR_METHODS or kind in LINEAR_CALLS
    batch_statistics = getattr(kind, "track_running_stats", True) is False
    if not linear or batch_statistics or node.kwargs.get("training", False):
        raise BadInput(
            f"converted: expected ReLUs, and what is linear in evaluation, got {name} at {node.name}"
        )
    return False


class _Activations(fx.Interpreter):
    """What each ReLU gives on the examples."""

    def __init__(self, traced: fx.GraphModule, relus: list[fx.Node]):
        super().__init__(traced)
        self.relus, self.seen = set(relus), dict[fx.Node, Tensor]()

    @torch.no_grad()
    def run_node(self, n: fx.Node) -> Any:
        found = super().run_node(n)
        if n in self.relus:
            self.seen[n] = found.clone()
        return found


def _percentile(values: Tensor, percentile: float) -> Tensor:
    """The value that so many percent do not exceed."""
    flat = values.flatten()
    return flat.kthvalue(max(1, round(percentile / 100 * len(flat)))).values


def _rewired(traced: fx.GraphModule, relus: list[fx.Node]) -> None:
    """Each use of a ReLU takes a potential of its own, and the graph gives all potentials back."""
    graph = traced.graph
    (out,) = (node for node in graph.nodes if node.op == "output")
    last = [node for node in graph.nodes if node.op == "placeholder"][-1]
    potentials = []
    for place, node in enumerate(relus):
        with graph.inserting_after(last):
            last = graph.placeholder(f"v_{place}")
        with graph.inserting_before(node):
            threshold = graph.get_attr(f"threshold_{place}")
            both = graph.call_function(integrate, (node.all_input_nodes[0], last, threshold))
            passed = graph.call_function(operator.getitem, (both, 0))
            potentials.append(graph.call_function(operator.getitem, (both, 1)))
        node.replace_all_uses_with(passed)
        graph.erase_node(node)
    out.args = ((out.args[0], *potentials),)
    graph.lint()
    traced.recompile()
