"""Do neurons in continuous time, and neurons that fire, learn digits from a target that goes forward?

Kohan, Rietman and Siegelmann 2022, arXiv 2204.01723, the last sentence of the abstract: networks in
continuous time are trained by Hebbian updates, and networks of spikes by the voltage alone. Equations, sizes
and tables could not be had; both constructions are ours, and so are the limits.

    hebbian    rates of two layers settle to the image, and to its class; the difference times what came in is
               learned (`hebbian_signal_propagation`)
    spiking    two layers of leaky integrate-and-fire units hear an image as random spikes, 20 steps long; the
               loss of a layer looks at potentials alone, and no slope of a spike is taken

Each has two controls, one that does not learn (`frozen`) and one whose targets are those of other images
(`shuffled`). `bank_{arm}` is the accuracy of the last layer by the class bank: which class's activity that of
the image is most like; `first_{arm}` is that of the first layer. Of spikes `read_{arm}` is the accuracy of a
linear read-out of rates, which learns alike in all arms. All is on test images.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import CLASSES, Batch, HeldOut, Recorded, Rule
from wavetrain.data.images.digits import digits
from wavetrain.evidence.claims import Claim, Figure, Part
from wavetrain.evidence.picture import Curve
from wavetrain.experiments.rules._shuffled import Shuffled
from wavetrain.parts import saved
from wavetrain.parts.chain import Chain
from wavetrain.rules._contrast import LayerLoss
from wavetrain.rules.hebbian_signal_propagation import HebbianSignalPropagation, Settling
from wavetrain.rules.signal_propagation import SignalPropagation
from wavetrain.spiking.lif import LIF
from wavetrain.train.lab import Lab, News

ARMS = ("hebbian", "hebbian_frozen", "hebbian_shuffled", "spiking", "spiking_frozen", "spiking_shuffled")
TAU = -1 / math.log(0.9)  # steps, of units that fire
LARGER = (2.0, 5.0)  # than the usual start: weights of the two layers that fire, which else are silent
FIRES = 0.6  # spikes a step of the brightest pixel
LOOKS = 10  # points of the picture

claim = Claim(
    title="Hebbian rates and units that fire learn from targets that go forward",
    sentence="A network of rates that settle learns digits by Hebbian updates, and one of spikes by its "
    "voltage alone, so that activity is like that of the class, which shuffled targets do not teach.",
    topic="Learning rules",
    source="Kohan et al. 2022, arXiv 2204.01723, abstract; constructions and limits are ours",
    systems=("signal_propagation", "hebbian_signal_propagation", "lif", "digits"),
    parts=(
        Part(
            says="Of rates that learn by Hebbian updates the class bank of the last layer is right in 80% "
            "or more.",
            holds=lambda figures: figures["bank_hebbian"] >= 0.80,
            figures=("bank_hebbian",),
        ),
        Part(
            says="Of rates that are frozen, or have shuffled targets, it is right in 25% or less.",
            holds=lambda figures: (
                max(figures["bank_hebbian_frozen"], figures["bank_hebbian_shuffled"]) <= 0.25
            ),
            figures=("bank_hebbian_frozen", "bank_hebbian_shuffled"),
            learned=False,
        ),
        Part(
            says="Of units that fire and learn by their voltage alone, it is right in 85% or more.",
            holds=lambda figures: figures["bank_spiking"] >= 0.85,
            figures=("bank_spiking",),
        ),
        Part(
            says="Of units that are frozen, or have shuffled targets, it is right in 25% or less.",
            holds=lambda figures: (
                max(figures["bank_spiking_frozen"], figures["bank_spiking_shuffled"]) <= 0.25
            ),
            figures=("bank_spiking_frozen", "bank_spiking_shuffled"),
            learned=False,
        ),
        Part(
            says="A read-out of the rates of units that fire is at least 4 points ahead of frozen ones.",
            holds=lambda figures: figures["read_spiking"] >= figures["read_spiking_frozen"] + 0.04,
            figures=("read_spiking", "read_spiking_frozen"),
        ),
    ),
    figures=(
        Figure(name="bank_{arm}", says="accuracy of the class bank, last layer, {arm}", unit="share"),
        Figure(name="first_{arm}", says="accuracy of the class bank, first layer, {arm}", unit="share"),
        Figure(name="read_{arm}", says="accuracy of the read-out of rates, {arm}", unit="share"),
    ),
    names={
        "hebbian": "Hebbian",
        "hebbian_frozen": "Hebbian, frozen",
        "hebbian_shuffled": "Hebbian, shuffled targets",
        "spiking": "spikes",
        "spiking_frozen": "spikes, frozen",
        "spiking_shuffled": "spikes, shuffled targets",
    },
    notes="Limits are from an implementation of our own, of three seeds, before this one was written. There "
    "a ridge read-out of Hebbian rates could not tell what was learned from random features, so the class "
    "bank decides.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    task: Callable[[], Recorded]
    units: int  # of each of two layers
    steps: int
    batch: int
    time: int  # steps of an image for units that fire
    hebbian: float = 0.02  # rate of gradient descent
    spiking: float = 1e-3  # rate of Adam


smoke = Scale(task=digits, units=20, steps=4, batch=16, time=4)
small = Scale(task=digits, units=200, steps=350, batch=64, time=20)
full = Scale(task=digits, units=1000, steps=3500, batch=64, time=50)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task, courses = _joined(scale.task()), []
    figures: dict[str, float] = {}
    for arm in ARMS:
        course = _learn(arm, task, scale, lab)
        courses.append([each["bank"] for each in course])
        figures |= {f"{name}_{arm}": value for name, value in course[-1].items()}
    axis = np.linspace(0, scale.steps, len(courses[0]))
    lines, labels = np.array(courses), tuple(claim.names[arm] for arm in ARMS)
    title = "Which class the last layer's activity is like"
    lab.show(
        "bank",
        Curve(
            title, axis, lines, labels, "training steps", "share of test images that are right", seeds=True
        ),
    )
    return figures


def _joined(task: Recorded) -> Recorded:
    """Nothing is chosen, so the part to choose by is learned from, too."""
    parts = zip(task.train, task.held_valid, strict=True)
    return replace(task, train=Batch(*(torch.cat(each) for each in parts)))


class Settles:
    """Rates that settle, and the Hebbian rule."""

    def __init__(self, scale: Scale, task: Recorded):
        self.network: Settling = Settling(scale.units, task.train.x[0].numel(), 10)
        self.rule: Rule = HebbianSignalPropagation()
        self.updates: torch.optim.Optimizer = torch.optim.SGD(self.network.parameters(), scale.hebbian)

    def heard(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return x

    @torch.no_grad()
    def right(self, test: Batch) -> dict[str, float]:
        first, last = (each.argmax(1) for each in self.network.scores(test.x))
        return {"first": _share(first, test.y), "bank": _share(last, test.y)}


class Fires:
    """Units that fire, and the rule of their voltage."""

    def __init__(self, scale: Scale, task: Recorded):
        layers = [LIF(scale.units, task.train.x[0].numel(), tau=TAU), LIF(scale.units, tau=TAU)]
        with torch.no_grad():
            for layer, larger in zip(layers, LARGER, strict=True):
                layer.encode.weight.mul_(larger)
        self.network, self.time = Chain(layers, 10), scale.time
        self.rule = SignalPropagation(LayerLoss.BANK)
        self.updates = torch.optim.Adam(self.network.parameters(), scale.spiking)

    def heard(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Images as random spikes (B, T, pixels)."""
        p = FIRES * x.flatten(1)[:, None].expand(-1, self.time, -1)
        return torch.bernoulli(p, generator=generator)

    @torch.no_grad()
    def right(self, test: Batch) -> dict[str, float]:
        first, last = (each.argmax(1) for each in self.rule.scores(self.network, test.x))
        read = self.network(test.x).argmax(1)
        return {"first": _share(first, test.y), "bank": _share(last, test.y), "read": _share(read, test.y)}


