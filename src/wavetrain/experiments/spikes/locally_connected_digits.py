"""Do spiking units that see one window of an image each learn faster, and bear the loss of synapses better?

Saunders, Patel, Hazan, Siegelmann and Kozma 2019, arXiv 1904.06269. Units compete and learn digits without
labels, by spike-timing plasticity; labels come in when the spikes are read, by votes of the units or by which
two fired one after another. Digits of 8 x 8 pixels, with about as many synapses:

    local      four windows of 5 x 5 pixels, 20 units in each that compete: 2,000 synapses
    scattered  the same, but of each four 25 pixels from anywhere, drawn once: no neighbourhood
    full       31 units that see all pixels and compete: 1,984 synapses
    wide       as many units as `local`, 80, that see all pixels: 5,120 synapses
    frozen     `local` and `full` without plasticity of weights; thresholds rise as they do in the others

Both kinds are driven so that they fire several spikes an image: with the sums of weights of the authors' code
the fully connected network fires about one, and its plasticity is worth nothing. Read-outs are fitted to the
images that were learned, with weights and thresholds held. Each figure is a mean over networks, of which each
has a split of the images, first weights and trains of its own; trains and order are the same for all kinds.

    tuned      each kind with that of three sums of weights which is best on a quarter of the images to learn
               from, after one pass over the others
    regular    tuned so, with trains as the authors' code draws them, more regular than Poisson trains

On MNIST (20 x 20 pixels in the middle; nine windows of 12 x 12 with 25 units each against 81 units, 32,400
synapses in either) a share of the synapses of the network that has learned is deleted, the sum of each unit's
weights is restored, and votes stay those of the units before.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.evidence.picture import Curve, Maps
from wavetrain.experiments.spikes import _local_deletion
from wavetrain.experiments.spikes._local_deletion import SHARES
from wavetrain.experiments.spikes._local_digits import SUMS, Arm, mean, top
from wavetrain.spiking.locally_connected import LocallyConnected
from wavetrain.train.lab import Lab

KINDS = ("local", "scattered", "full", "wide", "frozen_local", "frozen_full")
RIVALS = ("local", "full")
PASSES = 3
FACTORS = (2 / 3, 1.0, 3 / 2)  # of the sums of weights
PUBLISHED = {  # accuracy at these shares, on 60,000 images
    "published_local": (0.9338, 0.9129, 0.8841, 0.8304, 0.6974),
    "published_full": (0.9346, 0.8988, 0.8547, 0.7833, 0.6317),
}


def _learned(figures: Measured) -> bool:
    """Plasticity has done something in both networks."""
    return (
        figures["pairs_local"] >= figures["pairs_frozen_local"] + 0.08
        and best(figures, "full") >= best(figures, "frozen_full") + 0.15
    )


def _intact(figures: Measured) -> bool:
    """Both networks know something that they can lose: 60%, which frozen ones are far from."""
    return min(figures["deleted0_local"], figures["deleted0_full"]) >= 0.6


def best(figures: Mapping[str, float], kind: str) -> float:
    """The best of the three read-outs of a network, after one pass or after three (`full_thrice`)."""
    return max(figures[f"{read}_{kind}"] for read in ("votes", "shares", "pairs"))


claim = Claim(
    title="Locally connected spiking units learn faster and bear deletion better",
    sentence="With about as many synapses, spiking units that see one window each say more digits right "
    "after one pass than fully connected ones, and lose less when synapses are deleted.",
    topic="Learning rules",
    source="Saunders, Patel, Hazan, Siegelmann and Kozma 2019, Neural Networks 119, arXiv 1904.06269; the "
    "figures in the authors' plotting scripts",
    systems=("locally_connected", "diehl_cook", "minibatch_stdp"),
    parts=(
        Part(
            says="After one pass which two units fire one after another says the class at least 1 point more "
            "often than the best read-out of fully connected units with as many synapses.",
            holds=given(_learned, lambda figures: figures["lead"] >= 0.01),
            figures=("lead", "pairs_local", "votes_full", "shares_full", "pairs_full"),
            stronger="The paper has 91.7% with 0.13 million synapses where fully connected units need 1.25 "
            "million for 91.9%, on MNIST.",
        ),
        Part(
            says="After three passes it says it no more often.",
            holds=given(_learned, lambda figures: figures["lead_thrice"] <= 0.0),
            figures=("lead_thrice", "pairs_local_thrice", "shares_full_thrice"),
        ),
        Part(
            says="So it does where each has the sum of weights, of three, that is best on held-out images.",
            holds=given(_learned, lambda figures: figures["lead_tuned"] >= 0.01),
            figures=(
                "lead_tuned",
                "pairs_local_tuned",
                "best_full_tuned",
                "sum_local_tuned",
                "sum_full_tuned",
            ),
        ),
        Part(
            says="And so it does, sums chosen likewise, with the more regular trains of the authors' code.",
            holds=given(_learned, lambda figures: figures["lead_regular"] >= 0.01),
            figures=("lead_regular", "pairs_local_regular", "best_full_regular"),
        ),
        Part(
            says="Neighbourhood counts: with as many pixels from anywhere in each window it is at least 1 "
            "point less.",
            holds=given(
                _learned, lambda figures: figures["pairs_local"] >= figures["pairs_scattered"] + 0.01
            ),
            figures=("pairs_local", "pairs_scattered"),
        ),
        Part(
            says="On MNIST, with 80% of synapses deleted and sums of weights restored, it loses at least 5 "
            "points less than fully connected units.",
            holds=given(_intact, lambda figures: figures["loss_full"] - figures["loss_local"] >= 0.05),
            figures=("loss_local", "loss_full", "deleted0_local", "deleted0_full"),
        ),
    ),
    published={
        "deleted0_local": 0.9338,
        "deleted0_full": 0.9346,
        "deleted80_local": 0.6974,
        "deleted80_full": 0.6317,
    },
    figures=(
        Figure(name="lead", says="pairs of windows less best of fully connected, one pass", unit="share"),
        Figure(name="lead_thrice", says="the same, three passes", unit="share"),
        Figure(name="lead_{trial}_thrice", says="the same, {trial}, three passes", unit="share"),
        Figure(name="lead_{trial}", says="the same, {trial}, one pass", unit="share"),
        Figure(name="pairs_local_{trial}", says="right, windows, pairs in order, {trial}", unit="share"),
        Figure(name="best_full_{trial}", says="right, fully connected, best, {trial}", unit="share"),
        Figure(name="sum_{kind}_{trial}", says="sum of weights of a unit, {kind}, {trial}", unit="mV"),
        Figure(name="{read}_{kind}_thrice", says="right, {kind}, {read}, three passes", unit="share"),
        Figure(name="deleted{share}_{kind}", says="right on MNIST, {kind}, {share}% deleted", unit="share"),
        Figure(name="loss_{kind}", says="lost by 80% of deletion, {kind}", unit="share"),
        Figure(name="spikes_{kind}", says="spikes an image, {kind}", unit="count"),
        Figure(name="{read}_{kind}", says="right, {kind}, {read}, one pass", unit="share"),
    ),
    names={
        "local": "windows",
        "scattered": "scattered pixels",
        "full": "fully connected",
        "wide": "fully connected, as many units",
        "frozen_local": "windows, frozen",
        "frozen_full": "fully connected, frozen",
        "votes": "votes",
        "shares": "shared votes",
        "pairs": "pairs in order",
        "tuned": "sums chosen",
        "regular": "sums chosen, regular trains",
        "published_local": "windows, published",
        "published_full": "fully connected, published",
    },
    notes="Rates, inhibition, sums of weights and limits are those of an earlier implementation, in which "
    "five networks had 84.3% and 80.4% after one pass, and 83.7 and 85.7 after three; settings had been "
    "chosen in 16 tries for windows and 6 for fully connected units on two of these. In tries of this "
    "program on other draws the lead was 2 to 3.5 points, but about 0 where sums were chosen, as fully "
    "connected units gain from a larger one, and 4 with regular trains; the limits of these two parts were "
    "set after these tries, at that of the first. Frozen windows lead frozen fully connected units by far "
    "more, so these parts ask whether both have learned. One unit is let through in each window, not in the "
    "whole layer. Published figures are those of networks that saw 60,000 images; whether sums were restored "
    "there is not said. Without restoring, windows lost more.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    networks: int  # that figures of digits are means of
    images: int  # of 8 x 8 pixels to learn from
    learned: int  # of MNIST
    asked: int  # of MNIST, of its test part
    units: int = 25  # of each window on MNIST
    mnist: bool = True  # else digits of 8 x 8 pixels in its place


smoke = Scale(networks=1, images=160, learned=160, asked=100, units=8, mnist=False)
small = Scale(networks=5, images=1200, learned=3000, asked=5000)
full = Scale(networks=5, images=1200, learned=60_000, asked=10_000, units=100)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    return (
        on_digits(scale, lab)
        | tuned("tuned", scale, lab)
        | tuned("regular", scale, lab)
        | on_mnist(scale, lab)
    )


def on_digits(scale: Scale, lab: Lab) -> dict[str, float]:
    """Read-outs after one pass and after three, as means over networks, and the picture of all passes."""
    figures: dict[str, float] = {}
    tops, sizes = [], (scale.networks, scale.images)
    for kind in KINDS:
        frozen = kind.startswith("frozen")
        course = mean(Arm(kind, passes=1 if frozen else PASSES), *sizes, lab)
        figures |= {f"{read}_{kind}": value for read, value in course[0]._asdict().items()}
        if not frozen:
            last = course[-1]._asdict()
            figures |= {f"{read}_{kind}_thrice": last[read] for read in ("votes", "shares", "pairs")}
            tops.append([one.pairs if kind in ("local", "scattered") else top(one) for one in course])
    figures["lead"] = figures["pairs_local"] - best(figures, "full")
    figures["lead_thrice"] = figures["pairs_local_thrice"] - best(figures, "full_thrice")
    _show_passes("passes", "Poisson trains", tops, KINDS[:4], lab)
    return figures


def tuned(code: str, scale: Scale, lab: Lab) -> dict[str, float]:
    """The rivals, each with the sum of weights that is best on held-out images, and the picture of them."""
    figures, courses, sizes = {}, [], (scale.networks, scale.images)
    for kind in RIVALS:
        tries = {
            factor: top(mean(Arm(kind, code, factor, 1, search=True), *sizes, lab)[0]) for factor in FACTORS
        }
        factor = max(tries, key=lambda one: tries[one])
        figures[f"sum_{kind}_{code}"] = factor * SUMS[kind]
        courses.append(mean(Arm(kind, code, factor), *sizes, lab))
    tops = [[one.pairs for one in courses[0]], [top(one) for one in courses[1]]]
    figures |= {f"pairs_local_{code}": tops[0][0], f"best_full_{code}": tops[1][0]}
    figures |= {f"lead_{code}": tops[0][0] - tops[1][0], f"lead_{code}_thrice": tops[0][-1] - tops[1][-1]}
    _show_passes(f"passes-{code}", claim.names[code], tops, RIVALS, lab)
    return figures


def _show_passes(name: str, trains: str, tops: list[list[float]], kinds: tuple[str, ...], lab: Lab) -> None:
    """Pairs of windows, and of scattered pixels; the best read-out of the fully connected."""
    title = (
        f"Digits told after each pass, {trains}: by pairs where there are windows, else by the best read-out"
    )
    passes = np.arange(1.0, PASSES + 1)
    lab.show(name, Curve(title, passes, 100 * np.array(tops), kinds, "passes over the images", "right (%)"))


def on_mnist(scale: Scale, lab: Lab) -> dict[str, float]:
    """What votes say right when synapses are deleted, and what two networks have come to look for."""
    learn, ask, windows = _local_deletion.images(scale.learned, scale.asked, lab, small=not scale.mnist)
    figures: dict[str, float] = {}
    lines = []
    for kind in RIVALS:
        net = _local_deletion.network(kind, windows, scale.units, lab)
        told = _local_deletion.told(kind, net, learn, ask, lab)
        figures |= {
            f"deleted{round(100 * share)}_{kind}": one for share, one in zip(SHARES, told, strict=True)
        }
        figures[f"loss_{kind}"] = told[0] - told[-1]
        lines.append(told)
        _show_weights(kind, net.layer, windows.side, lab)
    lab.show(
        "deletion",
        Curve(
            "Digits of MNIST told by votes when synapses are deleted",
            100 * np.array(SHARES),
            100 * np.array([*lines, *PUBLISHED.values()]),
            (*RIVALS, *PUBLISHED),
            "synapses deleted (%)",
            "right (%)",
        ),
    )
    return figures


def _show_weights(kind: str, layer: LocallyConnected, side: int, lab: Lab) -> None:
    """Weights of a unit of each window, or of as many units."""
    step = layer.width // layer.groups if layer.groups > 1 else 1
    units = range(0, layer.width, step)[:9]
    weights = layer.encode.weight.detach()
    weights = (weights if layer.mask is None else weights.where(layer.mask, torch.nan))[list(units)]
    title = f"What units look for, {claim.names[kind]}"
    labels = tuple(
        f"window {number + 1}" if layer.groups > 1 else f"unit {number + 1}" for number in range(9)
    )
    maps = weights.reshape(-1, side, side).numpy()
    lab.show(
        f"weights-{kind}",
        Maps(title, maps, labels[: len(maps)], "column (pixels)", "row (pixels)", "weight (mV)", 3),
    )
