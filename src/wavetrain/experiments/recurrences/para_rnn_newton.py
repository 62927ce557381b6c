"""Does training by Newton's method on whole sequences give what training step by step gives?

Danieli et al. 2026 (ParaRNN), arXiv 2510.21450. A ParaGRU and a ParaLSTM learn to navigate a ring, in
float64, from one start and on the same batches, three times: the recurrence is walked step by step; it is
solved by Newton's method until that has converged; and it is given three iterations whether or not they are
enough, as in the released code. A gap is the relative difference between the loss of a training step and that
of the walk; the figure is the largest. After training, the `iterations` to convergence, the `residual` and
the share `lost` are those of held-out sequences.
"""

import contextlib
import math
from dataclasses import dataclass

import numpy as np
import torch

from wavetrain import scan
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.layers.gate._shared import ChannelCell
from wavetrain.layers.gate.para_gru import ParaGRU
from wavetrain.layers.gate.para_lstm import ParaLSTM
from wavetrain.parts.reader import Reader, one_hot
from wavetrain.scan import Newton
from wavetrain.tasks.maps.cyclic_navigation import CyclicNavigation
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Plan, Training, curve

CELLS = {"gru": ParaGRU, "lstm": ParaLSTM}
WAYS = {"walk": None, "newton": Newton(), "three": Newton(cap=3, fallback=False)}
SAME, LEARNED = 1e-4, 0.1  # relative difference of losses, difference of scores; accuracy above chance


def _nothing_learned(figures: Measured) -> bool:
    """Whether one of the two cells learned nothing, so that there is nothing to compare."""
    return any(figures[f"accuracy_{cell}_walk"] < figures["chance"] + LEARNED for cell in CELLS)


def _same_losses(figures: Measured, cell: str) -> bool | None:
    return None if _nothing_learned(figures) else figures[f"gap_{cell}"] <= SAME


def _same_score(figures: Measured, cell: str) -> bool | None:
    if _nothing_learned(figures):
        return None
    return abs(figures[f"accuracy_{cell}_newton"] - figures[f"accuracy_{cell}_walk"]) <= SAME


