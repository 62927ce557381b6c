"""Do the maps between steps span more dimensions in a state space than in one head of attention?

Ghodsi 2025, arXiv 2512.15115, first result, the interaction rank gap. Attention of H heads multiplies H fixed
value maps by numbers, so that its maps from step to step span at most H dimensions, whatever the input. A
linear state space can span more, and then no single head can represent it. Layers are looked at as they
start, on inputs of three sizes (a tenth, one and ten standard deviations). The figures are the largest
dimension on any sequence; for attention, the dimension over all of them together; for the state spaces and
the network through tanh, the dimension that is predicted; and what the best single head of attention leaves
of each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from wavetrain.core import Layer
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.experiments._layers import built
from wavetrain.layers.attention.linear_attention import LinearAttention
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.state_space.aussm import AUSSM
from wavetrain.layers.state_space.lru import LRU
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.lenses.operator.head_count import head_count
from wavetrain.lenses.operator.interaction_rank import interaction_rank
from wavetrain.train.lab import Lab

LEFT = 0.01  # a single head that leaves less than this share of the maps would pass for a representation
SIZES = (0.1, 1.0, 10.0)  # of the inputs


def _bounded(figures: Measured) -> bool:
    return all(
        figures[f"together_{name}_{heads}"] <= heads
        for name in ("softmax", "linear")
        for heads in figures.scale.heads
    )


def _as_predicted(figures: Measured) -> bool:
    return figures["rank_lru"] == figures["predicted_lru"] > 1


claim = Claim(
    title="One head of attention cannot represent a linear state space",
    sentence="The maps between steps of attention with H heads span at most H dimensions whatever the "
    "input; those of a linear state space span as many as its modes give it, so that a single head cannot "
    "represent it",
    topic="Attention",
    source="Ghodsi 2025, arXiv 2512.15115, interaction rank gap (abstract)",
    systems=(
        "softmax_attention",
        "linear_attention",
        "lru",
        "mamba",
        "aussm",
        "elman",
        "interaction_rank",
        "head_count",
    ),
    parts=(
        Part(
            says="The maps of H heads of softmax or linear attention span at most H dimensions over all "
            "inputs",
            figures=("together_softmax_*", "together_linear_*"),
            holds=_bounded,
        ),
        Part(
            says="The maps of an LRU span as many dimensions as its modes predict, and more than one",
            figures=("rank_lru", "predicted_lru"),
            holds=_as_predicted,
        ),
        Part(
            says="The best single head leaves at least 1% of the LRU's maps unexplained",
            figures=("left_by_one_head_lru",),
            holds=lambda figures: figures["left_by_one_head_lru"] >= LEFT,
        ),
    ),
    figures=(
        Figure(
            name="rank_{net}",
            says="dimensions that the maps between steps span on one sequence, {net}",
            unit="dimensions",
        ),
        Figure(name="predicted_{net}", says="dimensions that are predicted, {net}", unit="dimensions"),
        Figure(
            name="together_{net}",
            says="dimensions that the maps span over all inputs, {net}",
            unit="dimensions",
        ),
        Figure(
            name="left_by_one_head_{net}",
            says="maps that the best single head leaves unexplained, {net}",
            unit="share",
        ),
    ),
    names={
        "softmax_1": "softmax attention, 1 head",
        "softmax_2": "softmax attention, 2 heads",
        "softmax_4": "softmax attention, 4 heads",
        "softmax_8": "softmax attention, 8 heads",
        "linear_1": "linear attention, 1 head",
        "linear_2": "linear attention, 2 heads",
        "linear_4": "linear attention, 4 heads",
        "linear_8": "linear attention, 8 heads",
    },
    notes="The abstract prints no figure; the predicates are ours. A complex mode counts twice, and the "
    "skip counts once. Channels of Mamba and AUSSM do not meet inside the recurrence, so that they span at "
    "most one dimension for each channel. Nothing is trained.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    width: int  # inputs and outputs of each layer
    time: int
    sequences: int  # of each size
    heads: tuple[int, ...]
    modes: int  # complex ones, of the LRU


smoke = Scale(width=4, time=8, sequences=1, heads=(1, 2), modes=1)
small = Scale(width=8, time=32, sequences=4, heads=(1, 2, 4, 8), modes=3)
full = Scale(width=16, time=64, sequences=8, heads=(1, 2, 4, 8, 16), modes=8)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    draw = torch.randn(
        scale.sequences, scale.time, scale.width, generator=lab.generator(), dtype=torch.float64
    )
    x = torch.cat([size * draw for size in SIZES])
    figures: dict[str, float] = {}
    errors: dict[str, np.ndarray] = {}
    for name, make, predicted in _rivals(scale):
        layer = built(make, lab.seed)
        found, counted = interaction_rank(layer, x), head_count(layer, x)
        figures[f"rank_{name}"] = int(found.rank.max())
        figures[f"predicted_{name}"] = predicted
        figures[f"together_{name}"] = found.together
        figures[f"left_by_one_head_{name}"] = float(counted.error[1])
        errors[name] = counted.error
    lab.show("heads", _curve(errors))
    return figures


def _rivals(scale: Scale) -> list[tuple[str, Callable[[], Layer], int]]:
    """Name, layer, and the dimension that theory gives it on a single sequence."""
    width, rivals = scale.width, []
    for heads in scale.heads:
        rivals += [
            (f"softmax_{heads}", lambda heads=heads: SoftmaxAttention(width, heads=heads), heads),
            (f"linear_{heads}", lambda heads=heads: LinearAttention(width, heads=heads), heads),
        ]
    # a complex mode has a real and an imaginary part, and the skip acts at distance 0 alone
    modes = min(2 * scale.modes + 1, scale.time, width**2)
    return [
        *rivals,
        ("lru", lambda: LRU(width, states=scale.modes), modes),
        ("mamba", lambda: Mamba(width, expand=1), width),
        ("aussm", lambda: AUSSM(width), width),
        ("elman", lambda: Elman(width), min(width**2, scale.time * (scale.time + 1) // 2)),
    ]


def _curve(errors: Mapping[str, np.ndarray]) -> Curve:
    most = max(len(error) for error in errors.values())
    lines = [np.pad(error, (0, most - len(error)), constant_values=np.nan) for error in errors.values()]
    return Curve(
        "Layers made of heads of attention",
        np.arange(most, dtype=float),
        np.clip(lines, 1e-16, None),
        tuple(errors),
        "heads",
        "share of the maps between steps that is left",
        log=True,
    )
