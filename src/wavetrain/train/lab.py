"""Where one seed of an experiment runs: seeds, device, progress, checkpoints, resume, pictures.

A `Lab` owns one folder. Every training in it has a name; its network starts from the lab's seed and draws
its batches from a generator of that seed, so all rivals see the same data in the same order. What draws from
the generators that the process shares, as dropout does, draws from states of them that are the training's
own. Its state is written every few seconds as one file, whole or not at all (`checkpoints.py`): a run that is
killed goes on where it stopped and ends with the same figures, bit for bit.

Several processes train as one (`ranks.py`): each learns its share of every batch, from the same network and
the same draws, and the first writes all files. What draws from shared generators has states of its own in
each of them, which are kept together; so they go on bit for bit where they are as many again.
"""
# Above 300 lines: one file, since what is saved of a training and how it goes on must change together.

import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import Batch, Rule, Task
from wavetrain.errors import BadInput
from wavetrain.evidence import picture
from wavetrain.parts.kept import into_optimiser, of_optimiser, under, within
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.train import savepoints
from wavetrain.train.fit import examine, fit
from wavetrain.train.generators import Shared, seed_of
from wavetrain.train.ranks import ALONE, Ranks, here
from wavetrain.train.sharded import gather, sharded


class Mark(NamedTuple):
    """A look at a training: the mean training loss since the last look, and the score on held-out data."""

    step: int
    loss: float
    score: float
    others: tuple[float, ...] = ()  # scores on further held-out batches, where they were given


@dataclass(frozen=True)
class Plan:
    """How to train: the same for all rivals of a claim, but for what is searched."""

    steps: int  # give up after
    batch: int
    rate: float  # of Adam
    clip: float | None = None  # largest norm of the gradient
    every: int = 100  # steps between looks
    until: Callable[[Mark], bool] | None = None  # stop early when a look satisfies this
    drops: tuple[tuple[int, float], ...] = ()  # (step, factor): from that step on, the rate divided by factor
    held_out: int | None = None  # sequences of the validation part to look at; None for all
    betas: tuple[float, float] = (0.9, 0.999)  # of Adam: how much stays of its means of gradient and square
    pieces: int = 1  # that each process learns its share of a batch in, to bound memory
    sharded: bool = False  # of several processes, each keeps a part of what Adam keeps (ZeRO)

    def rate_at(self, step: int) -> float:
        """The learning rate of the step after `step`."""
        return self.rate / math.prod(factor for drop, factor in self.drops if step >= drop)


class News(NamedTuple):
    """Progress of a training, for whoever shows it."""

    run: str  # experiment and seed
    name: str  # of the training
    step: int
    steps: int
    loss: float
    score: float
    speed: float  # steps per second


