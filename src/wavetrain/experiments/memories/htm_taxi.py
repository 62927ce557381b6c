"""Does temporal memory forecast a stream as well as trained networks, and follow it when it changes?

Cui, Ahmad and Hawkins 2016, arXiv 1512.05463, New York taxi passengers: half-hourly counts of a year, to be
forecast 2.5 hours (5 records) ahead, scored from record 10,000 on. Everyone reads the stream once, in order,
but what lies far before the scoring may be read more often: as in the authors' program the spatial pooler
first learns in 5 passes over 5,000 records, and no more after that; LSTMs are trained for weeks before it.
The rivals are LSTMs of 20 cells that are trained once a week on the last 1,000 or 6,000 records; an echo
state network with exact least squares; ARIMA, fitted once a week to the last 1,000; the last count; and the
count at that time a week ago. A second stream is changed as in the authors' files: from April 2015 on
weekdays have 20% fewer passengers from 7 to 11 and 20% more from 21 to 24.

MAPE is the sum of absolute errors over that of the counts. The negative log-likelihood is of 22 buckets of 0
to 40,000, no chance being taken for less than 0.01. Memory and LSTMs give chances themselves; for the others
errors are normal, with the deviation of their last 1,000. The rates of the LSTMs, the fading of the least
squares, the order of ARIMA, and which number the chances of the memory are read as (mean, median or most
likely) are searched before the scoring.
"""
# Above 300 lines: one file, since all rivals forecast one stream by one protocol.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import Objective
from wavetrain.data.series.nyc_taxi import counts
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.experiments._layers import built
from wavetrain.experiments.memories._arima import refitted
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.echo_state import EchoState
from wavetrain.memories.temporal_memory import (
    Dendrites,
    Sets,
    SoftmaxClassifier,
    SpatialPooler,
    TemporalMemory,
    clocked,
)
from wavetrain.parts.reader import Reader
from wavetrain.train.lab import Lab, Plan
from wavetrain.train.online import recursive, retrained

AHEAD, WEEK, MOST = 5, 7 * 48, 40_000  # records, records, passengers
BUCKETS, FINER = 22, 5  # buckets of the likelihood; parts of each that the memory tells apart
LATEST = 1000  # errors that the deviation of a forecast is taken from
FLOOR = 0.01
CLOSE = 1.1


def _best_lstm(figures: Measured) -> float | None:
    """The error of the best LSTM; None where it is above that of last week: too little training to tell."""
    best = min(figures[f"mape_lstm_{window}"] for window in figures.scale.windows)
    return None if best > figures["mape_week"] else best


def _close_to_the_best(figures: Measured) -> bool | None:
    best = _best_lstm(figures)
    return None if best is None else figures["mape_htm"] <= CLOSE * min(best, figures["mape_esn"])


def _better_than_the_simple(figures: Measured) -> bool:
    return figures["mape_htm"] < min(figures[f"mape_{name}"] for name in ("persistence", "week", "arima"))


def _first_after_the_change(figures: Measured) -> bool | None:
    if _best_lstm(figures) is None:
        return None
    lstms = (figures[f"changed_mape_lstm_{window}"] for window in figures.scale.windows)
    return figures["changed_mape_htm"] < min(lstms)


