"""How fast is the wave recurrence on this machine? Beside a loop of PyTorch with one convolution a step.

    python benchmarks/scan_wave.py [--json PATH] [--repeats 5] [--steps 200]

There are two such loops. The one that is written down first takes `drive[:, t]` at each step; its backward
makes a gradient as large as the whole drive for every step, so that it is quadratic in T. The other takes the
steps apart once (`unbind`) and is the best that we know in plain PyTorch: our own plain route.

All rows of a table are measured in turn, round after round, so that other work on the machine falls on all
alike; a time is the median over the rounds, a ratio the median of the ratios within a round. GFLOP/s count
2 B T C C K N operations for the forward walk and three times as many with the backward one.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from history import Comparison, Rival, compared, measured
from timing import error, machine, measure, ratio
from wavetrain import scan
from wavetrain.scan import Activation

Form = Callable[[Tensor, Tensor, Tensor, Activation], Tensor]


def kernel(drive: Tensor, weight: Tensor, state: Tensor, activation: Activation) -> Tensor:
    return scan.wave(drive, weight, state, activation)[0]


def loop(drive: Tensor, weight: Tensor, state: Tensor, activation: Activation) -> Tensor:
    with scan.only_plain():
        return scan.wave(drive, weight, state, activation)[0]


def first_loop(drive: Tensor, weight: Tensor, state: Tensor, activation: Activation) -> Tensor:
    h = []
    for t in range(drive.shape[1]):
        state = scan.wave_step(drive[:, t], weight, state, activation)
        h.append(state)
    return torch.stack(h, 1)


def both(form: Form, inputs: list[Tensor], grad: Tensor, activation: Activation) -> tuple[Tensor, ...]:
    """Forward and backward."""
    drive, weight, state = inputs
    h = form(drive, weight, state, activation)
    return h.detach(), *torch.autograd.grad(h, inputs, grad)


def draw(shape: tuple[int, ...]) -> tuple[list[Tensor], Tensor]:
    """drive, kernel and first state, and a gradient for h."""
    batch, _, channels, size, taps = shape
    drive = torch.randn(shape[:4])
    weight = torch.randn(channels, channels, taps) / (channels * taps) ** 0.5
    state = torch.randn(batch, channels, size)
    return [x.requires_grad_() for x in (drive, weight, state)], torch.randn(shape[:4])


def compare(
    shape: tuple[int, ...], activation: Activation, repeats: int
) -> tuple[dict[str, object], list[Comparison]]:
    """One table: the kernel beside the loop, and the parts of the kernel's time."""
    inputs, grad = draw(shape)
    batch, steps, channels, size, taps = shape
    work = 2 * batch * steps * channels * channels * taps * size / 1e9  # GFLOP of the forward walk
    still = [x.detach() for x in inputs]
    drive, weight, state = inputs
    whole = kernel(drive, weight, state, activation)  # their graphs are kept
    walk = kernel(drive, weight.detach(), state, activation)
    rows = measure(
        {
            "forward + backward": lambda: both(kernel, inputs, grad, activation),
            "  forward walk": lambda: scan.wave(*still, activation=activation),
            "  backward walk": lambda: torch.autograd.grad(walk, drive, grad, retain_graph=True),
            "  backward walk, kernel gradient": lambda: torch.autograd.grad(
                whole, inputs, grad, retain_graph=True
            ),
        },
        repeats,
    )
    route = scan.routes()["wave"]
    first, best = "first loop, forward + backward", "loop, forward + backward"
    slow = measure(
        {
            "forward + backward": lambda: both(kernel, inputs, grad, activation),
            best: lambda: both(loop, inputs, grad, activation),
        },
        max(2, repeats // 2),
    )
    slowest = measure(
        {
            "forward + backward": lambda: both(kernel, inputs, grad, activation),
            first: lambda: both(first_loop, inputs, grad, activation),
        },
        max(2, repeats // 5),
    )
    rows[best], rows[first] = slow[best], slowest[first]
    pairs = zip(rows["  backward walk, kernel gradient"], rows["  backward walk"], strict=True)
    rows["  kernel gradient alone"] = [max(long - short, 1e-9) for long, short in pairs]
    flops = dict.fromkeys(rows, work) | {
        "forward + backward": 3 * work,
        best: 3 * work,
        first: 3 * work,
        "  backward walk, kernel gradient": 2 * work,
    }

    part = slice(0, min(batch, 8))  # the error needs no more
    few = [inputs[0].detach()[part], inputs[1].detach(), inputs[2].detach()[part]]
    exact_inputs = [x.double().requires_grad_() for x in few]
    exact = both(loop, exact_inputs, grad[part].double(), activation)
    few = [x.requires_grad_() for x in few]
    errors = {
        "kernel": error(both(kernel, few, grad[part], activation), exact),
        "loop": error(both(loop, few, grad[part], activation), exact),
    }

    print(f"h_t = {activation.value}(kernel * h_(t-1) + drive_t), (B, T, C, N, K) = {shape}, float32")
    print(f"{'':36}{'ms':>9}{'GFLOP/s':>9}")
    table = {}
    for name, seconds in rows.items():
        middle = statistics.median(seconds)
        table[name.strip()] = {"ms": middle * 1e3, "GFLOP/s": flops[name] / middle}
        print(f"{name:36}{middle * 1e3:9.1f}{flops[name] / middle:9.1f}")
    times = {
        "loop / kernel": ratio(slow, best, "forward + backward"),
        "first loop / kernel": ratio(slowest, first, "forward + backward"),
    }
    for name, factor in times.items():
        print(f"{name:36}{factor:9.1f}")
    for name, values in errors.items():
        print(f"error of the {name} against float64: " + ", ".join(f"{x:.1e}" for x in values))
    print("  (of h and of the gradients of drive, kernel and first state)")
    name, ours = (
        f"wave recurrence, {steps} steps, {activation.value}, forward + backward",
        "forward + backward",
    )
    beside = "a plain PyTorch loop, one convolution a step"
    comparisons = [
        compared(slow, name, Rival.LOOP, ours=ours, other=best, beside=f"{beside}, as good as we know it"),
        compared(
            slowest, name, Rival.LOOP, ours=ours, other=first, beside=f"{beside}, as first written down"
        ),
    ]
    figures = {
        "shape": shape,
        "activation": activation.value,
        "rows": table,
        **times,
        "errors": errors,
        "route": route,
    }
    return figures, comparisons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200, help="of the longer walk")
    options = parser.parse_args()
    torch.manual_seed(0)
    tables = [
        compare((128, options.steps, 27, 100, 3), Activation.RELU, options.repeats),
        compare((128, 30, 6, 100, 3), Activation.RELU, 4 * options.repeats),
        compare((128, 30, 6, 100, 3), Activation.TANH, 4 * options.repeats),
    ]
    words = machine(2 * options.repeats)
    print(", ".join(f"{name} {value}" for name, value in words.items()))
    if options.json:
        setting = f"(B, T, C, N, K) = (128, {options.steps}, 27, 100, 3) and (128, 30, 6, 100, 3), float32"
        figures = {"tables": [table for table, _ in tables], "machine": words}
        figures |= measured(setting, [one for _, found in tables for one in found])
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
