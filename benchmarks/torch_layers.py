"""Do `lstm` and `gru` cost more than the PyTorch modules they are built on?

    python benchmarks/torch_layers.py [--repeats 30] [--json PATH]

Forward alone at (B 32, T 100, width 128), measured in turn; a time is the median of the rounds, a ratio the
median of the ratios within a round.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from history import Rival, compared, measured
from timing import machine
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.gate.lstm import LSTM

BATCH, TIME, WIDTH = 32, 100, 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.manual_seed(0)
    x = torch.randn(BATCH, TIME, WIDTH)
    pairs: dict[str, tuple[Callable[..., object], Callable[..., object]]] = {
        "lstm": (LSTM(WIDTH), nn.LSTM(WIDTH, WIDTH, batch_first=True)),
        "gru": (GRU(WIDTH), nn.GRU(WIDTH, WIDTH, batch_first=True)),
    }
    print(
        f"forward at {(BATCH, TIME, WIDTH)}, fp32, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}"
    )
    figures: dict[str, object] = {}
    comparisons = []
    for name, pair in pairs.items():
        rounds = []
        for _ in range(3 + given.repeats):  # the first three warm up
            times = []
            for layer in pair:
                begun = time.perf_counter()
                layer(x)
                times.append(time.perf_counter() - begun)
            rounds.append(times)
        ours, theirs = (statistics.median(times) for times in zip(*rounds[3:], strict=True))
        ratio = statistics.median(a / b for a, b in rounds[3:])
        figures[name] = {"ours": ours, "torch": theirs, "ratio": ratio}
        mine, its = zip(*rounds[3:], strict=True)
        module = f"torch.nn.{name.upper()}"
        comparisons.append(
            compared(
                {"ours": mine, "torch": its},
                f"{name} layer, forward",
                Rival.PEER,
                ours="ours",
                other="torch",
                beside=f"{module}, on which it is built",
            )
        )
        print(f"{name:>5}  ours {1e3 * ours:7.2f} ms  torch.nn {1e3 * theirs:7.2f} ms  ratio {ratio:.3f}")
    if given.json:
        figures |= {"machine": machine()}
        figures |= measured(f"(B, T, width) = {(BATCH, TIME, WIDTH)}, float32", comparisons)
        given.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
