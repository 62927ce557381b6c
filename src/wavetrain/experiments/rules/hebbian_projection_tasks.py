"""Do lateral Hebbian neurons keep ten tasks as well as exact projection does?

Xiao, Meng, Zhang, He and Lin 2024, arXiv 2402.11984. A perceptron without biases learns ten permutations of
MNIST, one after another, with one head and without being told which task it is in. Gradients are projected
away from what came in on earlier tasks. Who finds the directions differs, their number does not:

    sequential   nobody: plain gradients
    hebbian      lateral neurons, while the task is learned
    exact        the principal directions of the inputs of all images, when a task is over
    random       a random subspace of what is left, as a control

All start from the same weights and see the same batches. `transfer` is the accuracy after the last task less
that at a task's own end, over all tasks but the last; `kept` the mean accuracy after the last task; `learned`
that of each task at its own end; `moved` how far outputs for the test images of the first task are from where
its end left them, as a share of their size. All are on the test part.

`lif` is the same perceptron of leaky integrate-and-fire units, which is what the paper is about: an image is
a current that is given for some steps, and the scores are means over them. Lateral neurons learn from each
step.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import CLASSES, Batch, Recorded, Rule, examined
from wavetrain.data.images.digits import digits
from wavetrain.data.images.permuted_mnist import permuted_mnist
from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.evidence.picture import Curve
from wavetrain.experiments.rules._perceptrons import Perceptron, SpikingPerceptron
from wavetrain.parts import saved
from wavetrain.parts.forgetting import backward_transfer, kept
from wavetrain.rules._projection import Projection
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.gradient_projection import GradientProjection
from wavetrain.rules.hebbian_projection import HebbianProjection
from wavetrain.train.fit import examine, fit
from wavetrain.train.lab import Lab, News

ARMS = ("sequential", "hebbian", "exact", "random", "lif_sequential", "lif_hebbian")
RATE = 0.1  # of gradient descent
BATCH = 64


def _forgotten(figures: Measured) -> bool:
    """Whether there is something to keep: without projection much is lost."""
    return figures["transfer_sequential"] <= -0.12


def _spikes_forgotten(figures: Measured) -> bool:
    """The same of units that fire."""
    return figures["transfer_lif_sequential"] <= -0.12


claim = Claim(
    title="Lateral Hebbian neurons keep ten tasks as exact projection does",
    sentence="Over ten permutations of MNIST a perceptron with Hebbian projection loses at most 2 points of "
    "accuracy where it loses at least 12 without, ends within a point of exact projection of the same ranks, "
    "and random subspaces of these ranks do not do it.",
    topic="Learning without forgetting",
    source="Xiao et al. 2024, arXiv 2402.11984, permuted MNIST",
    systems=("hebbian_projection", "gradient_projection", "lif", "permuted_mnist"),
    parts=(
        Part(
            says="Backward transfer with Hebbian projection is at least -2 points, where it is -12 or less "
            "without.",
            holds=given(_forgotten, lambda figures: figures["transfer_hebbian"] >= -0.02),
            figures=("transfer_hebbian", "transfer_sequential"),
        ),
        Part(
            says="After the last task it is at most a point behind exact projection of the same ranks.",
            holds=given(_forgotten, lambda figures: figures["kept_hebbian"] >= figures["kept_exact"] - 0.01),
            figures=("kept_hebbian", "kept_exact"),
        ),
        Part(
            says="Random subspaces of the same ranks lose at least 3 points more than learned ones.",
            holds=given(
                _forgotten,
                lambda figures: figures["transfer_random"] <= figures["transfer_hebbian"] - 0.03,
            ),
            figures=("transfer_random", "transfer_hebbian"),
        ),
        Part(
            says="It is not bought by learning less: after the last task it is at least 5 points ahead of "
            "plain gradients.",
            holds=given(
                _forgotten, lambda figures: figures["kept_hebbian"] >= figures["kept_sequential"] + 0.05
            ),
            figures=("kept_hebbian", "kept_sequential"),
        ),
        Part(
            says="With units that fire, backward transfer is at least -2 points too, where it is -12 or less "
            "without.",
            holds=given(_spikes_forgotten, lambda figures: figures["transfer_lif_hebbian"] >= -0.02),
            figures=("transfer_lif_hebbian", "transfer_lif_sequential"),
        ),
    ),
    figures=(
        Figure(name="transfer_{rule}", says="backward transfer, {rule}", unit="share"),
        Figure(name="kept_{rule}", says="accuracy over all tasks after the last, {rule}", unit="share"),
        Figure(name="learned_{rule}", says="accuracy at a task's own end, {rule}", unit="share"),
        Figure(
            name="moved_{rule}", says="change of outputs for images of the first task, {rule}", unit="share"
        ),
    ),
    names={
        "sequential": "plain gradients",
        "hebbian": "Hebbian projection",
        "exact": "exact projection",
        "random": "random projection",
        "lif_sequential": "plain gradients, spikes",
        "lif_hebbian": "Hebbian projection, spikes",
    },
    notes="At the small scale 10,000 images of each task, about two passes, hidden layers of 400 in place of "
    "800, ranks that fit them, and 15 Hebbian steps a batch for the authors' 5, so that a task has as many "
    "as theirs. The limits of the first two parts are from five tasks of 200 units, where backward transfer "
    "was -0.6 to -1.0 with Hebbian projection and up to -10.5 without. Sizes were chosen on another seed "
    "than those that count. The orders of pixels differ between seeds. Units that fire are simpler than the "
    "authors': surrogate gradients through time, 6 steps, and thresholds that stay. At the full scale ranks "
    "grow by the same number with each task, where the authors let them grow ever less.",
    changed=(
        "Before the first run: hidden layers of 400 for 200, and 15 Hebbian steps a batch for 5. On a seed "
        "that does not count, with 5 steps new rows still held much of what old ones hold when a task was "
        "over: backward transfer was -9.5 points at 200 units and -8.7 at 400, and -2.1 and -1.8 with 15, "
        "where exact projection had -1.6 and -1.5. The part about spikes is new.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    part: Callable[[int], Recorded]  # the task of a number
    tasks: int
    images: int  # of each task's training part
    width: int
    steps: int  # of each task
    rows: tuple[int, int, int]  # of the first task: pixels, and the two hidden layers
    then: tuple[int, int, int]  # of each further one
    repeats: int  # Hebbian steps a batch
    rates: tuple[float, float, float] = (0.001, 0.01, 0.01)  # of lateral neurons
    time: int = 6  # steps of an image for units that fire


def permuted_digits(part: int) -> Recorded:
    """The small digits of scikit-learn, their pixels in the order of a seed."""
    task = digits()
    order = torch.randperm(64, generator=torch.Generator().manual_seed(part))

    def permuted(batch: Batch) -> Batch:
        return Batch(batch.x.flatten(1)[:, order].unsqueeze(1), batch.y)

    train, valid, test = (permuted(one) for one in (task.train, task.held_valid, task.held_test))
    return replace(task, train=train, held_valid=valid, held_test=test, inputs=64)


smoke = Scale(
    part=permuted_digits,
    tasks=3,
    images=200,
    width=12,
    steps=3,
    rows=(6, 3, 3),
    then=(6, 2, 2),
    repeats=2,
)
small = Scale(
    part=permuted_mnist,
    tasks=10,
    images=10_000,
    width=400,
    steps=312,
    rows=(80, 80, 60),
    then=(60, 25, 25),
    repeats=15,
)
full = Scale(
    part=permuted_mnist,
    tasks=10,
    images=57_000,
    width=800,
    steps=938,
    rows=(80, 200, 100),
    then=(45, 45, 45),
    repeats=5,
)


class RandomProjection(Projection):
    """The control: held are random directions among those that are left."""

    def see(self, inputs: dict[str, Float[Tensor, "many inputs"]]) -> None:
        self.inputs_of = inputs

    def remember(self) -> None:
        rows = {}
        for name, many in self.wanted(self.inputs_of).items():
            x = self.inputs_of[name]
            drawn = self.beyond(name, torch.randn(many, x.shape[-1], dtype=x.dtype))
            rows[name] = torch.linalg.qr(drawn.mT)[0].mT
        self.over(rows)


class End(NamedTuple):
    """How well a network did after each task, and how far its first outputs moved by the end."""

    after: list[list[float]]  # accuracy after task i on task j <= i
    moved: float


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    tasks = [_cut(scale.part(scale.tasks * lab.seed + part), scale.images) for part in range(scale.tasks)]
    ends = {name: _learn(lab, name, tasks, scale) for name in ARMS}
    figures = {}
    for name, end in ends.items():
        figures[f"transfer_{name}"] = backward_transfer(end.after)
        figures[f"kept_{name}"] = kept(end.after)
        figures[f"learned_{name}"] = float(np.mean([row[-1] for row in end.after]))
        figures[f"moved_{name}"] = end.moved
    lines = np.array([[row[0] for row in end.after] for end in ends.values()])
    axis = np.arange(1.0, scale.tasks + 1)
    title = "The first task while others are learned"
    lab.show(
        "tasks",
        Curve(title, axis, lines, tuple(ends), "tasks so far", "accuracy on the first task", seeds=True),
    )
    return figures


def _cut(task: Recorded, images: int) -> Recorded:
    """So many training images, in memory of their own, so that the others can go."""
    train, test = Batch(*(one[:images].clone() for one in task.train)), Batch(*map(torch.clone, task.test()))
    return replace(task, train=train, held_valid=test, held_test=test)


def _network(name: str, pixels: int, scale: Scale) -> nn.Module:
    if name.startswith("lif_"):
        return SpikingPerceptron(pixels, scale.width, scale.time)
    return Perceptron(pixels, scale.width)


def _rule(name: str, scale: Scale) -> Rule:
    if name in ("hebbian", "lif_hebbian"):
        return HebbianProjection(scale.rows, scale.then, scale.rates, scale.repeats)
    if name == "exact":
        return GradientProjection(scale.rows, scale.then)
    return RandomProjection(scale.rows, scale.then) if name == "random" else Backpropagation()


def _learn(lab: Lab, name: str, tasks: list[Recorded], scale: Scale) -> End:
    """Task after task; read back where it was learned before."""
    path = lab.folder / "checkpoints" / f"{name}.safetensors"
    if path.exists():
        _, words = saved.load(path)
        return End(words["after"], words["moved"])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.seed)
        network, rule = _network(name, tasks[0].train.x[0].numel(), scale).to(lab.device), _rule(name, scale)
        updates, generator, after = torch.optim.SGD(network.parameters(), RATE), lab.generator(), []
        for index, task in enumerate(tasks):
            for _ in fit(network, task, rule, updates, generator, BATCH, range(scale.steps)):
                pass
            if isinstance(rule, GradientProjection):
                rule.remember(network, task.train.x.to(lab.device))
            elif isinstance(rule, HebbianProjection | RandomProjection):
                rule.remember()
            after.append([examine(network, one.test(), CLASSES) for one in tasks[: index + 1]])
            if not index:
                before = _outputs(network, task)
            done = (index + 1) * scale.steps
            right = float(np.mean(after[-1]))
            steps = len(tasks) * scale.steps
            lab.tell(News(lab.folder.name, name, done, steps, float("nan"), right, float("nan")))
    moved = float((_outputs(network, tasks[0]) - before).norm() / before.norm())
    saved.save(path, network.state_dict(), {"after": after, "moved": moved})
    return End(after, moved)


@torch.no_grad()
def _outputs(network: nn.Module, task: Recorded) -> Tensor:
    device = next(network.parameters()).device
    with examined(network):
        return network(task.test().x.to(device))
