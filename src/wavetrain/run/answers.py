"""What contestants answer for whole sequences, for each seed; as files, and as tables for people."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import CLASSES, Recorded, Task
from wavetrain.evidence.comparison import Judged, Simple
from wavetrain.tables.simple_kept import Simplest
from wavetrain.tables.verdict import Verdict
from wavetrain.train.fit import examined

TOGETHER = 250  # sequences that are answered at once


class Answers(NamedTuple):
    """Scores of classes (seeds, sequences, classes), or numbers (seeds, sequences, K)."""

    valid: np.ndarray  # for the part to choose by
    test: np.ndarray


class Judgement(NamedTuple):
    """What the baselines made of the data, and the verdict over all."""

    metrics: Mapping[str, Mapping[str, float | None]]  # of each layer, means over the seeds
    baselines: tuple[Simple, ...]  # best first
    verdict: Judged
    answers: Mapping[str, Answers]  # of the baselines
    fitted: Mapping[str, Simplest]  # the baselines by name


class Tried(NamedTuple):
    """A baseline, fitted."""

    model: Simplest
    answers: Answers
    seconds: float


def judgement(
    answers: Mapping[str, Answers],
    tried: Sequence[Tried],
    found: Verdict,
    *,
    metrics: Callable[[Answers], Mapping[str, float | None]],
    score: Callable[[Answers], float | None],
) -> Judgement:
    """Layers by name beside baselines, each with its answers and the seconds that it took to fit."""
    simple = [
        Simple(
            name=one.model.name,
            score=score(one.answers),
            metrics=metrics(one.answers),
            columns={},
            seconds=one.seconds,
        )
        for one in tried
    ]
    chosen = (*([found.layer.name] if found.layer else []), found.baseline.name)
    return Judgement(
        {name: metrics(one) for name, one in answers.items()},
        tuple(sorted(simple, key=lambda one: (one.score is None, -(one.score or 0.0)))),
        Judged(says=str(found), advice=found.advice, earns=found.earns, chosen=chosen),
        {one.model.name: one.answers for one in tried},
        {one.model.name: one.model for one in tried},
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


def write_tables(folder: Path, task: Recorded, answers: Mapping[str, Answers]) -> None:
    """The answers of each contestant's first seed for the test part, in CSV and in JSON.

    Classes stand by their names, numbers in their own units.
    """
    import pandas as pd

    folder.mkdir(exist_ok=True)
    for name, one in answers.items():
        frame = pd.DataFrame({"sequence": np.arange(len(one.test[0])), **_columns(task, one.test[0])})
        path = folder / f"{name.lower().replace(' ', '_')}.csv"
        part = path.with_name(f"{path.name}.part")
        frame.to_json(part, orient="records", double_precision=15)
        part.replace(path.with_suffix(".json"))
        frame.to_csv(part, index=False, float_format="%.8g")
        part.replace(path)


def _columns(task: Recorded, answers: np.ndarray) -> dict[str, np.ndarray]:
    truth = task.test().y.numpy()
    if task.objective is CLASSES:
        names = np.array(task.names or [str(place) for place in range(task.outputs)])
        scores = {f"score of {name}": answers[:, place] for place, name in enumerate(names)}
        return {"measured": names[truth], "forecast": names[answers.argmax(-1)], **scores}
    scale, level = np.array(task.scale or 1.0), np.array(task.level or 0.0)
    truth, answers = truth.astype(np.float64) * scale + level, answers * scale + level
    each = range(truth.shape[1])
    numbered = [""] if len(each) == 1 else [f" {place + 1}" for place in each]
    sides = {"measured": truth, "forecast": answers}
    return {f"{side}{numbered[place]}": sides[side][:, place] for place in each for side in sides}
