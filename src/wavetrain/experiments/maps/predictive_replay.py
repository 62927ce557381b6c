"""Does a network that learned to predict a sequence replay it after a cue, at the right speed?

Chen, Zhang, Cameron and Sejnowski 2024, Neuron 112:2645, sequence learning and replay. Cells on a circular
track are active in turn: each has a bell half a lap wide, and one lap takes `time` steps. A recurrent
network with tanh is trained on this one sequence to give its next input, another to give its present
input. Then each gets the first 10 steps as a cue, and after that its own outputs. The figure is how far
the outputs move in a step, by the circular mean of their activity; 1 is the speed of the sequence. Beside it
stand the same speed under noise alone (1% of the maximum) in place of any input; how well the outputs match
the moments of the sequence that they are nearest to; and the part of the input that exceeds the prediction
(the error that CA1 carries), for the sequence and for one of the same cells in another order.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor

from wavetrain.core import VALUES, Batch, Recorded
from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.evidence.picture import Field
from wavetrain.networks.predictive_autoencoder import PredictiveAutoencoder
from wavetrain.train.lab import Lab, Plan, curve

SLACK, SLOW, LEARNED = 0.05, 0.9, 0.95
CUE, NOISE = 10, 0.01  # steps; deviation where the maximum of an input is 1
RIVALS = {"predictive": 1, "reconstruction": 0}  # steps ahead of what is asked


def _learned(figures: Measured) -> bool:
    return all(figures[f"r2_{name}"] >= LEARNED for name in RIVALS)


claim = Claim(
    title="A network that learned to predict a sequence replays it after a cue",
    sentence="After a cue of 10 steps, a network trained to predict a sequence of place cells runs the rest "
    "by itself, within 5% of the speed of the sequence; one trained to reproduce its input runs at less than "
    "90% of it.",
    topic="Predicting the next input",
    source="Chen et al. 2024, Neuron 112:2645, replay of learned sequences",
    systems=("predictive_autoencoder",),
    parts=(
        Part(
            says="After the cue, the network trained to predict runs by itself within 5% of the speed of the "
            "sequence (1).",
            figures=("predictive", "r2_predictive"),
            holds=given(_learned, lambda figures: abs(figures["predictive"] - 1) <= SLACK),
        ),
        Part(
            says="The network trained to reproduce its input runs at less than 90% of that speed.",
            figures=("reconstruction", "r2_reconstruction"),
            holds=given(_learned, lambda figures: figures["reconstruction"] < SLOW),
        ),
    ),
    published={"predictive": "replays the sequence from a cue or from noise"},
    figures=(
        Figure(
            name="match_{net}",
            says="match of the replay with the nearest moments of the sequence, {net}",
            unit="correlation",
        ),
        Figure(
            name="noise_match_{net}",
            says="match of the activity under noise with the nearest moments, {net}",
            unit="correlation",
        ),
        Figure(
            name="noise_{net}",
            says="speed under noise alone, {net}",
            unit="multiple of the speed of the sequence",
        ),
        Figure(
            name="error_known_{net}",
            says="input beyond the prediction, sequence that was learned, {net}",
            unit="mean activity",
        ),
        Figure(
            name="error_new_{net}",
            says="input beyond the prediction, same cells in another order, {net}",
            unit="mean activity",
        ),
        Figure(name="r2_{net}", says="fit of what it was trained to give, {net}", unit="R²"),
        Figure(
            name="{net:predictive|reconstruction}",
            says="speed of the replay after the cue, {net}",
            unit="multiple of the speed of the sequence",
        ),
    ),
    names={"predictive": "trained to predict", "reconstruction": "trained to reproduce"},
    notes="The paper shows replay in pictures and prints no speed. The predicate is ours; its bounds lie "
    "near what an earlier computation of ours gave. A run can tell only where both networks learned, with "
    "an R² of at least 0.95. The paper trains by gradient descent for 50,000 epochs; we train by Adam.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    cells: int
    time: int  # steps a lap
    hidden: int
    steps: int
    trial: int
    rates: tuple[float, ...] = (1e-3, 3e-3)
    every: int = 50


smoke = Scale(cells=12, time=16, hidden=10, steps=4, trial=2, rates=(1e-3,), every=2)
small = Scale(cells=200, time=100, hidden=200, steps=1500, trial=150)
full = Scale(cells=200, time=100, hidden=200, steps=50_000, trial=1500, every=500)


def lap(cells: int, time: int) -> Tensor:
    """Activity (time, cells): cell i peaks at i / cells of the lap, with 1, and is silent half a lap long.

    The bell is the normal density between its quantiles of 5% and 95%.
    """
    whole = time * cells  # a lap in whole numbers, so that all bells are exactly alike
    away = (
        torch.arange(time)[:, None] * cells - torch.arange(cells) * time + whole // 2
    ) % whole - whole // 2
    quantile = NormalDist().inv_cdf(0.95)
    return torch.where(4 * away.abs() < whole, torch.exp(-((4 * quantile * away / whole) ** 2) / 2), 0.0)


def speed(outputs: Tensor, time: int) -> float:
    """How far the mean place of activity (..., T, cells) moves a step, of a step of the sequence."""
    cells = outputs.shape[-1]
    angle = 2 * math.pi * torch.arange(cells) / cells
    place = torch.atan2(outputs @ angle.sin(), outputs @ angle.cos())
    step = (place.diff(dim=-1) + math.pi) % (2 * math.pi) - math.pi
    return float(step.mean()) * time / (2 * math.pi)


def match(outputs: Tensor, sequence: Tensor) -> float:
    """The mean correlation of outputs (..., cells) with the moment of the sequence nearest to each."""
    both = [(one - one.mean(-1, keepdim=True)) for one in (outputs, sequence)]
    a, b = (one / one.norm(dim=-1, keepdim=True).clamp(min=1e-12) for one in both)
    return float((a @ b.T).amax(-1).mean())


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    sequence = lap(scale.cells, scale.time + 1)[None]
    order = torch.randperm(scale.cells, generator=lab.generator())
    noise = NOISE * torch.randn(20, 2 * scale.time, scale.cells, generator=lab.generator())
    figures: dict[str, float] = {}
    ends = {}
    lab.show("sequence", _activity("The sequence", sequence[0]))
    for name, ahead in RIVALS.items():
        whole = _whole(sequence, ahead, scale)
        task = Recorded(whole, whole, whole, scale.cells, scale.cells, False, True, VALUES, 0.0)

        def build(ahead: int = ahead) -> PredictiveAutoencoder:
            return PredictiveAutoencoder(scale.hidden, scale.cells, bool(ahead))

        plan = Plan(scale.steps, batch=1, rate=0.0, every=scale.every)
        ends[name] = lab.tuned(name, build, task, plan, scale.trial, scale.rates, (1.0,))
        network = ends[name].network.cpu()
        assert isinstance(network, PredictiveAutoencoder)
        with torch.no_grad():
            replayed = network.replay(whole.x[:, :CUE], scale.time - CUE)
            driven = network(noise)[:, scale.time // 2 :]
            known, new = (
                network.ca1(one)[..., scale.cells :].mean() for one in (whole.x, whole.x[..., order])
            )
        figures |= {
            name: speed(replayed, scale.time),
            f"match_{name}": match(replayed, whole.x[0]),
            f"noise_{name}": speed(driven, scale.time),
            f"noise_match_{name}": match(driven, whole.x[0]),
            f"error_known_{name}": float(known),
            f"error_new_{name}": float(new),
            f"r2_{name}": ends[name].score,
        }
        lab.show(f"replay-{name}", _activity(f"Replay after {CUE} steps, {name}", replayed[0]))
        lab.show(f"noise-{name}", _activity(f"Under noise alone, {name}", driven[0]))
    lab.show("learning", curve("Learning a sequence of place cells", ends, "R² of what is asked"))
    return figures


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """Who finds the moment of the sequence that it is given, and says the next one, or the same again."""
    sequence = lap(scale.cells, scale.time + 1)[None]
    figures: dict[str, float] = {}
    for name, ahead in RIVALS.items():
        whole = _whole(sequence, ahead, scale)
        said = moment(whole.x, sequence[0], ahead)
        replayed = [said[:, CUE - 1]]
        while len(replayed) < scale.time - CUE:
            replayed.append(moment(replayed[-1], sequence[0], ahead))
        figures |= {
            name: speed(torch.stack(replayed, 1), scale.time),
            f"r2_{name}": float(VALUES.score(said, whole.y)),
        }
    return figures


def moment(x: Tensor, sequence: Tensor, ahead: int) -> Tensor:
    """The moment so many steps after that which is nearest to the input, (..., cells)."""
    return sequence[(torch.cdist(x, sequence).argmin(-1) + ahead) % len(sequence)]


def _whole(sequence: Tensor, ahead: int, scale: Scale) -> Batch:
    """A lap, and what is asked at each of its steps."""
    return Batch(sequence[:, : scale.time], sequence[:, ahead : ahead + scale.time])


def _activity(title: str, activity: Tensor) -> Field:
    return Field(title, activity.T.numpy(), ylabel="cell, in the order of the track")
