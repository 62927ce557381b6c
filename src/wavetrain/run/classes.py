"""Answers for whole sequences: what baselines make of classes, and whether a layer earns its keep.

Numbers have baselines of their own (`values.py`).

Baselines are the most frequent class and random kernels under a linear classifier (`class_baselines.py`).
They learn from the training part and answer the part to choose by, as layers do; for the test they learn
from both, as one would use them. The verdict is about accuracy, sequence by sequence.
"""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wavetrain.core import CLASSES, Recorded, Task
from wavetrain.estimators.answering import of_simple
from wavetrain.run import values
from wavetrain.run.answers import Answers, Judgement, Tried, judgement, read, write_tables
from wavetrain.tables import class_metrics
from wavetrain.tables.class_baselines import ClassBaseline, Majority, RandomKernels
from wavetrain.tables.load import Described
from wavetrain.tables.score import Score
from wavetrain.tables.verdict import Candidate, verdict

FEWEST = 30  # sequences, below which a test part is said to be small


def is_answered(task: Task) -> bool:
    """Whether a task is to name the class, or numbers, of whole sequences of numbers, from recordings."""
    known = isinstance(task, Recorded) and (task.objective is CLASSES or bool(task.scale))
    return known and not task.every_step and not task.tokens


def held(data: Described, task: Recorded, folder: Path, layers: Sequence[str]) -> Judgement:
    """Layers whose answers lie in a folder, held against the baselines; all answers are written as tables.

    Baselines of a file are kept as models.
    """
    found = {name: read(folder / f"{name}.npz") for name in layers}
    judgement = judged(task, found)
    write_tables(folder / "forecasts", task, {**found, **judgement.answers})
    if data.reading is None or not data.spread:
        return judgement
    places = {name: f"models/{name.replace(' ', '_')}" for name in judgement.fitted}
    for name, one in judgement.fitted.items():
        of_simple(one, data, data.reading).save(folder / places[name])
    kept = tuple(dataclasses.replace(one, model=places[one.name]) for one in judgement.baselines)
    return judgement._replace(baselines=kept)


def judged(task: Recorded, answers: Mapping[str, Answers]) -> Judgement:
    """Layers by name, held against the baselines."""
    if task.objective is not CLASSES:
        return values.judged(task, answers)
    tried = [_baseline(kind, task) for kind in (Majority, RandomKernels)]
    candidates = [_candidate(name, one, task, baseline=False) for name, one in answers.items()]
    candidates += [_candidate(one.model.name, one.answers, task, baseline=True) for one in tried]
    found = verdict(candidates, {"sequence": np.arange(len(task.test().y))}, more=True)
    return judgement(
        answers,
        tried,
        found,
        metrics=lambda one: _metrics(one, task),
        score=lambda one: _candidate("", one, task, baseline=True).tested,
    )


def small(task: Task) -> str:
    """A warning about a test part of few sequences; empty where there are enough.

    With n sequences an accuracy is known to about 1 / sqrt(n): two standard errors of a share of a half.
    """
    count = len(task.test().y)
    if count >= FEWEST:
        return ""
    told = f"only {count} sequences are tested"
    return (
        f"{told}: an accuracy is known to about ±{1 / count**0.5:.2f}" if task.objective is CLASSES else told
    )


def _baseline(kind: type[ClassBaseline], task: Recorded) -> Tried:
    learn, valid, test = (
        (part.x.numpy(), part.y.numpy()) for part in (task.train, task.valid(), task.test())
    )
    begun = time.perf_counter()
    early = kind.fit(*learn)
    whole = kind.fit(*(np.concatenate(pair) for pair in zip(learn, valid, strict=True)))
    seconds = round(time.perf_counter() - begun, 3)
    answers = Answers(early.scores(valid[0])[None], whole.scores(test[0])[None])
    return Tried(whole, answers, seconds)


def _candidate(name: str, answers: Answers, task: Task, *, baseline: bool) -> Candidate:
    scores: list[tuple[Score, ...]] = []
    for each, part in zip(answers, (task.valid(), task.test()), strict=True):
        truth = part.y.numpy()
        scores.append(tuple(class_metrics.accuracy(truth=truth, forecast=one.argmax(-1)) for one in each))
    return Candidate(name=name, baseline=baseline, valid=scores[0], test=scores[1])


def _metrics(answers: Answers, task: Task) -> dict[str, float | None]:
    """All metrics on the test part, means over the seeds."""
    truth, classes = task.test().y.numpy(), np.arange(answers.test.shape[-1])
    seeds = [
        [
            class_metrics.balanced_accuracy(truth=truth, forecast=one.argmax(-1)),
            class_metrics.f1(truth=truth, forecast=one.argmax(-1)),
            class_metrics.auroc(truth=truth, scores=one, classes=classes),
        ]
        for one in answers.test
    ]
    means = {one[0].name: float(np.mean([each.value for each in one])) for one in zip(*seeds, strict=True)}
    return {name: value if np.isfinite(value) else None for name, value in means.items()}
