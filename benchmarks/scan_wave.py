"""How fast is the wave recurrence on this machine? Beside a loop of PyTorch with one convolution a step.

    python benchmarks/scan_wave.py [--json PATH] [--repeats 5] [--steps 200] [--pixels 784]

There are three such loops. The one that is written down first takes `drive[:, t]` at each step; its backward
makes a gradient as large as the whole drive for every step, so that it is quadratic in T. The other takes the
steps apart once (`unbind`) and is the best that we know in plain PyTorch: our own plain route. The third is
the same with its step compiled by torch.compile, where a C++ compiler is found.

All rows of a table are measured in turn, round after round, so that other work on the machine falls on all
alike; a time is the median over the rounds, a ratio the median of the ratios within a round. GFLOP/s count
2 B T C C K N operations for the forward walk and three times as many with the backward one. The floor is a
large matrix product of as many operations, measured in the same rounds.

A run whose error against float64 is above 1e-5 stops and gives no figures.
"""

import argparse
import functools
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from history import Comparison, Rival, compared, measured
from timing import error, machine, measure, ratio
from wavetrain import scan
from wavetrain.scan import Activation

Form = Callable[[Tensor, Tensor, Tensor, Activation], Tensor]
WORST = 1e-5  # of the errors against float64


def kernel(drive: Tensor, weight: Tensor, state: Tensor, activation: Activation) -> Tensor:
    return scan.wave(drive, weight, state, activation)[0]


def loop(drive: Tensor, weight: Tensor, state: Tensor, activation: Activation) -> Tensor:
    with scan.only_plain():
        return scan.wave(drive, weight, state, activation)[0]


@functools.cache
def compiled_step() -> Callable[[Tensor, Tensor, Tensor, Activation], Tensor]:
    """One step as a compiled function; raises where nothing can be compiled."""

    def step(now: Tensor, weight: Tensor, state: Tensor, activation: Activation) -> Tensor:
        half = weight.shape[-1] // 2
        ring = torch.cat([state[..., -half:], state, state[..., :half]], -1)
        return activation(F.conv1d(ring, weight) + now)

    return torch.compile(step)


def compiled_loop(drive: Tensor, weight: Tensor, state: Tensor, activation: Activation) -> Tensor:
    h = []
    for now in drive.unbind(1):
        state = compiled_step()(now, weight, state, activation)
        h.append(state)
    return torch.stack(h, 1)


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


def exact(h: Tensor, inputs: list[Tensor], grad: Tensor, activation: Activation) -> tuple[Tensor, ...]:
    """The same in float64, with the gates that h (B, T, C, N) has passed.

    A rectifier whose input is 0 to rounding may open in one precision and not in the other. Both gradients
    are right then, and differ by as much as they are large; so the gates are taken as they were.
    """
    drive, weight, state = wide = [x.detach().double().requires_grad_() for x in inputs]
    walked = []
    for now, gate in zip(drive.unbind(1), (h > 0).unbind(1), strict=True):
        if activation is Activation.RELU:
            state = scan.wave_step(now, weight, state, Activation.IDENTITY) * gate
        else:
            state = scan.wave_step(now, weight, state, activation)
        walked.append(state)
    whole = torch.stack(walked, 1)
    return whole.detach(), *torch.autograd.grad(whole, wide, grad.double())


def draw(shape: tuple[int, ...]) -> tuple[list[Tensor], Tensor]:
    """drive, kernel and first state, and a gradient for h."""
    batch, _, channels, size, taps = shape
    drive = torch.randn(shape[:4])
    weight = torch.randn(channels, channels, taps) / (channels * taps) ** 0.5
    state = torch.randn(batch, channels, size)
    return [x.requires_grad_() for x in (drive, weight, state)], torch.randn(shape[:4])


def compiles() -> str:
    """Why the step cannot be compiled; nothing where it can."""
    try:
        compiled_loop(torch.ones(1, 1, 2, 8), torch.ones(2, 2, 3), torch.ones(1, 2, 8), Activation.RELU)
    except Exception as error:  # whatever torch.compile meets on this machine
        return f"torch.compile: {type(error).__name__}"
    return ""


