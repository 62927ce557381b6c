"""What has to end in time: reading a large table, and the start of `wavetrain predict`.

Each is done in a process of its own, several times. Reading is `read` alone; memory is the most that the
process held, its libraries included. The start is the whole command, from the call to its end. Times are by
the clock and of the processor; on a busy machine the first are longer.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from beside.scores import Limit
from wavetrain.estimators import Forecaster

ROWS, COLUMNS, TIMES = 1_000_000, 5, 5
START = "wavetrain predict of a kept model"
READ = """
import resource, sys, time
from wavetrain.tables.read import read
begun, busy = time.perf_counter(), time.process_time()
found = read(sys.argv[1])
spent, busy = time.perf_counter() - begun, time.process_time() - busy
assert len(found.series[0]) == int(sys.argv[2]) and len(found.columns) == int(sys.argv[3])
print(spent, busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def measured(date: str) -> Iterator[Limit]:
    """All limits, one after another."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        table = folder / "large.csv"
        _large(table)
        runs = [
            _output(sys.executable, "-c", READ, str(table), str(ROWS), str(COLUMNS)) for _ in range(TIMES)
        ]
        seconds, busy, memory = zip(*(map(float, run.split()) for run in runs), strict=True)
        size = f"reading {ROWS:,} rows of {COLUMNS} columns from a CSV"
        yield _limit(f"{size}, by the clock", seconds, "s", 3.0, date)
        yield _limit(f"{size}, of the processor", busy, "s", 3.0, date)
        yield _limit(f"{size}, memory", memory, "GiB", 1.0, date)
        model = folder / "model"
        Forecaster("gru", horizon=24, steps=5).fit(np.sin(np.arange(500.0))).save(model)
        command = (sys.executable, "-m", "wavetrain.cli", "predict", str(model))
        torch = (sys.executable, "-c", "import torch")  # what no start can be quicker than
        _started(*command)  # compiles Python's files
        starts, least = zip(*((_started(*command), _started(*torch)) for _ in range(TIMES)), strict=True)
        for place, clock in enumerate(("by the clock", "of the processor")):
            yield _limit(f"{START}, {clock}", [one[place] for one in starts], "s", 2.0, date)
            yield _limit(f"importing torch alone, {clock}", [one[place] for one in least], "s", None, date)


def _started(*command: str) -> tuple[float, float]:
    """Seconds of one command, by the clock and of the processor."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    _output(*command)
    spent, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _large(path: Path) -> None:
    drawn = np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).round(4)
    frame = pd.DataFrame(drawn, columns=[f"sensor {place}" for place in range(COLUMNS)])
    frame.insert(0, "time", pd.date_range("2020-01-01", periods=ROWS, freq="min"))
    frame.to_csv(path, index=False)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _limit(what: str, runs: Sequence[float], unit: str, most: float | None, date: str) -> Limit:
    return Limit(
        what=what,
        runs=tuple(round(one, 3) for one in runs),
        unit=unit,
        most=most,
        date=date,
        load=round(os.getloadavg()[0], 1),
    )
