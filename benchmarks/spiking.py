"""How fast are layers of spikes?

    python benchmarks/spiking.py [--json PATH] [--repeats 5] [--steps 100] [--batch 64] [--units 4096]

Leaky integrate-and-fire units, forward and backward with a surrogate gradient: our walk beside the loop of
its steps, as good as we know it and as first written down (`current[:, t]` at each step); beside the floor,
which is to move through memory what has to be moved; and beside other libraries, which run in an environment
of their own (`make bench-spiking`), in a process that waits while others are timed. Then a layer that learns
by competition and spike timing, and what training over 1,000 steps keeps in memory. All is measured in turn,
round after round; `delay_sheet.py` times the sheet.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from beside.elsewhere import Elsewhere, here, in_turn
from history import Comparison, Rival, compared, measured
from timing import Rows, machine
from wavetrain import scan
from wavetrain.parts.rate_code import poisson_spikes
from wavetrain.rules import MinibatchSTDP
from wavetrain.spiking import LIF, DiehlCook

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".venv-peers-spiking" / "bin" / "python"
MOVED = 20  # bytes a unit and step in float32: the current twice, spikes, and both gradients
WALK, FORWARD = "walk, forward + backward", "  walk, forward"
LOOP, FIRST, FLOOR = "loop", "first loop", "floor"


def lif(
    shape: tuple[int, int, int], repeats: int, python: Path
) -> tuple[dict[str, Any], list[Comparison], list[str]]:
    """The walk beside the loop, the floor and other libraries."""
    steps, batch, units = shape
    layer = LIF(units, inputs=1)
    rates, numbers = (layer.rate(layer.taus()),), layer.units()
    current = (0.1 + 0.3 * torch.randn(batch, steps, units)).requires_grad_()
    grad = torch.randn(batch, steps, units)
    half = current.detach().flatten()[: current.numel() // 2]
    other = torch.empty_like(half)

    def walk() -> tuple[Tensor, ...]:
        spikes, _ = scan.lif(layer._next, current, layer.begin(batch), rates, numbers)
        return spikes.detach(), *torch.autograd.grad(spikes, current, grad)

    def forward() -> Tensor:
        with torch.no_grad():
            return scan.lif(layer._next, current, layer.begin(batch), rates, numbers)[0]

    def loop() -> tuple[Tensor, ...]:
        with scan.only_plain():
            return walk()

    def first_loop() -> tuple[Tensor, ...]:
        out, state = [], layer.begin(batch)
        for t in range(steps):
            spikes, state = layer._next(current[:, t], state, *rates)
            out.append(spikes)
        spikes = torch.stack(out, 1)
        return spikes.detach(), *torch.autograd.grad(spikes, current, grad)

    def floor() -> None:
        for _ in range(MOVED // 4):  # each moves 4 bytes a unit and step
            other.copy_(half)

    pairs = zip(walk(), loop(), strict=True)
    same = all(found.equal(expected) for found, expected in pairs)
    sizes = [str(size) for size in (*shape, torch.get_num_threads())]
    peers = Elsewhere(python, "beside.spikes", sizes, "snntorch, norse, spikingjelly")
    calls = {name: lambda call=call: here(call) for name, call in ((WALK, walk), (FORWARD, forward))}
    calls |= {name: lambda call=call: here(call) for name, call in ((LOOP, loop), (FIRST, first_loop))}
    calls[FLOOR] = lambda: here(floor)
    calls |= {name: lambda name=name: peers.seconds(name) for name in peers.there}
    rows, cpus = in_turn(calls, repeats)
    peers.close()
    what = f"LIF with surrogate gradient, {steps} steps of {batch} x {units:,}, forward + backward"
    print(what + f", float32; walk and loop have the same bits: {same}")
    table = _printed(rows, cpus)
    comparisons = [
        compared(rows, what, Rival.FLOOR, ours=WALK, other=FLOOR, beside=f"a copy of {MOVED} bytes for each"),
        compared(rows, what, Rival.LOOP, ours=WALK, other=LOOP, beside="a loop of the same steps in PyTorch"),
        compared(rows, what, Rival.LOOP, ours=WALK, other=FIRST, beside="such a loop as first written down"),
    ]
    for name, found in peers.there.items():
        beside = f"{name} {found['version']}{', each step compiled' if name == 'norse' else ''}"
        comparisons.append(compared(rows, what, Rival.PEER, ours=WALK, other=name, beside=beside))
    return {"rows": table, "peers": peers.there, "same bits": same}, comparisons, peers.skipped


def competing(repeats: int) -> tuple[dict[str, Any], list[Comparison]]:
    """Diehl and Cook's layer that learns 16 images of 784 pixels, each for 100 steps."""
    batch, ours, other = 16, "compiled walk", "loop"
    dice = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    layer, rule = DiehlCook(100, inputs=784), MinibatchSTDP(total=78.4)
    x = poisson_spikes(63.75 * torch.rand(batch, 784, generator=dice) ** 4, 100, dice)

    def loop() -> Tensor:
        with scan.only_plain():
            return rule.teach(layer, x)

    calls = {ours: lambda: here(lambda: rule.teach(layer, x)), other: lambda: here(loop)}
    rows, cpus = in_turn(calls, repeats)
    what = f"Diehl and Cook's layer of 100 units learns {batch} images in 100 steps"
    print(f"{what}; {batch / statistics.median(rows[ours]):.0f} images a second")
    table = _printed(rows, cpus)
    beside = "a loop of the same steps in PyTorch"
    return {"rows": table}, [compared(rows, what, Rival.LOOP, ours=ours, other=other, beside=beside)]