def compare(
    shape: tuple[int, ...], activation: Activation, repeats: int, quadratic: bool = True
) -> tuple[dict[str, object], list[Comparison]]:
    """One table: the kernel beside the loops, and the parts of the kernel's time."""
    inputs, grad = draw(shape)
    batch, steps, channels, size, taps = shape
    work = 2 * batch * steps * channels * channels * taps * size / 1e9  # GFLOP of the forward walk
    still = [x.detach() for x in inputs]
    left, right = torch.randn(2, 2048, 2048)
    drive, weight, state = inputs
    whole = kernel(drive, weight, state, activation)  # their graphs are kept
    walk = kernel(drive, weight.detach(), state, activation)
    rows = measure(
        {
            "forward + backward": lambda: both(kernel, inputs, grad, activation),
            "large product": lambda: left @ right,
            "  forward walk": lambda: scan.wave(*still, activation=activation),
            "  backward walk": lambda: torch.autograd.grad(walk, drive, grad, retain_graph=True),
            "  backward walk, kernel gradient": lambda: torch.autograd.grad(
                whole, inputs, grad, retain_graph=True
            ),
        },
        repeats,
    )
    route = scan.routes()["wave"]
    floor = "product of as many operations"
    share = 3 * work / (2 * 2048**3 / 1e9)
    rows[floor] = [share * seconds for seconds in rows["large product"]]
    first, best = "first loop, forward + backward", "loop, forward + backward"
    third = "compiled loop, forward + backward"
    slow = measure(
        {
            "forward + backward": lambda: both(kernel, inputs, grad, activation),
            best: lambda: both(loop, inputs, grad, activation),
            **({} if compiles() else {third: lambda: both(compiled_loop, inputs, grad, activation)}),
        },
        max(2, repeats // 2),
    )
    slowest = (
        {}
        if not quadratic
        else measure(
            {
                "forward + backward": lambda: both(kernel, inputs, grad, activation),
                first: lambda: both(first_loop, inputs, grad, activation),
            },
            max(2, repeats // 5),
        )
    )
    rows |= {name: slow[name] for name in (best, third) if name in slow}
    rows |= {first: slowest[first]} if slowest else {}
    pairs = zip(rows["  backward walk, kernel gradient"], rows["  backward walk"], strict=True)
    rows["  kernel gradient alone"] = [max(long - short, 1e-9) for long, short in pairs]
    flops = dict.fromkeys(rows, work) | {
        "forward + backward": 3 * work,
        "large product": 2 * 2048**3 / 1e9,
        floor: 3 * work,
        best: 3 * work,
        third: 3 * work,
        first: 3 * work,
        "  backward walk, kernel gradient": 2 * work,
    }

    part = slice(0, min(batch, 8))  # the error needs no more
    few = [x.detach().requires_grad_() for x in (drive[part], weight, state[part])]
    errors = {}
    for name, form in {"kernel": kernel, "loop": loop}.items():
        found = both(form, few, grad[part], activation)
        errors[name] = error(found, exact(found[0], few, grad[part], activation))
    if max(errors["kernel"]) > WORST:
        raise SystemExit(f"the kernel's error against float64 is {max(errors['kernel']):.1e}, above {WORST}")

    print(f"h_t = {activation.value}(kernel * h_(t-1) + drive_t), (B, T, C, N, K) = {shape}, float32")
    print(f"{'':36}{'ms':>9}{'GFLOP/s':>9}")
    table = {}
    for name, seconds in rows.items():
        middle = statistics.median(seconds)
        table[name.strip()] = {"ms": middle * 1e3, "GFLOP/s": flops[name] / middle}
        print(f"{name:36}{middle * 1e3:9.1f}{flops[name] / middle:9.1f}")
    times = {
        "loop / kernel": ratio(slow, best, "forward + backward"),
    }
    if slowest:
        times["first loop / kernel"] = ratio(slowest, first, "forward + backward")
    if third in slow:
        times["compiled loop / kernel"] = ratio(slow, third, "forward + backward")
    times["share of the product"] = ratio(rows, floor, "forward + backward")
    for name, factor in times.items():
        print(f"{name:36}{factor:9.2f}")
    for name, values in errors.items():
        print(f"error of the {name} against float64: " + ", ".join(f"{x:.1e}" for x in values))
    print("  (of h and of the gradients of drive, kernel and first state)")
    name = f"wave recurrence, {steps} steps, {activation.value}, forward + backward"
    beside = "a plain PyTorch loop, one convolution a step"
    whole_name = "forward + backward"
    of = functools.partial(compared, name=name, ours=whole_name)
    comparisons = [
        of(slow, rival=Rival.LOOP, other=best, beside=f"{beside}, as good as we know it"),
        of(rows, rival=Rival.FLOOR, other=floor, beside="a large matrix product of as many operations"),
    ]
    if slowest:
        comparisons.append(
            of(slowest, rival=Rival.LOOP, other=first, beside=f"{beside}, as first written down")
        )
    if third in slow:
        comparisons.append(
            of(slow, rival=Rival.LOOP, other=third, beside=f"{beside}, compiled by torch.compile")
        )
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
    parser.add_argument(
        "--pixels", type=int, default=784, help="steps of the longest walk, one for each pixel"
    )
    options = parser.parse_args()
    torch.manual_seed(0)
    why = compiles()
    tables = [
        compare((128, options.steps, 27, 100, 3), Activation.RELU, options.repeats),
        compare((128, 30, 6, 100, 3), Activation.RELU, 4 * options.repeats),
        compare((128, 30, 6, 100, 3), Activation.TANH, 4 * options.repeats),
        compare((64, options.pixels, 16, 256, 3), Activation.RELU, options.repeats, quadratic=False),
    ]
    words = machine(2 * options.repeats)
    print(", ".join(f"{name} {value}" for name, value in words.items()))
    if options.json:
        shapes = (
            f"(128, {options.steps}, 27, 100, 3), (128, 30, 6, 100, 3), (64, {options.pixels}, 16, 256, 3)"
        )
        figures = {"tables": [table for table, _ in tables], "machine": words}
        comparisons = [one for _, found in tables for one in found]
        setting = f"(B, T, C, N, K) = {shapes}, float32; errors against float64 at most {WORST}"
        figures |= measured(setting, comparisons, [why] if why else [])
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
