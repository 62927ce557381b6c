"""How fast is sparse distributed memory? 10,000 neurons, 1,000 bits, 1,000 patterns, written and read.

    python benchmarks/sparse_distributed.py [--neurons 10000] [--bits 1000] [--patterns 1000] [--json PATH]

Beside it the product that finds the active neurons, which is the least that can be done with dense matrices.
What is read is held to the definition, counted with integers for the first cues: it must agree exactly.
"""

import argparse
import json
import statistics
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from history import Rival, compared, measured
from timing import machine, measure, ratio
from wavetrain.memories.sparse_distributed import SparseDistributed
from wavetrain.parts import balls


def defined(memory: SparseDistributed, pattern: Tensor, cues: int) -> tuple[Tensor, Tensor]:
    """Sums and counts (M, N), (M, 1) that the first cues read, from integer bits and the definition."""
    bits, address = (np.packbits(part.numpy() > 0, axis=-1) for part in (pattern[0], memory.address))
    ones = np.array([byte.bit_count() for byte in range(256)], np.uint8)
    apart = np.stack([ones[address ^ one].sum(-1, dtype=np.int64) for one in bits])
    near = torch.from_numpy(apart <= memory.radius)  # (M, r)
    storage = near.T.double() @ pattern[0].double()
    reading = near[:cues].double()
    return reading @ storage, reading @ near.T.double().sum(-1, keepdim=True)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, default=10_000)
    parser.add_argument("--bits", type=int, default=1000)
    parser.add_argument("--patterns", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    torch.manual_seed(0)
    warnings.simplefilter("ignore", UserWarning)  # it may be past its capacity: speed is asked for here
    radius = balls.clear_radius(options.bits, options.neurons, options.patterns)
    memory = SparseDistributed(options.bits, neurons=options.neurons, radius=radius)
    pattern = torch.randint(2, (1, options.patterns, options.bits)) * 2.0 - 1
    state = memory.write(memory.empty(1), pattern, pattern)
    rows = measure(
        {
            "write": lambda: memory.write(memory.empty(1), pattern, pattern),
            "read": lambda: memory.read(state, pattern),
            "product": lambda: memory.address @ pattern.mT,
        },
        options.repeats,
    )
    total, count = defined(memory, pattern, cues=50)
    read = memory.read(state, pattern[:, :50])[0]
    expected = torch.where(count > 0, total, 0.0).float() / torch.where(count > 0, count, 1.0).float()
    figures: dict[str, float] = {f"{name} s": statistics.median(row) for name, row in rows.items()}
    figures |= {f"{name} / product": ratio(rows, name, "product") for name in ("write", "read")}
    figures["bits right"] = (memory.read(state, pattern).sign() == pattern).double().mean().item()
    figures["largest difference to the definition"] = (read - expected).abs().max().item()
    setting = f"{options.neurons} neurons, {options.bits} bits, {options.patterns} patterns, radius {radius}"
    here = machine()
    print(setting)
    for name, value in (figures | here).items():
        print(f"{name:40}{value if isinstance(value, str | int) else f'{value:.4g}'}")
    if options.json:
        comparisons = [
            compared(
                rows,
                f"{done} of {options.patterns} patterns, sparse distributed memory",
                Rival.FLOOR,
                ours=done,
                other="product",
                beside="the matrix product that finds the active neurons",
            )
            for done in ("write", "read")
        ]
        found = {"figures": figures, "machine": here, **measured(setting, comparisons)}
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
