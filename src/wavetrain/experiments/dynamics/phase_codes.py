"""Do rhythms and fatigue do what they are said to do: code by phase, open and close a path, pass on tokens?

Monaco, Rajan and Hwang 2021, arXiv 2105.07284, name mechanisms of brains and publish no numbers. Three of
them are built here, each with an outcome that can fail, and a control:

    code    a neuron under a theta rhythm, whose drive grows over two seconds: the first spike of each cycle
            comes at a phase that goes back; without the rhythm it does so less
    gate    a receiver under a gamma rhythm hears volleys of 100 senders at the same rhythm: how many spikes
            pass depends on the lag of the two, unless the volleys are so strong that all pass
    tokens  patterns of a symmetric network follow each other when its units tire, and else the first stays

Steps are milliseconds in the first two. Phase is 0 where the rhythm inhibits most.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wavetrain.evidence.claims import Claim, Figure, Part
from wavetrain.evidence.picture import Curve, Points
from wavetrain.lenses.space.phase_precession import phase_precession
from wavetrain.networks.adapting_attractors import AdaptingAttractors
from wavetrain.networks.phase_coding import PhaseCoding
from wavetrain.train.lab import Lab

THETA, GAMMA = 1000 / 7.5, 25.0  # periods
DRIVE = 0.7, 2.0  # at the start and at the end
SENDERS, PEAK, TAU = (
    100,
    0.08,
    10.0,
)  # of a volley, with the highest chance of a spike a step; of the receiver
WEAK, STRONG = 0.03, 0.05  # what one spike does
LAGS = tuple(math.pi * quarter / 4 for quarter in range(-3, 5))
TIRED = {"rested": 0.3, "tired": 0.7}  # adaptation
THERE = 0.7  # overlap from which a token is there

claim = Claim(
    title="Rhythms code by phase and gate; fatigue turns attractors into tokens",
    sentence="Under a theta rhythm the phase of a spike goes back as the drive grows; under a gamma rhythm "
    "the lag decides whether weak volleys pass; attractors whose units tire follow each other",
    topic="Looking inside",
    source="Monaco, Rajan and Hwang 2021, arXiv 2105.07284, in words; no figures are published",
    systems=("phase_coding", "adapting_attractors", "phase_precession"),
    parts=(
        Part(
            says="Under the rhythm, phase goes back by at least 2.5 radians in a unit of drive, and keeps to "
            "that line with a resultant of 0.9",
            figures=("slope_theta", "resultant_theta"),
            holds=lambda figures: figures["slope_theta"] <= -2.5 and figures["resultant_theta"] >= 0.9,
            learned=False,
        ),
        Part(
            says="Without the rhythm it goes back by at most 2 radians, with a resultant of at most 0.85",
            figures=("slope_none", "resultant_none"),
            holds=lambda figures: abs(figures["slope_none"]) <= 2 and figures["resultant_none"] <= 0.85,
            learned=False,
        ),
        Part(
            says="At the best lag at least five times as many spikes pass of weak volleys as at the worst",
            figures=("best_weak", "worst_weak"),
            holds=lambda figures: figures["best_weak"] >= max(5 * figures["worst_weak"], 1e-9),
            learned=False,
        ),
        Part(
            says="Of strong volleys, the best lag passes less than 1.2 times as many as the worst",
            figures=("best_strong", "worst_strong"),
            holds=lambda figures: 0 < figures["best_strong"] < 1.2 * figures["worst_strong"],
            learned=False,
        ),
        Part(
            says="With little adaptation the first pattern stays",
            figures=("transitions_rested", "held_rested"),
            holds=lambda figures: figures["transitions_rested"] == 0 and figures["held_rested"] > 0.99,
            learned=False,
        ),
        Part(
            says="With more of it, tokens change at least 15 times in 4000 steps, four or more different "
            "ones come, and one is there at least 75% of the time",
            figures=("transitions_tired", "tokens_tired", "held_tired"),
            holds=lambda figures: (
                figures["transitions_tired"] >= 15
                and figures["tokens_tired"] >= 4
                and figures["held_tired"] >= 0.75
            ),
            learned=False,
        ),
    ),
    figures=(
        Figure(name="slope_{how}", says="phase in a unit of drive, {how}", unit="radians"),
        Figure(name="resultant_{how}", says="how well phases keep to the line, {how}", unit="0 to 1"),
        Figure(name="spikes_{how}", says="first spikes of a cycle, {how}", unit="count"),
        Figure(name="best_{how}", says="spikes that pass at the best lag, {how}", unit="Hz"),
        Figure(name="worst_{how}", says="spikes that pass at the worst lag, {how}", unit="Hz"),
        Figure(name="transitions_{how}", says="changes of the token, {how}", unit="count"),
        Figure(name="tokens_{how}", says="different tokens, {how}", unit="count"),
        Figure(name="held_{how}", says="time in a token, {how}", unit="share"),
    ),
    names={
        "theta": "theta rhythm",
        "none": "no rhythm",
        "weak": "weak volleys",
        "strong": "strong volleys",
        "rested": "little adaptation",
        "tired": "more adaptation",
    },
    notes="All programs, constants and limits are ours. The negative of a pattern is a token of its own. "
    "Reading the first spike of a cycle makes phase go back a little even where there is no rhythm. Three "
    "scalings of the noise, four limits of overlap and several rests of the receiver were tried on another "
    "seed before these were fixed, so a part of the agreement is by choice.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    trials: int = 20
    time: int = 2000  # steps of a ramp
    noise: float = 0.05
    heard: int = 20_000  # steps of a receiver
    receivers: int = 4
    patterns: int = 6
    units: int = 200
    walked: int = 4000


smoke = Scale(trials=3, time=800, heard=100, receivers=1, patterns=2, units=20, walked=50)
small = Scale()
full = Scale(trials=500, heard=200_000, receivers=20, units=1000, patterns=20, walked=40_000)


@torch.no_grad()
def run(scale: Scale, lab: Lab) -> dict[str, float]:
    dice = lab.generator()
    figures: dict[str, float] = {}
    seen = {}
    for how, depth in {"theta": 0.8, "none": 0.0}.items():
        phase, drive = first_spikes(scale, depth, dice)
        found = phase_precession(phase, drive, draws=1)
        figures |= {f"slope_{how}": found.slope, f"resultant_{how}": found.resultant}
        figures[f"spikes_{how}"] = float(found.spikes)
        seen[how] = phase, drive
    rates = {how: passed(scale, weight, dice) for how, weight in {"weak": WEAK, "strong": STRONG}.items()}
    for how, rate in rates.items():
        figures |= {f"best_{how}": float(rate.max()), f"worst_{how}": float(rate.min())}
    walks = {how: tokens(scale, adaptation, dice) for how, adaptation in TIRED.items()}
    for how, walk in walks.items():
        visits = torch.unique_consecutive(walk[walk > 0])
        figures |= {
            f"transitions_{how}": float(max(len(visits) - 1, 0)),
            f"tokens_{how}": float(len(visits.unique())),
            f"held_{how}": float((walk > 0).double().mean()),
        }
    _show(lab, seen, rates, walks)
    return figures


def first_spikes(scale: Scale, depth: float, dice: torch.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Phase and drive at the first spike of each cycle, of all trials."""
    network = PhaseCoding(1, THETA, depth)
    ramp = torch.linspace(*DRIVE, scale.time)
    noise = network.tau**0.5 * scale.noise * torch.randn(scale.trials, scale.time, generator=dice)
    spikes = network((ramp + noise)[..., None])[..., 0]
    cycle = (torch.arange(scale.time) / THETA).long()
    phase, drive = [], []
    for row in spikes:
        at = torch.nonzero(row > 0.5)[:, 0]
        first = at[torch.diff(cycle[at], prepend=torch.tensor([-1])) > 0]
        phase.append(2 * math.pi * (first / THETA % 1))
        drive.append(ramp[first])
    return torch.cat(phase).numpy(), torch.cat(drive).numpy()


