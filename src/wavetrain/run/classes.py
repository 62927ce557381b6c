"""Classes of whole sequences: what simple answers make of them, and whether a layer earns its keep.

Baselines are the most frequent class and random kernels under a linear classifier (`class_baselines.py`).
They learn from the training part and answer the part to choose by, as layers do; for the test they learn
from both, as one would use them. The verdict is about accuracy, sequence by sequence.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import CLASSES, Recorded, Task
from wavetrain.evidence.comparison import Judged, Simple
from wavetrain.tables import class_metrics
from wavetrain.tables.class_baselines import ClassBaseline, Majority, RandomKernels
from wavetrain.tables.score import Score
from wavetrain.tables.verdict import Candidate, verdict
from wavetrain.train.fit import examined

FEWEST = 30  # sequences, below which a test part is said to be small
TOGETHER = 250  # sequences that are answered at once


class Answers(NamedTuple):
    """Scores of the classes (seeds, sequences, classes), for the part to choose by and for the test."""

    valid: np.ndarray
    test: np.ndarray


class Judgement(NamedTuple):
    """What the baselines made of the data, and the verdict over all."""

    metrics: Mapping[str, Mapping[str, float | None]]  # of each layer, means over the seeds
    baselines: tuple[Simple, ...]  # best first
    verdict: Judged


def asked(task: Task) -> bool:
    """Whether a task is to name the class of whole sequences of numbers, from recordings."""
    return (
        isinstance(task, Recorded) and task.objective is CLASSES and not task.every_step and not task.tokens
    )


def answered(networks: Sequence[nn.Module], task: Task) -> Answers:
    """What networks answer, one for each seed."""
    parts = [[_scores(one, x) for one in networks] for x in (task.valid().x, task.test().x)]
    return Answers(*(np.stack(part) for part in parts))


@torch.no_grad()
def _scores(network: nn.Module, x: Tensor) -> np.ndarray:
    device = next(network.parameters()).device
    with examined(network):
        return torch.cat([network(part.to(device)).cpu() for part in x.split(TOGETHER)]).numpy()


def write(path: Path, answers: Answers) -> None:
    """Write answers, whole or not at all."""
    part = path.with_name(f"{path.stem}.part.npz")
    np.savez(part, **answers._asdict())
    part.replace(path)


def read(path: Path) -> Answers:
    """What `write` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return Answers(file["valid"], file["test"])


def judged(task: Recorded, answers: Mapping[str, Answers]) -> Judgement:
    """Layers by name, held against the baselines."""
    tried = [_baseline(kind, task) for kind in (Majority, RandomKernels)]
    candidates = [_candidate(name, one, task, baseline=False) for name, one in answers.items()]
    candidates += [_candidate(name, one, task, baseline=True) for name, one, _ in tried]
    found = verdict(candidates, {"sequence": np.arange(len(task.test().y))}, more=True)
    simple = [
        Simple(
            name=name,
            score=_candidate(name, one, task, baseline=True).tested,
            metrics=_metrics(one, task),
            columns={},
            seconds=seconds,
        )
        for name, one, seconds in tried
    ]
    chosen = (*([found.layer.name] if found.layer else []), found.baseline.name)
    return Judgement(
        {name: _metrics(one, task) for name, one in answers.items()},
        tuple(sorted(simple, key=lambda one: -(one.score or 0.0))),
        Judged(says=str(found), advice=found.advice, earns=found.earns, chosen=chosen),
    )


def small(task: Task) -> str:
    """A warning about a test part of few sequences; empty where there are enough.

    With n sequences an accuracy is known to about 1 / sqrt(n): two standard errors of a share of a half.
    """
    count = len(task.test().y)
    if count >= FEWEST:
        return ""
    return f"only {count} sequences are tested: an accuracy is known to about ±{1 / count**0.5:.2f}"


def _baseline(kind: type[ClassBaseline], task: Recorded) -> tuple[str, Answers, float]:
    learn, valid, test = (
        (part.x.numpy(), part.y.numpy()) for part in (task.train, task.valid(), task.test())
    )
    begun = time.perf_counter()
    early = kind.fit(*learn)
    whole = kind.fit(*(np.concatenate(pair) for pair in zip(learn, valid, strict=True)))
    seconds = round(time.perf_counter() - begun, 3)
    return whole.name, Answers(early.scores(valid[0])[None], whole.scores(test[0])[None]), seconds


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