def memory() -> dict[str, float]:
    """MiB that a layer of 512 units on 512 trains of spikes keeps for the way back through 1,000 steps."""
    layer, x = LIF(512), (torch.rand(16, 1000, 512) < 0.1).float()
    ways: dict[str, Callable[[], Any]] = {
        "layer": lambda: layer(x),
        "recomputed in chunks of 50": lambda: scan.recomputed(layer, x, chunk=50),
    }
    found = {}
    for name, work in ways.items():
        seen: dict[int, int] = {}

        def noted(tensor: Tensor, seen: dict[int, int] = seen) -> Tensor:
            seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(noted, lambda tensor: tensor):
            result = work()
        found[name] = sum(seen.values()) / 2**20
        del result
    print("MiB kept for the way back through 1,000 steps of 16 x 512 units on 512 trains of spikes")
    for name, size in found.items():
        print(f"{name:36}{size:9.1f}")
    return found


def _printed(rows: Rows, cpus: Rows) -> dict[str, dict[str, float]]:
    """Medians in ms."""
    print(f"{'':36}{'ms':>9}{'processor ms':>14}")
    table = {}
    for name, seconds in rows.items():
        wall, cpu = 1e3 * statistics.median(seconds), 1e3 * statistics.median(cpus[name])
        table[name.strip()] = {"ms": wall, "processor ms": cpu}
        print(f"{name:36}{wall:9.1f}{cpu:14.1f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--units", type=int, default=4096)
    parser.add_argument("--peers", type=Path, default=PEERS, help="the Python of their environment")
    options = parser.parse_args()
    torch.manual_seed(0)
    shape = options.steps, options.batch, options.units
    walked, comparisons, skipped = lif(shape, options.repeats, options.peers)
    taught, more = competing(options.repeats)
    kept = memory()
    words = machine(2 * options.repeats)
    print(", ".join(f"{name} {value}" for name, value in words.items()))
    if options.json:
        setting = f"(T, B, D) = {shape}, float32"
        figures = {"lif": walked, "competing": taught, "MiB kept": kept, "machine": words}
        figures |= measured(setting, [*comparisons, *more], skipped)
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
