"""How long do lenses take on recordings and networks of the usual size?

    python benchmarks/lenses.py [QUESTION ...] [--seconds 600] [--repeats 1] [--json PATH]

waves    generalized phase, and wave patterns with their null on it, of 64 channels at 1 kHz. Beside the phase
         stand the same filter and scipy's Hilbert transform over the whole array, which mend nothing.

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
from scipy import signal

from history import Comparison, Rival, compared, measured
from timing import Rows, machine
from wavetrain.lenses.space.generalized_phase import generalized_phase
from wavetrain.lenses.space.wave_patterns import wave_patterns

CHANNELS, RATE, BAND = 64, 1000.0, (5.0, 40.0)


class Answer(NamedTuple):
    """What one question measured."""

    setting: str
    figures: dict[str, float]
    comparisons: list[Comparison]


def timed(calls: dict[str, Callable[[], object]], repeats: int) -> Rows:
    """Each call once a round, as they take seconds; what it gives is dropped before the next."""
    rows: Rows = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            begun = time.perf_counter()
            call()
            rows[name].append(time.perf_counter() - begun)
    return rows


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

    rows = timed({"phase": phase, "patterns": patterns, "plain": plain, "both": both}, options.repeats)
    name = "generalized phase of a recording"
    beside = "scipy's filter and Hilbert transform over the whole array"
    setting = (
        f"{CHANNELS} channels, {options.seconds:g} s at {RATE:g} Hz, {BAND[0]:g} to {BAND[1]:g} Hz, float64"
    )
    figures = {f"{part} s": statistics.median(times) for part, times in rows.items()}
    figures["largest memory GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return Answer(
        setting, figures, [compared(rows, name, Rival.PEER, ours="phase", other="plain", beside=beside)]
    )


QUESTIONS = {"waves": waves}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=f"of {', '.join(QUESTIONS)}")
    parser.add_argument("--seconds", type=float, default=600.0, help="of the recording")
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
            print(f"{name:28}{value:.4g}")
    print("\n".join(f"{name:28}{value}" for name, value in here.items()))
    if options.json:
        found = measured(
            "; ".join(answer.setting for answer in answers),
            [one for answer in answers for one in answer.comparisons],
        )
        figures = {name: value for answer in answers for name, value in answer.figures.items()}
        options.json.write_text(json.dumps({"figures": figures, "machine": here, **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