def passed(scale: Scale, weight: float, dice: torch.Generator) -> np.ndarray:
    """The rate in Hz of a receiver at each lag, (lags,); all hear volleys of their own."""
    rates = []
    angle = 2 * math.pi / GAMMA * torch.arange(scale.heard)
    chance = (PEAK * torch.exp(2 * (torch.cos(angle) - 1))).expand(scale.receivers, -1)
    for lag in LAGS:
        network = PhaseCoding(1, GAMMA, depth=1.0, tau=TAU, lag=lag)
        heard = torch.binomial(torch.full_like(chance, SENDERS), chance, generator=dice)
        noise = 0.03 * torch.randn(heard.shape, generator=dice)
        spikes = network((0.1 + TAU * (weight * heard + noise))[..., None])
        rates.append(1000 * float(spikes.mean()))
    return np.array(rates)


def tokens(scale: Scale, adaptation: float, dice: torch.Generator) -> Tensor:
    """Which token is there at each step (walked,): a number for each pattern and its negative, 0 for none."""
    patterns = 2.0 * torch.randint(2, (scale.patterns, scale.units), generator=dice) - 1
    network = AdaptingAttractors(patterns, adaptation)
    noise = network.tau**0.5 * scale.noise * torch.randn(1, scale.walked, scale.units, generator=dice)
    overlap = network.overlaps(network(noise))[0]
    size, which = overlap.abs().max(1)
    sign = overlap.gather(1, which[:, None])[:, 0] < 0
    return torch.where(size > THERE, 1 + 2 * which + sign, 0)


def _show(
    lab: Lab,
    seen: dict[str, tuple[np.ndarray, np.ndarray]],
    rates: dict[str, np.ndarray],
    walks: dict[str, Tensor],
) -> None:
    phase, drive = (np.concatenate([one[part] for one in seen.values()]) for part in (0, 1))
    group = np.repeat(np.arange(len(seen)), [len(one[0]) for one in seen.values()])
    labels = tuple(claim.names[how] for how in seen)
    title = "The first spike of each cycle"
    lab.show("phase", Points(title, drive, phase, group, labels, "drive", "phase (radians)"))
    lines, labels = np.stack(list(rates.values())), tuple(claim.names[how] for how in rates)
    lab.show("gate", Curve("What passes", np.array(LAGS), lines, labels, "lag (radians)", "rate (Hz)"))
    lines = np.stack([walk.double().numpy() for walk in walks.values()])
    labels, steps = tuple(claim.names[how] for how in walks), np.arange(lines.shape[1], dtype=float)
    lab.show("tokens", Curve("Which token is there", steps, lines, labels, "step", "number of the token"))
