"""One contestant in a comparison on series: a layer, or a baseline. The work of one process.

A layer is searched, trained for each seed, and forecasts the validation part and the test part. A baseline is
fitted to the rows before the validation part and forecasts it, as layers do; for the test it is fitted again
to all rows before, as one would use it. What is over lies in the folder of the comparison and is read.
"""

import functools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from wavetrain import find, scan
from wavetrain.estimators import BaselineForecaster, Forecaster
from wavetrain.estimators._learning import Look
from wavetrain.evidence import comparison
from wavetrain.evidence.comparison import Figures, Part, Timings
from wavetrain.run import fallback, looks
from wavetrain.run.budget import Cost
from wavetrain.run.terms import Terms
from wavetrain.run.threads import limited
from wavetrain.tables import stored
from wavetrain.tables.kept import NAMES
from wavetrain.tables.panel import Panel
from wavetrain.tables.rolling import Metric, Rolled, Rolls, enough, evaluate
from wavetrain.tables.split import Split, held
from wavetrain.train.lab import News
from wavetrain.train.ranks import here

VALID = 0.15  # of the rows that are learned from, to choose by
COVERAGE = 0.9  # of the intervals
LOOKED = 4  # windows that the operator is looked at


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of series."""

    horizon: int = 1
    metric: Metric = Metric.MASE
    context: int | None = None  # rows that each forecast begins with
    season: int = 1  # rows


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One layer."""

    found: find.Found
    width: int
    parameters: int
    question: Question
    terms: Terms
    folder: Path

    @property
    def name(self) -> str:
        return self.found.name

    def forecaster(self, *, steps: int, rate: float, seed: int) -> Forecaster:
        """Before it is fitted."""
        return Forecaster(
            self.found.place or self.found.name,
            horizon=self.question.horizon,
            context=self.question.context,
            season=self.question.season,
            width=self.width,
            depth=self.terms.depth,
            steps=steps,
            batch=self.terms.batch,
            rate=rate,
            valid=VALID,
            random_state=seed,
        )


@dataclass(frozen=True, kw_only=True)
class Simplest:
    """One baseline."""

    name: str  # by which it is asked for
    question: Question
    folder: Path


class Simply(NamedTuple):
    """A baseline that is over."""

    name: str
    seconds: float  # to fit it
    model: str  # where it is kept, in the folder


@dataclass(frozen=True, eq=False)
class Answers:
    """Forecasts of one contestant for each seed, in the units of the panel."""

    valid: np.ndarray  # (seeds, windows, horizon, targets)
    test: np.ndarray
    low: np.ndarray  # of the intervals around `test`
    high: np.ndarray

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        part = path.with_name(f"{path.stem}.part.npz")
        np.savez(part, **vars(self))
        part.replace(path)