claim = Claim(
    title="Temporal memory forecasts taxi passengers as well as trained LSTMs",
    sentence="Temporal memory forecasts taxi passengers 2.5 hours ahead with at most a tenth more error "
    "than LSTMs retrained weekly and an echo state network, and less than ARIMA and plain repetition; when "
    "the daily rhythm changes, its error is below that of the LSTMs.",
    topic="Online sequence learning",
    source="Cui, Ahmad and Hawkins 2016, arXiv 1512.05463, taxi passengers, also changed (figures)",
    systems=("temporal_memory", "lstm", "echo_state", "nyc_taxi"),
    parts=(
        Part(
            says="Its error is at most a tenth above that of the best of the LSTMs and the echo state "
            "network.",
            holds=_close_to_the_best,
            figures=("mape_htm", "mape_lstm_*", "mape_esn"),
        ),
        Part(
            says="Its error is below those of ARIMA, of the last count and of last week's count.",
            holds=_better_than_the_simple,
            figures=("mape_htm", "mape_arima", "mape_persistence", "mape_week"),
        ),
        Part(
            says="After the daily rhythm changes its error is below that of every LSTM.",
            holds=_first_after_the_change,
            figures=("changed_mape_htm", "changed_mape_lstm_*"),
        ),
    ),
    figures=(
        Figure(
            name="{stream:changed_|}mape_{net}",
            says="absolute error of the forecast, {net}{stream}",
            unit="share of the mean count",
        ),
        Figure(
            name="{stream:changed_|}nll_{net}",
            says="negative log-likelihood of the count, {net}{stream}",
            unit="nats",
        ),
    ),
    names={
        "htm": "temporal memory",
        "lstm_1000": "LSTM retrained on 1,000 records",
        "lstm_6000": "LSTM retrained on 6,000 records",
        "persistence": "last count",
        "week": "count of a week ago",
        "changed_": ", changed stream",
    },
    notes="Where no LSTM is better than last week's count, nothing is decided on LSTMs: they were trained "
    "too little. The paper shows bars; the margins and the claim on the changed stream are ours. From the "
    "authors' stored forecasts we computed an error of .081 for the memory, .082 and .099 for LSTMs on "
    "6,000 and 1,000 records, .096 for the echo state network and .295 for ARIMA. Their LSTMs learned by "
    "RProp and from the clock as numbers; ours learn by Adam and see sine and cosine of day and week, as "
    "does the echo state network. ARIMA sees no clock.",
    changed=(
        "In a first run the spatial pooler learned all along, so that codes moved under the memory (error "
        ".089 to .093); since then it follows the authors' program.",
        "The part on simple rivals is judged whether or not the LSTMs learned; before, the whole claim was "
        "undecided where they did not.",
    ),
)


