"""Do learned temperatures of attention settle where sparse distributed memory is best?

Bricken and Pehlevan 2021, arXiv 2111.05498: in transformers for translation whose queries and keys are
normalised, 64 channels a head, all learned betas lie in [10.1, 35.5], from the beta that fits the radius with
the largest critical distance to that of the most room. They started inside. Here one layer of SDM attention
learns to complete patterns of 64 bits from four starts: below, inside, above and far above that range. Each
batch has cues of 0, 4, ... or 24 wrong bits, up to the largest critical distance in theory, and every
sequence has patterns of its own, so that the layer must learn to compare.

Betas learn at 100 times the rate of the other parameters, or they would not move from where they start. The
figures are, for each start, the share of heads in the range, their median, and the share of signs that are
right on new sequences with 12 wrong bits, of which the cue itself has 0.81.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import Batch
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Points
from wavetrain.experiments._layers import slow
from wavetrain.layers.attention.sdm_attention import SdmAttention
from wavetrain.parts.reader import Reader
from wavetrain.tasks._mixture import Mixture
from wavetrain.tasks.recall.pattern_completion import PatternCompletion
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Plan, curve

SIZE = 64  # channels of a head and bits of a pattern
LOW, HIGH = 10.1, 35.5  # of the betas that fit the best radii, as published
STARTS = (1, 20, 40, 100)
WRONG = tuple(range(0, 25, 4))  # bits
EXAMINED = 12
MOST, LEARNED = 0.75, 0.95  # share of the heads, share of the signs


def _ends_inside(figures: Measured, start: int) -> bool | None:
    """None where attention has not learned the task from every start."""
    if not all(figures[f"signs_from_{one}"] >= LEARNED for one in STARTS):
        return None
    return figures[f"inside_from_{start}"] >= MOST


claim = Claim(
    title="Learned attention temperatures settle where sparse memory is best",
    sentence="Wherever they start, the learned betas of attention with queries and keys of unit length end "
    "in the range of those that fit the best radii of sparse distributed memory: 10.1 to 35.5 for 64 "
    "channels.",
    topic="Sparse distributed memory",
    source="Bricken and Pehlevan 2021, arXiv 2111.05498 (translation by Henry et al. 2020)",
    systems=("sdm_attention", "pattern_completion"),
    parts=(
        Part(
            says="From a start at 1, below the range, at least three quarters of the heads end inside it.",
            holds=lambda figures: _ends_inside(figures, 1),
            figures=("inside_from_1", "median_from_1", "signs_from_1"),
        ),
        Part(
            says="From a start at 20, inside the range, at least three quarters of the heads stay inside it.",
            holds=lambda figures: _ends_inside(figures, 20),
            figures=("inside_from_20", "median_from_20", "signs_from_20"),
        ),
        Part(
            says="From a start at 40, just above the range, at least three quarters of the heads end inside "
            "it.",
            holds=lambda figures: _ends_inside(figures, 40),
            figures=("inside_from_40", "median_from_40", "signs_from_40"),
        ),
        Part(
            says="From a start at 100, far above the range, at least three quarters of the heads end inside "
            "it.",
            holds=lambda figures: _ends_inside(figures, 100),
            figures=("inside_from_100", "median_from_100", "signs_from_100"),
        ),
    ),
    figures=(
        Figure(
            name="inside_from_{start}",
            says="heads whose beta ends in the range, started at {start}",
            unit="share",
        ),
        Figure(
            name="median_from_{start}",
            says="median beta of the heads at the end, started at {start}",
            unit="inverse temperature",
        ),
        Figure(
            name="signs_from_{start}",
            says="signs right for cues with 12 wrong bits, started at {start}",
            unit="share",
        ),
    ),
    notes="Nothing is decided where attention gets fewer than 95% of the signs right from one of the "
    "starts. Task, starts and thresholds are ours. The range is that of the paper's fit; least squares, our "
    "computation, gives 9.4 to 28.4. Without wrong bits attention is not needed: the cue is the answer.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    patterns: int
    cues: int
    heads: int
    steps: int
    batch: int
    tested: int  # sequences


smoke = Scale(patterns=3, cues=2, heads=1, steps=2, batch=4, tested=10)
small = Scale(patterns=16, cues=4, heads=4, steps=2000, batch=16, tested=500)
full = Scale(patterns=1024, cues=64, heads=8, steps=50_000, batch=64, tested=1000)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    figures: dict[str, float] = {}
    test = Batch(*(part[: scale.tested] for part in _task(scale, EXAMINED).test()))
    plan = Plan(
        scale.steps, scale.batch, 1e-3, every=max(scale.steps // 10, 1), held_out=min(100, scale.tested)
    )
    task = Mixture(tuple(_task(scale, wrong) for wrong in WRONG))
    ends, betas = {}, []
    for start in STARTS:

        def make(start: int = start) -> Reader:
            layer = SdmAttention(scale.heads * SIZE, SIZE + 1, scale.heads, beta=start, learned=True)
            return Reader(slow(layer, {"beta": 100.0}), SIZE, every_step=True)

        end = ends[f"from {start}"] = lab.fit(f"from-{start}", make, task, plan)
        beta = _betas(end.network)
        figures[f"inside_from_{start}"] = float(((beta >= LOW) & (beta <= HIGH)).double().mean())
        figures[f"median_from_{start}"] = float(beta.median())
        figures[f"signs_from_{start}"] = examine(end.network, test, task.objective)
        betas.append(beta.numpy())
    lab.show(
        "betas",
        Points(
            f"Learned betas of all heads; the best memories lie at {LOW} to {HIGH}",
            np.repeat(STARTS, scale.heads).astype(float),
            np.concatenate(betas),
            np.zeros(len(STARTS) * scale.heads, dtype=int),
            ("heads",),
            "beta at the start",
            "beta at the end",
        ),
    )
    lab.show("signs", curve(f"Cues with {WRONG[-1]} wrong bits of {SIZE}", ends, "signs right"))
    return figures


def _task(scale: Scale, wrong: int) -> PatternCompletion:
    return PatternCompletion(SIZE, scale.patterns, scale.cues, wrong, hidden=0)


def _betas(network: torch.nn.Module) -> Tensor:
    layer = network.layer
    assert isinstance(layer, SdmAttention)
    return layer.beta.detach().abs().cpu()
