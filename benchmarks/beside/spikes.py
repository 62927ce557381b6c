"""Other libraries' leaky integrate-and-fire units: a process of its own, without wavetrain.

    python -m beside.spikes STEPS BATCH UNITS THREADS

It writes a line of JSON with the libraries that are there, and why others are not. Then each line that it
reads names one: it goes twice forward and backward, and writes the wall-clock and processor seconds of the
second. Each has the decay exp(-1 / 20) a step, a threshold of 1, and its input (T, B, D) as it likes it best.
"""

import math
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from beside.answering import answer

Walk = Callable[[Tensor], Tensor]
KEPT = math.exp(-1 / 20)


def snntorch() -> Walk:
    """Leaky, subtractive and one step late, no gradient through the reset, arctan."""
    import snntorch as snn
    from snntorch import surrogate

    cell = snn.Leaky(beta=KEPT, spike_grad=surrogate.atan(alpha=2.0), reset_mechanism="subtract")

    def walk(x: Tensor) -> Tensor:
        v, out = cell.init_leaky(), []
        for now in x.unbind(0):
            spikes, v = cell(now, v)
            out.append(spikes)
        return torch.stack(out)

    return walk


def spikingjelly() -> Walk:
    """LIFNode of many steps, in PyTorch, subtractive, arctan."""
    from spikingjelly.activation_based import functional, neuron, surrogate

    node = neuron.LIFNode(
        tau=1 / (1 - KEPT),
        decay_input=False,
        v_reset=None,
        surrogate_function=surrogate.ATan(alpha=2.0),
        step_mode="m",
    )

    def walk(x: Tensor) -> Tensor:
        functional.reset_net(node)
        spikes: Tensor = node(x)
        return spikes

    return walk


def norse() -> Walk:
    """LIFBoxCell, to 0, no gradient through the reset, the super spike; compiled step by step."""
    import norse.torch as library

    parameters = library.LIFBoxParameters(tau_mem_inv=torch.as_tensor(1000 * (1 - KEPT)))
    cell = torch.compile(library.LIFBoxCell(parameters))

    def walk(x: Tensor) -> Tensor:
        state, out = None, []
        for now in (x / (1 - KEPT)).unbind(0):  # it multiplies its input so
            spikes, state = cell(now, state)
            out.append(spikes)
        return torch.stack(out)

    return walk


PEERS: dict[str, Callable[[], Walk]] = {"snntorch": snntorch, "norse": norse, "spikingjelly": spikingjelly}


def main() -> None:
    steps, batch, units, threads = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    x = (0.1 + 0.3 * torch.randn(steps, batch, units)).requires_grad_()
    grad = torch.randn(steps, batch, units)

    def lesson(walk: Walk) -> tuple[Tensor, ...]:
        spikes = walk(x)
        return spikes.detach(), *torch.autograd.grad(spikes, x, grad)

    there: dict[str, Walk] = {}
    found: dict[str, Any] = {"there": {}, "skipped": []}
    for name, make in PEERS.items():
        try:
            walk = make()
            spikes, _ = lesson(walk)
        except Exception as error:  # of whatever kind: another library
            found["skipped"].append(f"{name}: {type(error).__name__}: {str(error).splitlines()[:1]}")
            continue
        there[name] = walk
        found["there"][name] = {"version": version(name), "rate": float(spikes.mean())}
    answer({name: lambda walk=walk: lesson(walk) for name, walk in there.items()}, found)


if __name__ == "__main__":
    main()
