"""How long do lenses take on recordings and networks of the usual size?

    python benchmarks/lenses.py [QUESTION ...] [--seconds 600] [--systems 100] [--repeats 1] [--json PATH]

waves         generalized phase, and wave patterns with their null on it, of 64 channels at 1 kHz. Beside
              the phase stand the same filter and scipy's Hilbert transform, which mend nothing
fixed_points  of a GRU of 256 units from 1,024 starts. Beside it stands a plain search: Adam on the speed
              of all starts at once, for 1,000 steps
lyapunov      all exponents of a tanh network of 100 units over 10,000 steps. Beside it stands the plain
              loop in numpy, with the Jacobian written by hand
dsa           systems of 1,000 steps and 64 units, each with each

A time is given twice: as it passed, and as the processor spent it, which does not count what others do.
A question is a function that takes the options and returns what it measured; a new one goes into QUESTIONS.
"""

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy import signal

from history import Comparison, Rival, compared, measured
from timing import Rows, machine
from wavetrain.layers import GRU
from wavetrain.lenses.dynamics.fixed_points import fixed_points
from wavetrain.lenses.dynamics.lyapunov import lyapunov
from wavetrain.lenses.population.dsa import dsa
from wavetrain.lenses.space.generalized_phase import generalized_phase
from wavetrain.lenses.space.wave_patterns import wave_patterns

CHANNELS, RATE, BAND = 64, 1000.0, (5.0, 40.0)


class Answer(NamedTuple):
    """What one question measured."""

    setting: str
    figures: dict[str, float]
    comparisons: list[Comparison]


class Times(NamedTuple):
    """Of each call, round after round."""

    passed: Rows  # seconds on the clock
    spent: Rows  # seconds of all processors

    @property
    def figures(self) -> dict[str, float]:
        """Medians over rounds."""
        return {f"{name} s": statistics.median(times) for name, times in self.passed.items()} | {
            f"{name} processor s": statistics.median(times) for name, times in self.spent.items()
        }


def timed(calls: dict[str, Callable[[], object]], repeats: int) -> Times:
    """Each call once a round, as they take seconds; what it gives is dropped before the next."""
    passed: Rows = {name: [] for name in calls}
    spent: Rows = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            begun, worked = time.perf_counter(), time.process_time()
            call()
            passed[name].append(time.perf_counter() - begun)
            spent[name].append(time.process_time() - worked)
    return Times(passed, spent)


