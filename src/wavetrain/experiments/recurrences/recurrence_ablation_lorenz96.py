"""Do gates and attention help a recurrent network to forecast, and does recurrence harm a transformer?

Heidenreich, Vlachas and Koumoutsakos 2024, arXiv 2410.02654. Each rival is one block of a residual stack with
another mixer: recurrence alone (elman), with gates inside (lstm, gru, highway), a recurrent highway network
with a gate round it, with attention to its past states, and with both; attention alone; and attention whose
output a gated recurrence carries on and adds to. An MLP follows attention, and no recurrence. All learn the
next sample of Lorenz 96, as the change from the last, with as many parameters as fit under one limit, the
same batches and the same search: each learning rate for `trial` steps, the lowest training loss wins. Then
each forecasts held-out trajectories, with its predictions fed back; it always reads the last `window`
samples. The figure is the mean valid prediction time in Lyapunov times: until the error, over all sites,
exceeds half of the deviation in the training part. `vpt_persistence` is that of saying the last sample again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import Layer, Nonlinear, State
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve, Field
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.gate.recurrent_highway import Gate, RecurrentHighway
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.stack import MLP, Stack
from wavetrain.tasks.dynamics._shared import Forecast, valid_prediction_time
from wavetrain.tasks.dynamics.lorenz96 import LYAPUNOV, lorenz96
from wavetrain.train.lab import Lab, Plan, Training, curve

LEARNED = 2.0  # times as long as saying the last sample again


def _nobody_forecasts(figures: Measured) -> bool:
    """Whether even the best is less than twice as good as saying the last sample again."""
    best = max(figures[f"vpt_{name}"] for name in mixers(1))
    return LEARNED * figures["vpt_persistence"] > best


def _longer(figures: Measured, name: str, other: str) -> bool | None:
    return None if _nobody_forecasts(figures) else figures[f"vpt_{name}"] > figures[f"vpt_{other}"]


def _both_is_best(figures: Measured) -> bool | None:
    if _nobody_forecasts(figures):
        return None
    return figures["vpt_highway_both"] == max(figures[f"vpt_{name}"] for name in mixers(1))


claim = Claim(
    title="Gates and attention help recurrence; recurrence harms attention",
    sentence="On Lorenz 96 a gate and attention, each alone, lengthen the valid forecasts of a recurrent "
    "highway network; recurrence shortens those of a transformer; and the highway network with both "
    "forecasts longest of all.",
    topic="Recurrence beside attention",
    source="Heidenreich, Vlachas and Koumoutsakos 2024, arXiv 2410.02654, abstract",
    systems=("recurrent_highway", "softmax_attention", "lstm", "gru", "elman", "lorenz96"),
    parts=(
        Part(
            says="A gate lengthens the forecasts of the recurrent highway network.",
            holds=lambda figures: _longer(figures, "highway_gate", "highway"),
            figures=("vpt_highway_gate", "vpt_highway"),
        ),
        Part(
            says="Attention to past states lengthens the forecasts of the recurrent highway network.",
            holds=lambda figures: _longer(figures, "highway_attention", "highway"),
            figures=("vpt_highway_attention", "vpt_highway"),
        ),
        Part(
            says="Recurrence after attention shortens the forecasts of the transformer.",
            holds=lambda figures: _longer(figures, "attention", "attention_recurrence"),
            figures=("vpt_attention_recurrence", "vpt_attention"),
        ),
        Part(
            says="The highway network with both a gate and attention forecasts longest of all nine.",
            holds=_both_is_best,
            figures=("vpt_*",),
        ),
    ),
    published={
        "vpt_highway_both": "best on high-dimensional dynamics",
        "vpt_highway_gate": "better than without in most tasks",
        "vpt_highway_attention": "better than without in most tasks",
        "vpt_attention_recurrence": "worse than without",
    },
    figures=(Figure(name="vpt_{net}", says="valid prediction time, {net}", unit="Lyapunov times"),),
    names={
        "persistence": "last sample again",
        "highway": "recurrent highway network",
        "highway_gate": "recurrent highway network with a gate",
        "highway_attention": "recurrent highway network with attention",
        "highway_both": "recurrent highway network with both",
        "attention": "transformer",
        "attention_recurrence": "transformer with recurrence",
    },
    notes="Nothing is decided where even the best forecast is less than twice as long as saying the last "
    "sample again. The paper has two scales, and places the parts in ways that we do not know; ours are one "
    "scale, all sites seen, and our reading of the parts' names. It tunes each variant by itself; here each "
    "gets the same small search. With equal parameters more parts leave less width: at the small scale 152 "
    "units for the Elman network, 64 for the highway network with both.",
    changed=(
        "An MLP followed every mixer at first; now it follows attention alone, as in a transformer, and the "
        "recurrences have none.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    forcing: float
    trajectories: int
    samples: int
    step: float  # between samples, in time units
    transient: float  # before them
    window: int
    ahead: int  # samples to forecast
    parameters: int  # at most, of each rival
    depth: int
    steps: int
    trial: int
    batch: int
    rates: tuple[float, ...]
    every: int


smoke = Scale(
    forcing=8.0,
    trajectories=4,
    samples=12,
    step=0.05,
    transient=0.5,
    window=4,
    ahead=4,
    parameters=3500,
    depth=1,
    steps=4,
    trial=2,
    batch=4,
    rates=(1e-3,),
    every=2,
)
small = Scale(
    forcing=8.0,
    trajectories=1000,
    samples=80,
    step=0.05,
    transient=8.0,
    window=8,
    ahead=60,
    parameters=60_000,
    depth=1,
    steps=900,
    trial=100,
    batch=64,
    rates=(1e-2, 3e-3),
    every=100,
)
full = Scale(
    forcing=10.0,
    trajectories=100,
    samples=2000,
    step=0.01,
    transient=20.0,
    window=32,
    ahead=1000,
    parameters=1_000_000,
    depth=2,
    steps=100_000,
    trial=2000,
    batch=32,
    rates=(1e-3, 1e-4),
    every=1000,
)


class Carried(Nonlinear):
    """Attention a_t, and a gated recurrence over it that is added: x (B, T, width) to a_t + gru(a)_t."""

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        self.attention, self.cell = SoftmaxAttention(width, inputs), GRU(width)

    def begin(self, batch: int) -> State:
        return self.attention.begin(batch), self.cell.begin(batch)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        a, past = self.attention.step(x, state[0])
        h, carried = self.cell.step(a, state[1])
        return a + h, (past, carried)

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        past, carried = state
        a, past = self.attention(x, past)
        h, carried = self.cell(a, carried)
        return a + h, (past, carried)


class Rival(NamedTuple):
    """What makes the mixer of a block, of any width, and what follows it there."""

    make: Callable[[int], Layer]
    mlp: MLP = MLP.NONE


class Ahead(nn.Module):
    """The next sample at each step, as the last and a change made by one block or more: (B, T, C) alike."""

    def __init__(self, rival: Rival, width: int, depth: int, channels: int):
        super().__init__()
        self.stack = Stack([rival.make(width) for _ in range(depth)], channels, channels, rival.mlp)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.stack(x)[0]


def mixers(window: int) -> dict[str, Rival]:
    """The rivals: a transformer's attention is followed by an MLP, a recurrence by none."""
    return {
        "elman": Rival(Elman),
        "lstm": Rival(LSTM),
        "gru": Rival(GRU),
        "highway": Rival(RecurrentHighway),
        "highway_gate": Rival(partial(RecurrentHighway, gate=Gate.INPUT)),
        "highway_attention": Rival(partial(RecurrentHighway, window=window)),
        "highway_both": Rival(partial(RecurrentHighway, gate=Gate.INPUT, window=window)),
        "attention": Rival(SoftmaxAttention, MLP.PLAIN),
        "attention_recurrence": Rival(Carried, MLP.PLAIN),
    }


