"""How fast are the recurrences beside JAX, on the same processor?

    python benchmarks/beside_jax.py [--json PATH] [--repeats 5] [--scale 1]

JAX runs in an environment of its own (`make bench-jax`), in a process that waits while ours is timed. Each
recurrence is written with `lax.scan` and, where it is linear, with `lax.associative_scan`; all are compiled
before. The same numbers go to both; the errors against float64 come first, and a run where one of ours is
above 1e-4 of the largest stops and gives no figures. All is measured in turn, round after round.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

import scan_wave
from beside.elsewhere import Elsewhere, here, in_turn
from history import Comparison, Rival, compared, measured
from timing import error, machine
from wavetrain import scan

PEERS = Path(__file__).resolve().parent.parent / ".venv-peers-jax" / "bin" / "python"
WORST = 1e-4
WAYS = ("forward", "forward + backward")


class Case(NamedTuple):
    """A recurrence: ours, its arguments, and a gradient for what it gives."""

    what: str
    walk: Callable[..., Tensor]
    inputs: list[Tensor]
    grad: Tensor
    forms: tuple[str, ...] = ("lax.scan", "associative_scan")


def cases(scale: int) -> dict[str, Case]:
    """By name. A scale of 10 makes everything ten times shorter in time."""
    torch.manual_seed(0)
    long = 4096 // scale
    a, b, grad = torch.rand(4, long, 512), torch.randn(4, long, 512), torch.randn(4, long, 512)
    turned = torch.polar(0.9 * a, 6.3 * torch.rand_like(a))
    x, y = torch.randn(2, 1, long // 4, 1024)
    rates, maps = torch.rand_like(x), torch.randn(2, 1, long // 4, 16)
    found = {
        "linear": Case(f"linear recurrence {tuple(b.shape)}", _linear, [0.9 * a, b], grad),
        "linear, complex": Case(
            f"linear recurrence {tuple(b.shape)}, complex",
            _linear,
            [turned, torch.randn_like(turned)],
            torch.randn_like(turned),
        ),
        "selective": Case(
            f"selective recurrence {tuple(x.shape)}, 16 states",
            _selective,
            [x, 0.1 * rates, -torch.arange(1.0, 17.0).repeat(1024, 1), *maps],
            y,
        ),
    }
    for name, (steps, channels) in {"wave": (60, 27), "wave, small": (30, 6)}.items():
        shape = (128, max(2, steps // scale), channels, 100)
        kernel = torch.randn(channels, channels, 3) / (3 * channels) ** 0.5
        inputs = [torch.randn(shape), kernel, torch.randn(128, channels, 100)]
        what = f"wave recurrence {shape}"
        found[name] = Case(what, _wave, inputs, torch.randn(shape), ("lax.scan",))
    return found


def _linear(a: Tensor, b: Tensor) -> Tensor:
    return scan.linear(a, b)[0]


def _selective(*inputs: Tensor) -> Tensor:
    return scan.selective(*inputs)[0]


def _wave(drive: Tensor, kernel: Tensor, state: Tensor) -> Tensor:
    return scan.wave(drive, kernel, state)[0]


def learned(walk: Callable[..., Tensor], inputs: list[Tensor], grad: Tensor) -> tuple[Tensor, ...]:
    """What the recurrence gives, and its gradients."""
    inputs = [x.detach().requires_grad_() for x in inputs]
    y = walk(*inputs)
    return y.detach(), *torch.autograd.grad(y, inputs, grad)


def exact(case: Case, y: Tensor) -> tuple[Tensor, ...]:
    """The same in float64; rectifiers have the gates of y, for at 0 they may open in one precision alone."""
    if case.walk is _wave:
        return scan_wave.exact(y, case.inputs, case.grad, scan.Activation.RELU)
    wide = [x.to(torch.complex128 if x.is_complex() else torch.float64) for x in (*case.inputs, case.grad)]
    return learned(case.walk, wide[:-1], wide[-1])


def errors(name: str, case: Case, folder: Path) -> dict[str, float]:
    """The largest of each against float64: ours, and each form of JAX that has answered."""
    answers = {"ours": learned(case.walk, case.inputs, case.grad)}
    for form in case.forms:
        path = folder / f"{name}--{form}.npz"
        if path.exists():
            with np.load(path) as file:
                answers[form] = tuple(torch.from_numpy(file[key]) for key in file.files)
    return {who: max(error(found, exact(case, found[0]))) for who, found in answers.items()}


def rounds(
    name: str, case: Case, jax: Elsewhere, repeats: int
) -> tuple[dict[str, dict[str, float]], list[Comparison]]:
    """Times in ms, and comparisons, of one recurrence."""
    table, comparisons = {}, []
    for way in WAYS:
        ours = (
            (lambda: case.walk(*case.inputs))
            if way == "forward"
            else (lambda: learned(case.walk, case.inputs, case.grad))
        )
        calls = {"ours": lambda ours=ours: here(ours)}
        calls |= {
            form: lambda form=form, way=way: jax.seconds(f"{name}, {form}, {way}")
            for form in case.forms
            if f"{name}, {form}, {way}" in jax.there
        }
        walls, cpus = in_turn(calls, repeats)
        print(f"{case.what}, {way}")
        for row, seconds in walls.items():
            wall, cpu = 1e3 * statistics.median(seconds), 1e3 * statistics.median(cpus[row])
            table[f"{way}, {row}"] = {"ms": wall, "processor ms": cpu}
            factor = statistics.median(seconds) / statistics.median(walls["ours"])
            print(f"  {row:20}{wall:10.1f} ms {cpu:10.1f} ms of processors {factor:8.2f} times ours")
        what = f"{case.what}, {way}"
        comparisons += [
            compared(walls, what, Rival.PEER, ours="ours", other=form, beside=f"JAX, {form}, compiled")
            for form in list(calls)[1:]
        ]
    return table, comparisons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scale", type=int, default=1, help="how many times shorter in time")
    parser.add_argument("--peers", type=Path, default=PEERS, help="the Python of JAX's environment")
    options = parser.parse_args()
    tables, comparisons, wrong = {}, [], {}
    with tempfile.TemporaryDirectory() as scratch:
        folder, found = Path(scratch), cases(options.scale)
        for name, case in found.items():
            np.savez(folder / f"{name}.npz", *(x.numpy() for x in (*case.inputs, case.grad)))
        jax = Elsewhere(options.peers, "beside.jaxed", [scratch, str(torch.get_num_threads())], "jax")
        try:
            for name, case in found.items():
                wrong[name] = errors(name, case, folder)
                print(
                    f"{case.what}: " + ", ".join(f"error of {key} {x:.1e}" for key, x in wrong[name].items())
                )
                if wrong[name]["ours"] > WORST:
                    raise SystemExit(f"the error of ours against float64 is above {WORST}")
                tables[name], more = rounds(name, case, jax, options.repeats)
                comparisons += more
        finally:
            jax.close()
    words = machine(2 * options.repeats)
    print(", ".join(f"{name} {value}" for name, value in words.items()))
    if options.json:
        figures = {"tables": tables, "errors": wrong, "machine": words}
        figures |= measured(f"float32, {torch.get_num_threads()} threads", comparisons, jax.skipped)
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