claim = Claim(
    title="Training by Newton's method equals training step by step",
    sentence="ParaGRU and ParaLSTM trained by Newton's method on whole sequences have the same losses as "
    "when the recurrence is computed step by step, to 0.01% at every step of training, and the same score "
    "in the end.",
    topic="Recurrences in parallel",
    source="Danieli et al. 2026, arXiv 2510.21450 (accuracies: one layer on cycle navigation)",
    systems=("para_gru", "para_lstm", "cyclic_navigation"),
    parts=(
        Part(
            says="The losses of the ParaGRU differ by at most 0.01% at every step of training.",
            holds=lambda figures: _same_losses(figures, "gru"),
            figures=("gap_gru",),
        ),
        Part(
            says="The losses of the ParaLSTM differ by at most 0.01% at every step of training.",
            holds=lambda figures: _same_losses(figures, "lstm"),
            figures=("gap_lstm",),
        ),
        Part(
            says="The accuracy of the ParaGRU after training differs by at most 0.01 percentage points.",
            holds=lambda figures: _same_score(figures, "gru"),
            figures=("accuracy_gru_newton", "accuracy_gru_walk", "chance"),
        ),
        Part(
            says="The accuracy of the ParaLSTM after training differs by at most 0.01 percentage points.",
            holds=lambda figures: _same_score(figures, "lstm"),
            figures=("accuracy_lstm_newton", "accuracy_lstm_walk", "chance"),
        ),
    ),
    published={"accuracy_gru_newton": 0.90, "accuracy_lstm_newton": 0.95},
    figures=(
        Figure(name="chance", says="accuracy of the best constant answer", unit="share"),
        Figure(name="accuracy_{cell}_{way}", says="accuracy after training, {cell}, {way}", unit="share"),
        Figure(
            name="gap_{cell}_three",
            says="largest gap between training losses, {cell}, three iterations against step by step",
            unit="relative error",
        ),
        Figure(
            name="gap_{cell}",
            says="largest gap between training losses, {cell}, Newton's method against step by step",
            unit="relative error",
        ),
        Figure(
            name="iterations_{cell}_most",
            says="most iterations until convergence, {cell}",
            unit="iterations",
        ),
        Figure(name="iterations_{cell}", says="iterations until convergence, {cell}", unit="iterations"),
        Figure(name="residual_{cell}", says="largest residual at the end, {cell}", unit="absolute error"),
        Figure(name="lost_{cell}", says="sequences that do not converge, {cell}", unit="share"),
        Figure(name="weight_{cell}", says="largest recurrent weight after training, {cell}", unit="weight"),
    ),
    names={
        "gru": "ParaGRU",
        "lstm": "ParaLSTM",
        "walk": "step by step",
        "newton": "by Newton's method",
        "three": "by three iterations",
    },
    notes="The tolerance is ours. Nothing is decided where a cell, computed step by step, is less than 10 "
    "points above chance. The published accuracies are those of training to the end, by another protocol, "
    "and decide nothing here. The library iterates until converged, the released code three times; the gaps "
    "of three iterations are reported beside those that decide.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    length: int
    width: int
    steps: int
    batch: int
    rate: float
    places: int = 5


smoke = Scale(length=6, width=4, steps=3, batch=2, rate=1e-2)
small = Scale(length=32, width=32, steps=1000, batch=16, rate=1e-2)
full = Scale(length=2048, width=256, steps=20_000, batch=64, rate=3e-3)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task = CyclicNavigation(scale.length, scale.places)
    figures, gaps = {"chance": task.chance}, {}
    for cell in CELLS:
        ends = {way: _learn(lab, cell, way, task, scale) for way in WAYS}
        for way, end in ends.items():
            figures[f"accuracy_{cell}_{way}"] = (
                math.nan if end.diverged else examine(end.network, task.test(), task.objective)
            )
        for way in ("newton", "three"):
            gaps[f"Para{cell.upper()}, {way}"] = gap = _gap(ends[way], ends["walk"], scale.steps)
            figures[f"gap_{cell}" if way == "newton" else f"gap_{cell}_three"] = float(gap.max())
        figures |= _found(cell, ends["newton"], task)
        title = f"Para{cell.upper()} on cyclic navigation, {scale.length} steps"
        lab.show(f"loss-{cell}", curve(title, ends, "loss (nats)", lambda mark: mark.loss))
    lines = np.maximum(np.stack(list(gaps.values())), 1e-17)  # a logarithmic axis has no zero
    title, steps = "Losses by Newton's method beside those of the walk", np.arange(1.0, scale.steps + 1)
    lab.show(
        "gap", Curve(title, steps, lines, tuple(gaps), "training steps", "relative difference", log=True)
    )
    return figures


def _learn(lab: Lab, cell: str, way: str, task: CyclicNavigation, scale: Scale) -> Training:
    def build() -> Reader:
        layer = CELLS[cell](scale.width, task.inputs, newton=WAYS[way])
        return Reader(layer, task.outputs, task.every_step).double()

    plan = Plan(scale.steps, scale.batch, scale.rate, clip=1.0, every=1, held_out=1)
    with scan.only_plain() if way == "walk" else contextlib.nullcontext():
        return lab.fit(f"{cell}-{way}", build, task, plan)


def _gap(end: Training, walk: Training, steps: int) -> np.ndarray:
    """The relative difference of the loss of each training step, (steps,); NaN where one had diverged."""
    losses = np.full((2, steps), np.nan)
    for row, marks in zip(losses, (end.marks, walk.marks), strict=True):
        row[: len(marks)] = [mark.loss for mark in marks]
    return abs(losses[0] / losses[1] - 1)


@torch.no_grad()
def _found(cell: str, end: Training, task: CyclicNavigation) -> dict[str, float]:
    """How the states of the trained layer are found, and its largest recurrent weight."""
    assert isinstance(end.network, Reader) and isinstance(end.network.layer, ChannelCell)
    layer = end.network.layer
    x = one_hot(task.test().x[:200], task.inputs, torch.float64).to(layer.bias.device)
    _, _, info = layer.solve(x)
    return {
        f"iterations_{cell}": float(info.iterations.double().mean()),
        f"iterations_{cell}_most": float(info.iterations.max()),
        f"residual_{cell}": float(info.residual.max()),
        f"lost_{cell}": float((~info.converged).double().mean()),
        f"weight_{cell}": float(layer.recur.abs().max()),
    }
