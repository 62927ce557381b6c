"""How fast is the linear recurrence on this machine? Beside adding two arrays, and beside a loop of PyTorch.

    python benchmarks/scan_linear.py [--json PATH] [--repeats 9] [--shape 4 4096 512]

All rows of a table are measured in turn, round after round, so that other work on the machine falls on all
alike; a time is the median over the rounds, a ratio the median of the ratios within a round.
"""

import argparse
import json
import statistics
from pathlib import Path

import torch
from torch import Tensor

from history import Comparison, Rival, compared, measured
from timing import Rows, error, machine, measure, ratio
from wavetrain import scan


def both(a: Tensor, b: Tensor, grad: Tensor, plain: bool) -> tuple[Tensor, ...]:
    """Forward and backward."""
    if plain:
        with scan.only_plain():
            h, _ = scan.linear(a, b)
    else:
        h, _ = scan.linear(a, b)
    return h.detach(), *torch.autograd.grad(h, (a, b), grad)


def inputs(shape: list[int], dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    a = torch.randn(shape, dtype=dtype)
    a = 0.9 * a / a.abs() * torch.rand(shape)
    return (
        a.requires_grad_(),
        torch.randn(shape, dtype=dtype).requires_grad_(),
        torch.randn(shape, dtype=dtype),
    )


def comparisons(rows: Rows, slow: Rows) -> list[Comparison]:
    """What the record keeps of this script."""
    linear, loop = "linear recurrence, ", "a plain PyTorch loop over time"
    add = "adding two arrays of that size, which reads and writes as much"
    both = "forward + backward"
    return [
        compared(rows, f"{linear}forward", Rival.LOOP, ours="forward", other="loop, forward", beside=loop),
        compared(slow, f"{linear}{both}", Rival.LOOP, ours=both, other=f"loop, {both}", beside=loop),
        compared(rows, f"{linear}forward", Rival.FLOOR, ours="forward", other="add", beside=add),
        compared(
            rows,
            f"{linear}forward, complex numbers",
            Rival.FLOOR,
            ours="forward, complex",
            other="add, complex",
            beside=add,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--shape", type=int, nargs=3, default=[4, 4096, 512], metavar=("B", "T", "D"))
    options = parser.parse_args()
    torch.manual_seed(0)
    a, b, grad = inputs(options.shape, torch.float32)
    za, zb, zgrad = inputs(options.shape, torch.complex64)
    same = a[0, 0].detach().requires_grad_()
    out, zout = torch.empty_like(b), torch.empty_like(zb)
    with torch.no_grad():
        out.zero_(), zout.zero_()  # so that the memory is old: its pages are there
    still, zstill = (a.detach(), b.detach()), (za.detach(), zb.detach())

    def plain() -> object:
        with scan.only_plain():
            return scan.linear(*still)

    rows = measure(
        {
            "copy": lambda: out.copy_(still[0]),
            "add": lambda: torch.add(*still, out=out),
            "add, complex": lambda: torch.add(*zstill, out=zout),
            "forward": lambda: scan.linear(*still),
            "forward, same a": lambda: scan.linear(same.detach(), still[1]),
            "forward, complex": lambda: scan.linear(*zstill),
            "forward + backward": lambda: both(a, b, grad, plain=False),
            "forward + backward, same a": lambda: both(same, b, grad, plain=False),
            "forward + backward, complex": lambda: both(za, zb, zgrad, plain=False),
            "loop, forward": plain,
        },
        options.repeats,
    )
    taken = scan.routes() | {"linear": "numba"}
    # the loop's backward is slow: fewer rounds, each beside the kernel's
    slow = measure(
        {
            "forward + backward": lambda: both(a, b, grad, plain=False),
            "loop, forward + backward": lambda: both(a, b, grad, plain=True),
        },
        max(2, options.repeats // 3),
    )
    exact = both(
        a.detach().double().requires_grad_(), b.detach().double().requires_grad_(), grad.double(), False
    )
    errors = {
        "kernel": error(both(a, b, grad, plain=False), exact),
        "loop": error(both(a, b, grad, plain=True), exact),
    }

    size = b.numel() * b.element_size()
    moved = {  # arrays read or written, each of b's size in float32
        "copy": 2,
        "add": 3,
        "add, complex": 6,
        "forward": 3,
        "forward, same a": 2,
        "forward, complex": 6,
        "forward + backward": 8,
        "forward + backward, same a": 5,
        "forward + backward, complex": 16,
        "loop, forward": 3,
    }
    print(f"h_t = a_t h_(t-1) + b_t, (B, T, D) = {tuple(options.shape)}, float32 unless it says complex64")
    print(f"{'':32}{'ms':>9}{'x add':>9}{'GB/s':>9}")
    table = {}
    for name, seconds in rows.items():
        middle = statistics.median(seconds)
        times = ratio(rows, name, "add")
        table[name] = {"ms": middle * 1e3, "times add": times, "GB/s": moved[name] * size / middle / 1e9}
        print(f"{name:32}{middle * 1e3:9.2f}{times:9.2f}{moved[name] * size / middle / 1e9:9.1f}")
    ratios = {
        "forward / add": ratio(rows, "forward", "add"),
        "loop / kernel, forward": ratio(rows, "loop, forward", "forward"),
        "loop / kernel, forward + backward": ratio(slow, "loop, forward + backward", "forward + backward"),
        "complex / real, forward": ratio(rows, "forward, complex", "forward"),
        "complex / real, forward + backward": ratio(
            rows, "forward + backward, complex", "forward + backward"
        ),
    }
    loop = statistics.median(slow["loop, forward + backward"])
    print(f"{'loop, forward + backward':32}{loop * 1e3:9.2f}")
    for name, value in ratios.items():
        print(f"{name:40}{value:9.2f}")
    for name, values in errors.items():
        print(
            f"error of the {name} against float64: h {values[0]:.1e}, da {values[1]:.1e}, db {values[2]:.1e}"
        )
    words = machine() | {"route": taken["linear"]}
    print(", ".join(f"{name} {value}" for name, value in words.items()))
    if options.json:
        figures = {
            "shape": options.shape,
            "rows": table,
            "ratios": ratios,
            "errors": errors,
            "machine": words,
        }
        setting = f"(B, T, D) = {tuple(options.shape)}, float32, and complex64 where it says complex"
        figures |= measured(setting, comparisons(rows, slow))
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