def widest(rival: Rival, scale: Scale, channels: int) -> int:
    """The largest even width with no more than the allowed parameters."""

    def count(width: int) -> int:
        with torch.device("meta"):
            return sum(part.numel() for part in Ahead(rival, width, scale.depth, channels).parameters())

    width = 2
    while count(width + 2) <= scale.parameters:
        width += 2
    return width


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task = lorenz96(
        40, scale.forcing, scale.trajectories, scale.samples, scale.window, scale.step, scale.transient
    )
    length = scale.window + scale.ahead
    whole = task.held_test.unfold(1, length, length).flatten(0, 1).mT  # (starts, length, sites)
    past, true = whole[:, : scale.window], whole[:, scale.window :]
    predicted = {"persistence": past[:, -1:].expand_as(true)}
    ends: dict[str, Training] = {}
    for name, rival in mixers(scale.window).items():
        ends[name] = _learn(lab, name, rival, task, scale)
        predicted[name] = forecast(ends[name].network, past.to(lab.device), scale.ahead).cpu()
    figures = {
        f"vpt_{name}": float(
            valid_prediction_time(one, true, scale.step, LYAPUNOV[scale.forcing]).double().mean()
        )
        for name, one in predicted.items()
    }
    missed = curve("One sample ahead", ends, "variance not explained", lambda mark: 1 - mark.score, log=True)
    lab.show("training", missed)
    error = [((one - true) ** 2).mean((0, 2)).sqrt().numpy() for one in predicted.values()]
    time = scale.step * LYAPUNOV[scale.forcing] * np.arange(1, scale.ahead + 1)
    title, axes = "Forecasts fed back", ("Lyapunov times", "error (deviations)")
    lab.show("error", Curve(title, time, np.array(error).clip(0, 2), tuple(predicted), *axes))
    for name, part in (("truth", true), ("highway_both", predicted["highway_both"])):
        values = part[0].T.clamp(-4, 4).nan_to_num().numpy()
        lab.show(
            f"field-{name}",
            Field(f"Lorenz 96: {name}", values, "time (samples)", "site", "value (deviations)"),
        )
    return figures


@torch.no_grad()
def forecast(network: nn.Module, past: Tensor, ahead: int) -> Tensor:
    """From windows (B, window, C) on, each prediction fed back: (B, ahead, C)."""
    said = []
    for _ in range(ahead):
        said.append(network(past)[:, -1:])
        past = torch.cat([past[:, 1:], said[-1]], 1)
    return torch.cat(said, 1)


def _learn(lab: Lab, name: str, rival: Rival, task: Forecast, scale: Scale) -> Training:
    width = widest(rival, scale, task.inputs)
    drops = ((6 * scale.steps // 10, 3.0), (85 * scale.steps // 100, 3.0))
    plan = Plan(scale.steps, scale.batch, 0.0, 1.0, scale.every, drops=drops, held_out=200)

    def build() -> Ahead:
        return Ahead(rival, width, scale.depth, task.inputs)

    return lab.tuned(name, build, task, plan, scale.trial, scale.rates, (1.0,))
