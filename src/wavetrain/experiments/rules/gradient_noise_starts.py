"""Does noise on the gradient save a deep network from a bad start, and what does it cost after a good one?

Neelakantan et al. 2015, arXiv 1511.06807, experiments on MNIST. Twenty hidden layers of 50 rectified units
learn by plain gradient descent at a rate of 0.1, biases begin at 0, gradients are clipped to a norm of 10,
and noise of variance 0.01 / (1 + t)^0.55 is added to them or not. Weights begin in one of three ways:

    zero     all 0, so that every gradient but that of the last biases is 0 for ever
    normal   N(0, 0.1^2), as the paper's "Simple Init"
    he       N(0, 2 / inputs of the map), He et al. 2015, arXiv 1502.01852

All arms see the same batches. `accuracy_{start}_{noise}` is that on the test part at the end. From the start
at zero the accuracy still jumps when it has taken off: there, with noise, it is that at the look of the last
tenth at which the validation part is best. `largest` is the largest weight, in absolute value, that the start
at zero has without noise after a few steps; since nothing moves then, more steps would move nothing. `walk`
is the deviation of its weights with noise after as many, over that of a random walk, 0.1 sqrt(sum of
variances).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from wavetrain.core import CLASSES, Recorded
from wavetrain.data.images.digits import digits
from wavetrain.data.images.mnist import mnist
from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.evidence.picture import Curve
from wavetrain.experiments.rules._chains import Chain
from wavetrain.parts import saved
from wavetrain.rules.gradient_noise import GradientNoise
from wavetrain.train.fit import examine, fit
from wavetrain.train.lab import Lab, News

STARTS = ("zero", "normal", "he")
ARMS = {f"{start}_{noise}": (start, noise) for start in STARTS for noise in ("none", "noise")}
RATE = 0.1  # of gradient descent
ETA = 0.01  # variance of the first noise
CLIP = 10.0  # of the norm of the gradient, before the noise
BATCH = 64


def _learned(figures: Measured) -> bool:
    """Whether the good start is one."""
    return figures["accuracy_he_none"] >= 0.9


claim = Claim(
    title="Gradient noise saves bad starts of deep networks, not good ones",
    sentence="A network of twenty layers that starts at zero or at N(0, 0.1^2) stays at chance without noise "
    "on its gradient and learns MNIST with it; from He's start the noise does not help.",
    topic="Learning rules",
    source="Neelakantan et al. 2015, arXiv 1511.06807, Table 1",
    systems=("gradient_noise", "mnist"),
    parts=(
        Part(
            says="From zero without noise every weight is exactly 0, and at most 12% are right.",
            holds=lambda figures: figures["largest"] == 0.0 and figures["accuracy_zero_none"] <= 0.12,
            figures=("largest", "accuracy_zero_none"),
            learned=False,
        ),
        Part(
            says="From zero with noise more than 60% are right by step 20,000.",
            holds=lambda figures: figures["accuracy_zero_noise"] > 0.6,
            figures=("accuracy_zero_noise",),
        ),
        Part(
            says="From N(0, 0.1^2) at least 50% are right with noise, and at most 12% without.",
            holds=lambda figures: (
                figures["accuracy_normal_noise"] >= 0.5 and figures["accuracy_normal_none"] <= 0.12
            ),
            figures=("accuracy_normal_noise", "accuracy_normal_none"),
        ),
        Part(
            says="From He's start noise does not help: it gains at most half a point and costs at most 5.",
            holds=given(
                _learned,
                lambda figures: -0.05 <= figures["accuracy_he_noise"] - figures["accuracy_he_none"] <= 0.005,
            ),
            figures=("accuracy_he_noise", "accuracy_he_none"),
        ),
        Part(
            says="From zero weights walk at random at first: their deviation is that of the sum to 5%.",
            holds=lambda figures: abs(figures["walk"] - 1) <= 0.05,
            figures=("walk",),
            learned=False,
        ),
    ),
    published={
        "accuracy_zero_none": 0.114,
        "accuracy_zero_noise": 0.945,
        "accuracy_normal_none": 0.957,
        "accuracy_normal_noise": 0.970,
        "accuracy_he_none": 0.974,
        "accuracy_he_noise": 0.972,
    },
    figures=(
        Figure(name="accuracy_{arm}", says="accuracy, {arm}", unit="share"),
        Figure(name="largest", says="largest weight from zero without noise", unit="absolute"),
        Figure(name="walk", says="deviation of weights over that of a random walk", unit="ratio"),
    ),
    names={
        "zero_none": "zero",
        "zero_noise": "zero, noise",
        "normal_none": "N(0, 0.1^2)",
        "normal_noise": "N(0, 0.1^2), noise",
        "he_none": "He",
        "he_noise": "He, noise",
    },
    notes="Published is the best of 40 runs, half of them at a rate of 0.01, with a clip of 10; their "
    "averages are 10.1 and 49.7% from zero, 51.6 and 53.6% from N(0, 0.1^2), 91.7 and 91.7% from He's start. "
    "How long they ran, and on which batches, is not said. Here runs have 4,700 steps, which are five "
    "passes, and 20,000 from zero, where weights have to walk far enough first. Limits are from an "
    "implementation of our own on two or three seeds.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    data: str  # mnist or digits
    layers: int
    width: int
    still: int  # steps from zero without noise, and until the walk is measured
    steps: int  # from the other starts
    long: int  # steps from zero with noise
    every: int  # steps between looks; divides all of these


smoke = Scale(data="digits", layers=3, width=6, still=4, steps=8, long=20, every=2)
small = Scale(data="mnist", layers=20, width=50, still=200, steps=4700, long=20_000, every=100)
full = Scale(data="mnist", layers=20, width=50, still=500, steps=45_000, long=45_000, every=500)


class End(NamedTuple):
    """Looks at the validation part, and what is reported."""

    valid: list[float]
    accuracy: float
    weights: dict[str, float]  # `largest` and `deviation` after the first `still` steps


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task = mnist() if scale.data == "mnist" else digits()
    ends = {arm: _learn(arm, task, scale, lab) for arm in ARMS}
    axis = np.arange(0.0, scale.long + 1, scale.every)
    lines = np.full((len(ends), len(axis)), np.nan)
    for line, end in zip(lines, ends.values(), strict=True):
        line[: len(end.valid)] = end.valid
    labels = tuple(claim.names[arm] for arm in ARMS)
    title = f"{scale.layers} layers from three starts, with noise and without"
    lab.show(
        "accuracy",
        Curve(title, axis, lines, labels, "training steps", "accuracy on the validation part", seeds=True),
    )
    return {f"accuracy_{arm}": end.accuracy for arm, end in ends.items()} | {
        "largest": ends["zero_none"].weights["largest"],
        "walk": ends["zero_noise"].weights["deviation"] / walked(scale.still),
    }


def walked(steps: int) -> float:
    """The deviation of weights that noise alone moves."""
    rule = GradientNoise(ETA)
    return RATE * math.sqrt(sum(rule.deviation(step) ** 2 for step in range(steps)))


def network(start: str, pixels: int, scale: Scale) -> Chain:
    """Rectified units, biases at 0, weights as told."""
    made = Chain(pixels, (scale.width,) * scale.layers, nn.ReLU, bias=True)
    for one in made.maps:
        nn.init.zeros_(one.bias)
        deviation = {"zero": 0.0, "normal": 0.1, "he": math.sqrt(2 / one.in_features)}[start]
        nn.init.normal_(one.weight, 0.0, deviation)
    return made


def _learn(arm: str, task: Recorded, scale: Scale, lab: Lab) -> End:
    """An arm from start to end; read back where it was learned before."""
    path = lab.folder / "checkpoints" / f"{arm}.safetensors"
    if path.exists():
        _, words = saved.load(path)
        return End(words["valid"], words["accuracy"], words["weights"])
    start, noise = ARMS[arm]
    steps = scale.steps
    if start == "zero":
        steps = scale.long if noise == "noise" else scale.still
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.seed)
        made = network(start, task.train.x[0].numel(), scale).to(lab.device)
        valid, best, accuracy, weights = [], 0.0, math.nan, {}
        for done in _looks(made, noise, task, steps, scale, lab):
            valid.append(examine(made, task.valid(), CLASSES))
            counts = done == steps or (arm == "zero_noise" and done > 0.9 * steps)
            if counts and valid[-1] >= best:
                best, accuracy = valid[-1], examine(made, task.test(), CLASSES)
            if done == scale.still:
                weights = _weights(made)
            lab.tell(News(lab.folder.name, arm, done, steps, float("nan"), valid[-1], float("nan")))
    end = End(valid, accuracy, weights)
    saved.save(path, made.state_dict(), end._asdict())
    return end


def _looks(made: Chain, noise: str, task: Recorded, steps: int, scale: Scale, lab: Lab) -> Iterator[int]:
    """Trains, and stops at the steps at which to look."""
    teacher = GradientNoise(ETA if noise == "noise" else 0.0, clip=CLIP, seed=lab.seed)
    updates, generator = torch.optim.SGD(made.parameters(), RATE), lab.generator()
    yield 0
    for begin in range(0, steps, scale.every):
        for _ in fit(made, task, teacher, updates, generator, BATCH, range(begin, begin + scale.every)):
            pass
        yield begin + scale.every


def _weights(made: Chain) -> dict[str, float]:
    """The largest weight and the deviation of all of them, biases left out."""
    flat = torch.cat([one.weight.detach().flatten() for one in made.maps])
    return {"largest": float(flat.abs().max()), "deviation": float(flat.square().mean().sqrt())}