def read_answers(path: Path) -> Answers:
    """What `write` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return Answers(**{name: file[name] for name in file.files})


def baselines(question: Question) -> list[str]:
    """The baselines of every comparison."""
    return [name for name in NAMES if name != "seasonal_naive" or question.season > 1]


def write_split(split: Split, folder: Path) -> None:
    """Hand the rows over to those who learn; once, since the folder is of these rows alone."""
    last = folder / "firsts.npy"
    if last.exists():
        return
    stored.write(split.past, folder / "past.npz")
    stored.write(split.test, folder / "test.npz")
    part = folder / "firsts.part.npy"
    np.save(part, np.array(split.firsts))
    part.replace(last)


def read_split(folder: Path) -> Split:
    """What `write_split` wrote."""
    past, test = stored.read(folder / "past.npz"), stored.read(folder / "test.npz")
    return Split(past=past, test=test, firsts=tuple(np.load(folder / "firsts.npy").tolist()), said="")


def ends(panel: Panel, horizon: int) -> list[int]:
    """Where the validation part of each series begins, for layers and baselines alike."""
    return held(panel, horizon, VALID)


def rolled(rolls: Rolls, panel: Panel, firsts: Sequence[int], question: Question) -> Rolled:
    """The forecasts of one part that are scored."""
    most = enough(horizon=question.horizon, targets=len(panel.targets))
    return evaluate(rolls, panel, firsts, question.horizon, season=question.season, most=most)


def measure(entry: Entry, tell: Callable[[News], None]) -> Cost:
    """What trainings of a layer cost on this machine; nothing of it is a figure."""
    split = read_split(entry.folder)
    with limited(1):
        warm = entry.forecaster(steps=1, rate=entry.terms.rates[0], seed=0)
        warm = warm.fit(split.past)  # kernels are compiled
        begun = time.perf_counter()
        model = warm.set_params(steps=0).fit(split.past)
        rolled(model.rolling, split.test, split.firsts, entry.question)
    return Cost(time.perf_counter() - begun, model.speed().course)


def execute(item: Entry | Simplest, tell: Callable[[News], None]) -> Part | Simply:
    """Search, train and examine a layer, or fit and examine a baseline."""
    with limited(1):
        return (
            _layer(item, tell) if isinstance(item, Entry) else here().once(functools.partial(_baseline, item))
        )


def _layer(entry: Entry, tell: Callable[[News], None]) -> Part:
    done, together = entry.folder / f"{entry.name}.json", here()
    if together.once(done.exists):
        return together.once(lambda: comparison.read_part(done))
    split, terms = read_split(entry.folder), entry.terms
    rate = _rate(entry, split.past, tell)
    models = [
        entry.forecaster(steps=terms.steps, rate=rate, seed=seed).fit_told(
            split.past, _news(entry, seed, "train", terms.steps, tell)
        )
        for seed in terms.seeds
    ]
    return together.once(functools.partial(_answered, entry, models, rate, split, done))


def _answered(entry: Entry, models: Sequence[Forecaster], rate: float, split: Split, done: Path) -> Part:
    """What trained layers forecast, written with all else that came out."""
    valid = [rolled(fallback.or_last(one), split.past, one.ends_, entry.question).forecast for one in models]
    tests = [rolled(fallback.or_last(one), split.test, split.firsts, entry.question) for one in models]
    sides = [
        fallback.intervals(one, split.test, test, COVERAGE) for one, test in zip(models, tests, strict=True)
    ]
    low, high = (np.stack(side) for side in zip(*sides, strict=True))
    test = np.stack([one.forecast for one in tests])
    Answers(np.stack(valid), test, low, high).write(entry.folder / f"{entry.name}.npz")
    models[0].save(entry.folder / "models" / entry.name)
    part = _looked(entry, models[0], rate, split.past)
    comparison.write(done, part)
    return part


def _news(
    entry: Entry, seed: int, name: str, steps: int, tell: Callable[[News], None]
) -> Callable[[Look], None]:
    """Looks at a training as news of it; the score is the error on the validation part."""

    def hand_on(look: Look) -> None:
        tell(News(f"{entry.name}-seed{seed}", name, look.step, steps, look.loss, look.error, look.speed))

    return hand_on


def _rate(entry: Entry, past: Panel, tell: Callable[[News], None]) -> float:
    """The learning rate that errs least on the validation part, after a part of the steps."""
    terms = entry.terms
    short = max(1, round(terms.search * terms.steps))

    def tried(rate: float) -> float:
        seed = terms.seeds[0]
        model = entry.forecaster(steps=short, rate=rate, seed=seed)
        model.fit_told(past, _news(entry, seed, f"search-{rate:g}", short, tell))
        return min(error for _, error in model.history_)

    return min(terms.rates, key=tried) if len(terms.rates) > 1 else terms.rates[0]


def _looked(entry: Entry, model: Forecaster, rate: float, past: Panel) -> Part:
    """What a trained layer costs and how far it reaches; its scores follow from its answers."""
    stack, x = model.network_.stack, _inputs(model, past)
    part = looks.crop(len(x), x.shape[1], x.shape[2] * model.horizon * len(past.targets))
    with scan.recorded() as routes:
        step = round(1e6 * looks.seconds(looks.stream(stack, x[:1]), x.device), 1)
    figures = Figures(
        layer=entry.name,
        family=entry.found.facts.get("family", ""),
        width=entry.width,
        parameters=entry.parameters,
        rate=rate,
        scores=(),
        score=None,
        spread=None,
        diverged=(),
        state_bytes=looks.state_bytes(stack, x[:1]),
        context=looks.context(stack, x, part, name=entry.name, folder=entry.folder, encoded=False),
        model=f"models/{entry.name}",
    )
    tokens = round(entry.terms.batch * x.shape[1] / model.speed().step)
    timings = Timings(training_tokens_per_second=tokens, microseconds_per_step=step, routes=routes)
    return Part(figures=figures, timings=timings)


def _inputs(model: Forecaster, past: Panel) -> torch.Tensor:
    """A few windows of the longest series, as the stack reads them."""
    place = int(np.argmax(model.ends_))
    last = max(model.context_, model.ends_[place] - model.origins_)
    rows = np.linspace(model.context_, last, LOOKED).round().astype(int)
    return model.inputs(past, np.full(LOOKED, place), rows)


def _baseline(one: Simplest) -> Simply:
    done = one.folder / f"{one.name}.json"
    if done.exists():
        return Simply(**json.loads(done.read_text(encoding="utf-8")))
    split, question = read_split(one.folder), one.question
    model = BaselineForecaster(
        one.name, horizon=question.horizon, context=question.context, season=question.season, valid=VALID
    )
    begun = time.perf_counter()
    model.fit(split.past)
    seconds = time.perf_counter() - begun
    test = rolled(model.rolling, split.test, split.firsts, question)
    low, high = model.intervals(split.test, test.series, test.rows, coverage=COVERAGE)
    answers = Answers(model.valid_.forecast[None], test.forecast[None], low[None], high[None])
    answers.write(one.folder / f"{one.name}.npz")
    model.save(one.folder / "models" / one.name)
    found = Simply(model.called, round(seconds, 3), f"models/{one.name}")
    done.write_text(json.dumps(found._asdict()), encoding="utf-8")
    return found