def waves(options: argparse.Namespace) -> Answer:
    """A plane wave in noise on a grid of eight by eight, 0.4 mm apart."""
    place = 0.4 * np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
    dice = np.random.default_rng(0)
    steps = int(options.seconds * RATE)
    rhythm = 2 * np.pi * 15 * np.arange(steps) / RATE + 0.1 * dice.standard_normal(steps).cumsum()
    recording = np.sin(rhythm[:, None] - 2 * np.pi * place[:, 0] / 10)
    recording += dice.standard_normal((steps, CHANNELS))
    kept: dict[str, np.ndarray] = {}

    def phase() -> None:
        kept["phase"] = generalized_phase(recording, RATE, BAND).phase

    def patterns() -> None:
        wave_patterns(np.exp(1j * kept["phase"]), RATE, place, BAND)

    def plain() -> object:
        sections = signal.butter(3, BAND, "bandpass", fs=RATE, output="sos")
        return np.angle(signal.hilbert(signal.sosfiltfilt(sections, recording, axis=0), axis=0))

    def both() -> None:
        phase()
        patterns()

    times = timed({"phase": phase, "patterns": patterns, "plain": plain, "both": both}, options.repeats)
    name = "generalized phase of a recording"
    beside = "scipy's filter and Hilbert transform over the whole array"
    setting = (
        f"{CHANNELS} channels, {options.seconds:g} s at {RATE:g} Hz, {BAND[0]:g} to {BAND[1]:g} Hz, float64"
    )
    figures = times.figures
    figures["largest memory GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    found = compared(times.passed, name, Rival.PEER, ours="phase", other="plain", beside=beside)
    return Answer(setting, figures, [found])


def fixed(options: argparse.Namespace) -> Answer:
    """A GRU as it begins, with recurrent weights three times as large, so that it has points to find."""
    torch.manual_seed(0)
    layer = GRU(256, inputs=4)
    with torch.no_grad():
        for weight in layer.parameters():
            if weight.ndim == 2 and weight.shape[1] == 256:
                weight.mul_(3.0)
    starts = 0.5 * torch.randn(1024, 256)
    left: dict[str, float] = {}

    def ours() -> None:
        found = fixed_points(layer, starts)
        left["points"] = len(found.point)
        left["starts that ended at one"] = float(found.starts.sum())

    def plain() -> None:
        state = starts.clone().requires_grad_()
        optimiser = torch.optim.Adam([state], 0.01)
        x = torch.zeros(len(starts), 4)
        for _ in range(1000):
            gap = layer.step(x, state)[1] - state
            optimiser.zero_grad()
            gap.square().sum().backward()
            optimiser.step()
        left["speed that a plain search leaves, median"] = float(gap.detach().norm(dim=1).median())

    times = timed({"fixed points": ours, "plain search": plain}, options.repeats)
    beside = "Adam on all starts at once for 1,000 steps, in float32"
    found = compared(
        times.passed,
        "fixed points of a GRU",
        Rival.LOOP,
        ours="fixed points",
        other="plain search",
        beside=beside,
    )
    return Answer("GRU of 256 units, 1,024 starts, float64", times.figures | left, [found])


def exponents(options: argparse.Namespace) -> Answer:
    """h' = tanh(W h) with weights of deviation 1.5 / sqrt(100), which is chaotic."""
    units, steps, warm = 100, 10_000, 200
    weight = 1.5 * np.random.default_rng(0).standard_normal((units, units)) / np.sqrt(units)
    recur, first = torch.from_numpy(weight), np.random.default_rng(1).standard_normal((1, units))
    left: dict[str, float] = {}

    def ours() -> None:
        found = lyapunov(lambda h: torch.tanh(h @ recur.T), first, steps=steps, warm=warm)
        left["largest exponent"] = float(found.exponents[0])

    def plain() -> None:
        state, frame, total = first[0], np.eye(units), np.zeros(units)
        for step in range(warm + steps):
            state = np.tanh(weight @ state)
            frame, upper = np.linalg.qr((1 - state**2)[:, None] * (weight @ frame))
            total += np.log(np.abs(np.diag(upper))) * (step >= warm)
        left["largest exponent of the loop"] = float(total.max() / steps)

    times = timed({"exponents": ours, "numpy loop": plain}, options.repeats)
    beside = "the loop in numpy, its Jacobian written by hand"
    found = compared(
        times.passed, "Lyapunov exponents", Rival.LOOP, ours="exponents", other="numpy loop", beside=beside
    )
    setting = f"tanh network of {units} units, {steps:,} steps, all exponents, float64"
    return Answer(setting, times.figures | left, [found])


def alike(options: argparse.Namespace) -> Answer:
    """Linear systems of six dimensions in noise, seen through 64 units."""
    dice = np.random.default_rng(0)
    seen = []
    for _ in range(options.systems):
        turn = np.linalg.qr(dice.standard_normal((6, 6)))[0] * 0.95
        state, states = dice.standard_normal(6), []
        for _ in range(1000):
            state = turn @ state + 0.3 * dice.standard_normal(6)
            states.append(state)
        seen.append(np.array(states) @ dice.standard_normal((6, 64)) + 0.1 * dice.standard_normal((1000, 64)))
    times = timed({"dsa": lambda: dsa(seen)}, options.repeats)
    return Answer(f"{options.systems} systems of 1,000 steps and 64 units", times.figures, [])


QUESTIONS = {"waves": waves, "fixed_points": fixed, "lyapunov": exponents, "dsa": alike}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=f"of {', '.join(QUESTIONS)}")
    parser.add_argument("--seconds", type=float, default=600.0, help="of the recording")
    parser.add_argument("--systems", type=int, default=100, help="that DSA compares")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    if unknown := sorted(set(options.questions) - set(QUESTIONS)):
        parser.error(f"there is no question {unknown[0]!r}; there are {', '.join(QUESTIONS)}")
    answers = [QUESTIONS[name](options) for name in options.questions or QUESTIONS]
    here = machine()
    for answer in answers:
        print(answer.setting)
        for name, value in answer.figures.items():
            print(f"{name:44}{value:.4g}")
    print("\n".join(f"{name:44}{value}" for name, value in here.items()))
    if options.json:
        found = measured(
            "; ".join(answer.setting for answer in answers),
            [one for answer in answers for one in answer.comparisons],
        )
        figures = {name: value for answer in answers for name, value in answer.figures.items()}
        options.json.write_text(json.dumps({"figures": figures, "machine": here, **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
