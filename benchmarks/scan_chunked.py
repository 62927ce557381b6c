"""How fast is the recurrence of matrix states? Beside its matrix products alone, and a loop of PyTorch.

    python benchmarks/scan_chunked.py [--json PATH] [--repeats 5] [--steps 4096] [--heads 16] [--keys 64]

The floor is one chunk after another without decays: the products of queries with keys, of these with values,
of keys with values and of queries with states, in the shapes in which they are needed, into memory that is
there already. All rows of a table are measured in turn, round after round; a time is the median over the
rounds, a ratio the median of the ratios within a round. A run whose error against float64 is above 1e-4 of
the largest stops and gives no figures.
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
from wavetrain.scan.chunked import SIZE

WORST = 1e-4
WAYS = ("forward", "forward + backward")
LOOP, FLOOR = "loop, forward", "products alone, forward"


def learned(inputs: list[Tensor], grad: Tensor) -> tuple[Tensor, ...]:
    """Forward and backward."""
    y, _ = scan.chunked(*inputs)
    return y.detach(), *torch.autograd.grad(y, inputs, grad)


def products(q: Tensor, k: Tensor, v: Tensor) -> list[Tensor]:
    """What `floor` needs of q, k and v (B, T, H, K): chunks apart, and old memory for each product."""
    q, k, v = (x.unflatten(1, (-1, SIZE)).transpose(2, 3).flatten(0, 2).contiguous() for x in (q, k, v))
    weight, state, y = torch.bmm(q, k.mT), torch.bmm(k.mT, v), torch.empty_like(v)
    return [q, k, v, weight, state, y]


def floor(q: Tensor, k: Tensor, v: Tensor, weight: Tensor, state: Tensor, y: Tensor) -> None:
    torch.bmm(q, k.mT, out=weight)
    torch.bmm(k.mT, v, out=state)
    torch.bmm(weight, v, out=y)
    y.baddbmm_(q, state)


def table(
    vector: bool, shape: tuple[int, int, int], repeats: int
) -> tuple[dict[str, object], list[Comparison]]:
    """With one decay for a head, or one for each key."""
    steps, heads, keys = shape
    torch.manual_seed(0)
    q, k, v, grad = torch.randn(4, 1, steps, heads, keys) / keys**0.25
    rate = -0.1 * torch.rand(1, steps, heads, keys if vector else 1)
    still = [q, k, v, rate]
    inputs = [x.detach().requires_grad_() for x in still]

    def loop() -> Tensor:
        with torch.no_grad(), scan.only_plain():
            return scan.chunked(*still)[0]

    few = [x[:, : 4 * SIZE + 3].double().requires_grad_() for x in still]
    part = grad[:, : 4 * SIZE + 3]
    with scan.only_plain():
        exact = learned(few, part.double())
    wrong = error(learned([x.detach().float().requires_grad_() for x in few], part), exact)
    if max(wrong) > WORST:
        raise SystemExit(f"the error against float64 is {max(wrong):.1e}, above {WORST}")
    alone = products(q, k, v)
    rows: Rows = measure(
        {
            WAYS[0]: lambda: scan.chunked(*still),
            WAYS[1]: lambda: learned(inputs, grad),
            FLOOR: lambda: floor(*alone),
            LOOP: loop,
        },
        repeats,
    )
    three = f"{FLOOR} + backward"
    rows[three] = [3 * seconds for seconds in rows[FLOOR]]  # each product has two in its gradient
    work = 2 * heads * steps * keys * (2 * SIZE + 2 * keys) / 1e9
    kind = "a decay for each key" if vector else "one decay"
    print(
        f"matrix states, {kind}, (T, H, K) = {shape}, float32; errors " + ", ".join(f"{x:.1e}" for x in wrong)
    )
    for name, seconds in rows.items():
        times = 3 if "backward" in name else 1
        middle = statistics.median(seconds)
        print(f"{name:36}{1e3 * middle:9.1f} ms{times * work / middle:9.1f} GFLOP/s")
    ratios = {"forward / floor": ratio(rows, WAYS[0], FLOOR), "both / floor": ratio(rows, WAYS[1], three)}
    ratios["loop / forward"] = ratio(rows, LOOP, WAYS[0])
    print(", ".join(f"{name} {value:.2f}" for name, value in ratios.items()))
    what = f"matrix states, {kind}, "
    beside = "the matrix products alone"
    comparisons = [
        compared(rows, what + WAYS[0], Rival.FLOOR, ours=WAYS[0], other=FLOOR, beside=beside),
        compared(
            rows, what + WAYS[1], Rival.FLOOR, ours=WAYS[1], other=three, beside=f"three times {beside}"
        ),
        compared(rows, what + WAYS[0], Rival.LOOP, ours=WAYS[0], other=LOOP, beside="a plain PyTorch loop"),
    ]
    middles = {name: 1e3 * statistics.median(seconds) for name, seconds in rows.items()}
    return {"kind": kind, "ms": middles, "ratios": ratios, "errors": wrong}, comparisons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4096)
    parser.add_argument("--heads", type=int, default=16)
    parser.add_argument("--keys", type=int, default=64)
    options = parser.parse_args()
    if options.steps % SIZE:
        parser.error(f"--steps must be a multiple of {SIZE}, got {options.steps}")
    shape = options.steps, options.heads, options.keys
    tables = [table(vector, shape, options.repeats) for vector in (False, True)]
    words = machine(2 * options.repeats)
    print(", ".join(f"{name} {value}" for name, value in words.items()))
    if options.json:
        figures = {"tables": [one for one, _ in tables], "machine": words}
        comparisons = [one for _, more in tables for one in more]
        figures |= measured(f"(T, H, K) = {shape}, float32, one sequence", comparisons)
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
