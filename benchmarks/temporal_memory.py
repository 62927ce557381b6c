"""How many records a second does HTM take in, at the size of the taxi study?

    python benchmarks/temporal_memory.py [--records 17520] [--columns 2048] [--cells 32] [--json PATH]

Encoder, spatial pooler, memory and softmax. The stream is that of New York's taxis, or where the recording is
absent a made-up one of its length: a day's and a week's rhythm with noise. Each record is learned from once.
The memory slows down as it grows, so its first and last thousand records are timed too. Wall-clock and
processor seconds; others may be at work.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from history import Comparison, Rival, measured
from timing import machine
from wavetrain.data.series.nyc_taxi import counts
from wavetrain.errors import BadInput
from wavetrain.memories.temporal_memory import (
    Dendrites,
    SoftmaxClassifier,
    SpatialPooler,
    TemporalMemory,
    clocked,
)

RECORDS = 17_520
BUCKETS = 22
SPAN = 1000  # records at either end


def stream(records: int) -> tuple[str, Tensor]:
    """Passengers, minutes and weekdays (T, 3)."""
    try:
        return "taxi", counts(year=True)[:records]
    except (BadInput, OSError):
        t = torch.arange(records)
        minute, day = t % 48 * 30.0, t // 48 % 7 * 1.0
        level = 15_000 - 9_000 * (2 * torch.pi * (minute - 180) / 1440).cos() + 1_500 * (day > 3)
        noise = 800 * torch.randn(records, generator=torch.Generator().manual_seed(0))
        return "made up", torch.stack([(level + noise).clamp(min=0), minute, day], 1).double()


def timed(call: Callable[[], Any]) -> tuple[Any, list[float]]:
    """What the call gives, and its wall-clock and processor seconds."""
    begun = time.perf_counter(), time.process_time()
    result = call()
    return result, [time.perf_counter() - begun[0], time.process_time() - begun[1]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--columns", type=int, default=2048)
    parser.add_argument("--cells", type=int, default=32)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    name, rows = stream(options.records)
    bits = clocked(rows)
    bucket = (rows[:, 0] / 40_000 * BUCKETS).long().clamp(max=BUCKETS - 1)
    pooler = SpatialPooler(bits.shape[1], options.columns, 40 * options.columns // 2048)
    memory = TemporalMemory(options.columns, options.cells, Dendrites(punish=0.01))
    softmax = SoftmaxClassifier(options.columns * options.cells, BUCKETS)
    few = memory.forward(pooler.forward(bits[:3])[0])[0]  # compiles
    softmax.forward(few.active, bucket[:3])

    parts: dict[str, list[float]] = {}
    (columns, _), parts["pooler"] = timed(lambda: pooler.forward(bits))
    traces, spent, state = [], [], memory.empty()
    for piece in columns.split(SPAN):
        (trace, state), seconds = timed(lambda x=piece, now=state: memory.forward(x, now, reuse=True))
        traces.append(trace)
        spent.append([*seconds, len(piece)])
    parts["memory"] = [sum(row[i] for row in spent) for i in range(2)]
    parts["softmax"] = [0.0, 0.0]
    weight = None
    for trace, answers in zip(traces, bucket.split(SPAN), strict=True):
        (_, weight), seconds = timed(
            lambda active=trace.active, y=answers, w=weight: softmax.forward(active, y, w)
        )
        parts["softmax"] = [a + b for a, b in zip(parts["softmax"], seconds, strict=True)]
    parts["together"] = [sum(row[i] for row in parts.values()) for i in range(2)]

    many = len(rows)
    setting = f"{name} stream, {many} records, {options.columns} columns of {options.cells} cells"
    print(setting)
    print(f"{'':12}{'records/s':>12}{'per CPU s':>12}")
    ends = {"first": spent[0], "last": spent[-1]}
    for part, (wall, cpu) in parts.items():
        print(f"{part:12}{many / wall:12.0f}{many / cpu:12.0f}")
    for end, (wall, cpu, size) in ends.items():
        print(f"{'memory, ' + end:12}{size / wall:9.0f}{size / cpu:12.0f}")
    segments = len(memory.segments(state))
    first, last = (traces[i].anomaly.mean() for i in (0, -1))
    print(f"{segments} segments; anomaly {first:.2f} at first, {last:.2f} at last")
    here = machine()
    print(", ".join(f"{word} {value}" for word, value in here.items()))
    if options.json:
        figures = {"stream": name, "records": many, "seconds": parts, "ends": ends, "segments": segments}
        late, early = (ends[end][1] / ends[end][2] for end in ("last", "first"))  # processor seconds a record
        comparison = Comparison(
            name=f"temporal memory, one record at the end of {many:,}",
            rival=Rival.ITSELF.value,
            beside="one record at the beginning, when it holds little",
            ours=late,
            other=early,
            times=late / early,
            low=late / early,
            high=late / early,
        )
        figures |= {"machine": here, **measured(setting, [comparison])}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
