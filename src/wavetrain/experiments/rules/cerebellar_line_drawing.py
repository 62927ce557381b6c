"""Does a cerebellum that foresees the gradient let a network draw lines which it learns step by step?

Pemberton, Boven, Apps and Costa 2021, arXiv 2110.11501. An LSTM of 50 units draws a line in ten steps after a
cue at the first, and every second step has an error. Credit ends at every step: K = 1. So nothing but the
cerebellum, an MLP of two hidden layers of 400, says what a state will be blamed for later.

    backpropagation   credit through all of time
    cerebellum        one step, and what the cerebellum says
    without           one step
    lesioned          as with the cerebellum, but from half way on it neither says nor learns anything
    shuffled          what the cerebellum says of another sequence of the batch
    random            what a cerebellum says that never learns, by weights as PyTorch draws them, a 50th of it

All have the same start, batches, Adam and clipping of the whole gradient's norm to 1. `error` is the squared
error of a coordinate over all ten steps in the end, and `area` its mean over all epochs. The cerebellum is
no part of what moves the pen, so its loss shows in what is learned. Ataxia is what clinicians call movement
that misses and is uneven: `miss` is how far lines end from where they should, in radii, and `uneven` how much
a step of the pen differs from the step before, in steps of the lines as they should be; both over the seven
lines, and both ours, as the paper's score could not be found. `cosine` is that between what the cerebellum
says and the true gradient of what comes later, at the ends of all windows but the last.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import Batch, HeldOut, Rule
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Paths
from wavetrain.experiments.rules._cerebellar import agreement, foreseen
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.parts.cerebellar_reader import CerebellarReader
from wavetrain.parts.reader import Reader
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.decoupled import Decoupled
from wavetrain.rules.truncated_backpropagation import TruncatedBackpropagation
from wavetrain.tasks.dynamics.line_drawing import LineDrawing
from wavetrain.train.lab import Lab, Plan, Training, curve

BATCH = 50
EPOCH = 16  # updates: 800 sequences
ALPHA = 0.1
GAIN = 0.9  # the error with a cerebellum, as a share of that without
WORSE = 1.1  # ataxia without a cerebellum, as a multiple of that with it, and areas of controls

ARMS = ("backpropagation", "cerebellum", "without", "lesioned", "shuffled", "random")


def _ataxic(figures: Measured, arm: str) -> bool:
    """Whether lines of an arm miss more and are more uneven than with a cerebellum."""
    return all(
        figures[f"{sign}_{arm}"] >= WORSE * figures[f"{sign}_cerebellum"] for sign in ("miss", "uneven")
    )


def _misled(figures: Measured, arm: str) -> bool:
    """Whether it is worse to be told this than nothing."""
    return (
        figures[f"error_{arm}"] > figures["error_without"]
        and figures[f"area_{arm}"] >= WORSE * figures["area_without"]
    )


claim = Claim(
    title="A cerebellum that foresees gradients helps a network draw lines",
    sentence="Where credit ends at every step, an LSTM draws lines with at most 0.9 of the error when a "
    "cerebellum foresees the gradient, and backpropagation through time does no worse; feedback that is "
    "shuffled or random is worse than none, and without the cerebellum lines miss and are uneven.",
    topic="Learning rules",
    source="Pemberton et al. 2021, arXiv 2110.11501, line drawing; the limits are ours",
    systems=("decoupled", "truncated_backpropagation", "line_drawing", "lstm"),
    parts=(
        Part(
            says="The error with a cerebellum is at most 0.9 of that without, and no less than that of "
            "backpropagation through all of time.",
            holds=lambda figures: (
                figures["error_backpropagation"]
                <= figures["error_cerebellum"]
                <= GAIN * figures["error_without"]
            ),
            figures=("error_backpropagation", "error_cerebellum", "error_without"),
            stronger="ccRNN learns faster and approaches backpropagation through all of time",
        ),
        Part(
            says="Told what the cerebellum says of another sequence it ends worse than without one, and its "
            "area is at least 1.1 times as large.",
            holds=lambda figures: _misled(figures, "shuffled"),
            figures=("error_shuffled", "error_without", "area_shuffled", "area_without"),
        ),
        Part(
            says="So it does with a random cerebellum that never learns.",
            holds=lambda figures: _misled(figures, "random"),
            figures=("error_random", "error_without", "area_random", "area_without"),
        ),
        Part(
            says="Without a cerebellum lines end at least 1.1 times as far from where they should, and are "
            "at least 1.1 times as uneven.",
            holds=lambda figures: _ataxic(figures, "without"),
            figures=("miss_without", "miss_cerebellum", "uneven_without", "uneven_cerebellum"),
        ),
        Part(
            says="So they do where the cerebellum is cut out half way.",
            holds=lambda figures: _ataxic(figures, "lesioned"),
            figures=("miss_lesioned", "miss_cerebellum", "uneven_lesioned", "uneven_cerebellum"),
        ),
        Part(
            says="The cosine between what the cerebellum says and the true gradient is above 0.2 in the end.",
            holds=lambda figures: figures["cosine_cerebellum"] > 0.2,
            figures=("cosine_cerebellum",),
        ),
    ),
    figures=(
        Figure(name="error_{arm}", says="squared error of a coordinate in the end, {arm}", unit="length²"),
        Figure(name="area_{arm}", says="mean of that error over all epochs, {arm}", unit="length²"),
        Figure(name="miss_{arm}", says="distance from where a line should end, {arm}", unit="radii"),
        Figure(
            name="uneven_{arm}",
            says="change of the pen's step from one step to the next, {arm}",
            unit="steps of an even line",
        ),
        Figure(name="cosine_{arm}", says="what is fed back against the true gradient, {arm}", unit="cosine"),
    ),
    names={
        "backpropagation": "backpropagation through time",
        "cerebellum": "with a cerebellum",
        "without": "without a cerebellum",
        "lesioned": "cerebellum cut out half way",
        "shuffled": "feedback of other sequences",
        "random": "random cerebellum",
    },
    notes="Limits are from an implementation of our own, of three seeds, before this one was written; there "
    "the error with a cerebellum was 0.58 to 0.82 of that without. Tries of this one on two seeds that do "
    "not count gave 0.6 and 1.2, so the gain hangs on the start. The published curves give no figures, and "
    "how the paper scores ataxia could not be found. All arms sum the errors of the steps that are told, "
    "where the authors' code takes their mean inside a window, which is one where it holds a single step.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    units: int
    hidden: tuple[int, ...]  # of the cerebellum
    epochs: int


smoke = Scale(units=6, hidden=(8,), epochs=2)
small = Scale(units=50, hidden=(400, 400), epochs=40)
full = Scale(units=50, hidden=(400, 400), epochs=100)


class Lesioned(CerebellarReader):
    """It counts its batches, since its cerebellum is cut out after some of them."""

    batches: Tensor

    def __init__(self, units: int, hidden: tuple[int, ...]):
        super().__init__(LSTM(units, 1), 2, True, hidden)
        self.register_buffer("batches", torch.zeros((), dtype=torch.long))


class Lesion(Decoupled):
    """Truncated backpropagation from batch `at` on, which leaves the cerebellum as it is."""

    def __init__(self, at: int):
        super().__init__(1, ALPHA, together=True)
        self.at, self.rest = at, TruncatedBackpropagation(1)

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        assert isinstance(network, Lesioned)
        network.batches += 1
        if network.batches > self.at:
            return self.rest.learn(network, batch, loss)
        return super().learn(network, batch, loss)


class Shuffled(Decoupled):
    """What the cerebellum says of the sequence before, the first of the last."""

    def injected(self, guess: Tensor) -> Tensor:
        return guess.roll(1, 1)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task = LineDrawing()
    ends = {arm: _learn(arm, scale, lab, task) for arm in ARMS}
    figures = {f"error_{arm}": end.score for arm, end in ends.items()}
    figures |= {f"area_{arm}": float(np.mean([one.score for one in end.marks])) for arm, end in ends.items()}
    drawn = {arm: _drawn(end.network, task) for arm, end in ends.items()}
    for arm, lines in drawn.items():
        figures[f"miss_{arm}"], figures[f"uneven_{arm}"] = ataxia(lines, task)
    batch = task.draw(200, HeldOut.MORE.generator())
    for arm in ("cerebellum", "shuffled", "random"):
        network = ends[arm].network
        assert isinstance(network, CerebellarReader)
        said, true = foreseen(network, batch, task.objective.loss, 1)
        figures[f"cosine_{arm}"] = agreement(said.roll(1, 1) if arm == "shuffled" else said, true)
    lab.show(
        "error",
        curve(
            "Lines drawn with credit of one step", ends, "squared error of a coordinate, length²", log=True
        ),
    )
    lab.show("lines", _lines(drawn, task))
    return figures


def network(arm: str, scale: Scale) -> Reader:
    """The network of an arm; the start of its LSTM and read-out is the same for all."""
    if arm in ("backpropagation", "without"):
        return Reader(LSTM(scale.units, 1), 2, every_step=True)
    if arm == "lesioned":
        return Lesioned(scale.units, scale.hidden)
    found = CerebellarReader(LSTM(scale.units, 1), 2, True, scale.hidden)
    if arm == "random":
        last = found.cerebellum[-1]
        assert isinstance(last, nn.Linear)
        last.reset_parameters()
        with torch.no_grad():
            for part in last.parameters():
                part.div_(BATCH)
        found.cerebellum.requires_grad_(False)
    return found


def rule_of(arm: str, updates: int) -> Rule:
    """Who teaches an arm."""
    rules: dict[str, Callable[[], Rule]] = {
        "backpropagation": Backpropagation,
        "cerebellum": lambda: Decoupled(1, ALPHA, together=True),
        "without": lambda: TruncatedBackpropagation(1),
        "lesioned": lambda: Lesion(updates // 2),
        "shuffled": lambda: Shuffled(1, ALPHA, together=True),
        "random": lambda: Decoupled(1, ALPHA, together=True),
    }
    return rules[arm]()


def ataxia(lines: Tensor, task: LineDrawing) -> tuple[float, float]:
    """How far lines (7, T, 2) end from where they should, and how uneven their steps are."""
    miss = (lines[:, -1] - task.all().y[:, -1]).norm(dim=-1).mean() / task.radius
    uneven = lines.diff(n=2, dim=1).norm(dim=-1).mean() / (task.radius / (task.length - 1))
    return float(miss), float(uneven)


def _learn(arm: str, scale: Scale, lab: Lab, task: LineDrawing) -> Training:
    updates = EPOCH * scale.epochs
    plan = Plan(steps=updates, batch=BATCH, rate=1e-3, clip=1.0, every=EPOCH, betas=(0.9, 0.98))
    return lab.fit(arm, lambda: network(arm, scale), task, plan, rule_of(arm, updates))


@torch.no_grad()
def _drawn(network: nn.Module, task: LineDrawing) -> Tensor:
    """All seven lines, (7, T, 2)."""
    return network(task.all().x)


def _lines(drawn: dict[str, Tensor], task: LineDrawing) -> Paths:
    """What each arm draws in the end, over what it should."""
    return Paths(
        "Seven lines as they are drawn in the end, over what they should be",
        np.stack([one.numpy() for one in drawn.values()]),
        tuple(claim.names[arm] for arm in drawn),
        task.all().y.numpy(),
        "x (length)",
        "y (length)",
    )
