"""Does training by Newton's method on whole sequences give what training step after step gives?

Danieli et al. 2026 (ParaRNN), arXiv 2510.21450. A ParaGRU and a ParaLSTM learn to navigate a ring, in
float64, from one start and on the same batches, three times: the recurrence is walked; it is solved by
Newton's method until that has converged; and it takes three iterations whatever they give, as in the released
code. A gap is the relative difference between the loss of a training step and that of the walk; the figure is
the largest. After training, `iterations` to convergence, the `residual` and the share `lost` are those of
held-out sequences.
"""

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from wavetrain import scan
from wavetrain.evidence.claims import Claim, Part
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


def _holds(figures: Mapping[str, float]) -> bool | None:
    """Equal losses and scores for both cells; where a cell learned nothing, there is nothing to tell."""
    if any(figures[f"accuracy_{cell}_walk"] < figures["chance"] + LEARNED for cell in CELLS):
        return None
    return all(
        figures[f"gap_{cell}"] <= SAME
        and abs(figures[f"accuracy_{cell}_newton"] - figures[f"accuracy_{cell}_walk"]) <= SAME
        for cell in CELLS
    )


claim = Claim(
    title="Does training by Newton's method on whole sequences give what training step after ...",
    sentence="ParaGRU and ParaLSTM trained by Newton's method on whole sequences have the losses of "
    "training step after step, within 0.01% at every step of training, and the same score",
    topic="Recurrences in parallel",
    source="Danieli et al. 2026, arXiv 2510.21450 (accuracies: one layer on cycle navigation)",
    systems=("para_gru", "para_lstm", "cyclic_navigation"),
    parts=(Part(says="All that the sentence says", holds=_holds),),
    published={"accuracy_gru_newton": 0.90, "accuracy_lstm_newton": 0.95},
    notes="The tolerance is ours. The published accuracies are those of training to the end, by another "
    "protocol, and decide nothing here. The library iterates until converged, the released code "
    "three times: gap_gru_three and gap_lstm_three say what that costs.",
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
        return Reader(layer, task.outputs, task.steps).double()

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
