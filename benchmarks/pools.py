"""What does Ray add to a run? Many tiny runs on two workers, beside the pool of processes.

    python benchmarks/pools.py [--runs 60] [--jobs 2] [--rounds 3]

A run trains a small network for twenty steps, with its folder, its checkpoint and its news. Both pools do the
same runs in turn, in fresh folders; workers of both are started before the clock is, and the time that they
take to start is told apart. Ray is in the extra `cluster`.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.reader import Reader
from wavetrain.run.pools import Pool, Processes
from wavetrain.run.pools.ray_cluster import connected
from wavetrain.tasks.recall.adding import Adding
from wavetrain.train.lab import Lab, Plan

PLAN = Plan(steps=20, batch=4, rate=0.01, every=5)


def make() -> Reader:
    return Reader(Elman(6, inputs=2), 1, every_step=False)


def run(folder: Path, tell: Any) -> tuple[float, float]:
    """When it began and ended, on the clock of the machine."""
    begun = time.time()
    Lab(folder, 0, tell=tell).fit("a", make, Adding(5), PLAN)
    return begun, time.time()


def seconds(pool: Pool, runs: int, jobs: int) -> tuple[float, float]:
    """Of a run beside its own work, once all workers are there; and until they are."""
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / str(at) for at in range(runs)]
        asked = time.time()
        times = sorted(when for _, when in pool.each(run, folders, lambda news: None))
        whole = time.time() - times[jobs - 1][0]  # when all workers were there
        own = sum(end - begin for begin, end in times[jobs - 1 :]) / jobs
    return jobs * (whole - own) / (runs - jobs + 1), times[jobs - 1][0] - asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        begun = time.time()
        with connected(options.jobs, "cpu", Path(out), print) as ray:
            print(f"a Ray of its own is there after {time.time() - begun:.1f} s")
            pools: dict[str, Pool] = {"processes": Processes(options.jobs), "ray": ray}
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in pools}
            for _ in range(options.rounds):
                for name, pool in pools.items():
                    found[name].append(seconds(pool, options.runs, options.jobs))
    for name, each in found.items():
        beside, start = (statistics.median(one) for one in zip(*each, strict=True))
        print(
            f"{name:10} {1e3 * beside:7.1f} ms a run beside its own work; workers there after {start:.1f} s"
        )
    added = statistics.median(
        ray[0] - own[0] for own, ray in zip(found["processes"], found["ray"], strict=True)
    )
    print(f"ray adds   {1e3 * added:7.1f} ms a run")


if __name__ == "__main__":
    main()
