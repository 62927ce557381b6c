"""Numbers of whole sequences: what simple answers make of them, and whether a layer earns its keep.

Baselines are the mean, and ridge regressions on summaries and on random kernels (`value_baselines.py`). They
learn as those of classes do (`classes.py`). Scores are R²; the verdict is about the mean absolute error,
sequence by sequence, in the units of the file where one number is asked for, and else in deviations.
"""

import time
from collections.abc import Mapping

import numpy as np
import torch

from wavetrain.core import Batch, Recorded, explained
from wavetrain.run.answers import Answers, Judgement, Tried, judgement
from wavetrain.tables import metrics
from wavetrain.tables.score import Score
from wavetrain.tables.value_baselines import KernelRidge, Mean, Summaries, ValueBaseline
from wavetrain.tables.verdict import Candidate, verdict


def judged(task: Recorded, answers: Mapping[str, Answers]) -> Judgement:
    """Layers by name, held against the baselines."""
    tried = [_baseline(kind, task) for kind in (Mean, Summaries, KernelRidge)]
    candidates = [_candidate(name, one, task, baseline=False) for name, one in answers.items()]
    candidates += [_candidate(one.model.name, one.answers, task, baseline=True) for one in tried]
    found = verdict(candidates, {"sequence": np.arange(len(task.test().y))})
    return judgement(
        answers,
        tried,
        found,
        metrics=lambda one: _metrics(one, task),
        score=lambda one: _explained(one.test[0], task.test()),
    )


def _baseline(kind: type[ValueBaseline], task: Recorded) -> Tried:
    learn, valid, test = (
        (part.x.double().numpy(), part.y.double().numpy()) for part in (task.train, task.valid(), task.test())
    )
    begun = time.perf_counter()
    early = kind.fit(*learn)
    whole = kind.fit(*(np.concatenate(pair) for pair in zip(learn, valid, strict=True)))
    seconds = round(time.perf_counter() - begun, 3)
    answers = Answers(early.predict(valid[0])[None], whole.predict(test[0])[None])
    return Tried(whole, answers, seconds)


def in_units(values: np.ndarray, task: Recorded) -> np.ndarray:
    """Numbers (..., K) as the file has them."""
    return values * np.array(task.scale) + np.array(task.level)


def _candidate(name: str, answers: Answers, task: Recorded, *, baseline: bool) -> Candidate:
    scores = [
        tuple(_errors(one, part, task)[0] for one in each)
        for each, part in zip(answers, (task.valid(), task.test()), strict=True)
    ]
    return Candidate(name=name, baseline=baseline, valid=scores[0], test=scores[1])


def _errors(forecast: np.ndarray, part: Batch, task: Recorded) -> tuple[Score, Score]:
    """The mean absolute error and the root of the mean squared one."""
    truth = part.y.double().numpy()
    if truth.shape[1] == 1:
        truth, forecast = in_units(truth, task), in_units(forecast, task)
    return metrics.mae(truth=truth[:, None], forecast=forecast[:, None]), metrics.rmse(
        truth=truth[:, None], forecast=forecast[:, None]
    )


def _explained(forecast: np.ndarray, part: Batch) -> float | None:
    value = float(explained(torch.from_numpy(np.ascontiguousarray(forecast)), part.y))
    return value if np.isfinite(value) else None


def _metrics(answers: Answers, task: Recorded) -> dict[str, float | None]:
    """All metrics on the test part, means over the seeds."""
    deviations = "" if answers.test.shape[-1] == 1 else " (deviations)"
    seeds = [_errors(one, task.test(), task) for one in answers.test]
    means = {
        f"{one[0].name}{deviations}": float(np.mean([each.value for each in one]))
        for one in zip(*seeds, strict=True)
    }
    return {name: value if np.isfinite(value) else None for name, value in means.items()}
