"""How far from float64 is each layer in half precision and in float32? Written to docs/precision.md.

    python benchmarks/precision.py [--time 2000] [--width 32] [--seed 0] [--page docs/precision.md]

Each layer starts from its seed, its weights are rounded to the type, and it runs over noise of mean 0.5 and
deviation 1. The truth is the same layer with the same rounded weights and inputs in float64. An error is the
norm of the difference over the norm of the truth, over the last tenth of the steps, where what adds up in
time shows most; that of the first 300 steps is given for `step`. For autocast the weights are float32.
"""

import argparse
import copy
import platform
from importlib.metadata import version
from pathlib import Path

import torch
from llvmlite.binding import get_host_cpu_name
from torch import Tensor

from wavetrain import find
from wavetrain.core import Layer
from wavetrain.scan import unroll

TYPES = (torch.bfloat16, torch.float16, torch.float32)
STEPS = 300  # of those that go step by step

HEAD = """# What half precision costs

Written by `{command}`; nothing in this file is typed by hand.

In half precision, and under autocast, a layer computes in float32 and rounds its output once. Mamba, Mamba-2,
softmax and linear attention have their large products in half precision, and states, decays, step sizes and
angles in float32. What a layer may cost is stated in its class (`roundings`, in units of rounding the output
once), and the contract test holds it to that.

The figures are relative errors against the same layer in float64 with the same rounded weights and inputs,
over the last {late} of {time} steps ("step": over the first {steps}, one at a time). Width {width}, seed
{seed}. "Rounded" is what remains when the exact output is rounded to bfloat16; float16 is 8 times finer.

| layer | bound | rounded | bfloat16 | float16 | float32 | bfloat16, step | float16, step | autocast |
|---|---|---|---|---|---|---|---|---|
"""


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", type=int, default=2000)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, default=Path("docs/precision.md"))
    options = parser.parse_args()
    lines = []
    for found in find.members("layers"):
        torch.manual_seed(options.seed)
        layer = found.load()(options.width)
        x = torch.randn(1, options.time, options.width) + 0.5
        figures = row(layer, x)
        lines.append(f"| {found.name} | {layer.roundings:g} | " + " | ".join(f"{one:.1e}" for one in figures))
        print(lines[-1], flush=True)
    head = HEAD.format(
        command=f"python benchmarks/precision.py --time {options.time} --width {options.width} "
        f"--seed {options.seed}",
        late=options.time // 10,
        steps=STEPS,
        **{name: getattr(options, name) for name in ("time", "width", "seed")},
    )
    made = (
        f"\nMade on {get_host_cpu_name()} ({platform.machine()}), {torch.get_num_threads()} thread, with "
        f"Python {platform.python_version()}, torch {torch.__version__} and numba {version('numba')}.\n"
    )
    options.page.write_text(head + "".join(line + " |\n" for line in lines) + made, encoding="utf-8")


def row(layer: Layer, x: Tensor) -> list[float]:
    """The figures of one layer, in the order of the table."""
    late = x.shape[1] // 10
    whole, steps = [], []
    for dtype in TYPES:
        low, given = copy.deepcopy(layer).to(dtype), x.to(dtype)
        exact = copy.deepcopy(low).double()(given.double())[0]
        whole.append(error(low(given)[0][:, -late:], exact[:, -late:]))
        if dtype is not torch.float32:
            stepped, _ = unroll(low.step, given[:, :STEPS], low.begin(len(x)))
            steps.append(error(stepped, exact[:, :STEPS]))
    exact = copy.deepcopy(layer).double()(x.double())[0][:, -late:]
    with torch.autocast("cpu", torch.bfloat16):
        cast = layer(x)[0][:, -late:]
    return [error(exact.bfloat16(), exact), *whole, *steps, error(cast, exact)]


def error(found: Tensor, exact: Tensor) -> float:
    return ((found.double() - exact).norm() / exact.norm()).item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
