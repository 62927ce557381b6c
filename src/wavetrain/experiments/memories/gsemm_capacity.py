"""How does the number of memories that can follow each other grow with the number of units?

Karuvally, Sejnowski and Siegelmann 2023, arXiv 2212.05563: DSEM, whose hidden neurons compete in a softmax,
stores exponentially many memories for its units in principle; LISEM, whose hidden neurons are linear, about
as many as a matrix of correlations. P random and different memories of N units are linked to one cycle. From
some of them the network runs, from d = 0, for the time of two visits; it has succeeded where the first other
memory that the features agree with (an overlap above 0.9) is the next one. P doubles until less than half of
the starts succeed; the capacity is where the share crosses a half, between the last two, on a logarithmic
scale.

Exponential growth is a straight line of log2(capacity) over N. A capacity in proportion to N would rise by
log2 of the ratio of the ends over that range; its slope is reported beside it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.memories.general_sequential import GeneralSequential, Nonlinearity
from wavetrain.train.lab import Lab

KINDS = {"dsem": Nonlinearity.HIDDEN, "lisem": Nonlinearity.FEATURE}
AGREES = 0.9  # overlap at which a memory is met
TIMES, SHARE = 2.0, 0.3


def _within_the_scale(figures: Measured) -> bool:
    """Whether every capacity was found: a figure is no number where it was not."""
    return all(math.isfinite(value) for value in figures.values())


def _steep(figures: Measured) -> bool | None:
    if not _within_the_scale(figures):
        return None
    return figures["bits_per_unit_dsem"] >= TIMES * figures["bits_per_unit_proportional"]


def _beyond_its_units(figures: Measured) -> bool | None:
    return figures["largest_share_dsem"] > 1 if _within_the_scale(figures) else None


def _linear_stays_below(figures: Measured) -> bool | None:
    return figures["largest_share_lisem"] < SHARE if _within_the_scale(figures) else None


claim = Claim(
    title="A softmax lets networks put exponentially many memories in order",
    sentence="The memories that DSEM, with a softmax, can put in order grow exponentially with its units "
    "(log2 of them at least twice as steeply as in proportion), past their number; those of LISEM, without "
    "it, stay below 0.3 for each unit.",
    topic="Associative memory",
    source="Karuvally et al. 2023, arXiv 2212.05563, capacity",
    systems=("general_sequential",),
    parts=(
        Part(
            says="The logarithm of DSEM's capacity grows at least twice as steeply over its units as if the "
            "two were in proportion.",
            holds=_steep,
            figures=("bits_per_unit_dsem", "bits_per_unit_proportional"),
        ),
        Part(
            says="DSEM puts more memories in order than it has units, at its best size.",
            holds=_beyond_its_units,
            figures=("largest_share_dsem", "capacity_dsem_*"),
        ),
        Part(
            says="LISEM puts fewer than 0.3 memories for each unit in order, at every size.",
            holds=_linear_stays_below,
            figures=("largest_share_lisem", "capacity_lisem_*"),
        ),
    ),
    published={"bits_per_unit_dsem": "exponential growth"},
    figures=(
        Figure(name="capacity_{net}_{n}", says="memories put in order by {n} units, {net}", unit="count"),
        Figure(
            name="largest_share_{net}",
            says="memories put in order at the best size, {net}",
            unit="memories per unit",
        ),
        Figure(
            name="bits_per_unit_proportional",
            says="growth of log2 of a capacity in proportion to the units, over the sizes of DSEM",
            unit="bits per unit",
        ),
        Figure(
            name="bits_per_unit_{net}",
            says="growth of log2 of the capacity, {net}",
            unit="bits per unit",
        ),
    ),
    names={"dsem": "DSEM", "lisem": "LISEM"},
    notes="Nothing is decided where a capacity lies outside the numbers of memories that were tried. One "
    "transition is asked, not a whole cycle. The version of 2023 has polynomials in place of the softmax of "
    "the first version, which is measured here. The range of sizes for DSEM is short, as the work grows "
    "with the square of the memories. The share of 0.3 comes from an earlier computation of ours.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    sizes: Mapping[str, tuple[int, ...]]  # N
    draws: int  # of memories
    starts: int  # in each draw, at most
    least: int = 4  # memories to begin with
    most: int = 4096


smoke = Scale(sizes={"dsem": (6, 8), "lisem": (20, 30)}, draws=2, starts=4, most=16)
small = Scale(sizes={"dsem": (10, 12, 14, 16, 18), "lisem": (50, 100, 200)}, draws=8, starts=32)
full = Scale(
    sizes={"dsem": (10, 14, 18, 22, 26), "lisem": (50, 100, 200, 400, 800)}, draws=32, starts=64, most=2**17
)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    figures: dict[str, float] = {}
    every = sorted({size for sizes in scale.sizes.values() for size in sizes})
    lines = np.full((len(KINDS), len(every)), math.nan)
    for row, (name, kind) in enumerate(KINDS.items()):
        sizes = scale.sizes[name]
        for size in sizes:
            stored = _capacity(GeneralSequential(size, kind).to(lab.device), scale, lab)
            figures[f"capacity_{name}_{size}"] = lines[row, every.index(size)] = stored
        found = np.array([figures[f"capacity_{name}_{size}"] for size in sizes])
        figures[f"largest_share_{name}"] = float((found / sizes).max())
        figures[f"bits_per_unit_{name}"] = float(np.polyfit(sizes, np.log2(found), 1)[0])
    sizes = scale.sizes["dsem"]
    figures["bits_per_unit_proportional"] = float(np.polyfit(sizes, np.log2(sizes), 1)[0])
    title = "Memories of which half are followed by the right one"
    lab.show(
        "capacity",
        Curve(title, np.array(every, float), lines, tuple(KINDS), "units", "memories", log=True),
    )
    return figures


def _capacity(memory: GeneralSequential, scale: Scale, lab: Lab) -> float:
    """Where the share of right transitions crosses a half; NaN where that is not within the scale."""
    generator, stored, before = lab.generator(), scale.least, math.nan
    while stored <= min(scale.most, 2 ** (memory.size - 1)):
        patterns = distinct(scale.draws, stored, memory.size, generator).to(lab.device)
        share = followed(memory, patterns, min(scale.starts, stored))
        if share < 0.5:
            return stored / 2 ** ((0.5 - share) / (before - share))
        stored, before = 2 * stored, share
    return math.nan


def distinct(draws: int, count: int, size: int, generator: torch.Generator) -> Tensor:
    """Random rows of +1 and -1, all different in each draw: (draws, count, size), count at most 2^(size - 1).

    Twice as many are drawn, of which more than half are different even where they are all that there are.
    """
    rows = []
    for _ in range(draws):
        some = torch.unique(torch.randint(2, (2 * count, size), generator=generator), dim=0)
        rows.append(2.0 * some[torch.randperm(len(some), generator=generator)[:count]] - 1)
    return torch.stack(rows)


@torch.no_grad()
def followed(memory: GeneralSequential, patterns: Tensor, starts: int) -> float:
    """The share of starts, in a cycle of patterns (B, P, N), whose first other memory is the next one."""
    draws, count, size = patterns.shape
    links = torch.eye(count, device=patterns.device).roll(1, 1).expand(draws, -1, -1)
    state = patterns, links, torch.ones(draws, count, dtype=torch.bool, device=patterns.device)
    own = torch.arange(starts, device=patterns.device)
    v, met = patterns[:, :starts], own.new_full((draws, starts), -1)
    d = torch.zeros_like(v)
    for _ in range(round((memory.first_dwell() + memory.dwell()) / memory.dynamics.step)):
        v, d = memory.advance(state, v, d)
        overlap = memory.features(v) @ patterns.mT / size  # (B, starts, P)
        overlap[:, own, own] = -1
        best, which = overlap.max(-1)
        met = torch.where((met < 0) & (best > AGREES), which, met)
    return float((met == (own + 1) % count).double().mean())