ORDERS = (3, 0, 2), (3, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Scale:
    windows: tuple[int, ...]  # records that LSTMs are trained on
    steps: int
    warm: int  # weeks of training before the scoring
    esn: int
    fitted: int  # records that ARIMA is fitted to
    records: int | None = None  # of a made-up stream, or None for the recording
    first: int = 10_000  # record from which forecasts are scored
    change: int = 13_152
    columns: int = 2048
    winners: int = 40
    cells: int = 32
    lstm: int = 20
    span: int = 100  # records of a run that LSTMs train on
    pooled: int = 5000  # records that the spatial pooler learns from
    passes: int = 5  # over these
    arima: tuple[tuple[int, int, int], ...] = ORDERS
    rates: tuple[float, ...] = (1e-2, 3e-3)
    fades: tuple[float, ...] = (1.0, 0.9998)


smoke = Scale(
    records=460,
    first=380,
    change=420,
    columns=128,
    winners=20,
    cells=2,
    lstm=4,
    windows=(60,),
    span=20,
    steps=2,
    warm=0,
    pooled=300,
    passes=2,
    esn=8,
    arima=((1, 0, 0),),
    fitted=60,
)
small = Scale(windows=(1000, 6000), steps=190, warm=4, esn=200, fitted=1000)
full = Scale(windows=(1000, 3000, 6000), steps=2000, warm=20, esn=500, fitted=3000)


@dataclass(frozen=True)
class Forecast:
    """What is said at each record from the first that is scored on, of the record AHEAD of it."""

    count: Tensor  # (T,) passengers
    chance: Tensor  # (T, BUCKETS)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    rows = counts(year=True) if scale.records is None else _made_up(scale.records, lab.generator())
    figures, errors = {}, {}
    for prefix, stream, first in (
        ("", rows, scale.first),
        ("changed_", _changed(rows, scale.change), scale.change),
    ):
        truth = stream[first + AHEAD :, 0]
        bucket = _buckets(truth, BUCKETS)
        for name, said in _forecasts(scale, lab, prefix, stream, first).items():
            error = (said.count[: len(truth)] - truth).abs()
            chance = said.chance[: len(truth)].gather(1, bucket[:, None])[:, 0].clamp(min=FLOOR)
            figures[f"{prefix}mape_{name}"] = float(error.sum() / truth.sum())
            figures[f"{prefix}nll_{name}"] = float(-chance.log().mean())
            errors[prefix + name] = error, truth
    lab.show("changed", _weekly({name: one for name, one in errors.items() if name.startswith("changed_")}))
    return figures


def _forecasts(scale: Scale, lab: Lab, prefix: str, rows: Tensor, first: int) -> dict[str, Forecast]:
    """What each says on a stream (N, 3) of passengers, minute and weekday from record `first` on."""
    value = rows[:, 0]
    mean, deviation = value[: scale.first].mean(), value[: scale.first].std()
    z = (value - mean) / deviation
    hour = rows[:, 1] / (24 * 60)
    phases = 2 * pi * torch.stack([hour, (rows[:, 2] + hour) / 7], 1)
    inputs = torch.cat([z[:, None], phases.sin(), phases.cos()], 1)  # (N, 5)
    errors = {
        "persistence": value,
        "week": value.roll(WEEK - AHEAD),
        "esn": _echoes(scale, lab, inputs, z) * deviation + mean,
    }
    said = {"htm": _memory(scale, lab, rows, first)}
    for window in scale.windows:
        output = _lstm(scale, lab, f"{prefix}lstm_{window}", inputs, value, z, window, first)
        said[f"lstm_{window}"] = Forecast(output[:, 0] * deviation + mean, output[:, 1:].softmax(1))
    for name, forecast in errors.items():
        said[name] = _normal(forecast[first:], _deviation(forecast, value)[first:])
    arima, spread = refitted(
        z.numpy(), first, orders=scale.arima, fitted=scale.fitted, every=WEEK, ahead=AHEAD
    )
    return said | {"arima": _normal(arima * deviation + mean, spread * deviation)}


def _memory(scale: Scale, lab: Lab, rows: Tensor, first: int) -> Forecast:
    """Encoder, spatial pooler, temporal memory and softmax; the count is its mean, median or most likely."""
    bits, many = clocked(rows), BUCKETS * FINER
    memory = TemporalMemory(scale.columns, scale.cells, Dendrites(punish=0.01), lab.seed)
    state, members, ends, last = memory.empty(), [], [], 0
    for part in _pooled(scale, bits, lab.seed).split(2000):
        trace, state = memory.forward(part, state, reuse=True)
        members.append(trace.active.members)
        ends.append(trace.active.ends + last)
        last = int(ends[-1][-1])
    softmax = SoftmaxClassifier(scale.columns * scale.cells, many, AHEAD)
    chance, _ = softmax.forward(Sets(torch.cat(members), torch.cat(ends)), _buckets(rows[:, 0], many))
    chance, middle = chance.double(), (torch.arange(many).double() + 0.5) * MOST / many
    median = (chance.cumsum(1) < 0.5).sum(1).clamp(max=many - 1)
    tried = [chance @ middle, middle[median], middle[chance.argmax(1)]]
    count = _least(scale, tried, rows[:, 0])
    return Forecast(count[first:], chance[first:].unflatten(1, (BUCKETS, FINER)).sum(2))


def _pooled(scale: Scale, bits: Tensor, seed: int) -> Tensor:
    """The columns (N, columns) of a pooler that learned from the first records, and has stopped learning."""
    pooler = SpatialPooler(bits.shape[1], scale.columns, scale.winners, seed=seed)
    _, state = pooler.forward(bits[: scale.pooled].repeat(scale.passes, 1))
    return pooler.forward(bits, state, learn=False)[0]


def _lstm(
    scale: Scale, lab: Lab, name: str, inputs: Tensor, value: Tensor, z: Tensor, window: int, first: int
) -> Tensor:
    """The standardised count and the buckets, of an LSTM trained once a week on the last `window` records."""
    answers = torch.stack([z, _buckets(value, BUCKETS).double()], 1).roll(-AHEAD, 0).float()
    plans = {f"{rate:g}": Plan(scale.steps, 32, rate, 1.0, scale.steps) for rate in scale.rates}
    begin = first - scale.warm * WEEK
    said = retrained(
        lab,
        name,
        lambda: Reader(LSTM(scale.lstm, inputs.shape[1]), 1 + BUCKETS, every_step=True),
        (inputs.float(), answers),
        plans,
        window,
        range(begin, len(z), WEEK),
        scale.span,
        AHEAD,
        Objective("squared error and nats", False, _both, _both),
    )
    return said[first - begin :].double()


def _both(output: Tensor, y: Tensor) -> Tensor:
    """The squared error of the count and the cross-entropy of its bucket."""
    nats = F.cross_entropy(output[..., 1:].flatten(0, -2), y[..., 1].flatten().long())
    return F.mse_loss(output[..., 0], y[..., 0]) + nats


def _echoes(scale: Scale, lab: Lab, inputs: Tensor, z: Tensor) -> Tensor:
    """The standardised count by an echo state network, its fading that of the least error before scoring."""
    layer = built(lambda: EchoState(scale.esn, inputs.shape[1], leak=0.5, scale=0.5), lab.seed)
    h = torch.cat([layer(inputs[None])[0][0], inputs, torch.ones(len(z), 1).double()], 1)
    answers = z.roll(-AHEAD)[:, None]
    return _least(scale, [recursive(h, answers, fade, ahead=AHEAD)[:, 0] for fade in scale.fades], z)


def _least(scale: Scale, tried: Sequence[Tensor], value: Tensor) -> Tensor:
    """Of several forecasts (N,) the one of the least absolute error before the scoring."""
    known = slice(scale.first // 10, scale.first - AHEAD)
    return min(tried, key=lambda said: float((said - value.roll(-AHEAD))[known].abs().mean()))


def _deviation(forecast: Tensor, value: Tensor) -> Tensor:
    """The root mean square of the last errors that are known at each record, (N,)."""
    error = F.pad((forecast[:-AHEAD] - value[AHEAD:]).square(), (AHEAD, 0)).cumsum(0)
    begin = (torch.arange(len(value)) - LATEST).clamp(min=AHEAD - 1)
    many = (torch.arange(len(value)) - begin).clamp(min=1)
    return ((error - error[begin]) / many).clamp(min=1.0).sqrt()


def _normal(count: Tensor, deviation: Tensor) -> Forecast:
    """A count and the chances of the buckets under normal errors; what lies outside belongs to the ends."""
    edges = torch.arange(1, BUCKETS).to(count) * (MOST / BUCKETS)
    below = torch.special.ndtr((edges - count[:, None]) / deviation[:, None])
    below = F.pad(F.pad(below, (1, 0)), (0, 1), value=1.0)
    return Forecast(count, below.diff(dim=1))


def _buckets(value: Tensor, many: int) -> Tensor:
    return (value / MOST * many).long().clamp(0, many - 1)


def _changed(rows: Tensor, change: int) -> Tensor:
    """The stream with another rhythm on weekdays from record `change` on."""
    hour, weekday = rows[:, 1] // 60, (rows[:, 2] < 5) & (torch.arange(len(rows)) >= change)
    factor = torch.ones(len(rows)).double()
    factor[weekday & (hour >= 7) & (hour < 11)] = 0.8
    factor[weekday & (hour >= 21)] = 1.2
    return torch.cat([rows[:, :1] * factor[:, None], rows[:, 1:]], 1)


def _made_up(records: int, generator: torch.Generator) -> Tensor:
    """A stream with a rhythm of days and weeks, and noise: passengers, minute and weekday, (N, 3)."""
    t = torch.arange(records)
    minute, day = t % 48 * 30.0, t // 48 % 7 * 1.0
    level = 15_000 - 9000 * (2 * pi * (minute - 180) / 1440).cos() + 1500 * (day > 3)
    noise = 800 * torch.randn(records, generator=generator)
    return torch.stack([(level + noise).clamp(min=0), minute, day], 1).double()


def _weekly(errors: Mapping[str, tuple[Tensor, Tensor]]) -> Curve:
    """MAPE in each week after the change."""
    lines = [
        [
            float(error.sum() / truth.sum())
            for error, truth in zip(*(p.split(WEEK) for p in pair), strict=True)
        ]
        for pair in errors.values()
    ]
    names = tuple(name.removeprefix("changed_") for name in errors)
    title, weeks = "Taxi passengers after the daily rhythm changed", np.arange(1.0, len(lines[0]) + 1)
    return Curve(title, weeks, np.array(lines), names, "weeks", "MAPE")
