"""Does a cerebellum that foresees the gradient help where only the last of 28 rows of a digit has an error?

Pemberton, Boven, Apps and Costa 2021, arXiv 2110.11501, row-wise MNIST. An LSTM of 30 units reads an image
row by row and names the digit after the last. Credit ends after every K = 2 or 7 rows. Without a cerebellum
nothing but the last window learns; with one, an MLP of a hidden layer of 300, what it foresees comes back to
all of them. But errors reach it from the last window alone, and go on by a window and a factor of 0.1 at a
time.

    plain         K rows
    cerebellum    K rows, and what the cerebellum says

Rate, batch, clipping and sizes are those of the authors' code: Adam with 1e-4 and betas of 0.9 and 0.98,
batches of 50, a norm of 1 for the whole gradient; cortex and cerebellum share all of it. `right` is the share
of 10,000 test images named right, `gain` what the cerebellum adds. `cosine` is that between what it says and
the true gradient, over all ends of windows but the last, and `nearest` at the last of these alone.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from wavetrain.core import CLASSES, Batch, Recorded
from wavetrain.data.images.digits import digits
from wavetrain.data.images.mnist import mnist
from wavetrain.evidence.claims import Claim, Figure, Part, given
from wavetrain.experiments.rules._cerebellar import agreement, foreseen
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.parts.cerebellar_reader import CerebellarReader
from wavetrain.parts.reader import Reader
from wavetrain.rules.decoupled import Decoupled
from wavetrain.rules.truncated_backpropagation import TruncatedBackpropagation
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Plan, Training, curve

BATCH = 50
ALPHA = 0.1
WINDOWS = (2, 7)  # K
WATCHED = 200  # images on which the cerebellum is held against the true gradient

claim = Claim(
    title="A cerebellum adds four points to digits read with credit of two rows",
    sentence="Where credit ends after every two rows of a digit, a cerebellum that foresees the gradient "
    "adds at least four points to the share of digits that an LSTM names right, and fewer after seven.",
    topic="Learning rules",
    source="Pemberton et al. 2021, arXiv 2110.11501, row-wise MNIST; the limits are ours",
    systems=("decoupled", "truncated_backpropagation", "mnist", "lstm"),
    parts=(
        Part(
            says="With windows of two rows a cerebellum adds at least 4 points.",
            holds=lambda figures: figures["gain_2"] >= 0.04,
            figures=("gain_2", "right_cerebellum_2", "right_plain_2"),
        ),
        Part(
            says="With windows of seven rows it adds at least 1 point.",
            holds=lambda figures: figures["gain_7"] >= 0.01,
            figures=("gain_7", "right_cerebellum_7", "right_plain_7"),
        ),
        Part(
            says="What it adds, where it adds any, is less with seven rows than with two.",
            holds=given(
                lambda figures: max(figures["gain_2"], figures["gain_7"]) > 0,
                lambda figures: figures["gain_7"] < figures["gain_2"],
            ),
            figures=("gain_2", "gain_7"),
        ),
    ),
    figures=(
        Figure(
            name="right_{arm}_{rows}", says="digits named right, {arm}, windows of {rows} rows", unit="share"
        ),
        Figure(name="gain_{rows}", says="what the cerebellum adds, windows of {rows} rows", unit="share"),
        Figure(
            name="cosine_{rows}",
            says="what the cerebellum says against the true gradient, windows of {rows} rows",
            unit="cosine",
        ),
        Figure(
            name="nearest_{rows}",
            says="the same before the last window alone, windows of {rows} rows",
            unit="cosine",
        ),
    ),
    names={
        "plain": "without a cerebellum",
        "cerebellum": "with a cerebellum",
        "plain_2": "windows of two rows, without a cerebellum",
        "cerebellum_2": "windows of two rows, with one",
        "plain_7": "windows of seven, without",
        "cerebellum_7": "windows of seven, with one",
    },
    notes="In plots that lie with the authors' code, whose size of network and seeds are not told, the gain "
    "after ten epochs is about 8 points with windows of two rows and 3 with seven. In an implementation of "
    "our own, with a rate of 1e-3 and 1,500 updates, a cerebellum added 1 point in one seed and took 14 in "
    "another with two rows, and took 6 and 7 with seven; so here the authors' rate is tried, and three "
    "of their epochs in place of forty.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    images: Callable[[], Recorded]  # read pixel by pixel
    units: int
    hidden: tuple[int, ...]  # of the cerebellum
    steps: int


smoke = Scale(images=digits, units=5, hidden=(8,), steps=2)
small = Scale(images=mnist, units=30, hidden=(300,), steps=3600)
full = Scale(images=mnist, units=30, hidden=(300,), steps=48_000)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task, figures, ends = rows(scale.images()), dict[str, float](), dict[str, Training]()
    for steps in WINDOWS:
        ends[f"plain_{steps}"] = _learn(f"plain_{steps}", scale, lab, task, steps, carries=False)
        ends[f"cerebellum_{steps}"] = _learn(f"cerebellum_{steps}", scale, lab, task, steps, carries=True)
        for arm in (f"plain_{steps}", f"cerebellum_{steps}"):
            figures[f"right_{arm}"] = examine(ends[arm].network, task.test(), CLASSES)
        figures[f"gain_{steps}"] = figures[f"right_cerebellum_{steps}"] - figures[f"right_plain_{steps}"]
        network, batch = (
            ends[f"cerebellum_{steps}"].network,
            Batch(*(part[:WATCHED] for part in task.valid())),
        )
        assert isinstance(network, CerebellarReader)
        said, true = foreseen(network, batch, task.objective.loss, steps)
        figures[f"cosine_{steps}"] = agreement(said, true)
        figures[f"nearest_{steps}"] = agreement(said[-1], true[-1])
    lab.show("right", curve("Digits read row by row", ends, "share of held-out digits named right"))
    return figures


def rows(task: Recorded) -> Recorded:
    """Square images that are read pixel by pixel, a row a step."""
    side = math.isqrt(task.train.x.shape[1])
    train, valid, test = (
        Batch(part.x.reshape(len(part.x), side, side), part.y)
        for part in (task.train, task.valid(), task.test())
    )
    return replace(task, train=train, held_valid=valid, held_test=test, inputs=side)


def _learn(arm: str, scale: Scale, lab: Lab, task: Recorded, steps: int, *, carries: bool) -> Training:
    plan = Plan(
        steps=scale.steps,
        batch=BATCH,
        rate=1e-4,
        clip=1.0,
        every=max(1, scale.steps // 20),
        betas=(0.9, 0.98),
    )

    def make() -> Reader:
        layer = LSTM(scale.units, task.inputs)
        if carries:
            return CerebellarReader(layer, task.outputs, False, scale.hidden)
        return Reader(layer, task.outputs, every_step=False)

    rule = Decoupled(steps, ALPHA, together=True) if carries else TruncatedBackpropagation(steps)
    return lab.fit(arm, make, task, plan, rule)
