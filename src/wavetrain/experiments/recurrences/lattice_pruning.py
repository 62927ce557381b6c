"""Does the lattice of a recurrent network say which units it can do without?

Sengupta 2025, arXiv 2502.16525, whose abstract is all that could be read; the rest is a reconstruction. Elman
networks learn to name digits of 8 x 8 pixels, one row a step. About a quarter of their units are removed,

    lattice     all that the lattice of the connections does not need; of several thresholds, the one that
                leaves the number of units nearest to three quarters
    magnitude   as many, those with the smallest sum of connections
    random      as many, at random

and what is left learns for three more epochs. Connections count from a unit to one of a higher index, so that
there is no cycle. The figures are means over networks from different starts, and the difference between the
lattice and random units with its 95 % interval over them, by Student's t.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import nn

from wavetrain.core import Recorded
from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.evidence.picture import Curve
from wavetrain.experiments.recurrences._rows import rows
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.lenses.machines.lattice import Acyclic, Lattice, lattice
from wavetrain.parts import pruning
from wavetrain.parts.reader import Reader
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Plan

WAYS = ("lattice", "magnitude", "random")
KEPT = 3 / 4  # of the units
QUANTILES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975)  # of the connections, below which none counts
LEARNED = 0.9


def _learned(figures: Measured) -> bool:
    return figures["right_dense"] >= LEARNED and abs(figures["kept"] - KEPT) <= 0.1


def _loses_little(figures: Measured) -> bool:
    return figures["right_dense"] - figures["tuned_lattice"] <= 0.02


def _ahead_of_random(figures: Measured) -> bool:
    return figures["lattice_minus_random_low"] > 0


claim = Claim(
    title="The lattice of a network says which units it can do without",
    sentence="An Elman network without the quarter of its units that its lattice does not need loses at most "
    "2 points after a little training, and less than without as many units at random.",
    topic="Gates",
    source="Sengupta 2025, arXiv 2502.16525, abstract",
    systems=("elman", "lattice"),
    parts=(
        Part(
            says="Without about a quarter of its units, chosen by its lattice, and after three more epochs a "
            "network loses at most 2 points.",
            holds=given(_learned, _loses_little),
            figures=("right_dense", "tuned_*", "kept"),
            stronger="above 98% on MNIST with about half of the units, by an LSTM",
        ),
        Part(
            says="It is ahead of a network without as many units at random: the 95% interval of the "
            "difference is above 0.",
            holds=given(_learned, _ahead_of_random),
            figures=("lattice_minus_random*",),
        ),
    ),
    figures=(
        Figure(name="right_dense", says="digits right, all units", unit="share"),
        Figure(name="cut_{way}", says="digits right, units removed by {way}", unit="share"),
        Figure(
            name="tuned_{way}",
            says="digits right after three more epochs, units removed by {way}",
            unit="share",
        ),
        Figure(name="kept", says="units that are kept", unit="share"),
        Figure(
            name="lattice_minus_random_{end:low|high}",
            says="digits right after three more epochs, lattice less random, {end} of its 95% interval",
            unit="share",
        ),
        Figure(
            name="lattice_minus_random",
            says="digits right after three more epochs, lattice less random",
            unit="share",
        ),
    ),
    names={
        "lattice": "the lattice",
        "magnitude": "magnitude",
        "random": "chance",
        "low": "low end",
        "high": "high end",
    },
    notes="How the paper makes the order acyclic, its threshold, sizes and baselines are not known to us. "
    "Where the network names fewer than 90% of the digits with all its units, or where no threshold keeps "
    "65% to 85% of them, nothing is decided. A first measurement of ours, on one network, put the lattice "
    "and random units within a point of each other.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    width: int
    networks: int
    steps: int
    tuning: int  # steps after units are removed
    batch: int
    rate: float = 2e-3
    looked: int = 50  # sequences along which connections are measured


smoke = Scale(width=6, networks=2, steps=2, tuning=1, batch=4, looked=2)
small = Scale(width=64, networks=5, steps=1100, tuning=130, batch=28)
full = Scale(width=128, networks=10, steps=10_000, tuning=1000, batch=28)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    rights = [_network(number, scale, lab) for number in range(scale.networks)]
    figures = {name: float(np.mean([one[name] for one in rights])) for name in rights[0]}
    ahead = np.array([one["tuned_lattice"] - one["tuned_random"] for one in rights])
    low, high = interval(ahead)
    names = [f"{when}_{way}" for when in ("cut", "tuned") for way in WAYS]
    lines = np.array(
        [[one["right_dense"] for one in rights], *([one[name] for one in rights] for name in names)]
    )
    labels = (
        "all units",
        *(f"{claim.names[name.partition('_')[2]]}, {name.partition('_')[0]}" for name in names),
    )
    lab.show(
        "networks",
        Curve(
            "Networks with fewer units",
            np.arange(1.0, scale.networks + 1),
            lines,
            labels,
            "network",
            "digits right (share)",
        ),
    )
    return figures | {
        "lattice_minus_random": float(ahead.mean()),
        "lattice_minus_random_low": low,
        "lattice_minus_random_high": high,
    }


def interval(values: np.ndarray) -> tuple[float, float]:
    """The 95% interval of a mean, by Student's t; all that is known of equal values is their value."""
    mean, error = float(values.mean()), float(stats.sem(values))
    reach = float(stats.t.ppf(0.975, len(values) - 1)) * error
    return mean - reach, mean + reach


def _network(number: int, scale: Scale, lab: Lab) -> dict[str, float]:
    """One network: with all its units, and with fewer, chosen in each way, before and after more training."""
    task = rows()
    plan = Plan(scale.steps, scale.batch, scale.rate, every=max(1, scale.steps // 5))

    def make() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1000 * lab.seed + number)
            return Reader(Elman(scale.width, task.inputs), task.outputs, every_step=False)

    dense = lab.fit(f"dense-{number}", make, task, plan).network.cpu()
    assert isinstance(dense, Reader)
    found = _lattice(dense, task, scale)
    count = max(1, int(found.kept.sum()))
    dice = np.random.default_rng(1000 * lab.seed + number)
    ways = {
        "lattice": found.kept if found.kept.any() else pruning.largest(found.strength, 1),
        "magnitude": pruning.largest(found.strength, count),
        "random": pruning.some(scale.width, count, dice),
    }
    right = {"right_dense": _right(dense, task), "kept": count / scale.width}
    tuning = Plan(scale.tuning, scale.batch, scale.rate, every=scale.tuning)
    for way, kept in ways.items():
        cut = pruning.without(dense, kept)
        right[f"cut_{way}"] = _right(cut, task)
        tuned = lab.fit(f"{way}-{number}", lambda cut=cut: cut, task, tuning)  # type: ignore[misc]
        right[f"tuned_{way}"] = _right(tuned.network, task)
    return right


def _lattice(network: Reader, task: Recorded, scale: Scale) -> Lattice:
    """The lattice at the threshold that keeps the number of units nearest to three quarters."""
    x = task.train.x[: scale.looked]
    found = [lattice(network.layer, x, quantile, Acyclic.INDEX, shuffles=0) for quantile in QUANTILES]
    return min(found, key=lambda one: abs(float(one.kept.mean()) - KEPT))


def _right(network: nn.Module, task: Recorded) -> float:
    return examine(network, task.test(), task.objective)
