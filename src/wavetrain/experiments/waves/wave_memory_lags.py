"""How many past inputs can be read off one snapshot of a wave, and of what does not travel?

Muller, Churchland and Sejnowski 2024, arXiv 2401.14267, predict that activity now tells what came before, and
where. They print no figure; the task and the limits are ours. Four streams of random bits go into encoders
that learn nothing, and a ridge regression reads every bit of the last 80 steps off the activity of one
moment. What is counted are lags: the share of variance R² that is read on time that was not fitted, summed
over lags 0 to 80, per stream. R² below 0 counts as 0.

    wave        an open ring of 64 cells for each stream
    bump_{kept} one cell for each stream, whose activity fades; by theory R² = (1 - kept^2) kept^(2 lag)
    bank        64 cells for each stream with time constants from 1 to 64 steps
    orthogonal  64 cells for each stream under a random rotation
    gaussian    the same under a random matrix
    shared_{n}  one open ring of n cells for all, with a site for each stream, where waves add up

`lags_{encoder}` is without noise, `noisy_{encoder}` with a tenth of a standard deviation of it in every cell.
`mixed_{pattern}` is the non-separability of a pattern of space and time, 0 for a product of both: of one
pulse that moves over a ring, of a moving bump of a given width, and of a bump that stays and fades.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve, Maps
from wavetrain.parts.encoders import (
    Encoder,
    bank,
    gaussian,
    leaks,
    non_separability,
    orthogonal,
    rings,
    shared_ring,
)
from wavetrain.train.lab import Lab

STREAMS, OFTEN = 4, 0.1  # and the chance of a one
KEPT = {"bump_50": 0.5, "bump_90": 0.9, "bump_98": 0.98}
RIDGE = 1e-6  # times the mean variance of a cell and the number of steps
NOISE = 0.1  # standard deviations of all activity
SHARE = 0.75  # of the time that is fitted
BEYOND = 17  # lags that are asked behind the last that a ring holds
WIDTHS = {"narrow": 0, "wide_4": 4, "wide_16": 16}  # standard deviation of what moves, in cells; 0 is a cell
DRAWN = ("wave", "orthogonal", "gaussian", "bank", "bump_90")


def _controls(figures: Measured) -> bool:
    return figures["lags_orthogonal"] >= 40 and figures["lags_bank"] <= 12


claim = Claim(
    title="A wave holds its last 64 inputs where a bump that fades holds one",
    sentence="From one snapshot of open rings of 64 cells at least 60 past inputs of each stream can be "
    "read, from a leaky bump at most 1.1; but a random orthogonal network of as many cells holds at least "
    "40, so that the gain is over the bump and not over recurrence.",
    topic="Travelling waves",
    source="Muller, Churchland and Sejnowski 2024, arXiv 2401.14267, a prediction in words; task and limits "
    "are ours",
    systems=("ring",),
    parts=(
        Part(
            says="Of a wave on open rings of 64 cells at least 60 lags are read.",
            holds=lambda figures: figures["lags_wave"] >= 60,
            figures=("lags_wave",),
            learned=False,
        ),
        Part(
            says="Of a leaky bump at most 1.1 are, at whichever rate it fades.",
            holds=lambda figures: max(figures[f"lags_{name}"] for name in KEPT) <= 1.1,
            figures=("lags_bump_*",),
            learned=False,
        ),
        Part(
            says="Of a random orthogonal network of as many cells at least 40 are, of a bank of leaks at "
            "most 12: it is rotation that keeps the past apart, not many cells.",
            holds=_controls,
            figures=("lags_orthogonal", "lags_bank"),
            learned=False,
        ),
        Part(
            says="One pulse that moves is no product of space and time (non-separability above 0.9), one "
            "that stays is (below 0.05).",
            holds=lambda figures: figures["mixed_narrow"] > 0.9 and figures["mixed_bump"] < 0.05,
            figures=("mixed_narrow", "mixed_bump"),
            learned=False,
            stronger="The source says it of waves in general. It is so of a single pulse one cell wide; "
            "what moves and is wide is nearly a product.",
        ),
    ),
    figures=(
        Figure(name="lags_{encoder}", says="lags that are read, {encoder}", unit="lags a stream"),
        Figure(name="noisy_{encoder}", says="lags that are read with noise, {encoder}", unit="lags a stream"),
        Figure(name="context_{encoder}", says="last lag that is read by half, {encoder}", unit="steps"),
        Figure(name="mixed_{pattern}", says="non-separability, {pattern}", unit="share"),
        Figure(name="off_theory", says="largest distance of a bump's R² from theory", unit="R²"),
    ),
    names={
        "wave": "open rings",
        "bump_50": "bump that keeps 0.5",
        "bump_90": "bump that keeps 0.9",
        "bump_98": "bump that keeps 0.98",
        "bank": "bank of 64 leaks",
        "orthogonal": "random orthogonal network",
        "gaussian": "random Gaussian network",
        "shared_64": "one ring of 64 cells for all",
        "shared_256": "one ring of 256 cells for all",
        "narrow": "a moving pulse one cell wide",
        "wide_4": "a moving bump, deviation 4 cells",
        "wide_16": "a moving bump, deviation 16 cells",
        "bump": "a bump that stays and fades",
        "stream": "rings under random input",
    },
    notes="The limits are from an implementation of our own, before this one was written: 64.0 lags of the "
    "wave, 1.00, 0.97 and 0.90 of bumps, 47 of the orthogonal network, 7.7 of the bank, 26 of the Gaussian "
    "network. Random networks keep 0.99 and 0.95 of their size a step. A ring that all streams share holds "
    "less, since waves add up there.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    cells: int  # of a ring
    steps: int


smoke = Scale(cells=6, steps=400)
small = Scale(cells=64, steps=20_000)
full = Scale(cells=256, steps=100_000)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    draw = lab.generator()
    x = (torch.rand(scale.steps, STREAMS, generator=draw) < OFTEN).float()
    encoders = rivals(scale, draw)
    figures: dict[str, float] = {}
    scores: dict[str, np.ndarray] = {}
    for name, encoder in encoders.items():
        states = encoder.states(x).double()
        noise = NOISE * states.std() * torch.randn(states.shape, generator=draw)
        scores[name] = read(states, x, scale).mean(0)
        figures[f"lags_{name}"] = float(scores[name].sum())
        figures[f"noisy_{name}"] = float(read(states + noise, x, scale).mean(0).sum())
        figures[f"context_{name}"] = float(np.flatnonzero(scores[name] > 0.5).max(initial=0))
    expected = {name: theory(kept, scale) for name, kept in KEPT.items()}
    figures["off_theory"] = float(max(np.abs(scores[name] - line).max() for name, line in expected.items()))
    figures |= _mixed(encoders, x, scale)
    lab.show("lags", _lags(scores, expected["bump_90"], scale))
    lab.show("patterns", _patterns(encoders, x))
    return figures


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """What theory says of the wave, of bumps, and of a pulse that moves over all cells."""
    bumps = {f"lags_{name}": float(theory(kept, scale).sum()) for name, kept in KEPT.items()}
    return {"lags_wave": float(scale.cells), "mixed_narrow": 1 - 1 / scale.cells, "mixed_bump": 0.0, **bumps}


def rivals(scale: Scale, draw: torch.Generator) -> dict[str, Encoder]:
    """All encoders of four streams."""
    cells = scale.cells
    few, many = ([round(at * ring / STREAMS) for at in range(STREAMS)] for ring in (cells, STREAMS * cells))
    return {
        "wave": rings(STREAMS, cells),
        **{name: leaks(STREAMS, torch.tensor([kept])) for name, kept in KEPT.items()},
        "bank": leaks(STREAMS, bank(cells)),
        "orthogonal": orthogonal(STREAMS, cells, 0.99, draw),
        "gaussian": gaussian(STREAMS, cells, 0.95, draw),
        "shared_64": shared_ring(few, cells, movers=1, closed=False),
        "shared_256": shared_ring(many, STREAMS * cells, movers=1, closed=False),
    }


def read(states: Tensor, x: Tensor, scale: Scale) -> np.ndarray:
    """R² of each stream and lag (STREAMS, lags) on time that was not fitted, at least 0."""
    lags = scale.cells + BEYOND
    past = torch.stack([x[lags - 1 - lag : len(x) - lag] for lag in range(lags)], 2).double()  # (T, C, K)
    rows, answers = states[lags - 1 :], past.flatten(1)
    cut = int(SHARE * len(rows))
    middle, zero = rows[:cut].mean(0), answers[:cut].mean(0)
    fitted, asked = rows[:cut] - middle, rows[cut:] - middle
    gram = fitted.T @ fitted
    ridge = RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    weights = torch.linalg.solve(gram + ridge, fitted.T @ (answers[:cut] - zero))
    missed = ((asked @ weights + zero - answers[cut:]) ** 2).sum(0)
    whole = ((answers[cut:] - answers[cut:].mean(0)) ** 2).sum(0)
    return (1 - missed / whole).clamp(min=0).unflatten(0, (STREAMS, lags)).numpy()


def theory(kept: float, scale: Scale) -> np.ndarray:
    """R² of a bump at each lag: what a bit has left of the variance of all that is in the cell."""
    return (1 - kept**2) * kept ** (2 * np.arange(scale.cells + BEYOND, dtype=float))


def _mixed(encoders: Mapping[str, Encoder], x: Tensor, scale: Scale) -> dict[str, float]:
    """Non-separability of single patterns, and of rings under the stream of bits."""
    cells = scale.cells
    place = torch.arange(cells, dtype=torch.float64)
    apart = (place[:, None] - place + cells / 2) % cells - cells / 2  # from what moves by a cell a step
    found = {
        f"mixed_{name}": non_separability(
            torch.exp(-0.5 * (apart / width) ** 2) if width else (apart == 0).double()
        )
        for name, width in WIDTHS.items()
    }
    bump = torch.outer(torch.exp(-0.5 * ((place - cells / 2) / 4) ** 2), 0.9**place)
    stream = encoders["wave"].states(x[: 8 * cells])[:, :cells].T
    return found | {"mixed_bump": non_separability(bump), "mixed_stream": non_separability(stream)}


def _lags(scores: Mapping[str, np.ndarray], expected: np.ndarray, scale: Scale) -> Curve:
    lines = np.stack([*(scores[name] for name in DRAWN), expected])
    labels = (*(claim.names[name] for name in DRAWN), "the bump, by theory")
    axis = np.arange(scale.cells + BEYOND, dtype=float)
    return Curve("What one snapshot tells of the past", axis, lines, labels, "lag (steps)", "R², held out")


def _patterns(encoders: Mapping[str, Encoder], x: Tensor) -> Maps:
    """The ring of one stream, and its bump drawn with a width, over as many steps as there are cells."""
    cells = len(encoders["wave"].moves) // STREAMS
    wave = encoders["wave"].states(x[: 2 * cells])[cells:, :cells].T
    active = encoders["bump_90"].states(x[: 2 * cells])[cells:, 0]
    place = torch.arange(cells, dtype=torch.float32)
    bump = torch.outer(torch.exp(-0.5 * ((place - cells / 2) / (cells / 16)) ** 2), active)
    return Maps(
        "The same bits in a wave and in a bump",
        torch.stack([wave, bump / max(float(bump.max()), math.ulp(1.0))]).numpy(),
        ("wave", "bump that keeps 0.9"),
        "time (steps)",
        "cell",
        "activity (share of the largest)",
    )
