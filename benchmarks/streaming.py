"""Does a stream cost the same at its end as at its beginning? Time per step and bytes of state, t to 100,000.

    python benchmarks/streaming.py [NAME ...] [--steps 100000] [--width 32] [--budget 60] [--json PATH]

Every layer that is found walks one stream, one token at a time, batch 1, without gradients. In the last
thousand steps a second stream begins, and the two step in turn, so that other work on the machine falls on
both alike: the table gives the median step of each and the ratio, late over early, and the bytes of state at
the end of either. A layer that would need more than the budget, in seconds of the processor, stops early: `t`
says where.
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from history import Comparison, Rival, measured
from timing import machine
from wavetrain import find
from wavetrain.core import Layer, State, leaves

WINDOW = 1000  # steps that are timed at either end


class Row(NamedTuple):
    """What one layer showed."""

    t: int  # steps of the long stream
    early: float  # microseconds a step, median of the first thousand
    late: float  # and of the last
    ratio: float  # late over early, the median over turns
    low: float  # and the range of that of each tenth of the turns
    high: float
    early_bytes: int  # of state
    late_bytes: int


class Stream:
    """A layer, its state, and inputs that come round again."""

    def __init__(self, layer: Layer, x: Sequence[Tensor]):
        self.layer, self.x, self.t = layer, x, 0
        self.state: State = layer.begin(1)

    def step(self) -> float:
        """One token; returns its seconds."""
        now = self.x[self.t % len(self.x)]
        begun = time.perf_counter()
        _, self.state = self.layer.step(now, self.state)
        spent = time.perf_counter() - begun
        self.t += 1
        return spent

    @property
    def size(self) -> int:
        return sum(leaf.numel() * leaf.element_size() for leaf in leaves(self.state))


def walk(layer: Layer, steps: int, budget: float) -> Row:
    """The long stream up to its last thousand steps, then two in turn."""
    x = torch.randn(WINDOW, 1, layer.inputs).unbind(0)
    warm, long = Stream(layer, x), Stream(layer, x)
    for _ in range(100):
        warm.step()
    end = time.process_time() + budget
    while long.t < steps - WINDOW and time.process_time() < end:
        long.step()
    short = Stream(layer, x)
    turns = [(short.step(), long.step()) for _ in range(WINDOW)]
    early, late = zip(*turns, strict=True)
    tenth = WINDOW // 10
    parts = [turns[start : start + tenth] for start in range(0, WINDOW, tenth)]
    ratios = [statistics.median(b / a for a, b in part) for part in parts]
    return Row(
        long.t,
        1e6 * statistics.median(early),
        1e6 * statistics.median(late),
        statistics.median(b / a for a, b in turns),
        min(ratios),
        max(ratios),
        short.size,
        long.size,
    )


def comparison(name: str, row: Row) -> Comparison:
    """What the record keeps of a layer."""
    return Comparison(
        name=f"{name}, one step at the end of a stream",
        rival=Rival.ITSELF.value,
        beside="one step at the beginning of a stream",
        ours=row.late / 1e6,
        other=row.early / 1e6,
        times=row.ratio,
        low=row.low,
        high=row.high,
    )


def layers(names: Sequence[str]) -> dict[str, type[Layer]]:
    """Those named, or all that are found."""
    members = [found for found in find.everything() if found.kind in find.SYSTEMS]
    wanted = [found for found in members if not names or found.name in names]
    loaded = {found.name: found.load() for found in wanted}
    return {name: kind for name, kind in loaded.items() if isinstance(kind, type) and issubclass(kind, Layer)}


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="layers; all where none is named")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--budget", type=float, default=60.0, help="processor seconds of walking for a layer")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    torch.manual_seed(0)
    setting = (
        f"batch 1, width {options.width}, float32, no gradients, at most {options.budget:g} CPU s a layer"
    )
    print(setting)
    print(f"{'':26}{'t':>8}{'us early':>10}{'us late':>10}{'ratio':>8}{'bytes early':>13}{'bytes late':>12}")
    table, comparisons = {}, []
    for name, kind in layers(options.names).items():
        row = walk(kind(options.width), options.steps, options.budget)
        table[name] = row._asdict()
        comparisons.append(comparison(name, row))
        print(
            f"{name:26}{row.t:8}{row.early:10.1f}{row.late:10.1f}{row.ratio:8.2f}"
            f"{row.early_bytes:13}{row.late_bytes:12}",
            flush=True,
        )
    here = machine()
    print(", ".join(f"{name} {value}" for name, value in here.items()))
    if options.json:
        setting += "; steps before the end: " + ", ".join(
            f"{name} {row['t']:,}" for name, row in table.items()
        )
        figures = {"rows": table, "machine": here, **measured(setting, comparisons)}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
