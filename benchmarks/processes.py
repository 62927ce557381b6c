"""How much faster do several processes learn than one? Trainings as the lab has them, one thread a process.

    python benchmarks/processes.py [--world 2] [--rounds 7] [--steps 4] [--json PATH]

In each round the first process takes some steps alone while the others sleep, and then all take as many steps
together, with the same batch shared out. Two times are told of each step. The time on the clock is what
counts, on a machine with a free core for each process. The time on processors is that of the process that
worked longest, and tells what a busy machine would have taken were it idle, but for waiting: it counts no
moment in which another program had the core, and none in which a process waits for another.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from history import Rival, compared, measured
from timing import machine
from wavetrain.core import TOKENS, Batch, Generated, Task
from wavetrain.layers import GRU, Mamba, WaveRNN
from wavetrain.networks.language_model import LanguageModel, Predictor
from wavetrain.parts.reader import Reader
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.tasks import Adding
from wavetrain.train.fit import fit
from wavetrain.train.ranks import ALONE, Ranks, here

ALL, ONE = "together", "alone"


@dataclass(frozen=True)
class Bytes(Generated):
    """The next of random bytes."""

    steps: int = 256
    inputs, outputs, tokens, every_step, objective, chance = 256, 256, True, True, TOKENS, 5.5

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x = torch.randint(256, (batch, self.steps + 1), generator=generator)
        return Batch(x[:, :-1], x[:, 1:])


@dataclass(frozen=True)
class Training:
    """What is learned, and by what."""

    task: Task
    batch: int
    make: Callable[[], nn.Module]


TRAININGS = {
    "wave RNN, 27 rings of 100, adding of 200 steps, batch 128": Training(
        Adding(200), 128, lambda: Reader(WaveRNN(2700, inputs=2, channels=27), 1, every_step=False)
    ),
    "language model, 2 Mamba of 128, 256 bytes, batch 16": Training(
        Bytes(), 16, lambda: Predictor(LanguageModel([Mamba(128), Mamba(128)], vocabulary=256))
    ),
    "2 GRU of 32 as compare has them, adding of 100 steps, batch 32": Training(
        Adding(100), 32, lambda: Answer(Stack([GRU(32), GRU(32)], 2, 1, MLP.PLAIN), every_step=False)
    ),
}


def steps(training: Training, network: nn.Module, ours: Ranks, count: int) -> tuple[float, float]:
    """Seconds of a step on the clock and on processors, the mean of so many."""
    optimiser, generator = torch.optim.Adam(network.parameters(), 1e-3), torch.Generator().manual_seed(0)
    loop = fit(
        network,
        training.task,
        Backpropagation(),
        optimiser,
        generator,
        training.batch,
        range(count + 1),
        1.0,
        ours,
    )
    next(loop)
    clock, processor = time.perf_counter(), time.process_time()
    for _ in loop:
        pass
    return (time.perf_counter() - clock) / count, (time.process_time() - processor) / count


def rank(given: argparse.Namespace) -> None:
    """What each process does."""
    torch.set_num_threads(1)
    ours, comparisons, found = here(), [], {}
    load = os.getloadavg()[0]
    for name, training in TRAININGS.items():
        torch.manual_seed(0)
        network = training.make()
        clock: dict[str, list[float]] = {ALL: [], ONE: []}
        processor: dict[str, list[float]] = {ALL: [], ONE: []}
        for _ in range(given.rounds + 1):
            one = ours.once(partial(steps, training, network, ALONE, given.steps))
            theirs = ours.each(steps(training, network, ours, given.steps))
            for how, times in ((ONE, [one]), (ALL, theirs)):
                clock[how].append(max(each for each, _ in times))
                processor[how].append(max(each for _, each in times))
        for times in (clock, processor):
            for how in times:
                del times[how][0]  # it compiles and warms up
        if not ours.first:
            continue
        found[name] = {"clock": clock, "processor": processor}
        print(name)
        for what, times in (("on the clock", clock), ("on processors", processor)):
            alone, both = (1e3 * statistics.median(times[how]) for how in (ONE, ALL))
            gain = statistics.median(a / b for a, b in zip(times[ONE], times[ALL], strict=True))
            print(f"  {what:>13}: {alone:7.1f} ms alone, {both:7.1f} ms together, {gain:.2f} times as fast")
        told = f"one process alone, where {ours.world} learn together"
        comparisons.append(compared(clock, name, Rival.ITSELF, ours=ALL, other=ONE, beside=told))
    if ours.first:
        print(f"{ours.world} processes, one thread each; {os.cpu_count()} cores, load before {load:.1f}")
        if given.json:
            setting = f"{ours.world} processes, one thread each, float32, Adam, clipped"
            written = {"seconds": found, "machine": machine(), **measured(setting, comparisons)}
            given.json.write_text(json.dumps(written, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if "RANK" in os.environ:
        rank(given)
        return
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    told = {"WORLD_SIZE": str(given.world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    ranks = [
        subprocess.Popen([sys.executable, *sys.argv], env=os.environ | told | {"RANK": str(one)})
        for one in range(given.world)
    ]
    sys.exit(max(one.wait() for one in ranks))


if __name__ == "__main__":
    main()
