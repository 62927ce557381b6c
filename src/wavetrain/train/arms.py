"""Rivals of a claim on tasks in turn: begun by the claim's seed, kept, and read back where they were learned.

Arms of one network begin with the same weights and see the same batches. Of several processes each learns all
of it, as one does, and the first writes.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from wavetrain.core import Rule
from wavetrain.evidence.picture import Maps
from wavetrain.parts import saved
from wavetrain.parts.accuracy_matrix import AccuracyMatrix
from wavetrain.parts.task_sequence import TaskSequence
from wavetrain.train.continual import Learned, Optimiser, Terms, learn_at_once, learn_in_turn
from wavetrain.train.lab import Lab, News


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One rival of a claim: what learns, by which rule, and how often the optimiser steps.

    >>> from wavetrain.rules import Backpropagation
    >>> from wavetrain.train.arms import Arm
    >>> from wavetrain.train.continual import Terms
    >>> arm = Arm(
    ...     make=lambda: torch.nn.Linear(3, 2),
    ...     rule=Backpropagation,
    ...     optimiser=lambda parameters: torch.optim.SGD(parameters, 0.1),
    ...     terms=Terms(batch=10),
    ... )
    >>> arm.terms.reset
    False
    """

    make: Callable[[], nn.Module]
    rule: Callable[[], Rule]
    optimiser: Optimiser
    terms: Terms
    ways: Mapping[str, TaskSequence] = field(default_factory=dict)


def in_lab(lab: Lab, name: str, sequence: TaskSequence, arm: Arm) -> Learned:
    """Learn in turn for a claim, from weights and orders of its seed; read back where it is done."""
    path = lab.folder / "checkpoints" / f"{name}.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.seed)
        network = arm.make().to(lab.device)
        if lab.together.once(path.exists):
            tensors, words = saved.load(path)
            network.load_state_dict(tensors)
            found = {one: AccuracyMatrix.of_words(kept) for one, kept in words["matrices"].items()}
            return Learned(network, found.pop(""), found)

        def tell(done: int, steps: int, score: float) -> None:
            if lab.together.first:
                lab.tell(News(lab.folder.name, name, done, steps, math.nan, score, math.nan))

        learned = learn_in_turn(
            network, sequence, arm.rule(), arm.optimiser, arm.terms, lab.generator(), ways=arm.ways, tell=tell
        )
    matrices = {"": learned.matrix} | dict(learned.others)
    if lab.together.first:
        words = {"matrices": {one: kept.words() for one, kept in matrices.items()}}
        saved.save(path, network.state_dict(), words)
    return learned


def at_once_in_lab(lab: Lab, name: str, sequence: TaskSequence, arm: Arm) -> dict[str, float]:
    """Learn all tasks at once for a claim, likewise; the mean score over tasks, of each way to ask."""
    path = lab.folder / "checkpoints" / f"{name}.safetensors"
    if lab.together.once(path.exists):
        _, words = saved.load(path)
        found: dict[str, float] = words["scores"]
        return found
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.seed)
        network = arm.make().to(lab.device)
        scores = learn_at_once(
            network, sequence, arm.rule(), arm.optimiser, arm.terms, lab.generator(), ways=arm.ways
        )
    found = {one: float(np.mean(each)) for one, each in scores.items()}
    if lab.together.first:
        saved.save(path, network.state_dict(), {"scores": found})
    return found


def pictured(title: str, matrices: Mapping[str, AccuracyMatrix]) -> Maps:
    """Accuracy matrices side by side, as a picture."""
    return Maps(
        title,
        np.stack([one.after for one in matrices.values()]),
        tuple(matrices),
        "tested on task (from 0)",
        "after learning task (from 0)",
        "accuracy (share right)",
        seeds=True,
    )
