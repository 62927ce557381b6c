"""Does a network of the human cortex look, and fire, the same when its parcels are merged into ensembles?

Amgalan et al. 2021, of which we know the abstract alone; the procedure is our reconstruction. The weights are
correlations between 400 parcels. A seed draws 384 of them, which five times are merged in pairs, those of the
strongest connection first, with none left over: ensembles of 2, 4, 8, 16 and 32. It also draws the exchanges
of weights and the noise of the units. The lens `coarse_graining` does the rest, in three networks with the
same windows and the same numbers of spikes to choose from:

    network       as it is
    exchanged     its weights exchanged at random, so that only their distribution stays
    uncoupled     the ensembles of the network, without connections

*Variation* is the standard deviation of weights over their mean, and *mismatch* how far the rates of
ensembles are from those of single units. *Depth* is the mismatch at the best of the scales that have one on
either side, over the mean of those two.
"""

from dataclasses import dataclass

import numpy as np

from wavetrain.data.neural._connectome import functional
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.lenses.machines.coarse_graining import CoarseGraining, coarse_graining
from wavetrain.train.lab import Lab

LEVELS = 5
NETWORKS = ("network", "exchanged", "uncoupled")
SIMILAR, LOST, DEEP = 0.5, 0.3, 0.5


def _similar(figures: Measured) -> bool:
    return figures["kept_network"] >= SIMILAR and figures["kept_exchanged"] <= LOST


def _particular(figures: Measured) -> bool:
    return 2 < figures["best_network"] < 2**LEVELS and figures["depth_network"] <= DEEP


claim = Claim(
    title="A network of the cortex looks alike at all scales, fires alike at one",
    sentence="When parcels of the human cortex are merged in pairs, the variation of weights is kept as it "
    "is not in exchanged weights; rates of ensembles are those of single units at one scale, and without "
    "connections at none.",
    topic="Waves in recordings",
    source="Amgalan et al. 2021, Scientific Reports 11:5331, arXiv 2002.10568, abstract; functional network "
    "of the Human Connectome Project",
    systems=("coarse_graining",),
    parts=(
        Part(
            says="From ensembles of 2 to ensembles of 8 at least half of the variation of weights is kept, "
            "and at most 0.3 of it where weights are exchanged",
            figures=("kept_network", "kept_exchanged"),
            holds=_similar,
            learned=False,
        ),
        Part(
            says="At one scale, neither the smallest nor the largest, the mismatch of rates is at most half "
            "of the mean of its neighbours",
            figures=("depth_network", "best_network"),
            holds=_particular,
            learned=False,
        ),
        Part(
            says="Without connections the mismatch rises with every scale",
            figures=("rise_uncoupled",),
            holds=lambda figures: figures["rise_uncoupled"] > 0,
            learned=False,
        ),
    ),
    figures=(
        Figure(name="kept_{network}", says="variation at 8 members over that at 2, {network}", unit="ratio"),
        Figure(
            name="depth_{network}",
            says="mismatch at the best scale over its neighbours, {network}",
            unit="ratio",
        ),
        Figure(name="best_{network}", says="members at which rates match best, {network}", unit="count"),
        Figure(name="mismatch_{network}", says="mismatch of rates there, {network}", unit="share"),
        Figure(
            name="rise_uncoupled",
            says="least rise of the mismatch to the next scale, uncoupled",
            unit="share",
        ),
    ),
    names={"network": "the network", "exchanged": "weights exchanged", "uncoupled": "no connections"},
    notes="Correlations are no synapses. Limits are those of our fact sheet for made-up networks; they were "
    "written after one look at all 400 parcels with another program, in which the mismatch at the best scale "
    "was .55 of the mean of its neighbours, above the limit. They were not moved. A best scale in exchanged "
    "weights, too, is no sign of the wiring, and its figures stand beside the network's. Which data, neurons "
    "and measures the paper uses is not known to us.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    recorded: bool = True  # else a made-up tree
    units: int = 384  # three ensembles or more at the last level, with none left over
    steps: int = 3000
    draws: int = 19  # exchanges of weights


smoke = Scale(recorded=False, units=96, steps=30, draws=2)
small = Scale()
full = Scale(steps=30_000, draws=199)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    if not scale.recorded:
        return exact(scale, lab)
    weight = functional(400)
    some = np.random.default_rng(lab.seed).permutation(len(weight))[: scale.units]
    return _figures(weight[np.ix_(some, some)], scale, lab)


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """A made-up tree, whose branches are merged into a tree again."""
    return _figures(tree(128 if scale.recorded else scale.units, lab.seed), scale, lab)


def tree(units: int, seed: int) -> np.ndarray:
    """Weights of 0.6 to the power of how far up two leaves meet, times lognormal noise of half a log unit."""
    at, dice = np.arange(units), np.random.default_rng(seed)
    far = np.frompyfunc(int.bit_length, 1, 1)(at[:, None] ^ at).astype(float)
    weight = np.triu(0.6**far * dice.lognormal(0, 0.5, (units, units)), 1)
    return weight + weight.T


def _figures(weight: np.ndarray, scale: Scale, lab: Lab) -> dict[str, float]:
    found = coarse_graining(weight, LEVELS, scale.steps, scale.draws, lab.seed)
    figures = {
        "kept_network": float(found.variation[3] / found.variation[1]),
        "kept_exchanged": float(found.exchanged[3] / found.exchanged[1]),
        "rise_uncoupled": float(np.diff(found.mismatch[2, 1:]).min()),
    }
    for name, mismatch in zip(NETWORKS, found.mismatch[:, 1:], strict=True):
        best = int(mismatch.argmin())
        figures |= {f"best_{name}": 2.0 ** (best + 1), f"mismatch_{name}": float(mismatch[best])}
        if name != "uncoupled":
            figures[f"depth_{name}"] = depth(mismatch)
    _show(found, lab)
    return figures


def depth(mismatch: np.ndarray) -> float:
    """The least mismatch between the ends over the mean of its two neighbours."""
    best = 1 + int(mismatch[1:-1].argmin())
    return float(2 * mismatch[best] / (mismatch[best - 1] + mismatch[best + 1]))


def _show(found: CoarseGraining, lab: Lab) -> None:
    merged = np.arange(LEVELS + 1.0)
    names = tuple(claim.names[name] for name in NETWORKS)
    lines = np.stack([found.variation, found.exchanged])
    words = "times merged in pairs", "deviation over mean"
    lab.show("variation", Curve("Variation of weights by scale", merged, lines, names[:2], *words, log=True))
    words = "times merged in pairs", "share of mean rate"
    lab.show(
        "mismatch", Curve("Mismatch of rates by scale", merged[1:], found.mismatch[:, 1:], names, *words)
    )