def _share(said: Tensor, y: Tensor) -> float:
    return float((said == y).double().mean())


def _learn(arm: str, task: Recorded, scale: Scale, lab: Lab) -> list[dict[str, float]]:
    """The accuracies on the way, the last one at the end; read back where it was learned."""
    path = lab.folder / "checkpoints" / f"{arm}.safetensors"
    if path.exists():
        kept: list[dict[str, float]] = saved.load(path)[1]["course"]
        return kept
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.seed)
        one: Settles | Fires = (Settles if arm.startswith("hebbian") else Fires)(scale, task)
        if arm == "spiking_shuffled":
            one.rule = Shuffled(LayerLoss.BANK)
        elif arm == "hebbian_frozen":
            one.updates.param_groups[0]["lr"] = 0.0
        elif arm == "spiking_frozen":
            one.network.get_submodule("layers").requires_grad_(False)
        course = _taught(arm, one, task, scale, lab)
    saved.save(path, one.network.state_dict(), {"course": course})
    return course


def _taught(arm: str, one: Settles | Fires, task: Recorded, scale: Scale, lab: Lab) -> list[dict[str, float]]:
    """Train, and look at the accuracies on the way."""
    test = Batch(one.heard(task.test().x, HeldOut.TEST.generator()), task.test().y)
    course, every = [one.right(test)], max(1, scale.steps // LOOKS)
    generator, noise = lab.generator(), torch.Generator().manual_seed(lab.seed + 1)
    for step in range(scale.steps):
        x, y = task.draw(scale.batch, generator)
        told = y[torch.randperm(len(y))] if arm == "hebbian_shuffled" else y
        one.updates.zero_grad()
        one.rule.learn(one.network, Batch(one.heard(x, noise), told), CLASSES.loss)
        one.updates.step()
        if (step + 1) % every == 0 or step + 1 == scale.steps:
            course.append(one.right(test))
            right = course[-1]["bank"]
            lab.tell(News(lab.folder.name, arm, step + 1, scale.steps, math.nan, right, math.nan))
    return course