class Training:
    """A network on its way, with all that is needed to go on: rule, optimiser, generators, looks so far."""

    def __init__(
        self,
        network: nn.Module,
        rule: Rule,
        plan: Plan,
        generator: torch.Generator,
        shared: Shared,
        together: Ranks = ALONE,
    ):
        self.network, self.rule, self.plan = network, rule, plan
        self.generator, self.shared, self.together = generator, shared, together
        self.optimiser = adam(network, plan, together)
        self.marks: list[Mark] = []
        self.done = 0  # steps
        self.losses: list[Tensor] = []  # since the last look
        self.diverged = False  # the loss became NaN or infinite
        self.stopped = False  # `until` was satisfied

    @property
    def over(self) -> bool:
        return self.diverged or self.stopped or self.done >= self.plan.steps

    @property
    def score(self) -> float:
        """The held-out score at the last look; NaN where the training diverged."""
        return math.nan if self.diverged or not self.marks else self.marks[-1].score

    @property
    def solved(self) -> int:
        """The step at which `until` was satisfied, or the whole budget, which then means "at least"."""
        return self.done if self.stopped else self.plan.steps

    def save(self, path: Path) -> None:
        """Write it, whole or not at all; the first process does, with what the others tell it."""
        states = self.together.each(self.shared.kept())
        gather(self.optimiser)
        if not self.together.first:
            return
        tensors = within("network", self.network.state_dict())
        tensors |= within("optimiser", of_optimiser(self.optimiser)) | within("rule", self.rule.state_dict())
        for rank, (found, _) in enumerate(states):
            tensors |= within(_shared(rank), found)
        tensors["generator"] = self.generator.get_state()
        tensors["losses"] = torch.stack(self.losses) if self.losses else torch.zeros(0)
        (_, first), *others = states
        words = {
            "done": self.done,
            "marks": self.marks,
            "diverged": self.diverged,
            "stopped": self.stopped,
            "shared": first,
            "rule": type(self.rule).__name__,
        }
        savepoints.save(path, tensors, words | ({"others": [one for _, one in others]} if others else {}))

    def load(self, path: Path) -> None:
        """Go on from what was written, as the first process reads it, by however many."""
        tensors, words = self.together.once(lambda: savepoints.load(path))
        try:
            self.network.load_state_dict(under("network", tensors))
            whole = adam(self.network, self.plan)
            into_optimiser(whole, under("optimiser", tensors))
            self.optimiser.load_state_dict(whole.state_dict())
            device = next(self.network.parameters()).device
            self.generator.set_state(tensors["generator"])
            self.losses = list(tensors["losses"].to(device))
            self.marks = [
                Mark(step, loss, score, tuple(others)) for step, loss, score, others in words["marks"]
            ]
            self.done, self.diverged, self.stopped = words["done"], words["diverged"], words["stopped"]
            flags = isinstance(self.diverged, bool) and isinstance(self.stopped, bool)
            if not flags or type(self.done) is not int or not 0 <= self.done <= self.plan.steps:
                raise ValueError(f"its counts are {self.done!r}, {self.diverged!r} and {self.stopped!r}")
            if "rule" in words or not self.over:
                if words["rule"] != type(self.rule).__name__:
                    raise ValueError(f"its rule is {words['rule']}, not {type(self.rule).__name__}")
                state = under("rule", tensors)
                self.rule.load_state_dict({name: one.to(device) for name, one in state.items()})
            if not self.over:  # nothing is drawn any more where it is
                self._restore(tensors, [words["shared"], *words.get("others", ())])
        except (AttributeError, BadInput, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[-1].strip()
            if error.args in (("shared",), ("rule",)):
                what = "states of the shared generators" if error.args == ("shared",) else "state of the rule"
                first = f"it has no {what}, as those of earlier versions"
            raise BadInput(
                f"{path} does not fit this training ({first}); delete it to start again"
            ) from error

    def _restore(self, tensors: dict[str, Tensor], words: list[Any]) -> None:
        """States of the shared generators; a process that was none of those before begins some of its own."""
        rank = self.together.rank
        if rank < len(words):
            self.shared.restore(under(_shared(rank), tensors), words[rank])
        else:
            self.shared = Shared(seed_of(rank, self.done, words[0]["numpy"]["state"]), self.shared.device)


class Lab:
    """The place where `run(scale, lab)` works: one experiment, one scale, one seed, one folder."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        device: str = "cpu",
        tell: Callable[[News], None] = lambda news: None,
        save_every: float = 10.0,  # seconds between checkpoints
        together: Ranks | None = None,  # those that this one was started with, where none are given
    ):
        self.folder, self.seed, self.device = folder, seed, torch.device(device)
        self.tell, self.save_every = tell, save_every
        self.together = here() if together is None else together
        self.names: set[str] = set()
        for part in ("checkpoints", "metrics", "pictures"):
            (folder / part).mkdir(parents=True, exist_ok=True)

    def generator(self) -> torch.Generator:
        """A generator of this seed, the same each time."""
        return torch.Generator().manual_seed(self.seed)

    def fit(
        self,
        name: str,
        make: Callable[[], nn.Module],
        task: Task,
        plan: Plan,
        rule: Rule | None = None,
        others: Sequence[Batch] = (),
    ) -> Training:
        """Train what `make` builds, with Adam; goes on from its checkpoint where there is one.

        Every look scores the network on `others` too, by the task's objective.
        """
        if name in self.names:
            raise BadInput(f"two trainings of one run are called {name!r}")
        self.names.add(name)
        with Shared(self.seed, self.device).drawn():
            network = make().to(self.device)
        shared = Shared(self._seed(name), self.device)
        training = Training(network, rule or Backpropagation(), plan, self.generator(), shared, self.together)
        checkpoint = self.folder / "checkpoints" / f"{name}.safetensors"
        if self.together.once(lambda: savepoints.there(checkpoint)):
            training.load(checkpoint)
        self.together.check_same(network)
        metrics = self.folder / "metrics" / f"{name}.jsonl" if self.together.first else Path(os.devnull)
        metrics.write_text("".join(_line(mark) for mark in training.marks))
        if not training.over:
            with metrics.open("a", buffering=1) as file:  # a line at a time, for whoever watches
                self._train(name, training, task, checkpoint, file.write, others)
        return training

    def best(
        self,
        name: str,
        make: Callable[[], nn.Module],
        task: Task,
        plans: Mapping[str, Plan],
        prefer: Callable[[Training], float] | None = None,
        rule: Callable[[], Rule] | None = None,
    ) -> tuple[str, Training]:
        """Train once for each plan of a search, by a new rule each, and return the best, with its label.

        The best has the least `prefer`; by default it is the one that stops first, else scores best.
        """
        trainings = {
            label: self.fit(f"{name}-{label}", make, task, plan, None if rule is None else rule())
            for label, plan in plans.items()
        }
        sign = 1 if task.objective.higher else -1

        def order(label: str) -> tuple[float, ...]:
            one = trainings[label]
            if one.diverged:
                return math.inf, 0, 0
            if prefer is not None:
                return prefer(one), 0, 0
            return not one.stopped, one.done if one.stopped else 0, -sign * one.score

        label = min(trainings, key=order)
        return label, trainings[label]

    def tuned(
        self,
        name: str,
        make: Callable[[], nn.Module],
        task: Task,
        plan: Plan,
        trial: int,
        rates: Sequence[float],
        clips: Sequence[float | None],
    ) -> Training:
        """Try each rate and clipping norm for `trial` steps; train by `plan` with that of the least loss."""
        short = replace(plan, steps=trial, every=min(trial, plan.every), until=None)
        plans = {f"{rate:g}-{clip}": replace(short, rate=rate, clip=clip) for rate in rates for clip in clips}
        _, best = self.best(name, make, task, plans, prefer=lambda training: training.marks[-1].loss)
        return self.fit(name, make, task, replace(plan, rate=best.plan.rate, clip=best.plan.clip))

    def show(self, name: str, one: picture.Picture) -> None:
        """Hand over a picture as data; the report draws it."""
        if self.together.first:
            picture.save(self.folder / "pictures" / f"{name}.npz", one)

    def _seed(self, *words: str) -> int:
        """Of the shared generators; each process draws other numbers than the first, which draws as alone."""
        return seed_of(self.seed, *words, *([self.together.rank] if self.together.rank else []))

    def _train(
        self,
        name: str,
        training: Training,
        task: Task,
        checkpoint: Path,
        write: Callable[[str], object],
        others: Sequence[Batch],
    ) -> None:
        plan, first, begun = training.plan, training.done, time.perf_counter()
        kept, together = begun, self.together
        with Shared(seed_of(self.seed, name, "look"), self.device).drawn():
            held_out = Batch(*(part[: plan.held_out] for part in task.valid()))
        examined = partial(Shared, self._seed(name, "look"), self.device)  # each look draws the same
        steps = range(first, plan.steps)
        _set_rate(training.optimiser, plan.rate_at(first))
        fitting = fit(
            training.network,
            task,
            training.rule,
            training.optimiser,
            training.generator,
            plan.batch,
            steps,
            plan.clip,
            together,
            plan.pieces,
        )
        while not training.over:
            with training.shared.drawn():
                for step in fitting:
                    training.done = step.done
                    training.losses.append(step.loss)
                    _set_rate(training.optimiser, plan.rate_at(step.done))
                    look = step.done % plan.every == 0 or step.done == plan.steps
                    late = together.heard(time.perf_counter() - kept > self.save_every)
                    if look or late:
                        break
            if look:
                together.check_same(training.network)
                with examined().drawn():
                    mark = _look(training, task, held_out, others)
                write(_line(mark))
                speed = (step.done - first) / (time.perf_counter() - begun)
                if together.first:
                    self.tell(
                        News(self.folder.name, name, step.done, plan.steps, mark.loss, mark.score, speed)
                    )
            late = together.agreed(time.perf_counter() - kept > self.save_every)
            if training.over or late:
                training.save(checkpoint)
                kept = time.perf_counter()


def adam(network: nn.Module, plan: Plan, together: Ranks = ALONE) -> torch.optim.Optimizer:
    """The optimiser of a plan; where it is sharded each process keeps its part of what Adam keeps."""
    if together.alone or not (plan.sharded or together.sharded):
        return torch.optim.Adam(network.parameters(), plan.rate, plan.betas)
    return sharded(network.parameters(), torch.optim.Adam, {"lr": plan.rate, "betas": plan.betas})


def curve(
    title: str,
    ends: Mapping[str, Training],
    ylabel: str,
    value: Callable[[Mark], float] = lambda mark: mark.score,
    log: bool = False,
) -> picture.Curve:
    """A line for each training: what `value` reads from its looks."""
    steps = sorted({mark.step for end in ends.values() for mark in end.marks})
    lines = np.full((len(ends), len(steps)), np.nan)
    for row, end in enumerate(ends.values()):
        for mark in end.marks:
            lines[row, steps.index(mark.step)] = value(mark)
    return picture.Curve(
        title, np.array(steps, dtype=float), lines, tuple(ends), "training steps", ylabel, log, seeds=True
    )


def _look(training: Training, task: Task, held_out: Batch, others: Sequence[Batch]) -> Mark:
    """Examine a training, and note whether it is over."""
    loss = float(torch.stack(training.losses).double().mean())
    training.losses.clear()
    training.diverged = not math.isfinite(loss)
    together = training.together
    score, *more = (
        math.nan if training.diverged else examine(training.network, batch, task.objective, together=together)
        for batch in (held_out, *others)
    )
    mark = together.agreed(Mark(training.done, loss, score, tuple(more)))
    training.marks.append(mark)
    training.stopped = bool(training.plan.until and not training.diverged and training.plan.until(mark))
    return mark


def _shared(rank: int) -> str:
    """Where the states of a process are kept."""
    return f"shared.{rank}" if rank else "shared"


def _line(mark: Mark) -> str:
    return json.dumps(mark._asdict()) + "\n"


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
