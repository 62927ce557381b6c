"""Wavetrain's estimators at their defaults, and simple baselines: a process beside the one of the others.

    python -m beside.ours FOLDER SECONDS NAME ...

It writes FOLDER/NAME--CONTESTANT.npz as `peers.py` does. The estimators train for 300 steps by default, or
for as many as fit into the processor time: what a step costs is measured before. Kernels are compiled before.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from beside.questions import Sequences, Table, named
from wavetrain.estimators import Forecaster, SequenceClassifier
from wavetrain.tables.baselines import Baseline, LastValue, SeasonalNaive
from wavetrain.tables.class_baselines import ClassBaseline, Majority, RandomKernels
from wavetrain.tables.panel import panel
from wavetrain.tables.ridge import Ridge

LAYERS = ("gru", "wave_rnn", "temporal_convolution")  # the first is the default
STEPS = 300  # of both estimators by default
FEW, MORE = 2, 6  # steps of short trainings that tell what a step costs


class Found(NamedTuple):
    """Answers, and what they took."""

    answer: np.ndarray
    seconds: float  # of the processor, to train
    training: str  # in words
    cut: bool  # whether the time was over first
    error: float = np.nan  # on the part to choose by


def timed(work: Callable[[], object]) -> float:
    """Seconds of the processor."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def forecast(table: Table, layer: str, seconds: float) -> Found:
    """A `Forecaster` on a table."""
    model = Forecaster(layer, horizon=table.horizon)
    fixed = timed(lambda: model.set_params(steps=0).fit(table.past))
    speeds = []
    spent = timed(lambda: speeds.append(model.speed()))
    speed = speeds[0]
    share = min(1.0, spent / (6 * speed.step + speed.look))  # of the time by the clock, six steps and a look
    fits = [steps for steps in range(1, STEPS + 1) if fixed + share * speed.course(steps) <= seconds]
    steps = fits[-1] if fits else 1
    begun = time.process_time()
    model.set_params(steps=steps).fit(table.past)
    spent = time.process_time() - begun
    answer = model.rolling(table.split.test, *table.windows())
    return Found(answer, spent, _told(steps), steps < STEPS, min(error for _, error in model.history_))


def classify(asked: Sequences, layer: str, seconds: float) -> Found:
    """A `SequenceClassifier` on sequences."""
    learn, test = _cut(asked.train), _cut(asked.test)
    model = SequenceClassifier(layer)
    few, more = (
        timed(lambda steps=steps: model.set_params(steps=steps).fit(learn, asked.train_label))
        for steps in (FEW, MORE)
    )
    each = max((more - few) / (MORE - FEW), 1e-6)
    steps = max(1, min(STEPS, FEW + int((seconds - few) / each)))
    begun = time.process_time()
    model.set_params(steps=steps).fit(learn, asked.train_label)
    spent = time.process_time() - begun
    error = min((error for _, error in model.history_), default=np.nan)
    return Found(model.predict(test), spent, _told(steps), steps < STEPS, error)


def simple_forecast(table: Table, kind: type[Baseline]) -> Found:
    """A baseline on a table."""
    begun = time.process_time()
    model = kind.fit(table.past, horizon=table.horizon, season=table.season)
    spent = time.process_time() - begun
    return Found(model.rolling(table.split.test, *table.windows()), spent, "", False)


def simple_class(asked: Sequences, kind: type[ClassBaseline]) -> Found:
    """A baseline on sequences."""
    names, labels = np.unique(asked.train_label, return_inverse=True)
    begun = time.process_time()
    model = kind.fit(asked.train, labels)
    spent = time.process_time() - begun
    return Found(names[model.predict(asked.test)], spent, "", False)


def _told(steps: int) -> str:
    return f"{steps} steps" if steps >= STEPS else f"{steps} of {STEPS} steps"


def _cut(x: np.ndarray) -> list[np.ndarray]:
    """Sequences up to their ends."""
    return [one[: np.flatnonzero(~np.isnan(one).all(1))[-1] + 1] for one in x]


def contestants(asked: Table | Sequences, seconds: float) -> dict[str, Callable[[], Found]]:
    """Who answers a question, by name."""
    if isinstance(asked, Table):
        kinds: list[type[Baseline]] = [LastValue, *([SeasonalNaive] if asked.season > 1 else []), Ridge]
        return {
            f"wavetrain {layer}": lambda layer=layer: forecast(asked, layer, seconds) for layer in LAYERS
        } | {f"baseline {kind.__name__}": lambda kind=kind: simple_forecast(asked, kind) for kind in kinds}
    return {f"wavetrain {layer}": lambda layer=layer: classify(asked, layer, seconds) for layer in LAYERS} | {
        f"baseline {kind.__name__}": lambda kind=kind: simple_class(asked, kind)
        for kind in (Majority, RandomKernels)
    }


def warm() -> None:
    """Compile what numba compiles."""
    wave = np.sin(np.arange(100.0))
    x, y = np.random.default_rng(0).normal(size=(40, 30, 2)), np.arange(40) % 2
    for layer in LAYERS:
        Forecaster(layer, steps=1).fit(wave).rolling(panel(wave), np.zeros(1, int), np.full(1, 90))
        SequenceClassifier(layer, steps=1).fit(x, y).predict(x)


def main() -> None:
    torch.set_num_threads(1)
    folder, seconds, names = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    with threadpool_limits(1):
        warmed = False
        for name in names:
            for contestant, answer in contestants(named(name), seconds).items():
                path = folder / f"{name}--{contestant}.npz"
                if path.exists():
                    continue
                if not warmed:
                    warm()
                    warmed = True
                begun = time.perf_counter()
                found = answer()
                wall = time.perf_counter() - begun
                print(f"{name} | {contestant}: {found.seconds:.1f} s, {found.training}", flush=True)
                np.savez(path, **found._asdict(), wall=wall)


if __name__ == "__main__":
    main()
