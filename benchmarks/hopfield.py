"""How much does retrieval cost beside its matrix products? Dense Hopfield network, 100,000 patterns of 512.

    python benchmarks/hopfield.py [--patterns 100000] [--size 512] [--cues 128] [--repeats 5] [--json PATH]

One update of all cues: overlaps with every pattern, a softmax over them, and the sum of patterns with those
weights. The two products alone are measured in turn with it; the ratio is the median over rounds.
"""

import argparse
import json
import statistics
from pathlib import Path

import torch

from history import Rival, compared, measured
from timing import machine, measure, ratio
from wavetrain.memories.dense_hopfield import DenseHopfield


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patterns", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--cues", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    torch.manual_seed(0)
    memory = DenseHopfield(options.size)
    pattern = torch.randn(1, options.patterns, options.size)
    cue = pattern[:, : options.cues] + 0.3 * torch.randn(1, options.cues, options.size)
    state = memory.write(memory.empty(1), pattern, pattern)

    def products() -> object:
        return (cue @ pattern.mT) @ pattern

    rows = measure({"retrieval": lambda: memory.read(state, cue), "products": products}, options.repeats)
    exact = memory.double().read(tuple(part.double() for part in state[:2]) + state[2:], cue.double())
    wrong = ((memory.float().read(state, cue) - exact).norm() / exact.norm()).item()
    nearest = (exact @ pattern.double().mT).argmax(-1)[0]
    figures = {
        "retrieval s": statistics.median(rows["retrieval"]),
        "products s": statistics.median(rows["products"]),
        "ratio": ratio(rows, "retrieval", "products"),
        "error against float64": wrong,
        "nearest to its own pattern": (nearest == torch.arange(options.cues)).double().mean().item(),
    }
    setting = f"{options.patterns} patterns of {options.size}, {options.cues} cues, float32"
    here = machine()
    print(setting)
    for name, value in (figures | here).items():
        print(f"{name:28}{value if isinstance(value, str | int) else f'{value:.4g}'}")
    if options.json:
        comparison = compared(
            rows,
            "one update of a dense Hopfield network",
            Rival.FLOOR,
            ours="retrieval",
            other="products",
            beside="its two matrix products alone",
        )
        found = {"figures": figures, "machine": here, **measured(setting, [comparison])}
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
