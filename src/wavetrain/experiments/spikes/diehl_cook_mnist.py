"""Does a layer with spike-timing plasticity learn MNIST without labels?

Diehl and Cook 2015, Frontiers in Computational Neuroscience 9:99, in the form with one layer: 100 units that
inhibit one another see 3,000 images once, 100 ms each, in batches of 16 whose changes are summed. A
threshold rises by 0.2 mV with each crossing, four times as much as usual, since there are few images. Labels
come in afterwards: each unit stands for the class to which it answered most in the last 1,000 of them, and
an image is of the class whose units fire most on average.

    learned     with plasticity
    frozen      with a learning rate of 0; weights are scaled and thresholds adapt
    intervals   as learned, with the trains of the authors' code, which are nearly regular

`right_*` is the share of test images that are told right, `by_share_*` that where each unit splits its vote,
and `right_dealt` that where labels are dealt anew before they are assigned, on average.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import Batch, Recorded
from wavetrain.data.images.digits import digits
from wavetrain.data.images.mnist import mnist
from wavetrain.evidence.claims import Claim, Figure, Part
from wavetrain.evidence.picture import Curve, Maps
from wavetrain.experiments.spikes._digits import (
    CLASSES,
    INTERVALS,
    POISSON,
    Code,
    Shown,
    count,
    flat,
    learn,
    right,
)
from wavetrain.parts import saved
from wavetrain.parts.competition import Competition
from wavetrain.parts.votes import assigned
from wavetrain.rules.hebbian.minibatch_stdp import MinibatchSTDP
from wavetrain.spiking.diehl_cook import DiehlCook
from wavetrain.train.lab import Lab, News

ARMS: dict[str, tuple[float, Code]] = {  # potentiation, and how images become spikes
    "learned": (1e-2, POISSON),
    "frozen": (0.0, POISSON),
    "intervals": (1e-2, INTERVALS),
}
LESS = 100  # depression is potentiation over this
SHARE = 0.1  # of the pixels: to what the weights of a unit add up
BATCH = 16
DEALT = 10  # times that labels are dealt

claim = Claim(
    title="A layer with spike-timing plasticity learns MNIST without labels",
    sentence="After 3,000 images 100 units tell at least 65% of digits right, and at most 40% where nothing "
    "but thresholds has learned.",
    topic="Learning rules",
    source="Diehl and Cook 2015, Frontiers in Computational Neuroscience 9:99, with fewer units and images",
    systems=("diehl_cook", "minibatch_stdp", "mnist"),
    parts=(
        Part(
            says="At least 65% of test images are told right.",
            holds=lambda figures: figures["right_learned"] >= 0.65,
            figures=("right_learned",),
            stronger="95%, with 6,400 units.",
        ),
        Part(
            says="With a learning rate of 0 at most 40% are.",
            holds=lambda figures: figures["right_frozen"] <= 0.4,
            figures=("right_frozen",),
            learned=False,
        ),
        Part(
            says="Plasticity is at least 30 points better than a learning rate of 0.",
            holds=lambda figures: figures["right_learned"] >= figures["right_frozen"] + 0.3,
            figures=("right_learned", "right_frozen"),
        ),
        Part(
            says="Where labels are dealt at most 25% are right.",
            holds=lambda figures: figures["right_dealt"] <= 0.25,
            figures=("right_dealt",),
            learned=False,
        ),
    ),
    figures=(
        Figure(name="right_{arm}", says="right, {arm}", unit="share"),
        Figure(name="by_share_{arm}", says="right by split votes, {arm}", unit="share"),
        Figure(name="spikes_{arm}", says="spikes of the layer an image, {arm}", unit="count"),
    ),
    names={
        "learned": "plasticity",
        "frozen": "learning rate 0",
        "intervals": "trains of the authors' code",
        "dealt": "labels dealt",
    },
    notes="Limits are those of an earlier implementation, in which three seeds had 78 to 81% and 28 to 31%. "
    "It had the trains of the authors' code and drew which of the units that cross in one step is let "
    "through; here the one furthest above its threshold is. Draws of spikes make a difference of some "
    "points: in tries with the authors' trains beside the run, 59 to 73% were right, and 63 and 73% on the "
    "same images from the same weights. With thresholds that rise by 0.05 mV, as others write it, 3,000 "
    "images are too few: 31 to 65% were right.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    task: Callable[[], Recorded]
    width: int
    images: int
    known: int  # of them, the last, whose labels are told
    tests: int
    raised: float  # mV by which a crossing raises a threshold


smoke = Scale(task=digits, width=16, images=96, known=64, tests=50, raised=0.2)
small = Scale(task=mnist, width=100, images=3000, known=1000, tests=1000, raised=0.2)
full = Scale(task=mnist, width=400, images=57_000, known=10_000, tests=10_000, raised=0.05)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    figures: dict[str, float] = {}
    courses = []
    for arm in ARMS:
        found, course = _taught(arm, scale, lab)
        figures |= found
        courses.append(course)
    shown = np.arange(1, len(courses[0]) + 1) * scale.known
    lines = 100 * np.array(courses)
    lab.show(
        "course",
        Curve(
            "Digits told apart while they are shown",
            shown.astype(float),
            lines,
            tuple(ARMS),
            "images",
            "right, %",
        ),
    )
    return figures


def _taught(arm: str, scale: Scale, lab: Lab) -> tuple[dict[str, float], list[float]]:
    """The figures of an arm, and how it came there; read back if there."""
    path = lab.folder / "checkpoints" / f"{arm}.safetensors"
    if path.exists():
        words = saved.load(path)[1]
        return words["figures"], words["course"]
    task, generator = scale.task(), lab.generator()
    x, y = _some(task.train, scale.images, generator)
    test, asked = _some(task.test(), scale.tests, generator)
    potentiation, code = ARMS[arm]
    show = Shown(code, generator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.seed)
        layer = DiehlCook(scale.width, inputs=x.shape[1], cell=Competition(raised=scale.raised))
    rule = MinibatchSTDP(potentiation, potentiation / LESS, total=SHARE * x.shape[1])
    course: list[float] = []
    for images, labels in zip(x.split(scale.known), y.split(scale.known), strict=True):
        counts = learn(layer, rule, images, BATCH, show)
        known, answers = (counts, labels), (count(layer, test, show), asked)
        course.append(right(known, answers))
        shown = len(course) * scale.known
        lab.tell(News(lab.folder.name, arm, shown, scale.images, float("nan"), course[-1], float("nan")))
    votes = assigned(*known, classes=CLASSES)
    figures = {
        f"right_{arm}": course[-1],
        f"by_share_{arm}": float((votes.by_share(answers[0]) == asked).float().mean()),
        f"spikes_{arm}": float(answers[0].sum(1).mean()),
    }
    if arm == "learned":
        side = round(x.shape[1] ** 0.5)
        dealt = [labels[torch.randperm(len(labels), generator=generator)] for _ in range(DEALT)]
        figures["right_dealt"] = float(np.mean([right((counts, one), answers) for one in dealt]))
        weights = layer.encode.weight.detach()[:32].unflatten(1, (side, side)).numpy()
        digits_of = tuple(str(int(digit)) for digit in votes.stands[:32])
        title = "What units learned, and the digit each stands for"
        lab.show("weights", Maps(title, weights, digits_of, "pixel", "pixel", "weight", columns=8))
    saved.save(path, layer.state_dict(), {"figures": figures, "course": course})
    return figures, course


def _some(part: Batch, many: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """So many images of a part, drawn, and their labels."""
    x, y = flat(part)
    rows = torch.randperm(len(x), generator=generator)[:many]
    return x[rows], y[rows]
